"""The merchant's obligations: histories, what was observed of a merchant, and a judge for each obligation. Pure."""
