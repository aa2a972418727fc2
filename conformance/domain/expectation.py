"""What may be observed, and what was: the values that the model produces and the verdict compares.

An observation is flat: field names to scalars, in the model's words (``answer.status``, ``view.captured``). Of two
requests that were sent together, the second one's answer is ``other.``, and ``sent.together`` says whether both were
under way at the same time. A claim permits some values of one field and names the rules that say so. A branch is a
conjunction of claims, one documented way for a step to turn out; an expectation is the set of branches that the
documentation leaves open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from conformance.domain.order import Order

Scalar: TypeAlias = str | int | bool | None
Observation: TypeAlias = Mapping[str, Scalar]

ABSENT: Final = "absent"
"""How a field that an answer does not have is shown."""

ACCEPTED: Final = "accepted"
PENDING: Final = "pending"
REFUSED: Final = "refused"
BROKEN: Final = "broken"
BUSY: Final = "busy"
ODD: Final = "odd"
LOST: Final = "lost"
"""The outcomes of a request: 2xx, 202, 4xx, 5xx, 429, anything else, and no answer at all."""


ANSWER: Final = "answer."
OTHER: Final = "other."
"""How the fields of an answer begin: of the only request or the first, and of the second of two."""
SENT_TOGETHER: Final = "sent.together"
UNANSWERED: Final = "answer.unanswered"
"""How often the request was sent before, with the same key, and not answered. Missing where it was answered at once."""
PAGE: Final = "answer.page"
"""Whether the answer is a web page: of something between us and the target, which speaks JSON."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field has one of these values. Numbers and text are never equal to each other."""

    values: tuple[Scalar, ...]

    def permits(self, value: Scalar) -> bool:
        """Tell whether the value is one of them."""
        return any(
            value == permitted and isinstance(value, bool) == isinstance(permitted, bool) for permitted in self.values
        )

    def as_json(self) -> dict[str, Any]:
        """Return ``{"one-of": [...]}``."""
        return {"one-of": list(self.values)}

    def __str__(self) -> str:
        return " or ".join(_shown(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Between:
    """The field is a whole number between two others (both included) and none of the exceptions.

    An optional one may be missing.
    """

    low: int
    high: int
    but: tuple[int, ...] = ()
    optional: bool = False

    def permits(self, value: Scalar) -> bool:
        """Tell whether the value lies in the range."""
        if value is None:
            return self.optional
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
            and value not in self.but
        )

    def as_json(self) -> dict[str, Any]:
        """Return ``{"from": low, "to": high}``, with ``but`` where there are exceptions, and whether it is optional."""
        out: dict[str, Any] = {"from": self.low, "to": self.high}
        if self.but:
            out["but"] = list(self.but)
        return {**out, "optional": True} if self.optional else out

    def __str__(self) -> str:
        exceptions = f" but {', '.join(map(str, self.but))}" if self.but else ""
        optional = f", or {ABSENT}" if self.optional else ""
        return f"{self.low} to {self.high}{exceptions}{optional}"


@dataclass(frozen=True, slots=True)
class Folded:
    """The field is text that equals one of these when case is ignored. An optional one may be missing."""

    values: tuple[str, ...]
    optional: bool = False

    def permits(self, value: Scalar) -> bool:
        """Tell whether the text matches."""
        if value is None:
            return self.optional
        return isinstance(value, str) and value.casefold() in {permitted.casefold() for permitted in self.values}

    def as_json(self) -> dict[str, Any]:
        """Return ``{"one-of-ignoring-case": [...]}``."""
        out: dict[str, Any] = {"one-of-ignoring-case": list(self.values)}
        return {**out, "optional": True} if self.optional else out

    def __str__(self) -> str:
        optional = f", or {ABSENT}" if self.optional else ""
        return " or ".join(_shown(value) for value in self.values) + f" (in any case){optional}"


@dataclass(frozen=True, slots=True)
class Mentions:
    """The field is text that contains one of these, in any case."""

    values: tuple[str, ...]

    def permits(self, value: Scalar) -> bool:
        """Tell whether one of them is in the text."""
        return isinstance(value, str) and any(wanted.casefold() in value.casefold() for wanted in self.values)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"mentions": [...]}``."""
        return {"mentions": list(self.values)}

    def __str__(self) -> str:
        return "a text that mentions " + " or ".join(_shown(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The field has none of these values; it may be missing."""

    values: tuple[Scalar, ...]

    def permits(self, value: Scalar) -> bool:
        """Tell whether the value is another one."""
        return not OneOf(self.values).permits(value)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"none-of": [...]}``."""
        return {"none-of": list(self.values)}

    def __str__(self) -> str:
        return "anything but " + " or ".join(_shown(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Missing:
    """The answer does not have the field."""

    def permits(self, value: Scalar) -> bool:
        """Tell whether the field is missing."""
        return value is None

    def as_json(self) -> dict[str, Any]:
        """Return ``{"missing": true}``."""
        return {"missing": True}

    def __str__(self) -> str:
        return ABSENT


Permitted: TypeAlias = OneOf | NoneOf | Between | Folded | Mentions | Missing


@dataclass(frozen=True, slots=True)
class Claim:
    """One field's permitted values, and the rules that fail when it has another.

    A claim without rules is about our own preparations: when it fails, nothing was proved about the target.
    """

    field: str
    permitted: Permitted
    rules: tuple[str, ...] = ()

    def holds(self, observed: Observation) -> bool:
        """Tell whether the observation has a permitted value."""
        return self.permitted.permits(observed.get(self.field))


@dataclass(frozen=True, slots=True)
class Branch:
    """One documented way for a step to turn out.

    ``rules`` are the rules of which this outcome is an example; a name may carry the side of a boundary after a slash
    (``KB-02/beyond``). ``readings`` are the switches that this outcome decides. ``after`` is the order that results.
    A branch that ``proves`` nothing is permitted, but says no more than that the answer is still to come. One that is
    not ``lasting`` may soon look otherwise: the order is read again before it is believed.
    """

    name: str
    claims: tuple[Claim, ...]
    after: Order
    rules: tuple[str, ...] = ()
    readings: tuple[tuple[str, str], ...] = ()
    proves: bool = True
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Expectation:
    """All the ways in which a step may turn out. ``records`` are rules of silence: observed here, never judged."""

    branches: tuple[Branch, ...]
    records: tuple[str, ...] = ()


def of_the_other(field: str) -> str:
    """Return the name that a field of an answer has in the answer to the second of two requests.

    >>> of_the_other("answer.status"), of_the_other("view.state")
    ('other.status', 'view.state')
    """
    return OTHER + field.removeprefix(ANSWER) if field.startswith(ANSWER) else field


def told_apart(observed: Observation) -> tuple[Observation, Observation]:
    """Return an observation as each of two requests would show it alone."""
    other = {name.replace(OTHER, ANSWER, 1): value for name, value in observed.items() if name.startswith(OTHER)}
    return observed, {name: value for name, value in observed.items() if not name.startswith((ANSWER, OTHER))} | other


def claim_as_json(claim: Claim) -> dict[str, Any]:
    """Return a claim as JSON."""
    return {"field": claim.field, "permitted": claim.permitted.as_json(), "rules": list(claim.rules)}


def expectation_as_json(expectation: Expectation) -> list[dict[str, Any]]:
    """Return the branches that would have proved something as JSON, as the journal keeps them."""
    return [
        {
            "name": branch.name,
            "rules": list(branch.rules),
            "readings": dict(branch.readings),
            "claims": [claim_as_json(claim) for claim in branch.claims],
        }
        for branch in expectation.branches
        if branch.proves
    ]


def _shown(value: Scalar) -> str:
    if value is None:
        return ABSENT
    return str(value).lower() if isinstance(value, bool) else str(value)
