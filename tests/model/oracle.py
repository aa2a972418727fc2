"""``python -m tests.model.oracle``: what the model claims, written down, so that no verdict changes in silence.

One file for each API has every way in which a step may turn out, what is claimed of it and which rules are blamed, of
which rules it is an example, and which readings it decides. Of what would be too long to read, the claims of every
single order and of two requests at once, it has a digest for each kind of step. Who changes the model looks at what
changes here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from conformance.domain.expectation import Branch, Claim, Expectation, OneOf
from conformance.domain.order import Market, Order, Profile
from conformance.domain.steps import Addressee, Cancel, Key, Step, Together, name_of
from conformance.model import ModelContext, expect, initial_expectation
from tests.model.on_paper import DAY, LATER, OLD, PROFILES, beliefs_after, context, paths, races, walked

HERE = Path(__file__).parent
DIGITS = 16
AMOUNT = "an amount"
DOCUMENTED = ModelContext()
CHOSEN = (
    "C1=market-deadline C2=code-98 C3=exact C4=exactly-400 C7=accepted C8=no-op C9=released-amount C10=replay "
    "C11=no-entry C13=operation-scope C15=unchanged-200 C26=excludes-transient",
    "C1=market-deadline C4=400-or-402 C7=rejected C8=reject C9=order-amount C10=reject C11=cancel-entry "
    "C13=sales-unit-scope C15=refuse-6060 C26=excludes-transient",
)
WORLDS = [(DOCUMENTED, (None, DAY, OLD)), (context(market=Market.DK), (LATER,))]
WORLDS += [(context(*choices.split(), market=Market.DK), (None, LATER)) for choices in CHOSEN]
"""Before, at and past the limits; where only one of two limits is past; and where the readings are chosen."""
TO_OTHERS = [Cancel(to=to, key=Key.SAME) for to in (Addressee.UNKNOWN, Addressee.FOREIGN)]


def file_of(profile: Profile) -> Path:
    """Return where an API's claims are kept."""
    return HERE / f"oracle-{profile.value}.txt"


def expected(profile: Profile) -> Iterator[tuple[Order, Step, Expectation]]:
    """Yield every order of the grid with every step that can come next, and what is expected of it."""
    for in_world, ages in WORLDS:
        found = {}
        for order, step, expectation in walked(profile, in_world, ages):
            found[order] = None
            yield order, step, expectation
        for order in found:
            for step in TO_OTHERS:
                yield order, step, expect((order,), step, in_world)
    for start, steps in paths(profile).values():
        opening = initial_expectation(profile, start, DOCUMENTED)
        yield opening.branches[0].after, start, opening
        for possible in beliefs_after(profile, start, steps, DOCUMENTED):
            # What a flag does is said above; of two requests at once it is enough to see one.
            for race in (one for one in races(profile) if one.first.flag is None):
                yield possible[0], race, expect(possible, race, DOCUMENTED)


def label_of(step: Step) -> str:
    """Name the kind of a step, without its amounts."""
    if not isinstance(step, Cancel):
        return name_of(step)
    said = [name_of(step), "" if step.flag is None else f"flag {step.flag}".lower()]
    said += ["" if step.key is Key.FRESH else f"{step.key.value} key"]
    said += ["" if step.to is Addressee.OWN else f"{step.to.value} order", step.defect.value if step.defect else ""]
    return ", ".join(filter(None, said))


def permitted(claim: Claim) -> str:
    """Say what a claim permits, without amounts."""
    values = claim.permitted.values if isinstance(claim.permitted, OneOf) else ()
    number = any(type(value) is int for value in values) and not claim.field.endswith((".status", ".code"))
    return AMOUNT + (" or absent" if None in values else "") if number else str(claim.permitted)


def text_of(profile: Profile) -> str:
    """Return an API's claims as the text of its file."""
    claimed: defaultdict[str, set[str]] = defaultdict(set)
    shown: defaultdict[str, set[str]] = defaultdict(set)
    decided, digests = set(), defaultdict(hashlib.sha256)
    for order, step, expectation in expected(profile):
        label = label_of(step)
        digests[label].update(f"{_text(order)}{_text(step)}{expectation.records}".encode())
        for branch in expectation.branches:
            digests[label].update(_whole(branch).encode())
            if isinstance(step, Together):
                continue
            claimed[branch.name] |= _lines(branch.claims)
            shown[label].add(
                f"{branch.name}{'' if branch.proves else ', which proves nothing'} [{' '.join(branch.rules)}]"
            )
            decided |= {f"{branch.name}: {switch}={choice}" for switch, choice in branch.readings}
        if expectation.records:
            shown[label].add(f"recorded [{' '.join(expectation.records)}]")
    lines = [f"What the model claims of {profile.value}. Written by: python -m tests.model.oracle"]
    for title, parts in (("What is claimed, and which rules are blamed", claimed), ("What is shown", shown)):
        lines += ["", title]
        for name in sorted(parts):
            lines += [f"  {name}", *(f"    {one}" for one in sorted(parts[name]))]
    lines += ["", "Which readings are decided", *(f"  {one}" for one in sorted(decided))]
    lines += ["", "Digests of everything, amounts and orders as well"]
    lines += [f"  {label}: {digest.hexdigest()[:DIGITS]}" for label, digest in sorted(digests.items())]
    return "\n".join(lines) + "\n"


def _whole(branch: Branch) -> str:
    after = _text(branch.after)
    return f"{branch.name}{_claims(branch.claims)}{after}{branch.rules}{branch.readings}{branch.proves}"


@cache
def _lines(claims: tuple[Claim, ...]) -> frozenset[str]:
    return frozenset(f"{claim.field}: {permitted(claim)} [{' '.join(claim.rules)}]" for claim in claims)


@cache
def _claims(claims: tuple[Claim, ...]) -> str:
    return str([(str(claim.field), str(claim.permitted), claim.rules) for claim in claims])


_text = cache(str)


if __name__ == "__main__":
    for each in PROFILES:
        file_of(each).write_text(text_of(each), encoding="utf-8")
