"""The operations around Cancel: their paths, and their documented messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from conformance.domain.order import Profile


class OperationKind(StrEnum):
    """What an operation does to an order."""

    CREATE = "create"
    DRAFT = "draft"
    READ = "read"
    LOG = "log"
    CANCEL = "cancel"
    CAPTURE = "capture"
    REFUND = "refund"


MODIFYING: Final = frozenset({OperationKind.CANCEL, OperationKind.CAPTURE, OperationKind.REFUND})
"""Operations that change an existing order."""
_NAMES: Final = re.compile(r"\{([^}]*)\}")
BODILESS: Final = frozenset({OperationKind.READ, OperationKind.LOG})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation around Cancel.

    Attributes:
        profile: the API.
        kind: what it does.
        method: its HTTP method.
        path: its path, with the order's identifiers in braces.
        success: the documented statuses of a success, in any version of the description.
        required: dotted paths of the fields that the body must have. For a capture and a refund, which this suite is
            not about, that is the amount alone.
        answered: dotted paths of the fields that a successful response must have.
        body: whether a request may have a body.

    """

    profile: Profile
    kind: OperationKind
    method: str
    path: str
    success: tuple[int, ...] = (200,)
    required: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    body: bool = False

    @property
    def label(self) -> str:
        """Method and path, as descriptions have them."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the braces of the path."""
        return tuple(_NAMES.findall(self.path))

    @property
    def names_order(self) -> bool:
        """Whether the path names an order."""
        return self.kind not in (OperationKind.CREATE, OperationKind.DRAFT)


_BRACES: Final = re.compile(r"\{[^}]*\}")


def without_names(path: str) -> str:
    """Return a path without the names in its braces, which differ among descriptions.

    >>> without_names("/payments/{Reference}/cancel")
    '/payments/{}/cancel'
    """
    return _BRACES.sub("{}", path.rstrip("/"))
