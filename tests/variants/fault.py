"""What a faulty provider is: the embedded provider with one defect, and the rule that it must be caught by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from conformance.order import Profile
from conformance.rulebook import Readings
from conformance.sandbox import Options, Provider
from conformance.sandbox.profile import Profile as Api

A = TypeVar("A", bound=type[Api])

KEPT = Options(auto_cancel_at_deadline=False)
"""What is still reserved at the deadline stays reserved, so that a late cancel has something to release."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty provider.

    ``first`` is the rule that the shortest counterexample names first; ``also`` are the rules that the same defect
    breaks as well, and no others may be blamed for it.
    """

    name: str
    profile: Profile
    provider: Callable[[], Provider]
    first: str
    also: frozenset[str]
    readings: Readings = field(default_factory=Readings.documented)


@dataclass(slots=True)
class Museum:
    """The faulty providers of one API."""

    profile: Profile
    faults: list[Fault] = field(default_factory=list)

    def shows(
        self,
        first: str,
        *also: str,
        options: Options | None = None,
        readings: Readings | None = None,
    ) -> Callable[[A], A]:
        """Register a faulty API under the name of its class."""

        def register(api: A) -> A:
            made: dict[str, Any] = {self.profile.value: api}
            self.faults.append(
                Fault(
                    api.__name__,
                    self.profile,
                    lambda: Provider(options or Options(), **made),
                    first,
                    frozenset(also),
                    readings or Readings.documented(),
                )
            )
            return api

        return register
