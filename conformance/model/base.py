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
    is_near_deadline,
    is_past_deadline,
    may_have_lapsed,
    must_have_lapsed,
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


class Table(ABC):
    """One API's documented outcomes, step by step."""

    profile: ClassVar[Profile]
    defects: ClassVar[Mapping[Defect, tuple[Rules, Permitted]]]
    """What is documented of a broken request: the rules, and the statuses they permit."""
    recorded_defects: ClassVar[Mapping[Defect, Rules]]
    """The rules of silence about a broken request."""
    unchanged: ClassVar[Blame] = Blame.all("INV-1")
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
        not_yet = Branch(f"not {name} when we stopped asking", waiting, order, proves=False)
        return Expectation((moved, not_yet, *self._ended_otherwise(order, stays)))

    def _cannot(self, order: Order, world: World, blame: Blame, rules: Rules = ()) -> Expectation:
        stays = self._stays_refused(order, world)
        claims = (outcome(ACCEPTED, REFUSED), *stays, *self.view(order, world, blame))
        return Expectation((Branch("nothing happens", claims, order, rules), *self._ended_otherwise(order, stays)))

    def _ended_otherwise(self, order: Order, stays: tuple[Claim, ...]) -> tuple[Branch, ...]:
        # The user may have done something else than was asked for, and that is nobody's fault.
        claims = (outcome(ACCEPTED, REFUSED), *self.ended_otherwise(order))
        return (Branch("ended, and not by a cancel", claims, order, proves=False),) if stays else ()

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
        stays = self._stays_refused(older, world)
        same = branch("older", accepted(), (*stays, *self.view(older, world, blame)), older, rules, kept)
        branches = [replace(same, lasting=not (open_ and must_have_lapsed(older, world)))]
        branches += self._ended_otherwise(older, stays)
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


def unjudged(expectation: Expectation) -> tuple[Branch, ...]:
    """Return an expectation's branches as permitted, and as examples of nothing."""
    return tuple(replace(each, rules=(), readings=()) for each in expectation.branches)


def _is_refusal(each: Branch) -> bool:
    return any(claim.field == "answer.outcome" and claim.permitted.permits(REFUSED) for claim in each.claims)


def _without_code(each: Branch) -> Branch:
    return replace(
        each, claims=tuple(claim for claim in each.claims if claim.field not in ("answer.code", "answer.group"))
    )
