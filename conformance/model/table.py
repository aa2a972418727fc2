"""What the three APIs have in common, as one table of steps that each API fills in.

A table turns an order and a step into the branches that the documentation permits. It never looks at a target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar, Final

from conformance.expectation import ACCEPTED, BROKEN, PENDING, REFUSED, Branch, Claim, Expectation, NoneOf, Permitted
from conformance.model.terms import (
    ANY_REFUSAL,
    BAD_REQUEST,
    BOOKS,
    REFUSAL,
    UNAUTHORIZED,
    Codes,
    Rules,
    accepted,
    accepted_or_pending,
    branch,
    one,
    outcome,
    refused,
)
from conformance.model.world import (
    DAY,
    OPENING_WINDOW,
    Age,
    World,
    age_for_cancel,
    age_for_refund,
    is_near_deadline,
    is_past_deadline,
    may_have_lapsed,
    must_have_lapsed,
)
from conformance.order import CLOSED, Order, Profile, Stage
from conformance.steps import (
    Addressee,
    Cancel,
    Capture,
    Defect,
    Initiate,
    Key,
    Read,
    Refund,
    Step,
)
from conformance.steps import (
    Age as AgeStep,
)

SOUND: Final = (
    Claim("view.negative", one(False, None), ("INV-10",)),
    Claim("view.overrefunded", one(False, None), ("INV-10",)),
    Claim("view.overdrawn", one(False, None), ("INV-4",)),
)
"""What holds of every order's books, whatever happened to it."""
IRREVERSIBLE: Rules = ("KB-15", "INV-5")
UNCHANGED_BY_READING: Rules = ("INV-10",)


@dataclass(frozen=True, slots=True)
class Blame:
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
    def all(cls, *rules: str) -> Blame:
        """Blame the same rules for everything."""
        return cls(rules, rules, rules, rules)


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """Which rules of an API govern captures and refunds around a cancel, and the codes that come with them."""

    capture_after_cancel: Rules
    capture_after_release: Rules
    capture_too_old: Rules
    capture_too_old_codes: Codes
    refund_after_cancel: Rules
    refund_after_cancel_codes: Codes
    refund_after_release: Rules
    refund_too_old: Rules
    refund_too_old_codes: Codes
    refund_too_old_status: Permitted = BAD_REQUEST
    after_cancel_status: Permitted = REFUSAL


