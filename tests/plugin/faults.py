"""A pytest plugin for the tests: breaks the embedded provider, or what plays, as the environment says."""

import os

from conformance.runner.executor import CaseExecutor
from conformance.runner.session import RunSession
from conformance.sandbox.epayment import EPayment
from conformance.targets.transport import TargetError

refusal_for_cancel = EPayment.refusal_for_cancel
play_all = CaseExecutor.run_all
look = RunSession.look
IN_WORKER = "PYTEST_XDIST_WORKER" in os.environ


def never_refused_after_a_capture(self, order, *, transaction_only):
    return None if order.captured else refusal_for_cancel(self, order, transaction_only=transaction_only)


async def lost_in_the_second_block(self, histories):
    if histories[0].identifier == "epayment-00024":
        await play_all(self, histories[:3])
        os._exit(1)
    await play_all(self, histories)


async def ill_in_the_second_block(self, histories):
    if histories[0].identifier == "epayment-00024":
        raise TargetError("the target fell ill.")
    await play_all(self, histories)


async def hidden_from_workers(self, profile, ledger):
    if IN_WORKER:
        raise TargetError("the target hides from workers.")
    await look(self, profile, ledger)


match os.environ.get("FAULT"):
    case "wrong":
        EPayment.refusal_for_cancel = never_refused_after_a_capture
    case "lost":
        CaseExecutor.run_all = lost_in_the_second_block
    case "ill":
        CaseExecutor.run_all = ill_in_the_second_block
    case "hidden":
        RunSession.look = hidden_from_workers
