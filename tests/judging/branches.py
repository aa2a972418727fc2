"""Branches and claims for the tests of the judge."""

from conformance.domain.expectation import Branch, Claim, OneOf
from conformance.domain.order import Kind, Order, Profile, Stage

ORDER = Order(Profile.ECOM, Kind.PAYMENT, 1000, "NOK", Stage.RESERVED)
OTHER = Order(Profile.ECOM, Kind.PAYMENT, 1000, "NOK", Stage.CANCELLED)


def branch(name, *claims, rules=(), after=ORDER, readings=(), proves=True):
    return Branch(name, tuple(claims), after, rules, readings, proves)


def claim(field, *values, rules=()):
    return Claim(field, OneOf(values), rules)


OUTCOME = claim("answer.outcome", "accepted", rules=("A",))
REFUSED = claim("answer.outcome", "refused", rules=("B",))
