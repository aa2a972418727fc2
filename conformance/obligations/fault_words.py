"""Injected faults as the beginning of a sentence: "the response to the cancel was lost: …"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.obligations.observation import ObservedRequest

FAULT_WORDS: Final[Mapping[str, str]] = {
    "lost-before": "the {what} was lost on its way to the provider",
    "error-500": "the {what} was answered with an error of the server (500)",
    "error-502-html": "the {what} was answered with a web page (502)",
    "error-503": "the {what} was answered with 503, service unavailable",
    "busy-429": "the {what} was answered with 429, too many requests",
    "locked-423": "the {what} was refused for the moment (423)",
    "processing-409": "the {what} was refused while the payment was being processed (409)",
    "timeout-408": "the {what} was answered with 408, a timeout",
    "unauthorized-401": "the token had ended when the {what} came (401)",
    "forbidden-403": "the {what} was refused by the gateway (403)",
    "missing-404": "the {what} was answered with 404, as if there were no such payment",
    "redirect-302": "the {what} was redirected (302)",
    "empty-200": "the {what} was answered with an empty 200, without being carried out",
    "html-200": "the {what} was answered with a web page (200), without being carried out",
    "accepted-202": "the {what} was answered with 202, without being carried out",
    "unchanged-200": "the {what} was answered with 200 and the payment as it was, without being carried out",
    "sticky-400": "the {what} was refused for good (400)",
    "lost-after": "the response to the {what} was lost",
    "slow-after": "the response to the {what} came too late",
    "error-500-after": "the {what} was carried out and answered with an error of the server (500)",
    "empty-200-after": "the {what} was carried out and answered with an empty 200",
    "html-200-after": "the {what} was carried out and answered with a web page (200)",
}
"""What each fault did to a request; ``{what}`` is the operation."""


def fault_in_words(request: ObservedRequest) -> str:
    """Return what the injected fault did to a request; empty where none met it."""
    template = FAULT_WORDS.get(request.fault, "")
    return template.format(what=request.operation)


def after_fault(request: ObservedRequest) -> str:
    """Return the injected fault as the beginning of a sentence, with its colon; empty where none met the request."""
    words = fault_in_words(request)
    return f"{words}: " if words else ""
