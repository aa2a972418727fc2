"""What the three ways to reach a merchant's integration have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeGuard

from conformance.domain.order import Profile
from conformance.merchant.protocol import ACTIONS, REQUIRED, Order, Setup, Status, View, Webhook
from conformance.obligations.declarations import DECLARATIONS, Declarations, declarations_from
from conformance.obligations.history import CLOCK, HANDLER, TOGETHER, ZONE
from conformance.targets.crash import crash_text, describe_failure
from conformance.targets.transport import TargetError

ACTION_SECONDS: Final = 10.0
"""How long an action may take at first."""
SHORT_ACTION_SECONDS: Final = 1.0
"""How long an action may take once it is known that some never end."""
LONGEST_CRASH: Final = 1500
"""Characters that are kept of what a service or a command says of a failure."""
LARGEST_AMOUNT: Final = 10**15
"""Minor units. Python refuses to write a number of thousands of digits as text."""
ACTIONS_WITH_OUTPUT: Final = ("start", "create", "local_view", "pay_again")
"""Actions whose response is read."""
LARGEST_OUTPUT: Final = 1_000_000
"""Bytes that are read of a response or of what a command prints."""
TOO_MUCH: Final = "more than anybody can read"
LONGEST_NAME: Final = 80
"""Characters that are kept of the name and of the version of an integration."""
_CAPABILITIES: Final = {"concurrent": TOGETHER, "clock": CLOCK, HANDLER: HANDLER}
"""What an integration states with true, and the capability that it has then."""
_VIEW_FIELDS: Final = (
    "status",
    "captured",
    "cancelled",
    "reference",
    "authorized",
    "remaining",
    "currency",
    "refunded",
)


@dataclass(frozen=True, slots=True)
class MerchantCapabilities:
    """The APIs that an integration uses, the actions that it has, its ways, and what it says of itself."""

    profiles: tuple[Profile, ...]
    actions: frozenset[str]
    declared: Declarations = field(default_factory=Declarations)
    product: str = ""
    version: str = ""
    webhook: tuple[str, str] | None = None
    """The URL and the secret of a webhook that the integration states instead of registering it."""


@dataclass(frozen=True, slots=True)
class ActionResult:
    """How an action ended.

    Attributes:
        ending: ``returned``, ``raised``, ``hung``, ``flooded``, or ``skipped`` where it could not happen.
        value: What was returned.
        message: What was raised, or why it did not end.
        crash: What the merchant's code said of a failure, in a few lines: its exception, its errors, or its response.

    """

    ending: str
    value: Any = None
    message: str = ""
    crash: str = ""

    @property
    def came_back(self) -> bool:
        """Whether the merchant can be asked for more: the action returned or raised."""
        return self.ending in ("returned", "raised")


def raised(error: BaseException) -> ActionResult:
    """Return how an action ended that raised an exception."""
    return ActionResult("raised", None, describe_failure(error), crash_text(error))


class Integration(Protocol):
    """A merchant's integration, and the way to it.

    Attributes:
        kind: ``python``, ``url`` or ``exec``.
        name: What the user wrote to name it.
        virtual: Whether it lives by the run's clock, so that waiting costs no time.
        first: The API that it uses, where that is known before it is reached.
        seconds: How long an action may take.
        vain_pauses: How many histories in a row waited for it in real time and did not come to rest.

    """

    kind: str
    name: str
    virtual: bool
    first: Profile | None
    seconds: float
    vain_pauses: int

    def open(self, setup: Setup) -> MerchantCapabilities:
        """Reach the integration for the first time, and return what it can do.

        Raises:
            TargetUsageError: The integration is named wrongly, or lacks something that every one needs.
            TargetError: It cannot be reached.

        """

    def begin(self, setup: Setup) -> None:
        """Begin a history.

        Raises:
            TargetError: The integration does not start.

        """

    def enter_zone(self, zone: str) -> None:
        """Put the merchant's process into a time zone, such as ``Europe/Oslo``, until the next history begins.

        It is called only where the integration has the capability `ZONE`. A history begins in UTC.

        Raises:
            TargetError: The integration cannot be reached any more.

        """

    def call(self, action: str, arguments: Mapping[str, Any]) -> ActionResult:
        """Ask for an action, such as ``call("capture", {"order_id": "cc-1", "amount": 400})``.

        Raises:
            TargetError: The integration cannot be reached any more.

        """

    def together(self, action: str, arguments: Mapping[str, Any]) -> list[ActionResult]:
        """Ask for the same action twice at the same time.

        Raises:
            TargetError: The integration cannot be reached any more.

        """

    def close(self) -> None:
        """Leave nothing running."""


def capabilities_from(name: str, stated: Mapping[str, object], *, zone: bool) -> MerchantCapabilities:
    """Return the capabilities that an integration states: in its response to ``start``, or as attributes.

    Args:
        name: the integration's name, for messages.
        stated: ``profiles`` and ``actions``, and where they are there ``concurrent``, ``clock``, ``name``, ``version``
            and declarations. Other members are ignored.
        zone: whether its process can be put into another time zone.

    Raises:
        TargetError: The statement does not keep to the protocol.

    """
    profiles, actions = stated.get("profiles"), stated.get("actions")
    known = {profile.value for profile in Profile}
    if not _is_collection(profiles) or not profiles or not set(map(str, profiles)) <= known:
        raise TargetError(f"{name} does not say which APIs it uses: 'profiles' must be a list of {', '.join(known)}.")
    if not _is_collection(actions):
        raise TargetError(f"{name} does not say what it can do: 'actions' must be a list.")
    for action in REQUIRED:
        if action not in actions:
            raise TargetError(f"{name} has no {action!r}: an integration needs {', '.join(REQUIRED)}.")
    offered = frozenset(ACTIONS).intersection(map(str, actions))
    offered |= {capability for member, capability in _CAPABILITIES.items() if stated.get(member) is True}
    offered |= {ZONE} if zone else set()
    webhook = _webhook(name, stated)
    offered |= {HANDLER} if webhook else set()
    # To an integration with a handler every notification is delivered that way.
    offered |= {"deliver"} if HANDLER in offered else set()
    return MerchantCapabilities(
        profiles=tuple(profile for profile in Profile if profile.value in profiles),
        actions=offered,
        declared=_declared(name, stated),
        product=_text(name, stated, "name"),
        version=_text(name, stated, "version"),
        webhook=webhook,
    )


def _webhook(name: str, stated: Mapping[str, object]) -> tuple[str, str] | None:
    """Return the webhook that an integration states, or None; it states both of ``webhook_url`` and its secret."""
    url, secret = stated.get("webhook_url"), stated.get("webhook_secret")
    if url is None and secret is None:
        return None
    if not isinstance(url, str) or not isinstance(secret, str) or not url or not secret:
        raise TargetError(f"{name} must state both webhook_url and webhook_secret, as texts, or none of them.")
    return url, secret


def _declared(name: str, stated: Mapping[str, object]) -> Declarations:
    try:
        return declarations_from({key: stated[key] for key in DECLARATIONS if key in stated})
    except ValueError as error:
        raise TargetError(f"{name} declares its ways wrongly: {error}") from None


def _text(name: str, stated: Mapping[str, object], member: str) -> str:
    """Return what an integration says of itself for the report's headline; empty where it says nothing."""
    value = stated.get(member)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TargetError(f"{name} has the {member} {_shortened(value)}: write a text.")
    return "".join(filter(str.isprintable, value)).strip()[:LONGEST_NAME]


