"""Minimising: the smallest history that still breaks the same rule for the same reason."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from conformance.steps import History, history_as_json
from conformance.verdict import Finding
from strategies.shrink import candidates

MOST_TRIALS: Final = 400
"""How many candidates are played for one failure before the smallest so far is kept."""

Group = tuple[str, str]
Findings = tuple[Finding, ...]
PlayAll = Callable[[Sequence[History]], Awaitable[Sequence[Findings]]]
"""Plays histories, all at once where the target allows it, and returns each one's findings."""


@dataclass(slots=True)
class Minimiser:
    """Shrinks failing histories. What was played once is remembered, because failures of one defect shrink alike."""

    play_all: PlayAll
    batch: int = 1
    played: dict[str, Findings] = field(default_factory=dict)
    tried: int = 0
    most: int = MOST_TRIALS

    async def minimise(self, history: History, group: Group) -> History:
        """Return the smallest history found that fails with this rule and reason."""
        self.tried = 0
        best = history
        while self.tried < self.most:
            smaller = await self._smaller(best, group)
            if smaller is None:
                return best
            best = smaller
        return best

    async def _smaller(self, history: History, group: Group) -> History | None:
        waiting: list[History] = []
        for candidate in candidates(history):
            waiting.append(candidate)
            if len(waiting) == self.batch:
                found = await self._first(waiting, group)
                if found is not None or self.tried >= self.most:
                    return found
                waiting = []
        return await self._first(waiting, group) if waiting else None

    async def _first(self, histories: Sequence[History], group: Group) -> History | None:
        keys = [json.dumps(history_as_json(history)) for history in histories]
        new = [(key, history) for key, history in zip(keys, histories, strict=True) if key not in self.played]
        if new:
            self.tried += len(new)
            results = await self.play_all([history for _, history in new])
            self.played.update(zip((key for key, _ in new), results, strict=True))
        for key, history in zip(keys, histories, strict=True):
            if any(finding.group == group for finding in self.played[key]):
                return history
        return None
