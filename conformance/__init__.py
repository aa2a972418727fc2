"""Property-based conformance suite for Cancel in the Vipps MobilePay APIs.

``conformance.run(target, ...)`` tests a target and returns a ``conformance.Result``; both are loaded when first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["Result", "__version__", "run"]

_FACE = {"run": "conformance.api", "Result": "conformance.results.result"}


def __getattr__(name: str) -> Any:
    """Load what the package offers: it is imported by everything below, and can import nothing itself."""
    if name not in _FACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    """Name what is loaded later as well."""
    return sorted({*globals(), *_FACE})