def _is_collection(value: object) -> TypeGuard[Collection[object]]:
    return isinstance(value, list | tuple | set | frozenset)


def view_from(name: str, value: object) -> dict[str, Any]:
    """Return what ``local_view`` returned as JSON, without the fields that the merchant does not keep.

    Raises:
        TargetError: The value is not a view. That is a defect of the adapter, and says nothing of the merchant.

    """
    if isinstance(value, View):
        value = asdict(value)
    if not isinstance(value, Mapping):
        raise _adapter_fault(name, f"gave {_shortened(value)}, which is no view")
    _check_status(name, value.get("status"))
    view = {part: value.get(part) for part in _VIEW_FIELDS if value.get(part) is not None}
    for part, member in view.items():
        if isinstance(member, int) and abs(member) > LARGEST_AMOUNT:
            raise _adapter_fault(name, f"has {part} beyond any sum of money")
    for part, member in view.items():
        if not isinstance(member, str | int | float):
            raise _adapter_fault(name, f"has {part} {_shortened(member)}")
    return {part: _as_json_value(member) for part, member in view.items()}


def _check_status(name: str, status: object) -> None:
    known = [word.value for word in Status]
    if not isinstance(status, str) or status not in known:
        raise _adapter_fault(name, f"has the status {_shortened(status)}, not {', '.join(known)}")


def _adapter_fault(name: str, problem: str) -> TargetError:
    return TargetError(f"The adapter is at fault: local_view of {name} {problem}.")


def _as_json_value(value: Any) -> Any:
    """Return a view's value for a record; a float as its text, so that it cannot pass for minor units."""
    if isinstance(value, float):
        return repr(value)
    return str(value) if isinstance(value, Status) else value


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def call_twice(
    call: Callable[[str, Mapping[str, Any]], ActionResult], action: str, arguments: Mapping[str, Any]
) -> list[ActionResult]:
    """Return the results of an action that two threads ask for at the same time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(call, (action, action), (arguments, arguments)))


def as_json(arguments: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """Return an action's arguments as JSON: orders and webhooks as objects, times in UTC with milliseconds.

    ``now`` is the run's time, which every action of a history carries.
    """
    content: dict[str, Any] = {} if now is None else {"now": time_as_text(now)}
    for name, value in arguments.items():
        if isinstance(value, Order):
            content[name] = asdict(value)
        elif isinstance(value, Webhook):
            content |= {"name": value.name, "body": dict(value.body)}
        elif isinstance(value, datetime):
            content[name] = time_as_text(value)
        else:
            content[name] = value
    return content


def time_as_text(moment: datetime) -> str:
    """Return a time in UTC as ISO 8601 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def setup_as_json(setup: Setup) -> dict[str, str]:
    """Return where the provider is, and the credentials, as JSON."""
    names = ("profile", "base_url", "client_id", "client_secret", "subscription_key", "msn")
    return {name: getattr(setup, name) for name in names}