class Table(ABC):
    """One API's documented outcomes, step by step."""

    profile: ClassVar[Profile]
    money: ClassVar[MoneyRules]
    defects: ClassVar[Mapping[Defect, tuple[Rules, Permitted]]]
    """What is documented of a broken request: the rules, and the statuses they permit."""
    recorded_defects: ClassVar[Mapping[Defect, Rules]]
    """The rules of silence about a broken request."""
    unchanged: ClassVar[Blame] = Blame.all("INV-1")
    least: ClassVar[int] = 1
    """The least amount, in minor units, that the API's description lets a merchant capture or refund."""
    lock_codes: ClassVar[Rules] = ()
    """Error codes of an order that is locked for the moment. So is one that answers 423."""

    @abstractmethod
    def depict(self, order: Order, world: World, blame: Blame) -> tuple[Claim, ...]:
        """Claim what this order looks like when it is read back."""

    @abstractmethod
    def untouched(self, order: Order) -> tuple[Claim, ...]:
        """Claim that nothing was released of an order of which nothing had been."""

    @abstractmethod
    def ended_otherwise(self, order: Order) -> tuple[Claim, ...]:
        """Claim that an order ended in a way that no cancel of the merchant's leads to, or nothing where none does."""

    def view(self, order: Order, world: World, blame: Blame) -> tuple[Claim, ...]:
        """Claim what reading the order back says: how this order looks, and that its books are in order."""
        return (*self.depict(order, world, blame), *SOUND)

    def codes(self, world: World, codes: Codes) -> Codes:
        """Return the error codes that may stand in an answer, given those that the documentation names."""
        return codes

    @abstractmethod
    def cancel(self, order: Order, step: Cancel, world: World) -> Expectation:
        """Say how a cancel may turn out."""

    def initiate(self, step: Initiate, world: World) -> Expectation:
        """Say how an order comes to be."""
        order = Order(self.profile, step.kind, step.amount, world.currency, Stage.INITIATED)
        return Expectation((branch("initiated", accepted(), self.view(order, world, Blame()), order),))

    def handlers(self) -> dict[type[Any], Callable[[Order, Any, World], Expectation]]:
        """Return what answers for each kind of step."""
        return {
            AgeStep: self._age,
            Capture: self._capture,
            Refund: self._refund,
            Cancel: self._cancel,
            Read: self._read,
        }

    # What happens to an order from outside. The answer to a test action proves nothing; what is read afterwards does.

    def _moves(self, order: Order, world: World, to: Order, name: str, blame: Blame, rules: Rules = ()) -> Expectation:
        stays = self._stays_refused(order, world) if to.stage not in CLOSED else ()
        moved = branch(name, accepted(), (*stays, *self.view(to, world, blame)), to, rules)
        if rules:
            return Expectation((moved,))
        waiting = (outcome(ACCEPTED), *self.view(order, world, Blame()))
        branches = [moved, Branch(f"not {name} when we stopped asking", waiting, order, proves=False)]
        if stays:
            # The user may have done something else than was asked for, and that is nobody's fault.
            ended = (outcome(ACCEPTED), *self.ended_otherwise(order))
            branches.append(Branch(f"ended, and not {name}", ended, order, proves=False))
        return Expectation(tuple(branches))

    def _cannot(self, order: Order, world: World, blame: Blame, rules: Rules = ()) -> Expectation:
        claims = (outcome(ACCEPTED, REFUSED), *self._stays_refused(order, world), *self.view(order, world, blame))
        return Expectation((Branch("nothing happens", claims, order, rules),))

    def _stays_refused(self, order: Order, world: World) -> tuple[Claim, ...]:
        """Claim that a refused cancel has no effect later, where nothing else may have ended or released anything."""
        ended = order.stage in CLOSED or order.cancelled or order.agreement_stopped or order.lapsed
        if not order.cancel_refused or ended or is_near_deadline(order, world):
            return ()
        return self.untouched(order)

    def _irreversible(self, order: Order) -> tuple[Blame, Rules]:
        if order.cancelled and not order.lapsed:
            return Blame.all(*IRREVERSIBLE), IRREVERSIBLE
        return Blame(), ()

    def reserved(self, order: Order) -> Order:
        """Return the order with its whole amount reserved, just now."""
        return replace(order, stage=Stage.RESERVED, since_reserved=timedelta())

    # Time

    def _age(self, order: Order, step: AgeStep, world: World) -> Expectation:
        older = order.older(step.by)
        blame, rules = self._irreversible(order)
        open_ = order.stage is Stage.RESERVED and order.remaining > 0
        kept = (("C20", "kept"),) if open_ and is_past_deadline(older, world) else ()
        claims = (*self._stays_refused(older, world), *self.view(older, world, blame))
        same = branch("older", accepted(), claims, older, rules, kept)
        branches = [replace(same, lasting=not (open_ and must_have_lapsed(older, world)))]
        if order.stage in (Stage.INITIATED, Stage.IN_3DS) and older.since_initiated >= OPENING_WINDOW:
            expired = replace(older, stage=Stage.EXPIRED)
            branches.append(branch("timed out", accepted(), self.view(expired, world, Blame()), expired))
        if open_ and may_have_lapsed(older, world):
            lapsed = replace(older, lapsed=True, cancelled=older.cancelled + older.remaining)
            for sign in self.lapse_signs(older):
                claims = (*self.view(lapsed, world, Blame()), sign)
                branches.append(branch("lapsed", accepted(), claims, lapsed, (), (("C20", "auto-cancelled"),)))
        return Expectation(tuple(branches))

    def _read(self, order: Order, step: Step, world: World) -> Expectation:
        blame, rules = self._irreversible(order)
        blame = blame if rules else Blame.all(*UNCHANGED_BY_READING)
        claims = (*self._stays_refused(order, world), *self.view(order, world, blame))
        return Expectation((branch("unchanged", (), claims, order, rules),))

    # Cancels that every API answers in the same way

    def _cancel(self, order: Order, step: Cancel, world: World) -> Expectation:
        expectation = self.cancel(order, step, world)
        if step.defect is not None or step.to is not Addressee.OWN:
            return expectation
        # An order may be locked at any moment: that is documented, and says nothing about the cancel.
        view = self.view(order, world, self.unchanged)
        locks = [Claim("answer.status", one(423)), *(Claim("answer.code", one(code)) for code in self.lock_codes)]
        locked = tuple(
            Branch("the order was locked", (outcome(REFUSED), lock, *view), order, proves=False) for lock in locks
        )
        return replace(expectation, branches=(*expectation.branches, *locked))

    def refusal(
        self, order: Order, world: World, rules: Rules, status: Permitted = REFUSAL, codes: Codes = ()
    ) -> Expectation:
        """Permit nothing but a refusal that changes nothing."""
        return Expectation((self.refused_cancel(order, world, rules, status, codes),))

    def refused_cancel(
        self,
        order: Order,
        world: World,
        rules: Rules,
        status: Permitted = REFUSAL,
        codes: Codes = (),
        readings: tuple[tuple[str, str], ...] = (),
    ) -> Branch:
        """Permit a refusal that changes nothing."""
        view = self.view(order, world, self.unchanged)
        return branch("refused", refused(rules, status, codes), view, order, (*rules, "INV-1"), readings)

    @abstractmethod
    def lapse_signs(self, order: Order) -> tuple[Claim, ...]:
        """Claim, one way each, that a reservation is not what it was. Its form after the deadline is not given."""

    def lapsed(self, order: Order, world: World, age: Age, rules: Rules) -> tuple[Branch, ...]:
        """Permit the refusals of an order that the provider itself ended.

        It is too old, and it has ended: either may be the reason, and so decide the status and the code (`C23`).
        """
        return (self.refused_cancel(order, world, rules if age is Age.BEYOND else ()),)

    def cancel_of_lapsed(self, order: Order, world: World, rules: Rules) -> Expectation:
        """Permit the refusals of a cancel whose order the provider itself ended, or a success that does nothing."""
        refusals = self.lapsed(order, world, age_for_cancel(order, world), rules)
        return Expectation((*refusals, *unjudged(self.finished(order, world))))

    def finished(self, order: Order, world: World, rules: Rules = (), records: Rules = ()) -> Expectation:
        """Permit a refusal or a success that does nothing, of an order with nothing left to cancel (`C10`)."""
        branches = []
        if world.allows("C10", "reject"):
            branches.append(self.refused_cancel(order, world, rules, readings=(("C10", "reject"),)))
        if world.allows("C10", "replay"):
            answer = accepted_or_pending(rules)
            after = replace(order, repeated=True)
            wrong = rules or ("INV-3",)
            view = self.view(after, world, Blame(wrong, ("INV-3",), wrong, wrong))
            branches.append(branch("repeated", answer, view, after, (*rules, "INV-3"), (("C10", "replay"),)))
        return Expectation(tuple(branches), records)

    def defective(self, order: Order, step: Cancel, world: World) -> Expectation:
        """Say what answers a cancel that is broken on the wire. Where nothing is documented, anything orderly may."""
        defect = step.defect
        documented = self.defects.get(defect) if defect else None
        plain = unjudged(self.cancel(order, replace(step, defect=None), world))
        if documented is not None:
            rules, status = documented
            refusal = self.refused_cancel(order, world, rules, status)
            if status is UNAUTHORIZED:
                return Expectation((refusal,))
            # Where the order forbids the cancel as well, either refusal will do (`C23`).
            return Expectation((refusal, *(_without_code(each) for each in plain if _is_refusal(each))))
        view = self.view(order, world, self.unchanged)
        turned_down = branch("refused", (outcome(REFUSED, BROKEN),), view, order)
        return Expectation((turned_down, *plain), self.recorded_defects.get(defect, ()) if defect else ())

    def out_of_reach(
        self, order: Order, step: Cancel, world: World, rules: Rules, status: Permitted, codes: Codes = ()
    ) -> Expectation:
        """Permit the refusal of a cancel whose order cannot be reached. A key that was used may be refused first."""
        refusal = self.refused_cancel(order, world, rules, status, codes)
        if step.key is Key.FRESH:
            return Expectation((refusal,))
        view = self.view(order, world, self.unchanged)
        return Expectation((refusal, branch("refused for its key", refused((), ANY_REFUSAL), view, order)))

    @staticmethod
    def of_any_unit(foreign: Expectation, own: Expectation, world: World) -> Expectation:
        """Permit what the order itself does to a cancel, where the target serves every sales unit alike.

        A refusal that the order would have had for itself is then no example of one for the sales unit.
        """
        if world.distinguishes_units:
            return foreign
        if any(_is_refusal(each) for each in own.branches):
            foreign = Expectation(unjudged(foreign))
        return Expectation((*foreign.branches, *unjudged(own)))

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

    def not_done_yet(self, order: Order, world: World) -> Branch:
        """Permit a request that was accepted (202) to be still under way."""
        claims = (outcome(PENDING), *self.view(order, world, Blame()))
        return Branch("accepted, but not done when we stopped asking", claims, order, proves=False)

    # Captures and refunds

    def captured(self, order: Order, amount: int) -> Order:
        """Return the order after a capture."""
        since = order.since_captured if order.since_captured is not None else timedelta()
        captured = order.captured + amount
        return replace(order, captured=captured, since_captured=since, since_last_captured=timedelta())

    def refunded(self, order: Order, amount: int) -> Order:
        """Return the order after a refund."""
        return replace(order, refunded=order.refunded + amount)

    def _refuses(
        self, order: Order, world: World, rules: Rules, status: Permitted = REFUSAL, codes: Codes = ()
    ) -> Branch:
        view = self.view(order, world, Blame.all(*(rules or BOOKS)))
        return branch("refused", refused(rules, status, codes), view, order, rules)

    def _more_than_there_is(self, order: Order, world: World, rules: Rules) -> Expectation:
        """Permit nothing but a refusal of a capture or refund that the books could not show: it proves no rule."""
        view = self.view(order, world, Blame.all(*BOOKS))
        refusal = branch("refused", refused(rules, ANY_REFUSAL), view, order)
        return Expectation((refusal, self.not_done_yet(order, world)))

    def _capture(self, order: Order, step: Capture, world: World) -> Expectation:
        money = self.money
        if order.stage is Stage.CANCELLED:
            rules = (*money.capture_after_cancel, "INV-2", *IRREVERSIBLE)
            return Expectation((self._refuses(order, world, rules, money.after_cancel_status),))
        if order.cancelled and not order.lapsed:
            rules = (*money.capture_after_release, "INV-2")
            return Expectation((self._refuses(order, world, rules, money.after_cancel_status),))
        age = age_for_cancel(order, world)
        if order.lapsed:
            return Expectation(self.lapsed(order, world, age, money.capture_too_old))
        if order.since_reserved is not None and step.amount > order.remaining:
            return self._more_than_there_is(order, world, ("INV-4", *BOOKS))
        if order.stage in CLOSED or step.amount > order.remaining:
            return Expectation((self._refuses(order, world, (), ANY_REFUSAL),))
        branches = []
        if age is not Age.BEYOND:
            after = self.captured(order, step.amount)
            view = self.view(after, world, Blame.all(*BOOKS))
            branches.append(branch("captured", accepted_or_pending(), view, after))
            branches.append(self.not_done_yet(order, world))
            branches.append(self._refuses(order, world, (), ANY_REFUSAL))
        else:
            codes = self.codes(world, money.capture_too_old_codes)
            # What was refunded may be a reason of its own (`C23`).
            status, codes = (REFUSAL, ()) if order.refunded else (BAD_REQUEST, codes)
            branches.append(self._refuses(order, world, money.capture_too_old, status, codes))
        return Expectation(tuple(branches))

    def _refund(self, order: Order, step: Refund, world: World) -> Expectation:
        money = self.money
        if order.captured == 0:
            if order.stage is Stage.CANCELLED:
                codes = self.codes(world, money.refund_after_cancel_codes)
                status = money.after_cancel_status
                return Expectation((self._refuses(order, world, money.refund_after_cancel, status, codes),))
            return Expectation((self._refuses(order, world, (), ANY_REFUSAL),))
        released = order.cancelled > 0 and not order.lapsed and not order.agreement_stopped
        if step.amount > order.refundable:
            rules = (*money.refund_after_release, *BOOKS) if released else BOOKS
            return self._more_than_there_is(order, world, rules)
        age = age_for_refund(order)
        if age is Age.BEYOND:
            codes = self.codes(world, money.refund_too_old_codes)
            return Expectation((self._refuses(order, world, money.refund_too_old, money.refund_too_old_status, codes),))
        after = self.refunded(order, step.amount)
        judged = released and age is Age.WITHIN and step.amount >= self.least
        rules = money.refund_after_release if judged else ()
        view = self.view(after, world, Blame.all(*(rules or BOOKS)))
        branches = [
            branch("refunded", accepted_or_pending(rules), view, after, rules),
            self.not_done_yet(order, world),
        ]
        if not rules:
            branches.append(self._refuses(order, world, (), ANY_REFUSAL))
        return Expectation(tuple(branches))


def unjudged(expectation: Expectation) -> tuple[Branch, ...]:
    """Return an expectation's branches as permitted, and as examples of nothing."""
    return tuple(replace(each, rules=(), readings=()) for each in expectation.branches)


def _is_refusal(each: Branch) -> bool:
    return any(claim.field == "answer.outcome" and claim.permitted.permits(REFUSED) for claim in each.claims)


def _without_code(each: Branch) -> Branch:
    return replace(
        each, claims=tuple(claim for claim in each.claims if claim.field not in ("answer.code", "answer.group"))
    )
