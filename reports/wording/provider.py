"""Sentences about steps, ages, amounts, fields and permitted values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from conformance.domain.api_table import spec_of
from conformance.domain.expectation import Between, Folded, Mentions, Missing, NoneOf, OneOf, Permitted, Scalar
from conformance.domain.order import Kind, Profile
from conformance.domain.request_words import ADDRESSEES, KEYS, defect_in_words
from conformance.domain.steps import (
    Age,
    AnotherCharge,
    Approve,
    BecomeDue,
    Cancel,
    Capture,
    Charge,
    Enter3DS,
    Expire,
    Fail,
    Initiate,
    Leave3DS,
    Read,
    Refund,
    Reject,
    Reserve,
    StartProcessing,
    Step,
    StopAgreement,
    Together,
)
from conformance.judging.judge import observed_text
from conformance.judging.rule_verdicts import CAPABILITIES
from conformance.judging.verdicts import RuleVerdict

PURPOSES: Final[Mapping[str, str]] = {
    "act": "the step itself",
    "prepare": "preparation",
    "read": "read back",
    "poll": "asked again",
    "control": "test control",
}
SOURCES: Final[Mapping[str, str]] = {
    "systematic": "from the systematic set",
    "generated": "drawn at random",
    "example": "found by another run",
    "shrinking": "made smaller",
    "replay": "replayed",
}
MARKETS: Final[Mapping[str, str]] = {"no": "Norway", "dk": "Denmark", "fi": "Finland"}
REACHED: Final[Mapping[str, str]] = {
    "embedded": "the provider that comes with this suite, in memory",
    "url": "over HTTP",
    "asgi": "an application, called in HTTP messages in the process of the suite",
    "wsgi": "an application, called in HTTP messages in the process of the suite",
    "python": "an adapter in Python, called without HTTP",
    "exec": "a command",
}
"""How a target of each kind was reached."""
STATUSES: Final[Mapping[str, str]] = {
    "conforms": "as documented",
    "violates": "not as documented",
    "recorded": "recorded, not judged",
    "inconclusive": "proved nothing",
}

ABLE: Final[Mapping[str, str]] = {
    "concurrent": "take two requests at the same time",
    "units": "tell one sales unit from another",
}
_KINDS: Final[Mapping[Kind, str]] = {
    Kind.PAYMENT: "a payment",
    Kind.INITIAL_RESERVE: "an agreement’s initial charge, reserved at once,",
    Kind.CHARGE_RESERVE: "a charge that is reserved first,",
    Kind.CHARGE_DIRECT: "a charge that is captured directly,",
}
_PLAIN_STEPS: Final[Mapping[type[object], str]] = {
    Approve: "The user approves",
    Reject: "The user rejects",
    Expire: "The user does nothing until the payment times out",
    Enter3DS: "The user is sent into 3-D Secure",
    Read: "The merchant reads the order",
    BecomeDue: "The charge comes within sight of its due date",
    StartProcessing: "The charge is being processed",
    Reserve: "The charge is reserved",
    Charge: "The charge is captured directly",
    Fail: "The charge fails",
}
_PLACES: Final[Mapping[str, str]] = {
    "answer": "in the answer",
    "other": "in the answer to the second request",
    "view": "when read back",
    "sent": "when sent",
}
_FIELDS: Final[Mapping[str, str]] = {
    "together": "both under way",
    "outcome": "how it was answered",
    "status": "HTTP status",
    "code": "error code",
    "state": "state",
    "order": "order named",
    "text": "text repeated",
    "amount": "amount",
    "currency": "currency",
    "helper": "state of the order whose key was used",
    "other.state": "state of the other charge",
    "other.captured": "captured of the other charge",
    "other.cancelled": "cancelled of the other charge",
    "authorized": "authorized",
    "captured": "captured",
    "refunded": "refunded",
    "cancelled": "cancelled",
    "to_capture": "left to capture",
    "to_refund": "left to refund",
    "instrument": "payment instrument",
    "summary": "has a summary",
    "detail": "detail",
    "psp": "PSP reference",
    "negative": "an amount below zero",
    "overrefunded": "more refunded than captured",
    "refund_mismatch": "to refund not captured less refunded",
    "overdrawn": "more moved than authorized",
    "log.captured": "captured, in the log",
    "log.refunded": "refunded, in the log",
    "log.cancelled": "cancelled, in the log",
    "log.cancels": "cancels in the log",
    "log.terminated": "terminations in the log",
    "log.newest": "newest log entry",
    "log.first": "oldest log entry",
    "log.reserved": "reserved, in the log",
    "log.releases": "cancels with an amount in the log",
    "log.key": "idempotency key of the cancel in the log",
    "log.psp": "PSP reference of the cancel in the log",
    "log.time": "time of the cancel in the log",
    "log.success": "success of the cancel in the log",
    "log.order": "order of the log",
}
_DIGITS: Final = 20
_MONEY: Final = frozenset({
    "amount", "authorized", "captured", "refunded", "cancelled", "to_capture", "to_refund",
    "log.captured", "log.refunded", "log.cancelled", "log.reserved", "other.captured", "other.cancelled",
})  # fmt: skip


def amount(minor: int, currency: str) -> str:
    """Return money with its minor units: ``10.00 NOK (1000)``."""
    sign = "−" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d} {currency} ({minor})"


def duration(span: timedelta) -> str:
    """Return a time span in its whole units: ``181 days``, ``1 day 2 hours``."""
    seconds = span.days * 86_400 + span.seconds
    parts = []
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(counted(count, unit))
    return " ".join(parts) or "no time"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 rule``, ``1,200 rules``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop; the name of a target at its beginning stays as it is."""
    is_name = ":" in text.partition(" ")[0].rstrip(":")
    return (text if is_name else text[:1].upper() + text[1:]) + ("" if text.endswith((".", "?", "!")) else ".")


