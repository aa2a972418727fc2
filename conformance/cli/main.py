"""The command line."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from conformance.cli.arguments import parser
from conformance.cli.exit_codes import HARNESS, code_of, sentence

if TYPE_CHECKING:
    from conformance.evidence.redaction import Redactor

LEFT_BEHIND: Final = 2.0
"""Seconds that threads have to end when everything is done."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Whatever goes wrong is one sentence on the standard error stream.
    """
    from conformance.evidence.redaction import redaction_scope  # noqa: PLC0415 - loaded with a command, not before

    with redaction_scope() as redactor:
        return _run(argv, redactor)


def _run(argv: Sequence[str] | None, redactor: Redactor) -> int:
    debug = False
    try:
        arguments = parser().parse_args(argv)
        debug = arguments.debug
        code = int(importlib.import_module(f"conformance.cli.commands.{arguments.command}").main(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone. Python must not complain about that when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code = code_of(error)
        if debug and code == HARNESS:
            sys.stderr.write(_clean(traceback.format_exc(), redactor))
        sys.stderr.write(_clean(sentence(error), redactor) + "\n")
    return code


def entry() -> NoReturn:
    """Run the command line as a process, and end it.

    What was tested in this process may have left threads behind that sleep for an hour; nobody waits for them.
    """
    code = main()
    until = time.monotonic() + LEFT_BEHIND
    for one in threading.enumerate():
        if one is not threading.current_thread() and not one.daemon:
            one.join(max(0.0, until - time.monotonic()))
            if one.is_alive():
                with contextlib.suppress(OSError, ValueError):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(code)
    sys.exit(code)


def _clean(text: str, redactor: Redactor) -> str:
    """Return a text without the secrets of the command's runs and of the environment."""
    from conformance.targets.http.credentials import secrets_in  # noqa: PLC0415

    for secret in secrets_in(os.environ):
        redactor.learn(secret)
    return redactor.clean(text)
