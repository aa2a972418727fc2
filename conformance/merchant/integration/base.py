"""How a merchant's integration is reached, whichever of the three ways it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from conformance.domain.order import Profile
from conformance.merchant.protocol import ACTIONS, REQUIRED, Order, Setup, Status, View, Webhook
from conformance.obligations.history import TOGETHER
from conformance.targets.transport import TargetError

SECONDS: Final = 10.0
"""How long an action may take at first."""
SHORT: Final = 1.0
"""How long it may take once it is known that some never end."""
MOST: Final = 10**15
"""Minor units. A number without an end cannot even be written down."""
_VIEWED: Final = ("status", "captured", "cancelled", "reference", "authorized", "remaining", "currency")


@dataclass(frozen=True, slots=True)
class MerchantCapabilities:
    """What an integration says of itself."""

    profiles: tuple[Profile, ...]
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class MerchantCallError:
    """How an action ended: ``returned`` with a value, ``raised``, ``hung`` or ``flooded``, and what was said."""

    how: str
    value: Any = None
    told: str = ""


class Integration(Protocol):
    """An integration, and the way to it.

    ``virtual`` says that it lives by the run's clock, ``first`` which API it uses, where that is known beforehand.
    """

    kind: str
    name: str
    virtual: bool
    first: Profile | None
    seconds: float
    """How long an action may take."""

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Reach it for the first time.

        Raises:
            TargetUsageError: it makes no sense.
            TargetError: it cannot be reached.

        """

    def begin(self, setup: Setup) -> None:
        """Begin a history.

        Raises:
            TargetError: it does not come up.

        """

    def call(self, action: str, given: Mapping[str, Any]) -> MerchantCallError:
        """Ask for an action. ``given`` has the values of ``create``'s order, an order's id, an amount, and so on.

        Raises:
            TargetError: it cannot be asked any more.

        """

    def together(self, action: str, given: Mapping[str, Any]) -> list[MerchantCallError]:
        """Ask for the same action twice at the same time.

        Raises:
            TargetError: it cannot be asked any more.

        """

    def close(self) -> None:
        """Leave nothing running."""


def capabilities_from(name: str, profiles: object, actions: object, concurrent: object = False) -> MerchantCapabilities:
    """Return what an integration says of itself.

    Raises:
        TargetError: it does not say it in the words of the protocol.

    """
    known = {profile.value for profile in Profile}
    if not isinstance(profiles, list | tuple | set | frozenset) or not profiles or not set(map(str, profiles)) <= known:
        raise TargetError(f"{name} does not say which APIs it uses: 'profiles' must be a list of {', '.join(known)}.")
    if not isinstance(actions, list | tuple | set | frozenset):
        raise TargetError(f"{name} does not say what it can do: 'actions' must be a list.")
    missing = [one for one in REQUIRED if one not in actions]
    if missing:
        raise TargetError(f"{name} has no {missing[0]!r}: an integration needs {', '.join(REQUIRED)}.")
    offered = frozenset((*(one for one in ACTIONS if one in actions), *((TOGETHER,) if concurrent is True else ())))
    return MerchantCapabilities(tuple(one for one in Profile if one.value in profiles), offered)


def view_from(name: str, value: object) -> dict[str, Any]:
    """Return a view as a mapping of what the merchant keeps.

    Raises:
        TargetError: it is not one. Whoever wrote the adapter is at fault, and nothing is said of the merchant.

    """
    if isinstance(value, View):
        value = asdict(value)
    if not isinstance(value, Mapping):
        raise TargetError(f"The adapter is at fault: local_view of {name} gave {_told(value)}, which is no view.")
    status = value.get("status")
    words = ", ".join(one.value for one in Status)
    if not isinstance(status, str) or status not in {one.value for one in Status}:
        raise TargetError(f"The adapter is at fault: local_view of {name} has the status {_told(status)}, not {words}.")
    long = next((key for key in _VIEWED if isinstance(value.get(key), int) and abs(value[key]) > MOST), None)
    if long is not None:
        raise TargetError(f"The adapter is at fault: local_view of {name} has {long} beyond any sum of money.")
    view = {key: value.get(key) for key in _VIEWED if value.get(key) is not None}
    odd = next((key for key, one in view.items() if not isinstance(one, str | int | float)), None)
    if odd is not None:
        raise TargetError(f"The adapter is at fault: local_view of {name} has {odd} {_told(view[odd])}.")
    return {
        key: repr(one) if isinstance(one, float) else str(one) if isinstance(one, Status) else one
        for key, one in view.items()
    }


def _told(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def as_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an action is given as JSON."""
    out: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Order):
            out[name] = asdict(value)
        elif isinstance(value, Webhook):
            out |= {"name": value.name, "body": dict(value.body)}
        elif hasattr(value, "isoformat"):
            out[name] = value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        else:
            out[name] = value
    return out


def setup_as_json(setup: Setup) -> dict[str, str]:
    """Return where the provider is, as JSON."""
    names = ("profile", "base_url", "client_id", "client_secret", "subscription_key", "msn")
    return {name: getattr(setup, name) for name in names}
