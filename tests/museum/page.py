"""``python -m tests.museum.page > docs/reference/museum.md``: the museum, as its exhibits describe themselves."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from conformance.domain.api_table import spec_of
from conformance.domain.order import Profile
from conformance.domain.steps import Step
from conformance.reports.wording.provider import step_in_words

from .benign import Variant
from .exhibits import BENIGN, FAULTS
from .fault import Depth, Fault

FILE = Path(__file__).parents[2] / "docs" / "reference" / "museum.md"
DEPTHS = {
    Depth.BLATANT: "nearly every history that comes near shows it",
    Depth.NARROW: "it shows at one boundary, in one amount, at one repetition",
    Depth.TWO_FACED: "the answer tells one story, and the money or the history another",
}
INTRODUCTION = """# The museum

Faulty and correct providers, in `tests/museum/`. Each fault is the embedded provider with one defect: the suite has to
catch it, to name the rule in front first, and to turn exactly the rules of its line red. Each correct provider differs
only where the documentation is silent or can be read in several ways: the suite must not accuse it. `nox -s museum`
plays everything against all of them. This page is written from what they say of themselves, and a test compares:

```console
python -m tests.museum.page > docs/reference/museum.md
```

The smallest history is what a person would play to see the defect, after the order was made. How soon a run catches
each fault is measured in [detection power](../explanation/power.md); the rules are in [the rulebook](rulebook.md).
"""


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION
    yield "| depth | faults | what it means |"
    yield "| --- | ---: | --- |"
    found = Counter(fault.depth for fault in FAULTS)
    yield from (f"| {depth.value} | {found[depth]} | {said} |" for depth, said in DEPTHS.items())
    yield ""
    for profile in Profile:
        faults = [fault for fault in FAULTS if fault.profile is profile]
        variants = [variant for variant in BENIGN if variant.profile is profile]
        yield f"## {spec_of(profile).title}: {len(faults)} faulty, {len(variants)} correct"
        yield ""
        yield "| fault | what is wrong | depth | rules, the first named in front | smallest history |"
        yield "| --- | --- | --- | --- | --- |"
        yield from map(_fault, faults)
        yield ""
        yield f"Correct in {spec_of(profile).title}, each in another way: {', '.join(map(_variant, variants))}."
        yield ""


def _fault(fault: Fault) -> str:
    rules = [fault.first, *sorted(fault.red - {fault.first})]
    steps = "; ".join(_told(step, fault) for step in fault.least.steps) or "nothing more"
    sentence = " ".join(fault.sentence.split())
    cells = (f"`{fault.name}`", sentence, fault.depth.value, ", ".join(rules), steps)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _told(step: Step, fault: Fault) -> str:
    said = step_in_words(step, fault.profile, fault.market.currency)
    said = re.sub(r"^(The|Time) ", lambda match: match[0].lower(), said)
    return re.sub(r", (?:shouldReleaseRemainingFunds|cancelTransactionOnly) absent", "", said)


def _variant(variant: Variant) -> str:
    market = f" ({variant.market.value.upper()})" if variant.market.value != "no" else ""
    return f"`{variant.name}`{market}"


if __name__ == "__main__":
    sys.stdout.write(page())
