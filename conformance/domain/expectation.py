"""What may be observed of a step, and what was observed.

An observation is flat: field names to scalars, in the model's words:

    {"answer.outcome": "refused", "answer.status": 400, "view.captured": 500}

Fields of the response begin with ``answer.``, fields of the order when read back with ``view.``. Of two requests that
were sent together, fields of the second response begin with ``other.``, and ``sent.together`` says whether both were
under way at the same time. A claim permits some values of one field and names the rules that require them. A branch is
a conjunction of claims, one documented outcome of a step. An expectation is the set of branches that the documentation
permits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from conformance.domain.order import Order

Scalar: TypeAlias = str | int | bool | None
Observation: TypeAlias = Mapping[str, Scalar]

ABSENT: Final = "absent"
"""How the value of a missing field is shown."""

ACCEPTED: Final = "accepted"
PENDING: Final = "pending"
REFUSED: Final = "refused"
BROKEN: Final = "broken"
BUSY: Final = "busy"
ODD: Final = "odd"
LOST: Final = "lost"
"""The outcomes of a request: 2xx, 202, 4xx, 5xx, 429, any other response, and no response."""


ANSWER: Final = "answer."
OTHER: Final = "other."
"""Prefixes of a response's fields: of the only request or the first, and of the second of two."""


class OneOf(Struct, frozen=True):
    """The field has one of these values. A boolean never equals a number.

    >>> OneOf((1, "x")).permits(True)
    False
    """

    values: tuple[Scalar, ...]

    def permits(self, value: Scalar) -> bool:
        """Return whether the value is one of them."""
        # Judging asks this half a million times in a run: a generator takes twice as long.
        for permitted in self.values:
            if value == permitted and isinstance(value, bool) == isinstance(permitted, bool):
                return True
        return False

    def as_json(self) -> dict[str, Any]:
        """Return ``{"one-of": [...]}``."""
        return {"one-of": list(self.values)}

    def __str__(self) -> str:
        return " or ".join(_shown(value) for value in self.values)


class Between(Struct, frozen=True):
    """The field is an integer from ``low`` to ``high``, both included.

    It is none of those in ``but``. If ``optional``, it may be missing.
    """

    low: int
    high: int
    but: tuple[int, ...] = ()
    optional: bool = False

    def permits(self, value: Scalar) -> bool:
        """Return whether the value lies in the range."""
        if value is None:
            return self.optional
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
            and value not in self.but
        )

    def as_json(self) -> dict[str, Any]:
        """Return ``{"from": low, "to": high}``.

        It has ``"but": [...]`` and ``"optional": true`` where they apply.
        """
        data: dict[str, Any] = {"from": self.low, "to": self.high}
        if self.but:
            data["but"] = list(self.but)
        return {**data, "optional": True} if self.optional else data

    def __str__(self) -> str:
        exceptions = f" but {', '.join(map(str, self.but))}" if self.but else ""
        optional = f", or {ABSENT}" if self.optional else ""
        return f"{self.low} to {self.high}{exceptions}{optional}"


class Folded(Struct, frozen=True):
    """The field is text that equals one of these when case is ignored.

    If ``optional``, it may be missing.
    """

    values: tuple[str, ...]
    optional: bool = False

    def permits(self, value: Scalar) -> bool:
        """Return whether the text matches."""
        if value is None:
            return self.optional
        return isinstance(value, str) and value.casefold() in {permitted.casefold() for permitted in self.values}

    def as_json(self) -> dict[str, Any]:
        """Return ``{"one-of-ignoring-case": [...]}``."""
        data: dict[str, Any] = {"one-of-ignoring-case": list(self.values)}
        return {**data, "optional": True} if self.optional else data

    def __str__(self) -> str:
        optional = f", or {ABSENT}" if self.optional else ""
        return " or ".join(_shown(value) for value in self.values) + f" (in any case){optional}"


class Mentions(Struct, frozen=True):
    """The field is text that contains one of these, in any case."""

    values: tuple[str, ...]

    def permits(self, value: Scalar) -> bool:
        """Return whether one of them is in the text."""
        return isinstance(value, str) and any(text.casefold() in value.casefold() for text in self.values)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"mentions": [...]}``."""
        return {"mentions": list(self.values)}

    def __str__(self) -> str:
        return "a text that mentions " + " or ".join(_shown(value) for value in self.values)


class NoneOf(Struct, frozen=True):
    """The field has none of these values; it may be missing."""

    values: tuple[Scalar, ...]

    def permits(self, value: Scalar) -> bool:
        """Return whether the value is another."""
        return not OneOf(self.values).permits(value)

    def as_json(self) -> dict[str, Any]:
        """Return ``{"none-of": [...]}``."""
        return {"none-of": list(self.values)}

    def __str__(self) -> str:
        return "anything but " + " or ".join(_shown(value) for value in self.values)


class Missing(Struct, frozen=True):
    """The field is missing."""

    def permits(self, value: Scalar) -> bool:
        """Return whether the field is missing."""
        return value is None

    def as_json(self) -> dict[str, Any]:
        """Return ``{"missing": true}``."""
        return {"missing": True}

    def __str__(self) -> str:
        return ABSENT


Permitted: TypeAlias = OneOf | NoneOf | Between | Folded | Mentions | Missing


class Claim(Struct, frozen=True):
    """The permitted values of a field, and the rules that other values violate.

    A claim without rules is about the suite's own setup: if it fails, nothing is proved about the target.
    """

    field: str
    permitted: Permitted
    rules: tuple[str, ...] = ()

    def holds(self, observed: Observation) -> bool:
        """Return whether the observation has a permitted value."""
        return self.permitted.permits(observed.get(self.field))


class Branch(Struct, frozen=True):
    """One documented outcome of a step.

    Attributes:
        name: what happens, in a few words.
        claims: what the observation must have, all of it.
        after: the resulting order.
        rules: the rules that this outcome is a check of; a name may have the side of a boundary after a slash, as in
            ``KB-02/beyond``.
        readings: the interpretations that this outcome decides, as switch and value.
        proves: whether it proves anything; False if it only means that the response is still to come.
        lasting: whether the order stays so; if False, it is read again before the outcome is believed.

    """

    name: str
    claims: tuple[Claim, ...]
    after: Order
    rules: tuple[str, ...] = ()
    readings: tuple[tuple[str, str], ...] = ()
    proves: bool = True
    lasting: bool = True

    def fits(self, observed: Observation) -> bool:
        """Return whether the observation has everything that is claimed."""
        for claim in self.claims:  # noqa: SIM110 - a generator takes twice as long
            if not claim.holds(observed):
                return False
        return True


class Expectation(Struct, frozen=True):
    """All documented outcomes of a step.

    ``records`` are rules of level SILENT: observed here, never judged.
    """

    branches: tuple[Branch, ...]
    records: tuple[str, ...] = ()


def of_the_other(field: str) -> str:
    """Return the name that a field has in the response to the second of two requests.

    >>> of_the_other("answer.status"), of_the_other("view.state")
    ('other.status', 'view.state')
    """
    return OTHER + field.removeprefix(ANSWER) if field.startswith(ANSWER) else field


def observations_of_each(observed: Observation) -> tuple[Observation, Observation]:
    """Return what each of two requests sent together would show alone."""
    second = {name.replace(OTHER, ANSWER, 1): value for name, value in observed.items() if name.startswith(OTHER)}
    return observed, {name: value for name, value in observed.items() if not name.startswith((ANSWER, OTHER))} | second


def _shown(value: Scalar) -> str:
    if value is None:
        return ABSENT
    return str(value).lower() if isinstance(value, bool) else str(value)
