"""The command ``sandbox``: serves the embedded provider on a local port.

As JSON, once it listens: ``url``, ``control`` (the base of its test control API), and ``environment``, the variables to
set for the credentials that it has invented.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Literal, cast, get_args, get_origin, get_type_hints

import uvicorn

from conformance.cli.arguments import Sandbox
from conformance.cli.exit_codes import ENVIRONMENT
from conformance.cli.output import output
from conformance.cli.signals import SIGNALS
from conformance.domain.names import did_you_mean
from conformance.errors import CommandError, UsageError
from conformance.sandbox import Options, Provider, create_app

HOST: Final = "127.0.0.1"
CREDENTIALS: Final[Mapping[str, str]] = {
    "client_id": "VIPPS_CLIENT_ID",
    "client_secret": "VIPPS_CLIENT_SECRET",
    "subscription_key": "VIPPS_SUBSCRIPTION_KEY",
    "msn": "VIPPS_MSN",
}
"""The options that the environment sets, with their variables."""


def main(arguments: Sandbox) -> int:
    """Serve until a signal asks to stop; return 0."""
    chosen = {name: os.environ[variable] for name, variable in CREDENTIALS.items() if os.environ.get(variable)}
    chosen["market"] = arguments.market
    options = options_from(chosen, arguments.option)
    app = create_app(Provider(options, seed=arguments.seed))
    with _listen(arguments.port) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        for number in SIGNALS:
            signal.signal(number, _stop)
        try:
            _welcome(url, options)
            config = uvicorn.Config(cast("uvicorn._types.ASGIApplication", app), log_level="warning")
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            # The server stops on the signal, and then raises it again.
            return 0
    return 0


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on a socket whose protocol is given.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "there is no such port"
        message = f"Port {port} of {HOST} cannot be listened on ({reason}): take another --port, or 0 for a free one."
        raise CommandError(message, ENVIRONMENT) from None
    return listener


def _welcome(url: str, options: Options) -> None:
    """Say where the provider is, and what it accepts."""
    out = output()
    invented = {
        variable: str(getattr(options, name)) for name, variable in CREDENTIALS.items() if not os.environ.get(variable)
    }
    out.answer_json({"url": url, "control": f"{url}/control", "environment": invented})
    if out.quiet:
        out.conclude(url, "good")
    lines = [f"The embedded provider is at {url}", f"Its test control API is at {url}/control", ""]
    lines.append("It accepts these credentials:" if invented else "It accepts the credentials in the environment.")
    lines += [f"  export {variable}={shlex.quote(text)}" for variable, text in invented.items()]
    lines += ["", f"To test it: cancel-conformance run --target {url} --control-url {url}/control"]
    out.say(*lines, "To stop it: Ctrl+C.")


def options_from(chosen: Mapping[str, str], choices: Sequence[str]) -> Options:
    """Return options from texts.

    ``chosen`` has texts by name, and ``choices`` such as ``second_cancel=repeat``.

    Raises:
        UsageError: a choice is not of that form, names no option, or has a value that the option cannot have.

    """
    kinds = get_type_hints(Options)
    texts = dict(chosen)
    for choice in choices:
        name, equals, text = (part.strip() for part in choice.partition("="))
        if not equals:
            raise UsageError(f"{choice!r} is not an option: write NAME=VALUE.")
        if name in CREDENTIALS:
            raise UsageError(f"{name} comes from the environment: set {CREDENTIALS[name]}.")
        if name not in kinds:
            known = ", ".join(option for option in kinds if option not in CREDENTIALS)
            raise UsageError(
                f"There is no option {name!r}.{did_you_mean(name, kinds)} The ones to choose from are {known}."
            )
        texts[name] = text
    values: dict[str, Any] = {name: _value(name, kinds[name], text) for name, text in texts.items()}
    return Options(**values)


_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _value(name: str, kind: Any, text: str) -> Any:
    choices: Mapping[str, Any] | None = None
    if get_origin(kind) is Literal:
        choices = {str(choice): choice for choice in get_args(kind)}
    elif kind is bool:
        choices = _BOOLEANS
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        choices = {choice.value: choice for choice in kind}
    if choices is not None:
        if text not in choices:
            raise UsageError(f"The option {name} cannot be {text!r}: it can be {', '.join(choices)}.")
        return choices[text]
    if kind is str:
        return text
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        raise UsageError(f"The option {name} cannot be {text!r}: it is a number.") from None
