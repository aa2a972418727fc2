"""Sentences about the steps, faults and books of a merchant's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from conformance.evidence.record_parts import EventRecord, ProviderRecord
from conformance.evidence.records import ActionRecord, BooksRecord, ExchangeRecord, MerchantRecord
from conformance.obligations.history import CUSTOMER_STEPS, ZONES, Fault, MerchantHistory, MerchantStep
from conformance.reports.wording.provider import amount, counted, duration
from conformance.reports.wording.sanitize import in_one_line

_STEPS: Final[Mapping[str, str]] = {
    "cancel": "The shop cancels {which}",
    "cancel_together": "The shop cancels {which} twice at the same time, as two people would",
    "abandon": "The customer leaves the checkout, and the shop abandons {which}",
    "tick": "The shop’s scheduled work runs",
    "restart": "The shop’s process is started again",
    "approve": "The customer approves {which}",
    "reject": "The customer rejects {which}",
    "expire": "The customer does nothing until {which} times out",
    "start_3ds": "The customer of {which} is sent into 3-D Secure, or its charge is processed",
    "finish_3ds": "That ends with success for {which}",
    "fail_3ds": "That ends without success for {which}",
    "portal_cancel": "In the portal, {which} is cancelled",
    "deliver": "The provider’s notifications arrive",
    "deliver_twice": "The provider’s notifications arrive, each of them twice",
    "deliver_reversed": "The provider’s notifications arrive, the latest first",
    "lose": "The provider’s notifications are lost",
    "deliver_proxied": "The provider’s notifications arrive through a proxy that changes the host",
    "deliver_spaced": "The provider’s notifications arrive, with unusual spacing in their JSON",
    "deliver_unicode": "The provider’s notifications arrive, with letters beyond ASCII",
    "deliver_slashes": "The provider’s notifications arrive, with escaped slashes in their JSON",
    "deliver_large": "The provider’s notifications arrive, of 40 kilobytes each",
    "deliver_extended": "The provider’s notifications arrive, with fields that are not known",
    "deliver_charset": "The provider’s notifications arrive, with a charset in their Content-Type",
    "deliver_unknown": "A true notification about {which} arrives, of an event that is not known",
    "forge_unsigned": "A forged notification about {which} arrives, without a signature",
    "forge_wrong_secret": "A forged notification about {which} arrives, signed with another secret",
    "forge_body": "A forged notification about {which} arrives: its body was changed after signing",
    "forge_hash": "A forged notification about {which} arrives: its body and hash were changed after signing",
    "forge_path": "A forged notification about {which} arrives, signed for another path",
    "forge_host": "A forged notification about {which} arrives, signed for another host",
    "forge_date": "A forged notification about {which} arrives: its date was changed after signing",
    "forge_replay": "An old notification about {which} is sent again by somebody",
    "forge_other_shop": "A forged notification about {which} arrives, signed with the secret of another shop",
    "forge_deleted_secret": "A forged notification about {which} arrives, signed with the secret of a deleted webhook",
    "fail_authorization": "The provider notifies the shop that an authorization of {which} failed",
    "fail_capture": "The provider notifies the shop that a capture of {which} failed",
    "fail_cancel": "The provider notifies the shop that a cancel of {which} failed",
    "stop_agreement": "The shop stops the agreement of {which}",
    "customer_stop": "The customer stops the agreement of {which}",
    "bank_release": "The customer’s bank drops the reservation of {which} early",
    "pay_again": "The customer starts the checkout of {which} anew, and the shop makes another payment",
}
AT_REST: Final = "No more trouble is made; time passes until the shop is at rest"
_TROUBLE: Final[Mapping[str, str]] = {
    "lost-before": "lost on its way",
    "error-500": "answered 500, and not carried out",
    "error-502-html": "answered 502 with a web page, and not carried out",
    "error-503": "answered 503, and not carried out",
    "busy-429": "answered 429, and not carried out",
    "locked-423": "answered 423, the payment being locked",
    "processing-409": "refused, the payment being processed",
    "timeout-408": "answered 408, and not carried out",
    "unauthorized-401": "answered 401, the token having ended",
    "forbidden-403": "answered 403",
    "missing-404": "answered 404, as if there were no such payment",
    "redirect-302": "sent elsewhere with 302",
    "empty-200": "answered 200 with nothing in it, and not carried out",
    "html-200": "answered 200 with a web page, and not carried out",
    "accepted-202": "answered 202, and not carried out",
    "unchanged-200": "answered 200 with the payment as it was, and not carried out",
    "sticky-400": "answered 400, as is every later one with its key",
    "lost-after": "carried out, and its answer lost",
    "slow-after": "carried out, and answered late",
    "error-500-after": "carried out, and answered 500",
    "empty-200-after": "carried out, and answered 200 with nothing in it",
    "html-200-after": "carried out, and answered 200 with a web page",
    "approve-before": "overtaken by the customer’s approval",
    "approve-after": "followed at once by the customer’s approval",
    "twice": "sent twice by something below the shop",
    "deliver-after": "overtaken by the provider’s notifications, which arrive before its answer",
}
"""What each kind of fault does to a request."""
_ENDED: Final[Mapping[str, str]] = {
    "raised": "did not succeed",
    "hung": "did not come to an end",
    "flooded": "asked the provider without an end",
    "skipped": "could not happen",
}


def merchant_step_in_words(step: MerchantStep, history: MerchantHistory, currency: str) -> str:
    """Return one step as a sentence without its full stop."""
    which = f"order {step.order + 1}" if len(history.amounts) > 1 else "the order"
    if step.number and step.do in CUSTOMER_STEPS:
        which = f"the {_nth(step.number)} payment of {which}"
    match step.do:
        case "create":
            money = amount(history.amounts[step.order], currency)
            return f"The shop makes the payment of {which}, {money}"
        case "capture":
            return f"The shop ships and captures {amount(step.number, currency)} of {which}"
        case "complete":
            money = amount(step.number, currency)
            return f"The shop ships {money} of {which} and nothing more: it takes that and releases the rest"
        case "refund":
            return f"Goods come back, and the shop refunds {amount(step.number, currency)} of {which}"
        case zone if zone in ZONES:
            return f"The shop’s process is in the time zone {ZONES[zone]} from here on"
        case "live":
            span = duration(timedelta(seconds=step.number))
            return f"{span} pass for everybody, with the shop’s scheduled work and the notifications in between"
        case "wait":
            return f"Time passes: {counted(step.number, 'second')}"
        case "age":
            return f"Time passes for {which}: {counted(step.number, 'day')}"
        case _:
            return _STEPS[step.do].format(which=which)


def fault_in_words(fault: Fault) -> str:
    """Return a fault of the plan as a phrase."""
    which = "every" if fault.at == 1 and not fault.times else f"{_nth(fault.at)}"
    more = "" if fault.times in (0, 1) else f" and the {fault.times - 1} after it"
    since = " and all after it" if fault.at > 1 and not fault.times else ""
    wait = f" ({counted(fault.seconds, 'second')})" if fault.seconds else ""
    return f"{which} {fault.on}{more}{since}: {trouble_in_words(fault.kind)}{wait}"


def trouble_in_words(kind: str) -> str:
    """Return what a fault does to a request, with the fault's name."""
    return f"{_TROUBLE[kind]} ({kind})"


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")


