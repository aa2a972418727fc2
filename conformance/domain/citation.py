"""Which rule, and which side of its boundary, a claim, an outcome or a check is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Citation:
    """A rule, or one side of its boundary: ``EC-08``, ``EC-08/absent``.

    ``str()`` returns the form in which evidence and plans store it; ``side`` is empty where a rule has no boundary.
    """

    rule: str
    side: str = ""

    @classmethod
    def parse(cls, text: str) -> Citation:
        """Return the citation that is stored as ``text``."""
        rule, _, side = text.partition("/")
        return cls(rule, side)

    def covers(self, other: Citation) -> bool:
        """Whether this is the same citation, or the whole rule that the other is a side of."""
        return self.rule == other.rule and self.side in ("", other.side)

    def __str__(self) -> str:
        """Return the stored form."""
        return f"{self.rule}/{self.side}" if self.side else self.rule


def rule_of(text: str) -> str:
    """Return the rule of a stored citation: `EC-08` of `EC-08/absent`."""
    return text.partition("/")[0]
