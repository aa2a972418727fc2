"""The command line as a process: ``python -m conformance``, and ``cancel-conformance``."""

from __future__ import annotations

import os
import signal
from typing import NoReturn

INTERRUPTED = 130


def entry() -> NoReturn:
    """Run the command line as a process, and end it.

    Whoever asks to stop while it is loaded, or has said everything, is not answered with a traceback.
    """
    _stop_at_once_from_now_on()
    from conformance.cli.main import entry as begin  # noqa: PLC0415 - this is what takes its time

    try:
        # A user who ignores the signal, as a shell does for what it starts in the background, keeps ignoring it.
        if signal.getsignal(signal.SIGINT) is _stop_at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        begin()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
    finally:
        _stop_at_once_from_now_on()


def _stop_at_once_from_now_on() -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop_at_once)


def _stop_at_once(*_: object) -> NoReturn:
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    entry()
