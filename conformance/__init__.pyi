"""The types of what the package offers; at run time each name is loaded when it is first used."""

from conformance.api import run
from conformance.api.assertions import assert_conforms, assert_conforms_async
from conformance.api.drawn_histories import histories
from conformance.api.machine import CancelMachine, cancel_machine
from conformance.api.open_targets import OpenTarget, open_target
from conformance.domain.history_text import history
from conformance.domain.steps import History
from conformance.errors import InconclusiveError, NotTestedError, NotTestedWarning, ViolationError
from conformance.merchant.assertions import assert_handles, merchant_histories
from conformance.merchant.fixture import CancelConformance
from conformance.obligations.history import MerchantHistory
from conformance.obligations.history_text import merchant_history
from conformance.results.result import Result
from conformance.targets.transport import TargetError

__all__ = [
    "CancelConformance",
    "CancelMachine",
    "History",
    "InconclusiveError",
    "MerchantHistory",
    "NotTestedError",
    "NotTestedWarning",
    "OpenTarget",
    "Result",
    "TargetError",
    "ViolationError",
    "__version__",
    "assert_conforms",
    "assert_conforms_async",
    "assert_handles",
    "cancel_machine",
    "histories",
    "history",
    "merchant_histories",
    "merchant_history",
    "open_target",
    "run",
]

__version__: str
