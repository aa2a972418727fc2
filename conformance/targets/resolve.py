"""From a target's name on the command race to the target."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.sandbox import Provider
from conformance.targets.adapter.target import AdapterTarget
from conformance.targets.http.asgi_wsgi import AsgiTransport, WsgiTransport
from conformance.targets.http.credentials import credentials_from
from conformance.targets.http.embedded import EmbeddedTransport
from conformance.targets.http.remote import RemoteTransport
from conformance.targets.http.target import HttpTarget
from conformance.targets.import_object import import_object
from conformance.targets.target import Target
from conformance.targets.transport import TargetUsageError

KINDS = "'embedded', an http:// or https:// URL, 'asgi:module:app', 'wsgi:module:app' or 'python:module:Adapter'"


def resolve_target(
    target: str,
    *,
    control_url: str | None = None,
    concurrency: int | None = None,
    environment: Mapping[str, str] | None = None,
    seed: int = 0,
    timeout: float = 30.0,
) -> Target:
    """Return the target of that name; nothing is sent yet.

    Args:
        target: ``embedded``, a base URL, ``asgi:module:app``, ``wsgi:module:app`` or ``python:module:Adapter``.
        control_url: the base of the target's test control API, if it has one.
        concurrency: how many histories run at once; None for the default of the kind of target.
        environment: holds credentials, proxies and certificates; None for this process's.
        seed: decides the embedded provider's identifiers.
        timeout: seconds that one response may take.

    Raises:
        TargetUsageError: the arguments make no sense. The message is one sentence.

    """
    _check_numbers(concurrency, timeout)
    target = target.strip()
    scheme, colon, place = target.partition(":")
    kind = scheme.lower()
    match kind + colon:
        case "http:" | "https:":
            server = RemoteTransport(target, control_url, timeout=timeout, environment=environment)
            return _server(server, environment, concurrency)
        case "embedded":
            return _embedded(control_url, concurrency, environment, seed)
        case "python:":
            _check_one_at_a_time(target, concurrency)
            return _adapter(target, place, control_url, timeout)
        case "asgi:" | "wsgi:":
            _check_one_at_a_time(target, concurrency)
            return _application(kind, target, place, control_url, environment, timeout)
    raise TargetUsageError(f"{target!r} is not a kind of target: use {KINDS}.{_suggestion(target)}")


def _suggestion(target: str) -> str:
    """Return a question about what was meant by a target without its kind; empty where nothing is likely."""
    host, colon, rest = target.partition(":")
    if "/" in host or "." in host or host == "localhost" or rest.partition("/")[0].isdecimal():
        port = rest.partition("/")[0]
        if not colon or port.isdecimal():
            scheme = "http" if host.partition("/")[0] in ("localhost", "127.0.0.1") else "https"
            return f" Did you mean {scheme}://{target}?"
    if colon and all(part.isidentifier() for part in (*host.split("."), *rest.split("."))):
        return f" Did you mean asgi:{target} or python:{target}?"
    return ""


def _check_one_at_a_time(target: str, concurrency: int | None) -> None:
    if concurrency not in (None, 1):
        raise TargetUsageError(f"{target} is called in this process, one history at a time: leave --concurrency out.")


def _check_numbers(concurrency: int | None, timeout: float) -> None:
    if concurrency is not None and concurrency < 1:
        raise TargetUsageError("--concurrency must be at least 1.")
    if not timeout > 0:
        raise TargetUsageError("the timeout must be a number of seconds above 0.")


def _server(server: RemoteTransport, environment: Mapping[str, str] | None, concurrency: int | None) -> Target:
    credentials = credentials_from(environment, loopback=server.base.loopback)
    return HttpTarget(server, credentials, concurrency=concurrency)


def _embedded(
    control_url: str | None, concurrency: int | None, environment: Mapping[str, str] | None, seed: int
) -> Target:
    if control_url:
        raise TargetUsageError("the embedded provider has its own test control API: leave --control-url out.")
    provider = EmbeddedTransport(Provider(seed=seed), seed)
    return HttpTarget(provider, credentials_from(environment, embedded=True), concurrency=concurrency)


def _application(
    kind: str,
    target: str,
    place: str,
    control_url: str | None,
    environment: Mapping[str, str] | None,
    timeout: float,
) -> Target:
    transport = AsgiTransport if kind == "asgi" else WsgiTransport
    app = transport(target, import_object(kind, place), control_url, timeout=timeout)
    return HttpTarget(app, credentials_from(environment, loopback=True))


def _adapter(target: str, place: str, control_url: str | None, timeout: float) -> Target:
    if control_url:
        raise TargetUsageError(
            "an adapter does what the test control API is for in its own methods: leave --control-url out."
        )
    adapter = import_object("python", place)
    is_instance = not isinstance(adapter, type) and hasattr(adapter, "cancel")
    if not is_instance and not callable(adapter):
        raise TargetUsageError(
            f"{target} is no adapter: name a class that has 'profiles', 'initiate', 'cancel' and 'read'."
        )
    return AdapterTarget(target, (lambda: adapter) if is_instance else adapter, timeout=timeout)
