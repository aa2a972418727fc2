"""The command line."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from conformance.commands.arguments import parser
from conformance.commands.errors import HARNESS, code_of, sentence
from conformance.commands.neighbours import check


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Whatever goes wrong is one sentence on the standard error stream.
    """
    debug = False
    try:
        arguments = parser().parse_args(argv)
        debug = arguments.debug
        check()
        code = int(importlib.import_module(f"conformance.commands.{arguments.command}").main(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone. Python must not complain about that when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code = code_of(error)
        if debug and code == HARNESS:
            traceback.print_exc()
        sys.stderr.write(sentence(error) + "\n")
    return code
