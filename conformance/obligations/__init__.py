"""The merchant's side of Cancel: shop histories, what was seen of a merchant, and its judging. All of it is pure."""
