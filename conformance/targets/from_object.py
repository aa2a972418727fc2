"""Targets that are objects of the caller: an ASGI or WSGI application, or a Python adapter."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from conformance.targets.adapter.target import AdapterTarget
from conformance.targets.http.asgi_wsgi import AsgiTransport, WsgiTransport
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.target import HttpTarget
from conformance.targets.target import Target
from conformance.targets.transport import TargetUsageError

_ADAPTER: Final = ("profiles", "initiate", "cancel", "read")


def target_from_object(value: Any, *, control_url: str | None = None, timeout: float = 30.0) -> Target:
    """Return the target that an object is; nothing is sent yet.

    Args:
        value: an ASGI or WSGI application, or an adapter class or object.
        control_url: the path of an application's own test control API, if it has one.
        timeout: seconds that one response may take.

    Raises:
        TargetUsageError: it is none of these, or an adapter cannot be made.

    """
    name = _name_of(value)
    if all(hasattr(value, method) for method in _ADAPTER):
        if control_url:
            raise TargetUsageError(
                "an adapter does what the test control API is for in its own methods: leave control_url out."
            )
        factory: Callable[[], Any] = value if isinstance(value, type) else lambda: value
        return AdapterTarget(f"python:{name}", factory, timeout=timeout)
    if not callable(value):
        raise TargetUsageError(
            f"{name} is no target: it is neither an application nor an adapter with 'profiles', 'initiate', 'cancel' "
            "and 'read'."
        )
    kind, transport = ("asgi", AsgiTransport) if is_asgi(value) else ("wsgi", WsgiTransport)
    application = transport(f"{kind}:{name}", value, control_url, timeout=timeout)
    return HttpTarget(application, credentials_from(loopback=True))


def is_asgi(application: Callable[..., Any]) -> bool:
    """Tell an ASGI application, called with three arguments, from a WSGI application, called with two."""
    if inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(type(application).__call__):
        return True
    try:
        inspect.signature(application).bind(None, None, None)
    except (TypeError, ValueError):
        return False
    return True


def _name_of(value: Any) -> str:
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}:{named.__qualname__}"
