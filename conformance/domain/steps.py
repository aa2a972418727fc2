"""Steps and histories.

What happens to an order, as plain values that can be stored and replayed. A history is drawn as a whole, never
interactively. Its JSON form is versioned and leaves out defaults. It is the only stored form of a history, in journals
and counterexamples:

    {"version": 1, "profile": "epayment", "steps": [{"do": "initiate"}, {"do": "approve"}, {"do": "cancel"}]}

A person reads the short form, which `history_text.history` takes: ``history('epayment', 'approve', 'cancel')``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from enum import StrEnum
from textwrap import shorten
from typing import Any, Final, TypeAlias

from conformance.domain.api_table import spec_of
from conformance.domain.names import did_you_mean
from conformance.domain.order import ANOTHER_AMOUNT, PART_OF_ANOTHER, Kind, Profile, Standing

HISTORY_VERSION: Final = 1
LONGEST_AGE: Final = timedelta(days=36_525)
"""The longest period of one step."""


UNITS: Final[Mapping[str, int]] = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
"""The units of an age in the short form, in seconds."""


class HistoryError(ValueError):
    """A stored history cannot be executed by this version.

    The message says what is wrong.
    """


class Key(StrEnum):
    """The idempotency key of a cancel."""

    FRESH = "fresh"
    """A key that was never used."""
    SAME = "same"
    """The key of the previous cancel of this order."""
    SPENT = "spent"
    """A key that has just been used to cancel another order."""
    FIRST = "first"
    """The key of the first cancel of this order, whatever was cancelled with other keys since."""
    ANOTHER_OPERATION = "another-operation"
    """The key of this order's last capture or refund; a new key where there was none, or a cancel used it already."""


class Addressee(StrEnum):
    """The order that a cancel is addressed to."""

    OWN = "own"
    UNKNOWN = "unknown"
    """An identifier that was never used."""
    FOREIGN = "foreign"
    """This order, named by another sales unit, or under another agreement."""


class Defect(StrEnum):
    """What is wrong with a cancel request. There is one defect at a time."""

    NO_TOKEN = "no-token"
    BAD_TOKEN = "bad-token"
    NO_BEARER = "no-bearer"
    LOWER_CASE_BEARER = "lower-case-bearer"
    NO_SUBSCRIPTION_KEY = "no-subscription-key"
    BAD_SUBSCRIPTION_KEY = "bad-subscription-key"
    """The subscription key with its last character changed."""
    NO_MSN = "no-msn"
    MALFORMED_JSON = "malformed-json"
    ARRAY_BODY = "array-body"
    FLAG_NOT_BOOLEAN = "flag-not-boolean"
    FLAG_AS_NUMBER = "flag-as-number"
    FLAG_AS_TEXT = "flag-as-text"
    """The flag as the text ``"true"`` or ``"false"``; an absent one as the text ``"false"``."""
    NO_MERCHANT_INFO = "no-merchant-info"
    NO_BODY_MSN = "no-body-msn"
    NO_TRANSACTION = "no-transaction"
    NO_TEXT = "no-text"
    LONG_TEXT = "long-text"
    MSN_AS_INTEGER = "msn-as-integer"
    OTHER_HEADER_MSN = "other-header-msn"
    UNKNOWN_FIELD = "unknown-field"
    MALFORMED_ID = "malformed-id"
    NO_KEY = "no-key"
    LONG_KEY = "long-key"
    ILLEGAL_KEY = "illegal-key"
    MALFORMED_AGREEMENT = "malformed-agreement"


@dataclass(frozen=True, slots=True)
class Initiate:
    """The order is created.

    This is the first step of every history; ``History.steps`` does not list it. ``amount`` is in minor units of the
    market's currency.
    """

    amount: int = 1000
    kind: Kind = Kind.PAYMENT


@dataclass(frozen=True, slots=True)
class Approve:
    """The user approves, and the amount is reserved."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The user rejects."""


@dataclass(frozen=True, slots=True)
class Expire:
    """The user does nothing until the payment times out."""


@dataclass(frozen=True, slots=True)
class Enter3DS:
    """The user is sent into a 3-D Secure session."""


@dataclass(frozen=True, slots=True)
class Leave3DS:
    """The 3-D Secure session ends with a reservation, or without success a rejection."""

    success: bool = True


@dataclass(frozen=True, slots=True)
class Age:
    """Time passes for this order, by a period."""

    by: timedelta


