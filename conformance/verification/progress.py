"""The progress of a verification: how many of a run's histories were recomputed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeAlias

ShowProgress: TypeAlias = Callable[[int, int], None]
"""Shows how many histories were recomputed, and how many there are."""

_SHOW: Final[ContextVar[ShowProgress | None]] = ContextVar("what shows the progress of a verification", default=None)


@contextmanager
def progress_shown(show: ShowProgress) -> Iterator[None]:
    """Show the progress of the verifications in this block."""
    token = _SHOW.set(show)
    try:
        yield
    finally:
        _SHOW.reset(token)


def show_progress(done: int, total: int) -> None:
    """Show that so many of a run's histories were recomputed, where somebody looks."""
    show = _SHOW.get()
    if show is not None:
        show(done, total)
