"""Signed notifications: the Webhooks API, what is due, and how a delivery is signed, varied, forged and sent."""
