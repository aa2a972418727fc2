"""What the requests of all APIs have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from conformance.domain.api_spec import ApiSpec
from conformance.domain.api_table import spec_of
from conformance.domain.operations import Operation, OperationKind
from conformance.domain.order import Profile
from conformance.domain.registry import Registry

LONGEST_TEXT: Final = 100
MISSING: Final = object()
"""What stands at a path where nothing does."""


@dataclass(frozen=True, slots=True)
class RequestDefaults:
    """What the suite's own requests have: unit, currency, test user, due date."""

    msn: str
    currency: str
    phone: str
    due: str


class PlainBody(NamedTuple):
    """A body as plain as one of the suite's own, with the flag and the amount of the body that it is compared with."""

    body: dict[str, Any]
    flag: Any = None
    amount: Any = MISSING


class ApiRequests(ABC):
    """The requests of one API."""

    profile: ClassVar[Profile]
    bodies_optional: ClassVar[frozenset[OperationKind]] = frozenset()
    """The operations that have a body and need none."""
    empty_bodies_doubtful: ClassVar[frozenset[OperationKind]] = frozenset()
    """The operations of which an empty body may stand for everything that is left."""
    created: ClassVar[tuple[str, str] | None] = None
    """Where the identifier and the amount of a new order stand in the request, or None where one takes more."""

    @property
    def spec(self) -> ApiSpec:
        """The API's row in the table of APIs."""
        return spec_of(self.profile)

    @abstractmethod
    def good_body(
        self, operation: Operation, defaults: RequestDefaults, identifier: str, amount: int
    ) -> dict[str, Any] | None:
        """Return the body of a plain request, or None where it has none."""

    @abstractmethod
    def plain_body(self, body: dict[str, Any], defaults: RequestDefaults) -> PlainBody | None:
        """Return the plain body that a cancel, a capture or a refund is to be compared with, or None if it has none."""

    def flaw(self, operation: Operation, body: dict[str, Any]) -> str:
        """Return the documented demand of this API alone that a body fails, in words; empty where it fails none."""
        return ""

    @abstractmethod
    def names(self, operation: Operation, body: Any) -> Iterator[tuple[Any, frozenset[str]]]:
        """Yield the names of states and log entries in a response, each with those that are documented."""


REQUESTS: Final = Registry[ApiRequests]("requests without a history")


def value_at(body: Any, path: str) -> Any:
    """Return the value at a dotted path, ``MISSING`` if there is none.

    >>> value_at({"amount": {"value": 100}}, "amount.value")
    100
    """
    for name in path.split("."):
        if not isinstance(body, dict) or name not in body:
            return MISSING
        body = body[name]
    return body
