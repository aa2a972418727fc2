"""The entry point of the command line."""

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
"""Seconds that threads have to end after the command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Every error is one sentence on the standard error stream.
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
        # Nobody reads our output any more. Python would fail when it flushes at exit.
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

    A target in this process may leave threads that sleep for an hour; they are not waited for.
    """
    code = main()
    until = time.monotonic() + LEFT_BEHIND
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
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