@dataclass(frozen=True, slots=True)
class Capture:
    """The merchant captures an amount, in minor units."""

    amount: int


@dataclass(frozen=True, slots=True)
class Refund:
    """The merchant refunds an amount, in minor units."""

    amount: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The merchant cancels.

    ``flag`` is eCom's ``shouldReleaseRemainingFunds`` or ePayment's ``cancelTransactionOnly``; None leaves it out.
    Recurring has no flag and ignores it.
    """

    flag: bool | None = None
    key: Key = Key.FRESH
    to: Addressee = Addressee.OWN
    defect: Defect | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The merchant reads the order.

    Every step is followed by a read anyway; this one does nothing else.
    """


@dataclass(frozen=True, slots=True)
class StopAgreement:
    """The merchant stops the charge's agreement, alone or with another change."""

    with_other_change: bool = False


@dataclass(frozen=True, slots=True)
class AnotherCharge:
    """The merchant makes another charge of the same agreement, which is brought to where it stands.

    Its state is read back with the order's from then on. Of several, only the last one is.
    """

    stands: Standing = Standing.RESERVED

    @property
    def actions(self) -> tuple[str, ...]:
        """The test control actions that bring it there, in sequence."""
        return {Standing.PENDING: (), Standing.DUE: ("become_due",)}.get(self.stands, ("become_due", "reserve"))

    @property
    def captured(self) -> int:
        """What is captured of it, in minor units."""
        return {Standing.PARTLY_CAPTURED: PART_OF_ANOTHER, Standing.CHARGED: ANOTHER_AMOUNT}.get(self.stands, 0)


@dataclass(frozen=True, slots=True)
class BecomeDue:
    """A pending charge becomes due, 30 days before its due date."""


@dataclass(frozen=True, slots=True)
class StartProcessing:
    """A due charge is being processed."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """A charge is reserved."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge is captured directly."""


@dataclass(frozen=True, slots=True)
class Fail:
    """A charge fails."""


@dataclass(frozen=True, slots=True)
class Together:
    """A plain cancel and another request for the order, sent at the same moment.

    Neither is before the other: ``first`` and ``second`` are only the order in which they are recorded. The order is
    read back after both.
    """

    first: Cancel
    second: Cancel | Capture | Refund | Approve | Reserve | Charge


Step: TypeAlias = (
    Initiate
    | Approve
    | Reject
    | Expire
    | Enter3DS
    | Leave3DS
    | Age
    | Capture
    | Refund
    | Cancel
    | Read
    | StopAgreement
    | AnotherCharge
    | BecomeDue
    | StartProcessing
    | Reserve
    | Charge
    | Fail
    | Together
)

_NAMES: Final[Mapping[type[Any], str]] = {
    Initiate: "initiate",
    Approve: "approve",
    Reject: "reject",
    Expire: "expire",
    Enter3DS: "enter-3ds",
    Leave3DS: "leave-3ds",
    Age: "age",
    Capture: "capture",
    Refund: "refund",
    Cancel: "cancel",
    Read: "read",
    StopAgreement: "stop-agreement",
    AnotherCharge: "another-charge",
    BecomeDue: "become-due",
    StartProcessing: "start-processing",
    Reserve: "reserve",
    Charge: "charge",
    Fail: "fail",
    Together: "together",
}
_CLASSES: Final = {name: cls for cls, name in _NAMES.items()}
STEP_NAMES: Final = tuple(_CLASSES)
"""The names of all steps, as a history's JSON has them."""

RACERS: Final = (Cancel, Capture, Refund, Approve, Reserve, Charge)
"""The steps that can be sent together with a cancel."""

CONTROL_ACTIONS: Final[Mapping[type[Any], str]] = {
    Approve: "approve",
    Reject: "reject",
    Expire: "expire",
    Enter3DS: "start_3ds",
    BecomeDue: "become_due",
    StartProcessing: "start_processing",
    Reserve: "reserve",
    Charge: "charge",
    Fail: "fail",
}
"""The test control action of a step. Leaving 3-D Secure has two; see ``action_of``."""


ACTIONS: Final = (
    "approve", "reject", "expire", "start_3ds", "finish_3ds", "fail_3ds",
    "become_due", "start_processing", "reserve", "charge", "fail",
)  # fmt: skip
"""Every test control action but ageing, in the order in which the steps are named."""


def action_of(step: Step) -> str | None:
    """Return the test control action that makes this step happen.

    The result is None for a request of the merchant.
    """
    if isinstance(step, Leave3DS):
        return "finish_3ds" if step.success else "fail_3ds"
    return CONTROL_ACTIONS.get(type(step))


