"""A merchant's histories in their short form, as they are printed and as a person writes them.

merchant_history("epayment", "create", "approve", "capture 300", "cancel", faults=["cancel lost-after"])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conformance.domain.steps import HistoryError
from conformance.evidence.journal import MERCHANT_PARTY
from conformance.obligations.history import SIMPLEST_AMOUNT, VERSION, MerchantHistory, merchant_history_from_json


def merchant_history(
    profile: str,
    *steps: str,
    amounts: Iterable[int] = (SIMPLEST_AMOUNT,),
    faults: Iterable[str] = (),
    provider: Mapping[str, Any] | None = None,
) -> MerchantHistory:
    """Return the history of a merchant's orders.

    >>> merchant_history("epayment", "create", "wait 20", "cancel order=1", amounts=(1000, 999)).steps[1:]
    (MerchantStep(do='wait', order=0, number=20), MerchantStep(do='cancel', order=1, number=0))

    Args:
        profile: the API: ``ecom``, ``epayment`` or ``recurring``.
        steps: what happens: the name of a step, then minor units, seconds or days where it has a number, and
            ``order=1`` for the second order.
        amounts: the amount of each order, in minor units.
        faults: what goes wrong: an operation and a fault, as in ``cancel lost-after``, and ``at=``, ``times=`` and
            ``seconds=`` where they differ from 1, 1 and 0.
        provider: how the provider behaves where the documentation leaves a choice, as ``{"second_cancel": "repeat"}``.

    Raises:
        HistoryError: a word is not known; the message says which.

    """
    return merchant_history_from_json(
        {
            "version": VERSION,
            "party": MERCHANT_PARTY,
            "profile": profile,
            "amounts": list(amounts),
            "provider": dict(provider or {}),
            "faults": [_fault(text) for text in faults],
            "steps": [_step(text) for text in steps],
        }
    )


def _step(text: str) -> dict[str, Any]:
    name, *words = text.split() or [""]
    return {"do": name, **_numbers(words, text, "number")}


def _fault(text: str) -> dict[str, Any]:
    operation, kind, *words = [*text.split(), "", ""][: max(2, len(text.split()))]
    return {"on": operation, "kind": kind, "at": 1, "times": 1, **_numbers(words, text, "at")}


def _numbers(words: Iterable[str], text: str, plain: str) -> dict[str, int]:
    """Return numbers by name; one without a name has the ``plain`` one."""
    numbers = {}
    for word in words:
        name, _, number = word.rpartition("=")
        if not number.isdecimal():
            raise HistoryError(f"{text!r}: {word!r} is neither a number nor name=number")
        numbers[name or plain] = int(number)
    return numbers
