"""The capabilities of a target that offers everything."""

PAYMENT_ACTIONS = ("approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds")
CHARGE_ACTIONS = ("become_due", "start_processing", "reserve", "charge", "fail")
EVERYTHING = frozenset({"age", "concurrent", *PAYMENT_ACTIONS, *CHARGE_ACTIONS})
