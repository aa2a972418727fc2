"""What the three APIs have in common, as one table of steps that each API fills in.

A table turns an order and a step into the branches that the documentation permits. It never looks at a target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from conformance.domain.expectation import (
    ACCEPTED,
    BROKEN,
    PENDING,
    REFUSED,
    Branch,
    Claim,
    Expectation,
    NoneOf,
    Permitted,
)
from conformance.domain.order import CLOSED, Order, Profile, Stage
from conformance.domain.steps import Addressee, Cancel, Defect, Initiate, Key, Read, Step
from conformance.domain.steps import Age as AgeStep
from conformance.model.claims import (
    ANY_REFUSAL,
    REFUSAL,
    UNAUTHORIZED,
    Codes,
    Rules,
    accepted,
    accepted_or_pending,
    branch,
    one_of,
    outcome,
    refused,
)
from conformance.model.context import (
    DAY,
    OPENING_WINDOW,
    AgeLimit,
    ModelContext,
    age_for_cancel,
    is_near_deadline,
    is_past_deadline,
    may_have_lapsed,
    must_have_lapsed,
)

SOUND: Final = (
    Claim("view.negative", one_of(False, None), ("INV-10",)),
    Claim("view.overrefunded", one_of(False, None), ("INV-10",)),
    Claim("view.overdrawn", one_of(False, None), ("INV-4",)),
)
"""What holds of every order's books, whatever happened to it."""
IRREVERSIBLE: Rules = ("KB-15", "INV-5")
UNCHANGED_BY_READING: Rules = ("INV-10",)


@dataclass(frozen=True, slots=True)
class RulesByAspect:
    """The rules that fail when a part of the read-back is wrong after a step.

    ``released`` is about what a cancel sets free, ``kept`` about what was captured and refunded, ``names`` about the
    state's name, ``log`` about the history or event log. No rule is about our own preparations: when those fail,
    nothing was proved.
    """

    released: Rules = ()
    kept: Rules = ()
    names: Rules = ()
    log: Rules = ()

    @classmethod
    def all(cls, *rules: str) -> RulesByAspect:
        """Blame the same rules for everything."""
        return cls(rules, rules, rules, rules)


