"""What a command writes, and where: click keeps one `Output` for each command, in its context.

With ``--format json`` the standard output has one JSON document and nothing else, and everything that is written for a
person goes to the standard error stream. A document of an error is ``{"error": "…", "exit_code": 2}``. The documents of
the commands stand where they are written: those of a run in `run_document.py`, the others in the commands' modules.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO, cast

import rich_click as click

from conformance.domain.visible_text import visible
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.cli.arguments import Arguments
    from conformance.evidence.redaction import Redactor

Tone = Literal["good", "bad", "open"]
STYLES: Final[Mapping[Tone, str]] = {"good": "bold green", "bad": "bold red", "open": "bold yellow"}
_PLAIN: Final = {
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "…": "...",
    "→": "->",
    "·": "-",
    "\N{NO-BREAK SPACE}": " ",
}
_PLAIN_LETTERS: Final = "cancel-conformance.plain-letters"


class Output:
    """The streams of one command, without the secrets that it learns.

    Attributes:
        debug: whether a fault of the suite is shown with where it happened.
        quiet: whether only the verdict and errors are written.
        verbose: whether lists are written whole.
        is_json: whether the standard output is one JSON document.
        last: what is said once more at the very end of a run.

    """

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.debug = self.quiet = self.verbose = False
        # Until click has read the line, which it cannot where the line is wrong.
        self.is_json = "--format=json" in words or ("--format", "json") in pairwise(words)
        self.last: list[str] = []
        self._stdout: TextIO = sys.stdout
        self._answered = False
        self._stack = ExitStack()
        self._redactor: Redactor | None = None

    def __enter__(self) -> Output:
        self._stack.enter_context(_lasting_streams(self.printable))
        self._stdout = sys.stdout
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def begin(self, arguments: Arguments) -> None:
        """Prepare for a command's body: learn how to write, and collect the secrets of its runs.

        Raises:
            UsageError: it is to be quiet and verbose.

        """
        self.debug, self.quiet, self.verbose = arguments.debug, arguments.quiet, arguments.verbose
        self.is_json = arguments.format == "json"
        if self.quiet and self.verbose:
            raise UsageError("--quiet and --verbose contradict each other: leave one of them out.")
        if self.is_json:
            self._stack.enter_context(redirect_stdout(sys.stderr))
        self._collect_secrets()

    @property
    def is_terminal(self) -> bool:
        """Whether a person sees the standard output."""
        return self._stdout.isatty()

    @property
    def most(self) -> int | None:
        """The most entries of a list that are written; the reports have them all."""
        return None if self.verbose else 5

    def printable(self, text: str) -> str:
        """Return a text as it is shown: without the secrets of the command's runs, and with nothing that is invisible.

        Until a command's body runs, only click writes, such as help in colour.
        """
        return text if self._redactor is None else visible(self._redactor.clean(text))

    def say(self, *lines: str) -> None:
        """Write lines that lead to the result, unless the command is to be quiet."""
        if not self.quiet:
            write(sys.stdout, "".join(f"{line}\n" for line in lines))

    def warn(self, line: str) -> None:
        """Write on the standard error stream what has to be known even where the command is quiet."""
        write(sys.stderr, f"{line}\n")

    def note(self, line: str) -> None:
        """Write a line about the command itself on the standard error stream, unless the command is to be quiet."""
        if not self.quiet:
            write(sys.stderr, f"{line}\n")

    def conclude(self, line: str, tone: Tone) -> None:
        """Write the line that says how a command ended, in colour on a terminal."""
        from rich.console import Console  # noqa: PLC0415 - `--help` needs none of its own
        from rich.text import Text  # noqa: PLC0415

        # A soft wrap leaves the line whole, so that a log can be searched.
        console = Console(file=sys.stdout)
        with console.capture() as written:
            console.print(Text(self.printable(line), STYLES[tone]), soft_wrap=True)
        write(styled(sys.stdout), written.get())

    def answer(self, text: str) -> None:
        """Write what the command was asked for: a text, or a JSON document."""
        self._answered = True
        write(self._stdout, text)

    def answer_json(self, document: Mapping[str, Any]) -> None:
        """Write a JSON document, if the standard output is to have one."""
        if self.is_json:
            self.answer(json.dumps(document, indent=2) + "\n")

    def fail(self, text: str, code: int) -> None:
        """Write an error on the standard error stream, without secrets, and as the document if there is none."""
        text = visible(self._without_secrets(text))
        write(sys.stderr, f"{text}\n")
        if self.is_json and not self._answered:
            self.answer_json({"error": text, "exit_code": code})

    def trace(self, text: str) -> None:
        """Write where the suite itself failed, without secrets."""
        write(sys.stderr, self._without_secrets(text))

    def _collect_secrets(self) -> Redactor:
        from conformance.evidence.redaction import redaction_scope  # noqa: PLC0415 - loaded with a command's body

        if self._redactor is None:
            self._redactor = self._stack.enter_context(redaction_scope())
        return self._redactor

    def _without_secrets(self, text: str) -> str:
        """Return a text without the secrets of the command's runs and of the environment."""
        from conformance.targets.http.credentials import secrets_in  # noqa: PLC0415 - as above

        redactor = self._collect_secrets()
        for secret in secrets_in(os.environ):
            redactor.learn(secret)
        return redactor.clean(text)


def output() -> Output:
    """Return the output of the running command."""
    context = click.get_current_context(silent=True)
    return context.obj if context is not None and isinstance(context.obj, Output) else Output()


class LastingStream:
    """A standard stream that can always be written to: what nobody can read any more is lost, and the command goes on.

    Its evidence and its exit code are wanted all the same, where a reader such as ``head`` has left, a disk is full or
    a terminal is gone.

    Args:
        stream: the stream; None where the process was started without it.
        shown: what a text becomes before it is written.

    """

    def __init__(self, stream: TextIO | None, shown: Callable[[str], str]) -> None:
        self.stream: TextIO = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        self._shown = shown
        self._is_lost = False
        codecs.register_error(_PLAIN_LETTERS, _in_plain_letters)
        reconfigure = getattr(self.stream, "reconfigure", None)
        if reconfigure is not None:
            # Letters that its encoding lacks become plain ones, or their numbers.
            reconfigure(errors=_PLAIN_LETTERS)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write a text, and return its length."""
        self._try(lambda: self.stream.write(self._shown(text)))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what was not written yet."""
        self._try(self.stream.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self._is_lost:
            return
        try:
            action()
        except (OSError, ValueError):
            self._is_lost = True
            discard(self.stream)


@contextmanager
def _lasting_streams(shown: Callable[[str], str]) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, LastingStream(stream, shown)) for stream in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def styled(stream: TextIO) -> TextIO:
    """Return a stream that is written to as it is, for colours of ours: whatever else is in the text is printable."""
    return cast(TextIO, LastingStream(stream.stream, str)) if isinstance(stream, LastingStream) else stream


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters)
    return plain, error.end


def write(stream: TextIO, text: str) -> None:
    """Write a text at once."""
    stream.write(text)
    stream.flush()


def discard(stream: TextIO) -> None:
    """Lose what is still written to a stream. Without that, Python would fail when it flushes at exit."""
    # A stream of a program that calls this one may have no file.
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
