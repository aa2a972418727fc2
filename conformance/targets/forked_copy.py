"""Code under test that forks, and comes back to the suite twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_one_process() -> Iterator[None]:
    """End a copy of this process that the block has made by `os.fork` and that leaves the block as well.

    It would run the rest of the suite a second time, on the same journal and the same event loop.
    """
    process = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != process:
            os._exit(0)
