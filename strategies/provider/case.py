"""A planned test case: the history, why it is run, and where it stands in the report's coverage grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.domain.steps import History


@dataclass(frozen=True, slots=True)
class Case:
    """A history that a run uses.

    Attributes:
        history: The history.
        label: What it tries, in words.
        cell: Its place in the coverage grid, under the keys ``situation``, ``age``, ``flag`` and ``share``; empty for a
            drawn history.
        goals: The rules that it exercises when the target conforms, each with the side of its boundary where it has
            one, such as ``KB-02/within``; empty for a drawn history.
        generated: Whether it was drawn.
        shared: Whether another run found it.

    """

    history: History
    label: str
    cell: Mapping[str, str] = field(hash=False)
    goals: tuple[str, ...]
    generated: bool = False
    shared: bool = False

    @property
    def source(self) -> str:
        """Where it comes from, in the journal's words."""
        return "example" if self.shared else "generated" if self.generated else "systematic"