def kind_of(verdict: RuleVerdict) -> str:
    """Return a verdict as a CSS class."""
    return verdict.value.lower().replace(" ", "-")


def offered_in_words(offered: Iterable[str]) -> str:
    """Return the capabilities of a target in words."""
    return "; ".join(ABLE.get(name) or CAPABILITIES.get(name, name.replace("_", " ")) for name in offered)


def step_in_words(step: Step, profile: Profile, currency: str) -> str:
    """Return one step of a history as a sentence without its full stop."""
    match step:
        case Initiate():
            return f"The merchant initiates {_KINDS[step.kind]} of {amount(step.amount, currency)}"
        case Capture():
            return f"The merchant captures {amount(step.amount, currency)}"
        case Refund():
            return f"The merchant refunds {amount(step.amount, currency)}"
        case Age():
            return "No time passes" if not step.by else f"Time passes: {duration(step.by)}"
        case Leave3DS():
            return f"3-D Secure ends {'with' if step.success else 'without'} success"
        case StopAgreement():
            return "The merchant stops the agreement" + (
                " together with another change" if step.with_other_change else ""
            )
        case AnotherCharge():
            return f"The merchant makes another charge of the agreement, which is {step.stands.value.replace('-', ' ')}"
        case Cancel():
            return _cancel_in_words(step, profile)
        case Together():
            first, second = (step_in_words(part, profile, currency) for part in (step.first, step.second))
            return f"At the same time: {_lowered(first)}; and {_lowered(second)}"
        case _:
            return _PLAIN_STEPS[type(step)]


def _lowered(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _cancel_in_words(step: Cancel, profile: Profile) -> str:
    parts = ["The merchant cancels"]
    flag_name = spec_of(profile).cancel_flag
    if flag_name is not None:
        value = {None: "absent", True: "true", False: "false"}[step.flag]
        parts.append(f"{flag_name} {value}")
    parts += [KEYS[step.key.value], ADDRESSEES[step.to.value]]
    if step.defect is not None:
        parts.append(defect_in_words(step.defect.value))
    return ", ".join(part for part in parts if part)


def field_in_words(field: str) -> str:
    """Return the name of an observation's field in words."""
    where, _, name = field.partition(".")
    place = _PLACES.get(where, where)
    return f"{_FIELDS.get(name, name.replace('_', ' '))}, {place}"


def value_in_words(field: str, value: Scalar, currency: str) -> str:
    """Return an observed or permitted value, as money in a field about money."""
    if isinstance(value, int) and not isinstance(value, bool) and field.partition(".")[2] in _MONEY:
        return amount(value, currency)
    return observed_text(value)


_REASON: Final = re.compile(r"\b(?P<field>(?:answer|other|view|sent)\.[a-z_.]+) should be .+, but was ", re.DOTALL)
_WHOLE: Final = re.compile(r"(?<![\w.])-?\d+(?![\w.])")


def reason_in_words(reason: str, currency: str) -> str:
    """Return why a rule is violated, with its field in words and money as money.

    >>> reason_in_words("answer.cancelled should be 1000, but was 0", "NOK")
    '“cancelled, in the answer” should be 10.00 NOK (1000), but was 0.00 NOK (0)'
    """
    match = _REASON.search(reason)
    if match is None or match["field"].partition(".")[2] not in _FIELDS:
        return reason
    field, rest = match["field"], reason[match.end("field") :]
    if field.partition(".")[2] in _MONEY:
        rest = _WHOLE.sub(
            lambda number: amount(int(number[0]), currency) if len(number[0]) < _DIGITS else number[0], rest
        )
    return f"{reason[: match.start()]}“{field_in_words(field)}”{rest}"


def permitted_in_words(field: str, permitted: Permitted, currency: str) -> str:
    """Return what was permitted in a field, in words."""
    if isinstance(permitted, OneOf):
        return " or ".join(value_in_words(field, value, currency) for value in permitted.values)
    return str(permitted)


def permitted_from_json(stored: Mapping[str, Any]) -> Permitted:
    """Return what was permitted, from its form in the journal.

    Raises:
        ValueError: the form is unknown.

    """
    match stored:
        case {"one-of": values}:
            return OneOf(tuple(values))
        case {"from": low, "to": high}:
            return Between(low, high, tuple(stored.get("but", ())))
        case {"one-of-ignoring-case": values}:
            return Folded(tuple(values), bool(stored.get("optional")))
        case {"none-of": values}:
            return NoneOf(tuple(values))
        case {"mentions": values}:
            return Mentions(tuple(values))
        case {"missing": True}:
            return Missing()
        case _:
            raise ValueError(f"{stored!r} is no known form of what is permitted in a field")
