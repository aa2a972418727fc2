"""How a run ends in its journal: whatever happens, its last record says how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from conformance.evidence.journal import Journal
from conformance.runner.session import RunSession
from conformance.targets.transport import TargetError


@asynccontextmanager
async def recorded_ending(run_session: RunSession, journal: Journal, started: datetime) -> AsyncIterator[None]:
    """Leave the target, and write the last record, when what is done inside has come to its end.

    A target that cannot be tested ends the run as an environment error, and a user who stops it as an interrupted one:
    neither is raised. Any other exception is a fault of the harness, and goes on.
    """
    ended, message = "harness", ""
    try:
        yield
        ended = "complete"
    except TargetError as error:
        ended, message = "environment", str(error)
    except (asyncio.CancelledError, KeyboardInterrupt):
        ended, message = "interrupted", "stopped by the user"
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise
    finally:
        await run_session.target.close()
        seconds = round((datetime.now(UTC) - started).total_seconds(), 3)
        journal.append("finish", ended=ended, message=run_session.redactor.clean(message), seconds=seconds)
        journal.close()


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, in the words of the journal's last record."""

    how: str = "complete"
    message: str = ""


def ended_by(error: BaseException) -> Ended:
    """Return how a run ends that was stopped by an exception."""
    if isinstance(error, TargetError):
        return Ended("environment", str(error))
    if isinstance(error, KeyboardInterrupt):
        return Ended("interrupted", "stopped by the user")
    return Ended("harness", f"{type(error).__name__}: {error}")
