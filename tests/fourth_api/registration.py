"""The made-up API, registered on every floor for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from conformance import sandbox
from conformance.domain.api_table import added_api
from conformance.model import MODELS
from conformance.rulebook.loader import RULES
from conformance.strategies.provider.api_cases import CASES
from conformance.wire import WIRES

from .cases import CASES_OF_HOLD
from .model import HoldModel
from .row import HOLD, SPEC
from .sandbox_part import Hold
from .wire import HoldWire


@contextmanager
def fourth_api(part: type[Hold] = Hold) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(added_api(SPEC))
        stack.enter_context(RULES.registered(HOLD, Path(__file__).with_name("rules.toml")))
        stack.enter_context(WIRES.registered(HOLD, HoldWire))
        stack.enter_context(MODELS.registered(HOLD, HoldModel()))
        stack.enter_context(CASES.registered(HOLD, CASES_OF_HOLD))
        stack.enter_context(sandbox.added_api(part))
        yield
