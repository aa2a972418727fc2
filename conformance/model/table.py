"""The form in which the documentation is written down: the rows of a truth table.

A row is one documented sentence: what holds of the order, what is asked, and which outcomes are permitted. For example,
"a cancel of a partly captured order is rejected without the flag"::

    Row(given=PARTLY_CAPTURED, request=FLAG_ABSENT, permits=(refuse("EC-08/absent", status=rejection),))

The first row that applies counts. A permitted outcome (`Permit`) says how the request is answered, what becomes of the
order, and which rules it is a check of. docs/development/oracle.md follows one row from the documentation to the
report.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from conformance.domain.expectation import REFUSED, Branch, Expectation
from conformance.domain.observation import Field
from conformance.domain.order import Attempt, Order, Profile, Stage
from conformance.domain.steps import Age, Cancel, Capture, Defect, Initiate, Key, Refund, Step
from conformance.model.claims import SOUND, Claims, Rules
from conformance.model.context import DAY, AgeLimit, ModelContext, age_for_cancel, ended_by_provider, may_have_lapsed


@dataclass(frozen=True, slots=True)
class RulesByAspect:
    """The rules that fail when a part of the read-back is wrong after a step.

    ``released`` is about what a cancel sets free, ``captured`` about what was captured and refunded, ``state`` about
    the state's name, ``log`` about the history or event log, and ``other`` about the agreement's other charge, whose
    rules are those about the state where there are none. No rule is about our own preparations: when those fail,
    nothing was proved.
    """

    released: Rules = ()
    captured: Rules = ()
    state: Rules = ()
    log: Rules = ()
    other: Rules = ()

    @classmethod
    def all(cls, *rules: str) -> RulesByAspect:
        """Blame the same rules for everything."""
        return cls(rules, rules, rules, rules, rules)


NO_RULE: Final = RulesByAspect()
NOTHING_CHANGED: Final = RulesByAspect.all("INV-1")
"""A refused cancel changes nothing."""


class Premise(Struct, frozen=True):
    """An order, a step, and everything else that expectations depend on.

    This is what the rows of a table look at. Where the step lets time pass, the order is already older. ``age`` is the
    order's age against the limit for a cancel or a capture.
    """

    model: ApiModel
    order: Order
    step: Step
    context: ModelContext
    age: AgeLimit

    @property
    def cancel(self) -> Cancel:
        """The step, where it is a cancel."""
        assert isinstance(self.step, Cancel)
        return self.step

    @property
    def attempt(self) -> Attempt | None:
        """The cancel whose key the step uses again; None where there was none."""
        return self.order.earliest_attempt if self.cancel.key is Key.FIRST else self.order.attempt

    @property
    def amount(self) -> int:
        """How much the step captures or refunds, in minor units."""
        assert isinstance(self.step, Capture | Refund)
        return self.step.amount

    def of_step(self, step: Step) -> Premise:
        """Return the same order before another step."""
        return replace(self, step=step)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds of a premise, or does not.

    Combine conditions with ``&``, ``|`` and ``~``.
    """

    holds: Callable[[Premise], bool]

    def __and__(self, other: Condition) -> Condition:
        first, second = self.holds, other.holds
        return Condition(lambda premise: first(premise) and second(premise))

    def __or__(self, other: Condition) -> Condition:
        first, second = self.holds, other.holds
        return Condition(lambda premise: first(premise) or second(premise))

    def __invert__(self) -> Condition:
        holds = self.holds
        return Condition(lambda premise: not holds(premise))


@dataclass(frozen=True, slots=True)
class DefectIs(Condition):
    """The condition that one of these things is wrong with the request."""

    defects: tuple[Defect, ...]


ALWAYS: Final = Condition(lambda _: True)

T = TypeVar("T")
Varying: TypeAlias = T | Callable[[Premise], T]
"""A cell of a row: a value, or a function from the premise to the value."""
Readings: TypeAlias = tuple[tuple[str, str], ...]
"""Interpretations, each as switch and value."""
PermittedResponse: TypeAlias = Claims | Callable[[Premise, Order], Claims]
"""Claims about the answer, or a function from the premise and the resulting order to them."""


def value_in(premise: Premise, cell: Varying[tuple[T, ...]]) -> tuple[T, ...]:
    """Return the value that a cell of a row has in a premise."""
    return cell if isinstance(cell, tuple) else cell(premise)


def unchanged(premise: Premise) -> Order:
    """Return the order as it is."""
    return premise.order


class Outcomes(Protocol):
    """What a row may permit: one outcome (`Permit`), those of a `Table`, or other outcomes under a condition."""

    def branches(self, premise: Premise) -> Iterator[Branch]:
        """Yield the permitted outcomes of a step in this premise."""


