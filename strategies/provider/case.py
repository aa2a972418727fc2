"""One planned history: what is played, why, and where it stands in the report's coverage grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.domain.steps import History


@dataclass(frozen=True, slots=True)
class Case:
    """A history that a run plays.

    ``label`` says in words what it tries. ``cell`` is its place in the grid, under the keys ``situation``, ``age``,
    ``flag`` and ``share``. ``goals`` are the rules, with the side of a boundary where they have one, that it exercises
    when the target conforms. ``generated`` tells a random draw, which has neither cell nor goals, and
    ``shared`` a history that another run found.
    """

    history: History
    label: str
    cell: Mapping[str, str] = field(hash=False)
    goals: tuple[str, ...]
    generated: bool = False
    shared: bool = False

    @property
    def source(self) -> str:
        """Where it comes from, as the journal has it."""
        return "example" if self.shared else "generated" if self.generated else "systematic"
