"""What an exception of the code under test says to its author: where it was raised, the author's own frames first."""

from __future__ import annotations

import linecache
import signal
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MOST_FRAMES: Final = 5
"""Of the author's own frames, the innermost so many are shown."""
MOST_CAUSES: Final = 3
"""So many exceptions of a chain are shown: an exception, and what it was raised from."""
LONGEST_LINE: Final = 200
"""Characters of a line of code or of a message that are shown."""
_SUITE: Final = str(Path(__file__).parents[1])
_EXAMPLES: Final = str(Path(_SUITE, "examples"))
_LIBRARIES: Final = ("site-packages", "dist-packages")


def crash_text(error: BaseException) -> str:
    """Return an exception as a few lines: what was raised, the author's frames from the innermost outwards, causes.

    Frames of the suite are left out. Of a library only the frame that raised is shown, after the author's own.
    """
    lines: list[str] = []
    cause: BaseException | None = error
    for number in range(MOST_CAUSES):
        if cause is None:
            break
        lines.append(f"{'caused by ' if number else ''}{describe_failure(cause)}")
        lines.extend(f"  {line}" for line in _frame_lines(cause))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(lines)


def place_of(error: BaseException) -> str:
    """Return where an exception was raised, such as ``shop/adapter.py:14``.

    It is the innermost frame of the author's own code, or of any code but the suite's; empty where there is none.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown_path(error.filename)}:{error.lineno}"
    own, foreign = _frames(error)
    frame = next(iter(own or foreign), None)
    return "" if frame is None else f"{_shown_path(frame.filename)}:{frame.lineno}"


def located(error: BaseException) -> str:
    """Return an exception in one line with its place: ``KeyError: 'dsn' (at adapter.py:14)``."""
    place = place_of(error)
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg}{f' (at {place})' if place else ''}"
    return f"{describe_failure(error)}{f' (at {place})' if place else ''}"


def describe_failure(error: BaseException) -> str:
    r"""Return an exception as one short line.

    >>> describe_failure(ValueError("no\n such   order"))
    'ValueError: no such order'
    """
    shown = _one_line(str(error))
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def is_signal(interrupt: KeyboardInterrupt) -> bool:
    """Tell a user's Ctrl+C, which a handler of the suite or of Python raises, from an author's own exception."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        return True
    *_, (innermost, _) = traceback.walk_tb(interrupt.__traceback__)
    return _is_suite(innermost.f_code.co_filename)


def cut_between_words(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters: a cut one ends with a whole word, and an ellipsis.

    Half a secret would not be recognised as one when secrets are removed.
    """
    if len(text) <= limit:
        return text
    words = text[:limit]
    return f"{words[: len(words) - len(words.split()[-1])].rstrip()}…" if words.split() else "…"


def _one_line(text: str) -> str:
    return cut_between_words(" ".join(text.split()), LONGEST_LINE)


def _frame_lines(error: BaseException) -> Iterator[str]:
    own, foreign = _frames(error)
    for frame in own[:MOST_FRAMES]:
        yield _frame_line(frame)
    if len(own) > MOST_FRAMES:
        yield f"… {len(own) - MOST_FRAMES} more"
    yield from (f"raised in {_frame_line(frame)}" for frame in foreign[:1])


def _frame_line(frame: traceback.FrameSummary) -> str:
    code = _one_line(linecache.getline(frame.filename, frame.lineno or 0))
    return f"{_shown_path(frame.filename)}:{frame.lineno}, in {frame.name}{f': {code}' if code else ''}"


def _frames(error: BaseException) -> tuple[list[traceback.FrameSummary], list[traceback.FrameSummary]]:
    """Return the author's frames and, where a library raised, that library's, both from the innermost outwards."""
    trace = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    frames = [frame for frame in reversed(trace) if not _is_suite(frame.filename)]
    own = [frame for frame in frames if not _is_library(frame.filename)]
    foreign = []
    for frame in frames:
        if not _is_library(frame.filename):
            break
        foreign.append(frame)
    return own, foreign


def _is_suite(filename: str) -> bool:
    return filename.startswith(_SUITE) and not filename.startswith(_EXAMPLES)


def _is_library(filename: str) -> bool:
    path = Path(filename)
    if filename.startswith("<") or any(name in path.parts for name in _LIBRARIES):
        return True
    return any(path.is_relative_to(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))


def _shown_path(filename: str) -> str:
    """Return a path from the current folder or from its library on; of any other the end, without the user's home."""
    path = Path(filename)
    for name in _LIBRARIES:
        if name in path.parts:
            return str(Path(*path.parts[path.parts.index(name) + 1 :]))
    for folder in (Path.cwd(), Path(sysconfig.get_path("stdlib"))):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(Path(*path.parts[-2:]))