def actions_for(step: Step) -> tuple[str, ...]:
    """Return every test control action that a step takes, in sequence."""
    if isinstance(step, AnotherCharge):
        return step.actions
    action = action_of(step)
    return () if action is None else (action,)


def actions_of(profile: Profile) -> frozenset[str]:
    """Return the test control actions that an API's steps stand for."""
    steps = spec_of(profile).steps
    actions = {action for cls, action in CONTROL_ACTIONS.items() if _NAMES[cls] in steps}
    return frozenset(actions | ({"finish_3ds", "fail_3ds"} if _NAMES[Leave3DS] in steps else set()))


def parts_of(step: Step) -> tuple[Step, ...]:
    """Return the requests of a step: two that are sent together, or the step itself."""
    return (step.first, step.second) if isinstance(step, Together) else (step,)


def name_of(step: Step) -> str:
    """Return a step's name in a history's JSON."""
    return _NAMES[type(step)]


@dataclass(frozen=True, slots=True)
class History:
    """An order and what happens to it: how it is created, then its steps in sequence."""

    profile: Profile
    opening: Initiate
    steps: tuple[Step, ...]

    @property
    def all_steps(self) -> tuple[Step, ...]:
        """The steps with the opening as the first."""
        return (self.opening, *self.steps)

    def __repr__(self) -> str:
        return f"history({', '.join(map(repr, self._arguments()))})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the history as ``repr`` does, on several lines where one is too short."""
        with printer.group(4, "history(", ")"):
            for number, argument in enumerate(self._arguments()):
                if number:
                    printer.text(",")
                    printer.breakable()
                else:
                    printer.breakable("")
                printer.text(repr(argument))

    def _arguments(self) -> list[str]:
        steps = self.steps if self.opening == Initiate() else self.all_steps
        return [self.profile.value, *map(step_as_text, steps)]


def step_as_json(step: Step) -> dict[str, Any]:
    """Return a step as JSON.

    Its name under ``do``, and the fields that differ from their defaults.

    >>> step_as_json(Cancel(flag=True))
    {'do': 'cancel', 'flag': True}
    """
    data: dict[str, Any] = {"do": name_of(step)}
    for field in fields(step):
        value = getattr(step, field.name)
        if field.default is not MISSING and value == field.default:
            continue
        data[field.name] = _field_as_json(value)
    return data


def step_as_text(step: Step) -> str:
    """Return a step in the short form, which a person can read and write.

    >>> step_as_text(Cancel(flag=True)), step_as_text(Age(timedelta(days=181))), step_as_text(Capture(300))
    ('cancel flag=true', 'age 181 days', 'capture 300')
    """
    if isinstance(step, Together):
        return f"{step_as_text(step.first)} & {step_as_text(step.second)}"
    data = step_as_json(step)
    return " ".join([data.pop("do"), *(_field_as_text(name, value) for name, value in data.items())])


def _field_as_text(name: str, value: Any) -> str:
    if name == "amount":
        return str(value)
    if name == "by":
        return _age_as_text(value)
    return f"{name}={str(value).lower()}"


def _age_as_text(seconds: int) -> str:
    words = []
    for unit, size in UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(words) or "0 days"


