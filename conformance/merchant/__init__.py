"""Tests a merchant's integration: the suite acts as the provider and the customer, and judges the merchant."""

from conformance.merchant.protocol import (
    Merchant,
    Order,
    Setup,
    Status,
    View,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)

__all__ = ["Merchant", "Order", "Setup", "Status", "View", "Webhook", "WebhookRequest", "WebhookResponse"]
