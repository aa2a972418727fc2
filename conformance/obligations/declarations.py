"""The ways of a shop that it declares: documented, sensible ones that differ from what is expected otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final

from conformance.domain.names import did_you_mean


@dataclass(frozen=True, slots=True)
class Declarations:
    """What an integration says of its own ways, in its adapter, its response to ``start``, or the configuration.

    Attributes:
        captures_on_approval: It takes the whole amount as soon as the customer has approved.
        refunds_on_cancel: It refunds what was captured of an order that is cancelled before it is shipped.
        ends_unshipped_after: How long after the approval it ends by itself an order that was not shipped.
        ends_unpaid_after: How long after its creation it ends by itself an order that was not paid.

    """

    captures_on_approval: bool = False
    refunds_on_cancel: bool = False
    ends_unshipped_after: timedelta | None = None
    ends_unpaid_after: timedelta | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what was declared, by name: true, or a whole number of seconds."""
        values = {name: getattr(self, name) for name in DECLARATIONS}
        return {
            name: round(value.total_seconds()) if isinstance(value, timedelta) else value
            for name, value in values.items()
            if value
        }


DECLARATIONS: Final = tuple(field.name for field in fields(Declarations))
"""The names of what can be declared."""
_PERIODS: Final = frozenset({"ends_unshipped_after", "ends_unpaid_after"})


def declarations_from(stated: Mapping[str, object]) -> Declarations:
    """Return the declarations of a mapping: booleans, and periods as `timedelta` or as a number of seconds.

    Raises:
        ValueError: A name is not known, or a value is of the wrong type; the message says which and what to write.

    """
    values: dict[str, Any] = {}
    for name, value in stated.items():
        if name not in DECLARATIONS:
            raise ValueError(f"{name!r} cannot be declared.{did_you_mean(name, DECLARATIONS)}")
        values[name] = _period(name, value) if name in _PERIODS else _boolean(name, value)
    return Declarations(**values)


def _boolean(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r:.60}: write true or false.")
    return value


def _period(name: str, value: object) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        period = value
    elif isinstance(value, int) and not isinstance(value, bool) and value < 10**10:
        period = timedelta(seconds=value)
    else:
        raise ValueError(f"{name} is {value!r:.60}: write a number of seconds.")
    if period is not None and period <= timedelta():
        raise ValueError(f"{name} is {period}: write more than 0 seconds.")
    return period
