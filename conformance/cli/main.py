"""The entry point of the command line. ``cli`` is its group of commands, as click knows it."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import rich_click as click
from click.exceptions import Exit
from click.shell_completion import shell_complete

from conformance.cli.arguments import COMPLETE, PROGRAM, cli
from conformance.cli.output import Output, discard
from conformance.cli.supervision import run_watched
from conformance.errors import USAGE, shortened

__all__ = ["cli", "entry", "main"]

SELDOM: Final = (20_000, 10, 10)
"""How many new objects, and how many collections of a younger generation, come before each collection of garbage."""
LEFT_BEHIND: Final = 2.0
"""Seconds that threads have to end after the command."""

_TESTED: Final[Mapping[str | None, str]] = {"run": "--target", "fuzz": "--target", "merchant": "--integration"}
"""The options that name what is tested, by command."""
_ELSEWHERE: Final[Mapping[tuple[str | None, str], str]] = {
    ("merchant", "--target"): "Did you mean '--integration'?",
    ("run", "--integration"): "The command 'merchant' tests an integration.",
}
"""What to say of an option that is another command's."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Every error is one sentence on the standard error stream.
    """
    if instruction := os.environ.get(COMPLETE):
        return shell_complete(cli, {}, PROGRAM, COMPLETE, instruction)
    words = list(sys.argv[1:] if argv is None else argv)
    with Output(words) as output:
        try:
            with cli.make_context(PROGRAM, words, obj=output) as context:
                code = int(cli.invoke(context))
        except Exit as ended:
            code = ended.exit_code
        except click.UsageError as error:
            code = USAGE
            output.fail(_usage_sentence(error), code)
        # Code of a target may even ask to end the process: only a verdict is a 0.
        except BaseException as error:
            # What these need is loaded here, because `--help` needs none of it.
            from conformance.cli.exit_codes import HARNESS, code_of, sentence  # noqa: PLC0415

            code = code_of(error)
            # Whatever goes wrong while this is said, the code stays.
            with contextlib.suppress(Exception):
                if output.debug and code == HARNESS:
                    output.trace(traceback.format_exc())
                output.fail(sentence(error), code)
    return code


def _usage_sentence(error: click.UsageError) -> str:
    """Return an error of click's in one line, with what it suggests, and where there is help."""
    text = shortened(" ".join(error.format_message().split()))
    command = None if error.ctx is None else error.ctx.command.name
    if isinstance(error, click.NoSuchOption) and (hint := _ELSEWHERE.get((command, error.option_name))):
        text = f"No such option {error.option_name!r}. {hint}"
    elif text.startswith("Got unexpected extra argument") and command in _TESTED:
        text = f"{text.removesuffix('.')}: name what to test with {_TESTED[command]}."
    path = PROGRAM if error.ctx is None else error.ctx.command_path
    return f"{text if text.endswith(('.', '?', '?)')) else f'{text}.'} See {path} --help."


def entry() -> NoReturn:
    """Run the command line as a process, and end it.

    A target in this process may leave threads that sleep for an hour; they are not waited for.
    """
    # Most of what a command makes lives as long as its process: looking for garbage is seldom worth its time.
    gc.set_threshold(*SELDOM)
    _keep_core()
    _open_streams()
    # Whatever is written after the command, such as by a target at exit, changes no exit code. What is registered first
    # is called last.
    atexit.register(_flush)
    code = run_watched(main)
    until = time.monotonic() + LEFT_BEHIND
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                _flush()
                os._exit(code)
    sys.exit(code)


def _keep_core() -> None:
    """Let no core file be written: it would have all secrets of the process."""
    # Windows has no limits.
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _open_streams() -> None:
    """Open the standard streams that are closed: the next file that is opened would be taken for one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Processes that are started inherit them as if they had been there.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - as long as the process


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                discard(stream)
