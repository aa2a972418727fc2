"""Faulty ePayment: what the event log says of a cancel, and how often."""

from __future__ import annotations

import dataclasses
import json

from conformance.sandbox import EPayment, Options
from conformance.sandbox.payment import EntryKind, Stage

from ..fault import BLATANT, NARROW, TWO_FACED, faulty
from ..steps import approve, cancel, capture


@faulty(NARROW, "EP-30", approve, cancel)
class EventHasTheReferenceOfTheCreation(EPayment):
    """The event of a cancel has the pspReference of the payment's creation."""

    def event(self, order, entry):
        shown = super().event(order, entry)
        return {**shown, "pspReference": order.reference} if entry.kind is EntryKind.RELEASE else shown


@faulty(NARROW, "EP-30", approve, capture(500), cancel)
class EventHasTheReferenceOfTheCapture(EPayment):
    """The event of a cancel after a capture has the pspReference of the capture."""

    def event(self, order, entry):
        shown = super().event(order, entry)
        captures = [each.reference for each in order.entries if each.kind is EntryKind.CAPTURE]
        return {**shown, "pspReference": captures[-1]} if captures and entry.kind is EntryKind.RELEASE else shown


@faulty(NARROW, "EP-30", approve, cancel)
class EventHasNoReference(EPayment):
    """The event of a cancel has no pspReference."""

    def event(self, order, entry):
        shown = super().event(order, entry)
        if entry.kind is EntryKind.RELEASE:
            del shown["pspReference"]
        return shown


@faulty(NARROW, "EP-30", approve, cancel)
class EventHasTheKeyOfTheCreation(EPayment):
    """The event of a cancel has the idempotency key with which the payment was created."""

    def event(self, order, entry):
        shown = super().event(order, entry)
        return {**shown, "idempotencyKey": order.entries[0].key} if entry.kind is EntryKind.RELEASE else shown


@faulty(BLATANT, "EP-32", cancel)
class AnswerHasNoReference(EPayment):
    """The cancel answer has no pspReference."""

    def cancel_answer(self, order):
        response = super().cancel_answer(order)
        payload = {name: value for name, value in response.json().items() if name != "pspReference"}
        return dataclasses.replace(response, body=json.dumps(payload).encode())


@faulty(TWO_FACED, "EP-12 INV-10", cancel, cancel, options=Options(second_cancel="repeat"))
class RepeatedCancelTerminatesAgain(EPayment):
    """A second cancel of a terminated payment answers as the first did, and leaves a second event of the amount."""

    def repeat_cancel(self, order):
        if order.stage is Stage.CANCELLED:
            self.record(order, EntryKind.STOP, order.amount)
        return super().repeat_cancel(order)


@faulty(TWO_FACED, "EP-13", approve, cancel, cancel, options=Options(second_cancel="repeat"))
class RepeatedCancelIsListedAgain(EPayment):
    """A second cancel of an authorized payment answers as the first did, and leaves a second event of the amount."""

    def repeat_cancel(self, order):
        if order.is_reserved:
            self.record(order, EntryKind.RELEASE, order.cancelled)
        return super().repeat_cancel(order)


@faulty(TWO_FACED, "INV-1", cancel, cancel)
class RefusedSecondCancelIsListed(EPayment):
    """A second cancel of a terminated payment is refused, and listed as one that succeeded."""

    def refuse_cancel(self, order, refusal):
        if order.stage is Stage.CANCELLED:
            self.record(order, EntryKind.STOP, order.amount)
        return super().refuse_cancel(order, refusal)
