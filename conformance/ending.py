"""How a run ends in its journal: whatever happens, its last record says how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from conformance.journal import Journal
from conformance.sitting import Sitting
from conformance.targets.base import TargetError


@asynccontextmanager
async def ending(sitting: Sitting, journal: Journal, started: datetime) -> AsyncIterator[None]:
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
        await sitting.seat.close()
        seconds = round((datetime.now(UTC) - started).total_seconds(), 3)
        journal.append("finish", ended=ended, message=sitting.redactor.clean(message), seconds=seconds)
        journal.close()
