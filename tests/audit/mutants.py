"""What a mutant of our own pipeline is: one thing that goes wrong on the way from an observation to the headline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant, what the command must exit with where it is at work, and words that it must say.

    ``provider`` names the one that is played against, or whose evidence is changed: ``right``, or ``wrong``.
    """

    name: str
    does: str
    apply: Callable[..., Any]
    code: int
    says: str
    provider: str


class Mutants:
    """The mutants of one part of the pipeline, in the order in which they are written."""

    def __init__(self) -> None:
        self.all: list[Mutant] = []

    def caught(self, code: int, says: str, provider: str = "wrong") -> Callable[[Any], Any]:
        """Register a mutant under its name, with how it is caught."""

        def register(function: Any) -> Any:
            self.all.append(Mutant(function.__name__, function.__doc__ or "", function, code, says, provider))
            return function

        return register
