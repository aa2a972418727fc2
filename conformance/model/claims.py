"""The claims in which the rows of all three APIs are written."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, TypeAlias

from conformance.domain.expectation import ACCEPTED, BROKEN, PENDING, REFUSED, Between, Claim, OneOf, Permitted, Scalar
from conformance.domain.observation import Field

Rules: TypeAlias = tuple[str, ...]
Claims: TypeAlias = tuple[Claim, ...]
Codes: TypeAlias = tuple[str | None, ...]
"""Permitted error codes; None among them permits an answer that has none."""

REFUSAL = Between(400, 499, but=(401, 404, 408, 429))
"""A refusal for what the order is. 401, 404, 408 and 429 speak of something else."""
ANY_REFUSAL = Between(400, 499, but=(408, 429))
BAD_REQUEST = OneOf((400,))
UNAUTHORIZED = OneOf((401,))
NOT_FOUND = OneOf((404,))

BOOKS: Rules = ("INV-10",)


@lru_cache(maxsize=4096, typed=True)
def one_of(*values: Scalar) -> OneOf:
    """Permit these values. A run asks for the same ones a million times."""
    return OneOf(values)


def outcome(*values: str, rules: Rules = ()) -> Claim:
    """Claim how the request was answered."""
    return Claim(Field.ANSWER_OUTCOME, OneOf(values), rules)


def accepted(rules: Rules = ()) -> Claims:
    """Claim a 2xx answer."""
    return (outcome(ACCEPTED, rules=rules),)


def done(rules: Rules = (), *statuses: int) -> Claim:
    """Claim the status of a success, which is 200 where nothing else is documented."""
    return Claim(Field.ANSWER_STATUS, OneOf(statuses or (200,)), rules)


def accepted_or_pending(rules: Rules = ()) -> Claims:
    """Claim a 2xx answer, where 202 is documented as well."""
    return (outcome(ACCEPTED, PENDING, rules=rules),)


def refused(rules: Rules = (), status: Permitted = REFUSAL, codes: Codes = ()) -> Claims:
    """Claim a 4xx answer, its status and, where one is documented, its error code.

    All the rules ask for the refusal. An API's own rules, which come first, ask for its code. A status that is not left
    open is asked for by every rule but the invariants, and one that is left open by the first rule alone.
    """
    own = tuple(rule for rule in rules if not rule.startswith(("KB-", "INV-"))) or rules[:1]
    stating = rules[:1] if isinstance(status, Between) else tuple(rule for rule in rules if not rule.startswith("INV-"))
    claims = (outcome(REFUSED, rules=rules), Claim(Field.ANSWER_STATUS, status, stating))
    return (*claims, Claim(Field.ANSWER_CODE, OneOf(codes), own)) if codes else claims


def refused_or_broken(rules: Rules) -> Claims:
    """Claim that the request did not succeed.

    A 500 is permitted, because it was documented or observed as the answer (`C5`).
    """
    return (
        outcome(REFUSED, BROKEN, rules=rules),
        Claim(Field.ANSWER_STATUS, Between(400, 500, but=(401, 404, 429)), rules),
    )


SOUND: Final = (
    Claim(Field.VIEW_NEGATIVE, one_of(False, None), BOOKS),
    Claim(Field.VIEW_OVERREFUNDED, one_of(False, None), BOOKS),
    Claim(Field.VIEW_OVERDRAWN, one_of(False, None), ("INV-4",)),
)
"""What holds of every order's books, whatever happened to it."""
