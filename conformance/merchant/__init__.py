"""The other side of the wire: the suite plays the provider and the customer, and judges a merchant's integration."""

from conformance.merchant.protocol import Merchant, Order, Setup, Status, View, Webhook

__all__ = ["Merchant", "Order", "Setup", "Status", "View", "Webhook"]