def happening_in_words(record: ActionRecord | BooksRecord, several: bool) -> Iterator[str]:
    """Yield phrases about an action or the books; nothing for an uneventful action."""
    which = f" of order {record.order + 1}" if several and record.order is not None else ""
    if isinstance(record, ActionRecord) and record.ended != "returned":
        detail = f" ({record.told})" if record.told else ""
        yield in_one_line(f"{record.action}{which} {_ENDED[record.ended]}{detail}", 300)
    elif isinstance(record, BooksRecord):
        amounts = [f"{name} {value}" for name, value in record.view.items() if name in _AMOUNTS]
        view = ", ".join([f"the merchant’s books{which} say {record.view['status']}", *amounts])
        yield from (_event_in_words(event, record.truth) for event in record.events if event.by != "shop")
        yield in_one_line("; ".join([view, *_payments_in_words(record)]), 300)


def _payments_in_words(record: BooksRecord) -> Iterator[str]:
    """Yield where each payment of an order is."""
    if len(record.payments) > 1:
        yield from (f"payment {payment.id} is {payment.truth.stage}" for payment in record.payments)
    elif record.truth is not None:
        agreement = f", its agreement {record.truth.agreement}" if record.truth.agreement else ""
        yield f"the payment is {record.truth.stage}{agreement}"


def _event_in_words(event: EventRecord, truth: ProviderRecord | None) -> str:
    """Return what happened to a payment and who caused it, where that was not the shop."""
    money = f" of {amount(event.amount, truth.currency)}" if event.amount and truth is not None else ""
    return in_one_line(f"{_EVENTS.get(event.event, event.event)}{money}, caused by {_CAUSES.get(event.by, event.by)}")


_EVENTS: Final[Mapping[str, str]] = {
    "create": "payment made",
    "reserve": "reservation",
    "sale": "direct capture",
    "capture": "capture",
    "refund": "refund",
    "stop": "payment stopped",
    "release": "release",
    "reject": "payment rejected",
    "expire": "payment expired",
    "fail": "payment failed",
}
_CAUSES: Final[Mapping[str, str]] = {
    "customer": "the customer",
    "portal": "the merchant’s staff in the portal",
    "bank": "the customer’s bank",
    "time": "the passing of time",
    "shop": "the shop",
}
_AMOUNTS: Final = ("captured", "refunded", "cancelled", "authorized", "remaining")


def exchange_in_words(record: MerchantRecord) -> Iterator[str]:
    """Yield a record of a replayed history as lines."""
    if isinstance(record, ExchangeRecord) and record.wire is not None:
        request, response, wire = record.request, record.response, record.wire
        answer = record.lost if response is None else str(response.status)
        fault = f"  [{wire.fault}]" if wire.fault else ""
        yield in_one_line(f"{wire.at:8.1f} s  {request.method} {request.path} -> {answer}{fault}", 400)
    elif isinstance(record, ActionRecord) and record.ended != "returned":
        detail = f": {record.told}" if record.told else ""
        yield in_one_line(f"{record.action} {_ENDED[record.ended]}{detail}", 400)
    elif isinstance(record, BooksRecord):
        view = ", ".join(f"{name} {value}" for name, value in record.view.items())
        yield in_one_line(f"the merchant's books: {view}", 400)
        if record.truth is not None:
            names = ("stage", "authorized", "captured", "refunded", "cancelled", "remaining")
            yield "the provider's:       " + ", ".join(f"{name} {getattr(record.truth, name)}" for name in names)