class Permit(Struct, frozen=True):
    """One permitted outcome of a step.

    Most outcomes need only the first five.

    Attributes:
        name: the outcome's name in the evidence.
        response: how the request is answered.
        then: the order that results.
        rules: the rules that this outcome is a check of, in the order of the documentation. The ``within`` side of an
            age limit counts only where the order is at least a day old.
        blame: the rules that fail where the resulting order reads back differently.
        interpretation: the meaning of an ambiguous sentence, as switch and value. The outcome is permitted only under
            it, and shows that the target follows it.
        shows: an interpretation that the target follows if this outcome is observed, but that does not permit it.
        when: what else must hold for the outcome to be permitted.
        view: what is read back, where that does not follow from the resulting order.
        also: further claims.
        proves: False if the outcome only means that the response is still to come.
        lasting: whether the order stays so; if not, it is read again before the outcome is believed.

    """

    name: str
    response: PermittedResponse
    then: Callable[[Premise], Order] = unchanged
    rules: Rules = ()
    blame: RulesByAspect = NO_RULE
    interpretation: tuple[str, str] | None = None
    shows: tuple[str, str] | None = None
    when: Condition = ALWAYS
    view: Varying[Claims] | None = None
    also: Varying[Claims] = ()
    proves: bool = True
    lasting: Condition = ALWAYS

    def branches(self, premise: Premise) -> Iterator[Branch]:
        """Yield this outcome, where it is permitted."""
        if not self.when.holds(premise):
            return
        if self.interpretation is not None and not premise.context.allows(*self.interpretation):
            return
        after = self.then(premise)
        if self.view is None:
            view = premise.model.view(after, premise.context, self.blame)
        else:
            view = value_in(premise, self.view)
        yield Branch(
            self.name,
            (*self.answer(premise, after), *view, *value_in(premise, self.also)),
            after,
            _citable(self.rules, premise.order),
            tuple(choice for choice in (self.interpretation, self.shows) if choice is not None),
            self.proves,
            self.lasting.holds(premise),
        )

    def answer(self, premise: Premise, after: Order) -> Claims:
        """Claim how the request is answered, where this order results."""
        return self.response if isinstance(self.response, tuple) else self.response(premise, after)


@dataclass(frozen=True, slots=True)
class Row:
    """One documented sentence.

    Given this order, and this request, these outcomes are permitted.
    """

    permits: tuple[Outcomes, ...]
    given: Condition = ALWAYS
    request: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class Silence:
    """A request about which the documentation says nothing.

    What happens is recorded under these rules, and never judged.
    """

    rules: Rules
    given: Condition = ALWAYS
    request: Condition = ALWAYS


@dataclass(frozen=True, slots=True)
class Table:
    """The rows for one kind of step, in the documentation's order.

    Only the first row that applies counts. What is in ``always`` is permitted beside it. Of ``recorded``, all that
    apply count.
    """

    rows: tuple[Row, ...]
    always: tuple[Outcomes, ...] = ()
    recorded: tuple[Silence, ...] = ()

    def row(self, premise: Premise) -> Row:
        """Return the first row that applies.

        Raises:
            LookupError: none does, so that the table has a gap.

        """
        for row in self.rows:
            if row.request.holds(premise) and row.given.holds(premise):
                return row
        raise LookupError(f"no row applies to {premise.order} and {premise.step}")

    def branches(self, premise: Premise) -> Iterator[Branch]:
        """Yield what the first row that applies permits."""
        for permitted in self.row(premise).permits:
            yield from permitted.branches(premise)

    def expect(self, premise: Premise) -> Expectation:
        """Return everything that is permitted in a premise."""
        branches = list(self.branches(premise))
        for permitted in self.always:
            branches += permitted.branches(premise)
        silent = (each for each in self.recorded if each.given.holds(premise) and each.request.holds(premise))
        return Expectation(tuple(branches), tuple(rule for silence in silent for rule in silence.rules))


@dataclass(frozen=True, slots=True)
class WithoutRules:
    """The same outcomes, as a check of no rule."""

    permits: tuple[Outcomes, ...]

    def branches(self, premise: Premise) -> Iterator[Branch]:
        """Yield the outcomes without their rules and interpretations."""
        for permitted in self.permits:
            for branch in permitted.branches(premise):
                yield replace(branch, rules=(), readings=())


@dataclass(frozen=True, slots=True)
class Where:
    """The same outcomes, under a condition only."""

    when: Condition
    permits: Outcomes

    def branches(self, premise: Premise) -> Iterator[Branch]:
        """Yield the outcomes, where the condition holds."""
        return self.permits.branches(premise) if self.when.holds(premise) else iter(())


