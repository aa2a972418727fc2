"""``histories``: the Hypothesis strategy for a user's own tests."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from conformance.api.open_targets import AnyTarget, opened
from conformance.api.provider_run import member_named
from conformance.domain.citation import Citation
from conformance.domain.names import did_you_mean
from conformance.domain.order import Market, Profile
from conformance.domain.steps import ACTIONS, History, actions_of
from conformance.errors import UsageError
from conformance.model import ModelContext
from conformance.rulebook import Readings, load
from conformance.strategies.provider import histories as strategies

CAPABILITIES = frozenset({*ACTIONS, "age", "concurrent", "wire"})
"""What a target can let the suite do, apart from its test actions: let time pass, take two requests at the same time,
and be sent malformed requests.
"""


def histories(
    profile: str,
    *,
    target: AnyTarget | None = None,
    capabilities: Iterable[str] | None = None,
    rule: str | None = None,
    market: str = "no",
    interpretations: Iterable[str] = (),
) -> SearchStrategy[History]:
    """Return a strategy for the histories of an order: what happens to it before, at and after a cancel.

    A history is one plain value. It is printed as it is written: ``history('epayment', 'approve', 'cancel')``.

    Args:
        profile: the API: ``ecom``, ``epayment`` or ``recurring``.
        target: draw only what this target lets the suite do. It is opened for that when the first history is drawn.
            Market and interpretations are those of an open target.
        capabilities: draw only what needs no more than these: test actions such as ``approve``, and ``age``,
            ``concurrent`` and ``wire``. Everything when left out.
        rule: draw only what tests this rule, such as ``EP-14``, or one side of its boundary, ``KB-02/beyond``.
        market: ``no``, ``dk`` or ``fi``; it decides which ages are near a limit.
        interpretations: the interpretations to insist on, such as ``C8=reject``; they decide it, too.

    Raises:
        UsageError: a name makes no sense, both a target and capabilities are given, or no history tests the rule.
        ReadingError: an interpretation makes no sense.

    """
    api = member_named(Profile, "profile", profile)
    chosen = (interpretations,) if isinstance(interpretations, str) else tuple(interpretations)
    context = ModelContext(member_named(Market, "market", market), Readings.choose(chosen))
    if target is None:
        offered = _checked(capabilities) if capabilities is not None else CAPABILITIES
        return _strategy(api, context, offered, "wire" in offered, rule)
    if capabilities is not None:
        raise UsageError("Name the target or its capabilities, not both.")
    return st.deferred(lambda: _for_target(profile, target, market, chosen, rule))


def _for_target(
    profile: str, target: AnyTarget, market: str, interpretations: tuple[str, ...], rule: str | None
) -> SearchStrategy[History]:
    open_target = opened(target, None, market, interpretations)
    offered = open_target.capabilities(profile)
    return _strategy(Profile(profile), open_target.context(profile), offered, open_target.over_http, rule)


def _checked(capabilities: Iterable[str]) -> frozenset[str]:
    names = frozenset([capabilities] if isinstance(capabilities, str) else capabilities)
    unknown = sorted(names - CAPABILITIES)
    if unknown:
        raise UsageError(f"There is no capability {unknown[0]!r}: there are {', '.join(sorted(CAPABILITIES))}.")
    return names


def _check_rule(wanted: Citation) -> None:
    known = {rule.id: rule for rule in load().rules}
    if wanted.rule not in known:
        raise UsageError(f"There is no rule {wanted.rule!r}.{did_you_mean(wanted.rule, known)}")
    sides = known[wanted.rule].sides
    if wanted.side and wanted.side not in sides:
        raise UsageError(f"{wanted.rule} has no side {wanted.side!r}: there are {', '.join(sides) or 'none'}.")


@lru_cache(maxsize=64)
def _strategy(
    profile: Profile, context: ModelContext, offered: frozenset[str], wire: bool, rule: str | None
) -> SearchStrategy[History]:
    if rule is not None:
        _check_rule(Citation.parse(rule))
    relevant = offered & {*actions_of(profile), "age", "concurrent"}
    if rule is None:
        return strategies.histories(profile, context, relevant, wire=wire)
    try:
        return strategies.reaching(rule, profile, context, relevant, wire=wire)
    except LookupError as error:
        raise UsageError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
