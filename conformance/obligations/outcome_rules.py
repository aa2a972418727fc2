"""M18 to M24: what an answer proves, and books that agree with it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.obligations.finding import Said, broken, ended, met, stands
from conformance.obligations.observation import BookSnapshot, MerchantTrace, ObservedRequest
from conformance.obligations.response_reader import ENDED_WEBHOOKS, Outcome, outcome, shows_end
from conformance.obligations.timing_rules import HONOURED, end_wanted

AMOUNTS = ("captured", "cancelled", "authorized", "remaining")


def proof(seen: MerchantTrace, order: int, until: int) -> bool:
    """Whether the merchant was shown, before a record, that a payment had ended."""
    shown = any(shows_end(one) for one in _answers(seen, order, until) if one.operation in ("cancel", "read"))
    return shown or _notified(seen, order, until) or _listed(seen, order, until)


def _answers(seen: MerchantTrace, order: int, until: int) -> Iterator[ObservedRequest]:
    return (one for one in seen.of(order) if one.n < until)


def _notified(seen: MerchantTrace, order: int, until: int) -> bool:
    return any(
        one.action == "deliver" and one.order == order and one.n < until and one.hook in ENDED_WEBHOOKS
        for one in seen.acts
    )


def _listed(seen: MerchantTrace, order: int, until: int) -> bool:
    return any(
        one.operation == "list" and one.n < until and one.order in (order, None) and shows_end(one)
        for one in seen.exchanges
    )


def called_cancelled(seen: MerchantTrace, order: int) -> BookSnapshot | None:
    """Return the first books in which the merchant calls an order cancelled without a proof of it."""
    for one in seen.books:
        if one.order == order and one.status == "cancelled" and not proof(seen, order, one.n):
            return one
    return None


def _last_cancel(seen: MerchantTrace, order: int, until: int) -> ObservedRequest | None:
    return next((one for one in reversed(seen.cancels(order)) if one.n < until), None)


def _answer(exchange: ObservedRequest) -> str:
    said = "no answer" if exchange.status is None else f"HTTP {exchange.status}"
    return f"{exchange.where} got {said}"


def m18_success(seen: MerchantTrace, order: int) -> Said:
    """Nothing but a success makes an order cancelled: no refusal, no failure, and no read that failed."""
    tried = [
        one
        for one in seen.of(order)
        if one.status is not None
        and (one.status >= 300)
        and (one.operation == "cancel" or (one.operation == "read" and one.fault))
    ]
    if not tried:
        return None
    books = called_cancelled(seen, order)
    if books is not None and not ended(books.truth):
        last = _last_cancel(seen, order, books.n) or next((one for one in reversed(tried) if one.n < books.n), None)
        if last is not None and last.status is not None and last.status >= 300:
            return broken(books.step, f"{_answer(last)}, {stands(books)}")
    return met(tried[0].step)


def m19_amount(seen: MerchantTrace, order: int) -> Said:
    """A success that does not show what it did is followed by a look at the payment."""
    unclear = [one for one in seen.cancels(order) if outcome(one) is Outcome.UNCLEAR]
    if not unclear:
        clear = [one for one in seen.cancels(order) if outcome(one) is Outcome.DONE]
        return met(clear[0].step) if clear else None
    books = called_cancelled(seen, order)
    last = None if books is None else _last_cancel(seen, order, books.n)
    if books is not None and last is not None and outcome(last) is Outcome.UNCLEAR:
        how = "without a body that shows it" if last.answered() is None else "with amounts that do not show it"
        return broken(books.step, f"{_answer(last)} {how}, and was believed: {stands(books)}")
    return met(unclear[0].step)


def m20_not_payable(seen: MerchantTrace, order: int) -> Said:
    """What was cancelled is not captured, and not called payable, whatever its state is called."""
    own = [
        one for one in seen.cancels(order) if one.before and one.after and one.after.cancelled > one.before.cancelled
    ]
    if not own:
        return None
    for one in seen.of(order):
        unasked = one.operation == "capture" and one.action in ("tick", "deliver", "cancel")
        if unasked and one.before is not None and one.before.ended and proof(seen, order, one.n):
            return broken(one.step, f"{one.where} was sent after the payment had been cancelled")
    called = False
    for books in seen.books:
        if books.order != order or not ended(books.truth):
            continue
        if called and books.status == "authorized":
            return broken(books.step, f"the merchant's books had called the order cancelled before; {stands(books)}")
        called = called or books.status == "cancelled"
    quiet = seen.quiet(order)
    if quiet is None or quiet.truth is None or not proof(seen, order, quiet.n):
        return met(own[0].step)
    if quiet.status == "authorized" and quiet.truth.ended:
        return broken(seen.last_step, f"the merchant was shown that the payment was cancelled; {stands(quiet)}")
    return met(own[0].step)


def m21_words(seen: MerchantTrace, order: int) -> Said:
    """Every documented name of an ended payment is understood."""
    quiet = seen.quiet(order)
    if quiet is None or quiet.truth is None or not ended(quiet.truth) or quiet.truth.captured:
        return None
    if quiet.truth.stage in ("rejected", "expired", "failed") and quiet.status in HONOURED:
        return broken(seen.last_step, stands(quiet))
    shown = any(
        shows_end(one)
        for one in seen.of(order)
        if one.operation == "read" or (one.operation == "cancel" and one.api != "recurring")
    )
    if not shown:
        return None
    if quiet.status in ("open", "cancelling"):
        return broken(seen.last_step, f"the merchant was shown that the payment had ended; {stands(quiet)}")
    return met(seen.last_step)


def m22_async(seen: MerchantTrace, order: int) -> Said:
    """Recurring: 204 is done, and 202 is not yet."""
    cancels = seen.cancels(order)
    pending = [one for one in cancels if outcome(one) is Outcome.PENDING]
    done = [one for one in cancels if outcome(one) is Outcome.DONE]
    books = called_cancelled(seen, order)
    if pending and books is not None:
        last = _last_cancel(seen, order, books.n)
        if last is not None and outcome(last) is Outcome.PENDING:
            return broken(books.step, f"{_answer(last)}, accepted and not done, and was believed: {stands(books)}")
    quiet = seen.quiet(order)
    over = quiet is not None and quiet.truth is not None and ended(quiet.truth) and not quiet.truth.captured
    if done and quiet is not None and over and quiet.status in ("open", "authorized", "cancelling", "failed"):
        return broken(seen.last_step, f"{_answer(done[-1])}, which is done; {stands(quiet)}")
    return met((pending or done)[0].step) if pending or done else None


def m23_captured(seen: MerchantTrace, order: int) -> Said:
    """What was captured stays captured when the rest is cancelled."""
    quiet = seen.quiet(order)
    if quiet is None or quiet.truth is None or not quiet.truth.captured or not quiet.truth.cancelled:
        return None
    kept = quiet.amount("captured")
    if kept is None:
        return None
    if kept != quiet.truth.captured:
        return broken(seen.last_step, f"{quiet.truth.captured} were captured, and the merchant's books have {kept}")
    return met(seen.last_step)


def no_capture(seen: MerchantTrace) -> str:
    """Say why nothing was captured although it was asked for; nothing where something was, or nothing was asked."""
    if not any(one.action == "capture" for one in seen.acts):
        return ""
    if any(one.truth is not None and one.truth.captured for one in seen.books):
        return ""
    sent = [one for one in seen.exchanges if one.operation == "capture"]
    if not sent:
        return "the integration was asked to capture, and sent no capture"
    if sent[-1].fault:
        return "the capture met a fault, and was not done after it"
    said = "no answer" if sent[-1].status is None else f"HTTP {sent[-1].status}"
    return f"the provider refused the integration's captures, with {said}"


def m24_books(seen: MerchantTrace, order: int) -> Said:
    """The merchant's amounts are whole, not negative, and the provider's."""
    said: Said = None
    for one in seen.books:
        if one.order != order:
            continue
        kept = {name: one.view[name] for name in AMOUNTS if name in one.view}
        said = said or (met(one.step) if kept else None)
        for name, value in kept.items():
            if isinstance(value, bool) or not isinstance(value, int):
                return broken(
                    one.step, f"{name} is {value!r} in the merchant's books, which is no whole number of minor units"
                )
            if value < 0:
                return broken(one.step, f"{name} is {value} in the merchant's books")
    quiet = seen.quiet(order)
    if quiet is None or quiet.truth is None:
        return said
    problem = next(_differences(seen, quiet, order), "")
    return broken(seen.last_step, problem) if problem else said


def _differences(seen: MerchantTrace, quiet: BookSnapshot, order: int) -> Iterator[str]:
    truth = quiet.truth
    assert truth is not None
    currency = quiet.view.get("currency")
    if currency is not None and str(currency).upper() != truth.currency:
        yield f"the currency is {currency} in the merchant's books, and {truth.currency} at the provider"
    captured, cancelled = quiet.amount("captured"), quiet.amount("cancelled")
    if captured is not None and captured != truth.captured and _knows_captures(seen, order):
        yield f"{captured} are captured in the merchant's books, and {truth.captured} at the provider"
    authorized, remaining = quiet.amount("authorized"), quiet.amount("remaining")
    if None not in (authorized, captured, cancelled, remaining) and authorized != captured + cancelled + remaining:  # type: ignore[operator]
        yield f"{authorized} authorized are not {captured} captured, {cancelled} cancelled and {remaining} remaining"
    if not truth.authorized or not _knew_of_approval(seen, order) or quiet.status not in ("cancelled", "captured"):
        return
    if end_wanted(seen, order) and cancelled is not None and ended(truth) and cancelled != truth.cancelled:
        yield f"{cancelled} are cancelled in the merchant's books, and {truth.cancelled} at the provider"
    if remaining is not None and end_wanted(seen, order) and remaining != truth.remaining:
        yield f"{remaining} remain in the merchant's books, and {truth.remaining} at the provider"


def _knows_captures(seen: MerchantTrace, order: int) -> bool:
    """Whether every capture was the merchant's own, and it was told how the last one ended."""
    captures = [one for one in seen.of(order) if one.operation == "capture"]
    asked = [one for one in seen.acts if one.action == "capture" and one.order == order]
    direct = not captures and any(
        one.truth is not None and one.truth.captured for one in seen.books if one.order == order
    )
    if direct:
        return False
    return not asked or asked[-1].ended == "returned"


def _knew_of_approval(seen: MerchantTrace, order: int) -> bool:
    """Whether the merchant's books ever had the reservation."""
    return any(one.order == order and one.status in HONOURED for one in seen.books)
