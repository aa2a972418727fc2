"""Histories in their short form, as they are printed and as a person writes them.

    history("epayment", "approve", "capture 300", "age 181 days", "cancel flag=true")

A step is its name in the history's JSON, then its amount in minor units, its age, or its other fields as
``name=value``. ``cancel & capture 300`` are two requests at the same moment. A first step ``initiate 2500`` says how
the order is created; without one it is a payment of 10.00.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.domain.steps import HISTORY_VERSION, UNITS, History, HistoryError, history_from_json

_BOOLEANS: Final = {"true": True, "false": False}
_INITIATE: Final = "initiate"


def history(profile: str, *steps: str) -> History:
    """Return the history of an order.

    >>> history("epayment", "approve", "cancel").steps
    (Approve(), Cancel(flag=None, key=<Key.FRESH: 'fresh'>, to=<Addressee.OWN: 'own'>, defect=None))

    Args:
        profile: the API: ``ecom``, ``epayment`` or ``recurring``.
        steps: what happens to the order, in the short form.

    Raises:
        HistoryError: there is no such API, step or field; the message says where.

    """
    listed = [_step(text) for text in steps]
    if not listed or listed[0]["do"] != _INITIATE:
        listed.insert(0, {"do": _INITIATE})
    return history_from_json({"version": HISTORY_VERSION, "profile": profile, "steps": listed})


def _step(text: str) -> dict[str, Any]:
    first, both, second = text.partition("&")
    if both:
        return {"do": "together", "first": _step(first), "second": _step(second)}
    name, *words = text.split() or [""]
    if name == "age":
        return {"do": name, "by": _seconds(words, text)}
    return {"do": name, **dict(_field(word, text) for word in words)}


def _field(word: str, text: str) -> tuple[str, Any]:
    if word.isdecimal():
        return "amount", int(word)
    name, equals, value = word.partition("=")
    if not equals:
        raise HistoryError(f"{text!r}: {word!r} is neither an amount in minor units nor name=value")
    return name, _BOOLEANS.get(value, value)


def _seconds(words: list[str], text: str) -> int:
    numbers, units = words[::2], [word.removesuffix("s") for word in words[1::2]]
    if not words or len(numbers) != len(units) or not all(map(str.isdecimal, numbers)) or not set(units) <= set(UNITS):
        raise HistoryError(f"{text!r}: an age is written as in 'age 181 days' or 'age 1 day 2 hours'")
    return sum(int(number) * UNITS[unit] for number, unit in zip(numbers, units, strict=True))
