"""Faulty Recurring: what the history of a charge says of a cancel, and how often."""

from __future__ import annotations

import dataclasses

from conformance.sandbox import Options, Recurring
from conformance.sandbox.clock import DAY
from conformance.sandbox.payment import EntryKind
from conformance.sandbox.wire import json_response

from ..fault import NARROW, TWO_FACED, faulty
from ..steps import again, cancel

CANCELS = (EntryKind.STOP, EntryKind.RELEASE)


class Events(Recurring):
    """Shows the event of a cancel in a way of its own."""

    def event(self, charge, entry):
        shown = super().event(charge, entry)
        return self.event_of_cancel(charge, entry, shown) if entry.kind in CANCELS else shown

    def event_of_cancel(self, charge, entry, shown):
        """Return the event of a cancel."""
        return shown


@faulty(NARROW, "RE-21", cancel)
class EventHasNoKey(Events):
    """The event of a cancel has no idempotency key."""

    def event_of_cancel(self, charge, entry, shown):
        return {name: value for name, value in shown.items() if name != "idempotencyKey"}


@faulty(NARROW, "RE-21", cancel)
class EventHasTheKeyOfTheCreation(Events):
    """The event of a cancel has the idempotency key with which the charge was created."""

    def event_of_cancel(self, charge, entry, shown):
        return {**shown, "idempotencyKey": charge.entries[0].key}


@faulty(NARROW, "RE-21", cancel)
class EventHasAnotherKey(Events):
    """The event of a cancel has an idempotency key that nobody sent."""

    def event_of_cancel(self, charge, entry, shown):
        return {**shown, "idempotencyKey": f"cancel-{entry.reference}"}


@faulty(TWO_FACED, "RE-21", cancel, cancel)
class RefusedCancelTakesTheEvent(Recurring):
    """A second cancel is refused, and the event of the first has its idempotency key from then on."""

    def carry_out_cancel_request(self, call, key):
        charge = self.need_charge(call)
        if charge.entries[-1].kind in CANCELS and key is not None:
            charge.entries[-1] = dataclasses.replace(charge.entries[-1], key=key)
        return super().carry_out_cancel_request(call, key)


@faulty(NARROW, "RE-21", cancel)
class EventHasNoTime(Events):
    """The event of a cancel does not say when it happened."""

    def event_of_cancel(self, charge, entry, shown):
        return {**shown, "occurred": None}


@faulty(NARROW, "RE-21", cancel)
class EventHasATimeForPeople(Events):
    """The event of a cancel has its time in a form that no program reads."""

    def event_of_cancel(self, charge, entry, shown):
        day, _, time = shown["occurred"].partition("T")
        year, month, date = day.split("-")
        return {**shown, "occurred": f"{date}.{month}.{year} kl. {time[:5]}"}


@faulty(NARROW, "RE-21", cancel)
class EventIsOlderThanTheCharge(Events):
    """The event of a cancel happened a day before the charge was made."""

    def event_of_cancel(self, charge, entry, shown):
        return {**shown, "occurred": charge.shown(charge.created_at - DAY)}


@faulty(NARROW, "RE-21", cancel)
class EventHasTheFirstMomentOfAll(Events):
    """The event of a cancel happened in 1970."""

    def event_of_cancel(self, charge, entry, shown):
        return {**shown, "occurred": "1970-01-01T00:00:00.000Z"}


@faulty(NARROW, "RE-21", cancel)
class EventIsInTheFuture(Events):
    """The event of a cancel happens in ten years."""

    def event_of_cancel(self, charge, entry, shown):
        return {**shown, "occurred": charge.shown(entry.at + 3653 * DAY)}


@faulty(NARROW, "RE-21", cancel)
class EventHasNoSuccess(Events):
    """The event of a cancel does not say whether it was carried out."""

    def event_of_cancel(self, charge, entry, shown):
        return {name: value for name, value in shown.items() if name != "success"}


@faulty(TWO_FACED, "RE-09", cancel, cancel, options=Options(second_cancel="repeat"))
class RepeatedCancelIsListedAgain(Recurring):
    """A second cancel answers as the first did, and leaves a second event of the amount."""

    def repeat_cancel(self, charge):
        self.record(charge, EntryKind.RELEASE, charge.amount, key=charge.entries[-1].key)
        return super().repeat_cancel(charge)


@faulty(NARROW, "RE-10", cancel, again)
class RepeatedKeyIsAnsweredOtherwise(Recurring):
    """A cancel that is sent again with its key is answered 200, where the first was answered 204."""

    def replay(self, call, key, handler, earlier):
        response = super().replay(call, key, handler, earlier)
        return json_response(200, {}) if call.request.method == "DELETE" and response.status == 204 else response
