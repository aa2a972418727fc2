"""Property-based conformance suite for Cancel in the Vipps MobilePay APIs.

``conformance.run(target, ...)`` tests a target and returns a ``conformance.Result``. For tests of one's own there are
``histories`` and ``assert_conforms``, ``cancel_machine``, and for merchants ``merchant_histories`` and
``assert_handles``: see ``docs/how-to/pytest-and-hypothesis.md``. All names are loaded when they are first used; their
types are in ``__init__.pyi``.
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = [
    "CancelConformance",
    "CancelMachine",
    "History",
    "InconclusiveError",
    "MerchantHistory",
    "NotTestedError",
    "NotTestedWarning",
    "OpenTarget",
    "Result",
    "TargetError",
    "ViolationError",
    "__version__",
    "assert_conforms",
    "assert_conforms_async",
    "assert_handles",
    "cancel_machine",
    "histories",
    "history",
    "merchant_histories",
    "merchant_history",
    "open_target",
    "run",
]

_FACE = {
    "CancelConformance": "conformance.merchant.fixture",
    "CancelMachine": "conformance.api.machine",
    "History": "conformance.domain.steps",
    "InconclusiveError": "conformance.errors",
    "MerchantHistory": "conformance.obligations.history",
    "NotTestedError": "conformance.errors",
    "NotTestedWarning": "conformance.errors",
    "OpenTarget": "conformance.api.open_targets",
    "Result": "conformance.results.result",
    "TargetError": "conformance.targets.transport",
    "ViolationError": "conformance.errors",
    "assert_conforms": "conformance.api.assertions",
    "assert_conforms_async": "conformance.api.assertions",
    "assert_handles": "conformance.merchant.assertions",
    "cancel_machine": "conformance.api.machine",
    "histories": "conformance.api.drawn_histories",
    "history": "conformance.domain.history_text",
    "merchant_histories": "conformance.merchant.assertions",
    "merchant_history": "conformance.obligations.history_text",
    "open_target": "conformance.api.open_targets",
    "run": "conformance.api",
}


def __getattr__(name: str) -> Any:
    """Load what the package offers: it is imported by everything below, and can import nothing itself."""
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    """Name what is loaded later as well."""
    return sorted({*globals(), *_FACE})
