"""Waivers: rules that a user has decided not to be decided by, each with a reason and, if it has one, its last day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.rulebook import Status, load, load_http_rules, load_obligations

FORM = "RULE=REASON, or RULE@2026-12-31=REASON with its last day"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A rule that does not decide, why, and the last day (UTC) on which it does not."""

    rule: str
    reason: str
    until: date | None = None

    def as_json(self) -> dict[str, str]:
        """Return the waiver for the journal."""
        last = {} if self.until is None else {"until": self.until.isoformat()}
        return {"rule": self.rule, "reason": self.reason, **last}

    def as_text(self) -> str:
        """Return the waiver as it is given on the command line."""
        return f"{self.rule}{'' if self.until is None else f'@{self.until}'}={self.reason}"


def waiver_from_json(data: Mapping[str, str]) -> Waiver:
    """Return a waiver as the journal has it."""
    until = data.get("until")
    return Waiver(data["rule"], data["reason"], None if until is None else date.fromisoformat(until))


def waivers(
    given: Mapping[str, str] | Iterable[str],
    profiles: Iterable[Profile] | None = None,
    today: date | None = None,
    *,
    merchant: bool = False,
) -> tuple[Waiver, ...]:
    """Read waivers.

    Args:
        given: texts of the form above, or reasons by rule.
        profiles: which APIs are tested, where that is known already.
        today: the day of the run; today's by UTC when left out.
        merchant: the rules are a merchant's obligations, and not a provider's.

    Raises:
        UsageError: one of them makes no sense, has expired, or could not be needed.

    """
    if isinstance(given, Mapping):
        texts = [f"{name}={reason}" for name, reason in given.items()]
    else:
        texts = [given] if isinstance(given, str) else list(given)
    found: dict[str, Waiver] = {}
    for text in texts:
        waiver = _read(text)
        if waiver.rule in found:
            raise UsageError(f"{waiver.rule} is waived twice: give one reason.")
        _check(waiver, None if profiles is None else tuple(profiles), today or datetime.now(UTC).date(), merchant)
        found[waiver.rule] = waiver
    return tuple(found.values())


def _read(text: str) -> Waiver:
    named, equals, reason = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r} is not a waiver: write {FORM}.")
    rule, at, day = named.partition("@")
    try:
        until = date.fromisoformat(day.strip()) if at else None
    except ValueError:
        raise UsageError(f"The waiver of {rule.strip()} has {day.strip()!r} for its last day: write {FORM}.") from None
    return Waiver(rule.strip(), reason.strip(), until)


def _check(waiver: Waiver, profiles: tuple[Profile, ...] | None, today: date, merchant: bool) -> None:
    name = waiver.rule
    books = (load_obligations(),) if merchant else (load(), load_http_rules())
    rule = next((one for book in books for one in book.rules if one.id == name), None)
    if rule is None:
        what, where = ("obligation", " --party merchant") if merchant else ("rule", "")
        raise UsageError(
            f"There is no {what} {name!r} to waive: `cancel-conformance rules{where}` lists the ones there are."
        )
    if not waiver.reason:
        raise UsageError(f"The waiver of {name} has no reason: write {name}=REASON.")
    if waiver.until is not None and waiver.until < today:
        raise UsageError(
            f"The waiver of {name} ended on {waiver.until} ({waiver.reason}): "
            f"take it away, or give it another last day if its reason still holds."
        )
    if rule.status is Status.EXCLUDED:
        raise UsageError(f"{name} is not tested and decides nothing: take its waiver away.")
    if profiles and not set(profiles) & set(rule.profiles):
        tested = ", ".join(profile.value for profile in profiles)
        raise UsageError(f"{name} does not govern {tested}, which is all that is tested: take its waiver away.")