def _field_as_json(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _seconds(value)
    return step_as_json(value) if type(value) in _NAMES else value


def history_as_json(history: History) -> dict[str, Any]:
    """Return a history as JSON. Periods are whole seconds; money is minor units."""
    return {
        "version": HISTORY_VERSION,
        "profile": history.profile.value,
        "steps": [step_as_json(step) for step in history.all_steps],
    }


def history_from_json(data: object) -> History:
    """Return the history of a JSON value.

    Raises:
        HistoryError: it is not a history of this version; the message says where.

    """
    if not isinstance(data, dict):
        raise HistoryError("a history is a JSON object with 'version', 'profile' and 'steps'")
    _check_version(data)
    profile = _profile_in(data)
    raw_steps = data.get("steps")
    if not isinstance(raw_steps, list) or not raw_steps:
        raise HistoryError("'steps' must be a list that begins with an 'initiate' step")
    opening, *steps = [_step_from_json(item, f"step {index}") for index, item in enumerate(raw_steps)]
    if not isinstance(opening, Initiate) or any(isinstance(step, Initiate) for step in steps):
        raise HistoryError("a history has exactly one 'initiate' step, and it comes first")
    _check_playable(profile, opening, steps)
    return History(profile, opening, tuple(steps))


def _check_version(data: Mapping[str, Any]) -> None:
    version = data.get("version")
    if version != HISTORY_VERSION or not isinstance(version, int) or isinstance(version, bool):
        raise HistoryError(f"history version {version!r} is not the version {HISTORY_VERSION} played here")


def _profile_in(data: Mapping[str, Any]) -> Profile:
    try:
        return Profile(str(data.get("profile")))
    except ValueError:
        names = ", ".join(profile.value for profile in Profile)
        raise HistoryError(f"profile {data.get('profile')!r} is not one of {names}") from None


def _check_playable(profile: Profile, opening: Initiate, steps: Sequence[Step]) -> None:
    for index, step in enumerate((opening, *steps)):
        for part in parts_of(step):
            if name_of(part) not in spec_of(profile).steps:
                raise HistoryError(f"step {index} ({name_of(part)}) does not exist in {profile.value}")
    if opening.kind not in spec_of(profile).kinds:
        raise HistoryError(f"an order of kind {opening.kind.value!r} does not exist in {profile.value}")


def _seconds(age: timedelta) -> int:
    return age.days * 86_400 + age.seconds


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _flag(value: object) -> bool | None:
    return None if value is None else _boolean(value)


def _money(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("must be a positive whole number of minor units")
    return value


def _age(value: object) -> timedelta:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("must be a whole number of seconds, 0 or more")
    if value > LONGEST_AGE.total_seconds():
        raise ValueError("is more than a hundred years")
    return timedelta(seconds=value)


def _one_of(names: type[StrEnum]) -> Callable[[Any], StrEnum]:
    def read(value: Any) -> StrEnum:
        if value not in list(names):
            raise ValueError(f"{value!r:.80} is unknown. {_known(str(value), [name.value for name in names])}")
        return names(value)

    return read


def _plain_cancel(value: object) -> Step:
    step = _racer(value)
    if not isinstance(step, Cancel):
        raise ValueError("must be a cancel")
    return step


def _racer(value: object) -> Step:
    """Return one of two requests that are sent together.

    A cancel among them is a plain one; they cannot be nested.
    """
    if isinstance(value, dict) and value.get("do") == _NAMES[Together]:
        raise ValueError("cannot be two requests itself")
    step = _step_from_json(value, "the request")
    if not isinstance(step, RACERS) or (isinstance(step, Cancel) and step != Cancel(flag=step.flag)):
        raise ValueError(f"a {name_of(step)} like this cannot be sent together with a cancel")
    return step


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "amount": _money,
    "kind": _one_of(Kind),
    "success": _boolean,
    "by": _age,
    "flag": _flag,
    "key": _one_of(Key),
    "to": _one_of(Addressee),
    "defect": lambda value: None if value is None else _one_of(Defect)(value),
    "with_other_change": _boolean,
    "stands": _one_of(Standing),
    "first": _plain_cancel,
    "second": _racer,
}


def _known(name: str, names: Iterable[str]) -> str:
    """Return what to write instead of an unknown name: the nearest one, or what there is."""
    listed = f"There are: {', '.join(sorted(names)) or 'none'}."
    return did_you_mean(name, names).strip() or shorten(listed, 160, placeholder=" …")


_FIELDS: Final = {cls: frozenset(field.name for field in fields(cls)) for cls in _CLASSES.values()}


def _step_from_json(item: object, place: str) -> Step:
    if not isinstance(item, dict) or not isinstance(item.get("do"), str):
        raise HistoryError(f"{place} has no 'do': {item!r:.80}")
    if item["do"] not in _CLASSES:
        raise HistoryError(f"{place} is {item['do']!r:.80}, which is no step. {_known(item['do'], STEP_NAMES)}")
    cls = _CLASSES[item["do"]]
    known = _FIELDS[cls]
    arguments = {}
    for name, value in item.items():
        if name == "do":
            continue
        if name not in known:
            raise HistoryError(f"{place} ({item['do']}) has no field {name!r}. {_known(name, known)}")
        try:
            arguments[name] = _READERS[name](value)
        except (ValueError, TypeError) as error:
            raise HistoryError(f"{place} ({item['do']}), field {name!r}: {error}") from None
    try:
        step: Step = cls(**arguments)
    except TypeError:
        missing = ", ".join(sorted(known - set(arguments)))
        raise HistoryError(f"{place} ({item['do']}) needs {missing}") from None
    return step