class ApiModel(ABC):
    """One API's documented outcomes, step by step."""

    profile: ClassVar[Profile]
    defects: ClassVar[Mapping[Defect, tuple[Rules, Permitted]]]
    """What is documented of a broken request: the rules, and the statuses they permit."""
    recorded_defects: ClassVar[Mapping[Defect, Rules]]
    """The rules of silence about a broken request."""
    unchanged: ClassVar[RulesByAspect] = RulesByAspect.all("INV-1")
    lock_codes: ClassVar[Rules] = ()
    """Error codes of an order that is locked for the moment. So is one that answers 423."""

    @abstractmethod
    def expected_view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> tuple[Claim, ...]:
        """Claim what this order looks like when it is read back."""

    @abstractmethod
    def untouched(self, order: Order) -> tuple[Claim, ...]:
        """Claim that nothing was released of an order of which nothing had been."""

    @abstractmethod
    def ended_otherwise(self, order: Order) -> tuple[Claim, ...]:
        """Claim that an order ended in a way that no cancel of the merchant's leads to, or nothing where none does."""

    def view(self, order: Order, context: ModelContext, blame: RulesByAspect) -> tuple[Claim, ...]:
        """Claim what reading the order back says: how this order looks, and that its books are in order."""
        return (*self.expected_view(order, context, blame), *SOUND)

    def codes(self, context: ModelContext, codes: Codes) -> Codes:
        """Return the error codes that may stand in an answer, given those that the documentation names."""
        return codes

    @abstractmethod
    def cancel(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        """Say how a cancel may turn out."""

    def initiate(self, step: Initiate, context: ModelContext) -> Expectation:
        """Say how an order comes to be."""
        order = Order(self.profile, step.kind, step.amount, context.currency, Stage.INITIATED)
        return Expectation((branch("initiated", accepted(), self.view(order, context, RulesByAspect()), order),))

    def handlers(self) -> dict[type[Any], Callable[[Order, Any, ModelContext], Expectation]]:
        """Return what answers for each kind of step."""
        return {
            AgeStep: self._age,
            Cancel: self._cancel,
            Read: self._read,
        }

    # What happens to an order from outside. The answer to a test action proves nothing; what is read afterwards does.

    def _moves(
        self, order: Order, context: ModelContext, to: Order, name: str, blame: RulesByAspect, rules: Rules = ()
    ) -> Expectation:
        stays = self._stays_refused(order, context) if to.stage not in CLOSED else ()
        moved = branch(name, accepted(), (*stays, *self.view(to, context, blame)), to, rules)
        if rules:
            return Expectation((moved,))
        waiting = (outcome(ACCEPTED), *self.view(order, context, RulesByAspect()))
        not_yet = Branch(f"not {name} when we stopped asking", waiting, order, proves=False)
        return Expectation((moved, not_yet, *self._ended_otherwise(order, stays)))

    def _cannot(self, order: Order, context: ModelContext, blame: RulesByAspect, rules: Rules = ()) -> Expectation:
        stays = self._stays_refused(order, context)
        claims = (outcome(ACCEPTED, REFUSED), *stays, *self.view(order, context, blame))
        return Expectation((Branch("nothing happens", claims, order, rules), *self._ended_otherwise(order, stays)))

    def _ended_otherwise(self, order: Order, stays: tuple[Claim, ...]) -> tuple[Branch, ...]:
        # The user may have done something else than was asked for, and that is nobody's fault.
        claims = (outcome(ACCEPTED, REFUSED), *self.ended_otherwise(order))
        return (Branch("ended, and not by a cancel", claims, order, proves=False),) if stays else ()

    def _stays_refused(self, order: Order, context: ModelContext) -> tuple[Claim, ...]:
        """Claim that a refused cancel has no effect later, where nothing else may have ended or released anything."""
        ended = order.stage in CLOSED or order.cancelled or order.agreement_stopped or order.lapsed
        if not order.cancel_refused or ended or is_near_deadline(order, context):
            return ()
        return self.untouched(order)

    def _irreversible(self, order: Order) -> tuple[RulesByAspect, Rules]:
        if order.cancelled and not order.lapsed:
            return RulesByAspect.all(*IRREVERSIBLE), IRREVERSIBLE
        return RulesByAspect(), ()

    def reserved(self, order: Order) -> Order:
        """Return the order with its whole amount reserved, just now."""
        return replace(order, stage=Stage.RESERVED, since_reserved=timedelta())

    # Time

    def _age(self, order: Order, step: AgeStep, context: ModelContext) -> Expectation:
        older = order.older(step.by)
        blame, rules = self._irreversible(order)
        open_ = order.stage is Stage.RESERVED and order.remaining > 0
        kept = (("C20", "kept"),) if open_ and is_past_deadline(older, context) else ()
        stays = self._stays_refused(older, context)
        same = branch("older", accepted(), (*stays, *self.view(older, context, blame)), older, rules, kept)
        branches = [replace(same, lasting=not (open_ and must_have_lapsed(older, context)))]
        branches += self._ended_otherwise(older, stays)
        if order.stage in (Stage.INITIATED, Stage.IN_3DS) and older.since_initiated >= OPENING_WINDOW:
            expired = replace(older, stage=Stage.EXPIRED)
            branches.append(branch("timed out", accepted(), self.view(expired, context, RulesByAspect()), expired))
        if open_ and may_have_lapsed(older, context):
            lapsed = replace(older, lapsed=True, cancelled=older.cancelled + older.remaining)
            for sign in self.lapse_signs(older):
                claims = (*self.view(lapsed, context, RulesByAspect()), sign)
                branches.append(branch("lapsed", accepted(), claims, lapsed, (), (("C20", "auto-cancelled"),)))
        return Expectation(tuple(branches))

    def _read(self, order: Order, step: Step, context: ModelContext) -> Expectation:
        blame, rules = self._irreversible(order)
        blame = blame if rules else RulesByAspect.all(*UNCHANGED_BY_READING)
        claims = (*self._stays_refused(order, context), *self.view(order, context, blame))
        return Expectation((branch("unchanged", (), claims, order, rules),))

    # Cancels that every API answers in the same way

    def _cancel(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        expectation = self.cancel(order, step, context)
        if step.defect is not None or step.to is not Addressee.OWN:
            return expectation
        # An order may be locked at any moment: that is documented, and says nothing about the cancel.
        view = self.view(order, context, self.unchanged)
        locks = [Claim("answer.status", one_of(423)), *(Claim("answer.code", one_of(code)) for code in self.lock_codes)]
        locked = tuple(
            Branch("the order was locked", (outcome(REFUSED), lock, *view), order, proves=False) for lock in locks
        )
        return replace(expectation, branches=(*expectation.branches, *locked))

    def refusal(
        self, order: Order, context: ModelContext, rules: Rules, status: Permitted = REFUSAL, codes: Codes = ()
    ) -> Expectation:
        """Permit nothing but a refusal that changes nothing."""
        return Expectation((self.refused_cancel(order, context, rules, status, codes),))

    def refused_cancel(
        self,
        order: Order,
        context: ModelContext,
        rules: Rules,
        status: Permitted = REFUSAL,
        codes: Codes = (),
        readings: tuple[tuple[str, str], ...] = (),
    ) -> Branch:
        """Permit a refusal that changes nothing."""
        view = self.view(order, context, self.unchanged)
        return branch("refused", refused(rules, status, codes), view, order, (*rules, "INV-1"), readings)

    @abstractmethod
    def lapse_signs(self, order: Order) -> tuple[Claim, ...]:
        """Claim, one way each, that a reservation is not what it was. Its form after the deadline is not given."""

    def lapsed(self, order: Order, context: ModelContext, age: AgeLimit, rules: Rules) -> tuple[Branch, ...]:
        """Permit the refusals of an order that the provider itself ended.

        It is too old, and it has ended: either may be the reason, and so decide the status and the code (`C23`).
        """
        return (self.refused_cancel(order, context, rules if age is AgeLimit.BEYOND else ()),)

    def cancel_of_lapsed(self, order: Order, context: ModelContext, rules: Rules) -> Expectation:
        """Permit the refusals of a cancel whose order the provider itself ended, or a success that does nothing."""
        refusals = self.lapsed(order, context, age_for_cancel(order, context), rules)
        return Expectation((*refusals, *without_rules(self.finished(order, context))))

    def finished(self, order: Order, context: ModelContext, rules: Rules = (), records: Rules = ()) -> Expectation:
        """Permit a refusal or a success that does nothing, of an order with nothing left to cancel (`C10`)."""
        branches = []
        if context.allows("C10", "reject"):
            branches.append(self.refused_cancel(order, context, rules, readings=(("C10", "reject"),)))
        if context.allows("C10", "replay"):
            answer = accepted_or_pending(rules)
            after = replace(order, repeated=True)
            wrong = rules or ("INV-3",)
            view = self.view(after, context, RulesByAspect(wrong, ("INV-3",), wrong, wrong))
            branches.append(branch("repeated", answer, view, after, (*rules, "INV-3"), (("C10", "replay"),)))
        return Expectation(tuple(branches), records)

    def defective(self, order: Order, step: Cancel, context: ModelContext) -> Expectation:
        """Say what answers a cancel that is broken on the wire. Where nothing is documented, anything orderly may."""
        defect = step.defect
        documented = self.defects.get(defect) if defect else None
        plain = without_rules(self.cancel(order, replace(step, defect=None), context))
        if documented is not None:
            rules, status = documented
            refusal = self.refused_cancel(order, context, rules, status)
            if status is UNAUTHORIZED:
                return Expectation((refusal,))
            # Where the order forbids the cancel as well, either refusal will do (`C23`).
            return Expectation((refusal, *(_without_code(each) for each in plain if _is_refusal(each))))
        view = self.view(order, context, self.unchanged)
        turned_down = branch("refused", (outcome(REFUSED, BROKEN),), view, order)
        return Expectation((turned_down, *plain), self.recorded_defects.get(defect, ()) if defect else ())

    def out_of_reach(
        self, order: Order, step: Cancel, context: ModelContext, rules: Rules, status: Permitted, codes: Codes = ()
    ) -> Expectation:
        """Permit the refusal of a cancel whose order cannot be reached. A key that was used may be refused first."""
        refusal = self.refused_cancel(order, context, rules, status, codes)
        if step.key is Key.FRESH:
            return Expectation((refusal,))
        view = self.view(order, context, self.unchanged)
        return Expectation((refusal, branch("refused for its key", refused((), ANY_REFUSAL), view, order)))

    @staticmethod
    def for_any_sales_unit(foreign: Expectation, own: Expectation, context: ModelContext) -> Expectation:
        """Permit what the order itself does to a cancel, where the target serves every sales unit alike.

        A refusal that the order would have had for itself is then no example of one for the sales unit.
        """
        if context.distinguishes_units:
            return foreign
        if any(_is_refusal(each) for each in own.branches):
            foreign = Expectation(without_rules(foreign))
        return Expectation((*foreign.branches, *without_rules(own)))

    too_old_codes: ClassVar[Codes] = ()
    """Error codes that say that an order is too old."""

    def not_for_its_age(self, order: Order) -> tuple[Claim, ...]:
        """Claim that an order within the limit is not refused for its age."""
        rules = tuple(rule.partition("/")[0] for rule in self.young(order))
        return (Claim("answer.code", NoneOf(self.too_old_codes), rules),) if rules and self.too_old_codes else ()

    @staticmethod
    def young(order: Order) -> Rules:
        """Name the within side of the age rules, for an order that is old enough to say anything about them."""
        aged = order.since_reserved is not None and order.since_reserved >= DAY
        return ("KB-02/within", "KB-02b/within") if aged else ()

    def not_done_yet(self, order: Order, context: ModelContext) -> Branch:
        """Permit a request that was accepted (202) to be still under way."""
        claims = (outcome(PENDING), *self.view(order, context, RulesByAspect()))
        return Branch("accepted, but not done when we stopped asking", claims, order, proves=False)


def without_rules(expectation: Expectation) -> tuple[Branch, ...]:
    """Return an expectation's branches as permitted, and as examples of nothing."""
    return tuple(replace(each, rules=(), readings=()) for each in expectation.branches)


def _is_refusal(each: Branch) -> bool:
    return any(claim.field == "answer.outcome" and claim.permitted.permits(REFUSED) for claim in each.claims)


def _without_code(each: Branch) -> Branch:
    return replace(
        each, claims=tuple(claim for claim in each.claims if claim.field not in ("answer.code", "answer.group"))
    )
