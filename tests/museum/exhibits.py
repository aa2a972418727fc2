"""Every faulty and every benign provider, in the order of the golden matrix.

A module in the folder of an API is one room of the museum: what it registers is an exhibit. Faults that take two
requests at a time belong into rooms named ``races``.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from conformance.domain.order import Profile

from . import benign
from .benign import Variant
from .fault import EXHIBITS, Fault

for profile in Profile:
    for room in sorted((Path(__file__).parent / profile.value).glob("*.py")):
        import_module(f"{__package__}.{profile.value}.{room.stem}")

FAULTS: tuple[Fault, ...] = tuple(sorted(EXHIBITS, key=lambda fault: fault.id))
BENIGN: tuple[Variant, ...] = tuple(sorted(benign.VARIANTS, key=lambda variant: variant.id))
