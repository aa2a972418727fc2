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
from typing import Final, NoReturn

from conformance.cli.arguments import parser
from conformance.cli.exit_codes import HARNESS, code_of, sentence

LEFT_BEHIND: Final = 2.0
"""Seconds that threads have to end when everything is done."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Whatever goes wrong is one sentence on the standard error stream.
    """
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
            sys.stderr.write(_clean(traceback.format_exc()))
        sys.stderr.write(_clean(sentence(error)) + "\n")
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


def _clean(text: str) -> str:
    """Return a text without the secrets that were met, or that stand in the environment."""
    from conformance.evidence.redaction import EVERYWHERE  # noqa: PLC0415
    from conformance.targets.http.credentials import secrets_in  # noqa: PLC0415

    for secret in secrets_in(os.environ):
        EVERYWHERE.learn(secret)
    return EVERYWHERE.clean(text)