class ApiModel(ABC):
    """One API's documented outcomes.

    There is a table for each kind of step, and one function that says what an order looks like when it is read back.
    """

    profile: ClassVar[Profile]
    opening: ClassVar[Stage] = Stage.INITIATED
    """The stage of an order until a response says that it was made."""
    initiation: ClassVar[Table]
    """The outcomes of the step that makes an order."""
    tables: ClassVar[Mapping[type[Any], Table]]
    """The outcomes of every other step, by its class."""
    living: ClassVar[tuple[str, ...]] = ()
    """What is not read of an order that was cancelled before its reservation."""
    nothing_released: ClassVar[Claims]
    """What shows that nothing was released by a cancel, if nothing had been before."""
    ended_by_others: ClassVar[Claims]
    """What shows that an order ended in a way that no cancel of the merchant's leads to."""

    signs_of_lapse: ClassVar[tuple[Varying[Claims], ...]] = ()
    """What shows that the provider itself ended a reservation at its deadline: each of them does (`C20`)."""

    race_rules: ClassVar[Mapping[type[Any], Rules]] = {}
    """The rules about a cancel that meets another request, beyond those of all APIs, by the kind of that request."""
    race_records: ClassVar[Rules] = ()
    """The rules of silence about two requests at the same time."""

    @property
    def defects(self) -> tuple[Defect, ...]:
        """The defects of a cancel that the documentation speaks of, in its order."""
        requests = (row.request for row in self.tables[Cancel].rows)
        defects = (defect for request in requests if isinstance(request, DefectIs) for defect in request.defects)
        return tuple(dict.fromkeys(defects))

    @abstractmethod
    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> Claims:
        """Claim what this order looks like when it is read back."""

    def view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> Claims:
        """Claim what reading the order back says.

        That is how this order looks, and that its books are in order.
        """
        return (*self.expected_view(order, context, blame), *SOUND)

    def initiate(self, step: Initiate, context: ModelContext) -> Expectation:
        """Return the permitted ways in which an order may come to be."""
        order = Order(self.profile, step.kind, step.amount, context.currency, self.opening)
        return self.initiation.expect(self._premise(order, step, context))

    def expect(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        """Return the permitted outcomes of a step on an order.

        Raises:
            KeyError: the step does not exist in this API.

        """
        if isinstance(step, Age):
            order = order.older(step.by)
        premise = self._premise(order, step, context)
        expectation = self.tables[type(step)].expect(premise)
        ended = (*self._ended_before(premise), *self._ended_after(premise, expectation))
        return replace(expectation, branches=(*expectation.branches, *ended))

    def endings(self, premise: Premise) -> Iterator[tuple[Order, Readings]]:
        """Yield what the provider may have made of a reservation since it was last read, and what that would show.

        When it gets round to what is past its deadline is not documented (`C20`): at any time after it, and also only
        when a request comes in. The rows about time that passes say so themselves.
        """
        order = premise.order
        if order.remaining and may_have_lapsed(order, premise.context) and not isinstance(premise.step, Age):
            yield ended_by_provider(order), (("C20", "auto-cancelled"),)

    def _ended_before(self, premise: Premise) -> Iterator[Branch]:
        """Yield what may come of a step before which a reservation was ended. It is refused then if it is a cancel."""
        step = premise.step
        for order, readings in self.endings(premise):
            for branch in self.tables[type(step)].branches(replace(premise, order=order)):
                if isinstance(step, Cancel) and not _is_refusal(branch):
                    continue
                for sign in self.signs_of_lapse:
                    claims = (*branch.claims, *value_in(premise, sign))
                    yield replace(branch, claims=claims, readings=(*branch.readings, *readings))

    def _ended_after(self, premise: Premise, expectation: Expectation) -> Iterator[Branch]:
        """Yield what may be read where a reservation was ended right after a step that changed it."""
        for branch in expectation.branches:
            if branch.after == premise.order or isinstance(premise.step, Cancel):
                continue
            changed = replace(premise, order=branch.after)
            answers = tuple(claim for claim in branch.claims if not claim.field.startswith("view."))
            for order, readings in self.endings(changed):
                for sign in self.signs_of_lapse:
                    claims = (*answers, *self.view(order, premise.context, NO_RULE), *value_in(changed, sign))
                    yield replace(branch, claims=claims, after=order, rules=(), readings=(*branch.readings, *readings))

    def _premise(self, order: Order, step: Step, context: ModelContext) -> Premise:
        return Premise(self, order, step, context, age_for_cancel(order, context))


def _is_refusal(branch: Branch) -> bool:
    outcomes = (claim for claim in branch.claims if claim.field == Field.ANSWER_OUTCOME)
    return any(claim.permitted.permits(REFUSED) for claim in outcomes)


WITHIN: Final[Rules] = ("KB-02/within", "KB-02b/within")
"""The side of the age limits on which an order is not refused for its age."""


def is_a_day_old(order: Order) -> bool:
    """Return whether a reservation is old enough to say anything about the age limit."""
    return order.since_reserved is not None and order.since_reserved >= DAY


def _citable(rules: Rules, order: Order) -> Rules:
    if WITHIN[0] not in rules or is_a_day_old(order):
        return rules
    return tuple(rule for rule in rules if rule not in WITHIN)
