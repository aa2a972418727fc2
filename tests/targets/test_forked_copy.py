"""Code under test that leaves its call in another way than by returning: a fork, and exceptions that end threads."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conformance.targets.event_loop_thread import EventLoopThread, RaisedError

FORKING = """
import os
from conformance.targets.event_loop_thread import EventLoopThread
thread = EventLoopThread()
print("the suite goes on:", thread.call_now(os.fork, 5) > 0, flush=True)
print(thread.call_now(lambda: 7, 5), flush=True)
os.wait()
"""


def test_a_copy_of_the_process_that_comes_back_from_a_call_is_ended():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING], stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["the suite goes on: True", "7"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, BaseException])
def test_whatever_is_raised_is_an_outcome_and_the_thread_goes_on(kind):
    thread = EventLoopThread()

    def leave() -> None:
        raise kind

    with pytest.raises(RaisedError, match=kind.__name__):
        thread.call_now(leave, 5)
    assert thread.call_now(lambda: 7, 5) == 7
    thread.close()
