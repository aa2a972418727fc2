"""Which documented readings a run accepts.

The documentation leaves some outcomes open. By default every documented reading is accepted, and the one that was
observed is reported; a user narrows a switch with ``C8=reject``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from conformance.rulebook.loader import load
from conformance.rulebook.rules import ANY, Switch


class ReadingError(ValueError):
    """A choice of readings that the rulebook does not have. The message says which there are."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The accepted choices of every switch, in the order of the rulebook."""

    accepted: tuple[tuple[str, tuple[str, ...]], ...]
    _table: Mapping[tuple[str, str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up every choice once: ``allows`` is asked for each step of every history."""
        accepted = dict(self.accepted)
        table = {(switch.id, name): name in accepted[switch.id] for switch in load().switches for name in switch.names}
        object.__setattr__(self, "_table", table)

    @classmethod
    def documented(cls) -> Readings:
        """Return the readings that apply when the user chooses nothing."""
        return cls(tuple((switch.id, switch.default) for switch in load().switches))

    @classmethod
    def choose(cls, choices: Iterable[str]) -> Readings:
        """Return the documented readings, narrowed by choices such as ``C8=reject``, ``C8=reject,no-op`` or ``C8=any``.

        Raises:
            ReadingError: a choice is not of that form, or names an unknown, a fixed or an already chosen switch,
                or a choice that the switch does not have.

        """
        chosen: dict[str, tuple[str, ...]] = {}
        for text in choices:
            switch_id, equals, names = (part.strip() for part in text.partition("="))
            if not equals or not names:
                raise ReadingError(f"{text!r} is not a reading: write SWITCH=CHOICE, for example C8=reject.")
            switch = _switch(switch_id)
            if switch.fixed:
                raise ReadingError(f"{switch.id} is fixed: {switch.names[0]} is its only reading. {switch.reason}")
            if switch.id in chosen:
                raise ReadingError(f"{switch.id} is chosen twice: write {switch.id}=FIRST,SECOND to accept several.")
            chosen[switch.id] = _accepted(switch, [name.strip() for name in names.split(",")])
        return cls(tuple((switch.id, chosen.get(switch.id, switch.default)) for switch in load().switches))

    def allows(self, switch_id: str, choice: str) -> bool:
        """Tell whether a choice is accepted; a switch or choice that does not exist raises ``KeyError``."""
        return self._table[switch_id, choice]

    def as_json(self) -> dict[str, list[str]]:
        """Return the accepted choices of every switch, for the evidence."""
        return {switch_id: list(names) for switch_id, names in self.accepted}

    @classmethod
    def from_json(cls, data: Mapping[str, Iterable[str]]) -> Readings:
        """Return the readings that ``as_json`` wrote.

        Raises:
            ReadingError: a switch is missing or unknown, or a choice is.

        """
        chosen = {
            _switch(switch_id).id: _accepted(_switch(switch_id), list(names)) for switch_id, names in data.items()
        }
        missing = [switch.id for switch in load().switches if switch.id not in chosen]
        if missing:
            raise ReadingError(f"These readings were written with another rulebook: {', '.join(missing)} missing.")
        return cls(tuple((switch.id, chosen[switch.id]) for switch in load().switches))


def _switch(switch_id: str) -> Switch:
    try:
        return load().switch(switch_id)
    except KeyError:
        known = ", ".join(switch.id for switch in load().switches if not switch.fixed)
        raise ReadingError(f"There is no switch {switch_id!r}: the ones to choose from are {known}.") from None


def _accepted(switch: Switch, names: list[str]) -> tuple[str, ...]:
    """Return the named choices in the switch's own order, so that equal readings compare equal."""
    if names == [ANY]:
        return switch.names
    unknown = [name for name in names if name not in switch.names]
    if unknown or not names:
        known = ", ".join((*switch.names, ANY))
        raise ReadingError(f"{switch.id} has no choice {', '.join(unknown) or '(none given)'!r}: it has {known}.")
    return tuple(name for name in switch.names if name in names)
