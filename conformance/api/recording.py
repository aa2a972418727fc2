"""What a process records of the histories that a user's own tests play.

There is one part for each API of each target that is opened. Nothing is recorded until `start_recording` is called, as
the pytest option ``--cancel-report`` does. Whoever ends the session joins the parts of all processes: see
`session_report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.evidence.journal import Journal

PARTS: Final = "parts"
"""The folder that holds the parts until they are joined."""


@dataclass(slots=True)
class Recording:
    """Where a process writes its parts.

    ``nonce`` is the beginning of every order id of the session, the same in all of its processes; ``process`` tells
    them apart, and ``command`` is what started the session.
    """

    directory: Path
    nonce: str
    process: str = ""
    command: str = ""
    count: int = 0

    def next_name(self) -> str:
        """Return the name of a new part, which is unique in the session."""
        self.count += 1
        return f"{self.process}t{self.count}"

    def part(self, name: str) -> Journal:
        """Return the journal of a new part.

        Raises:
            JournalError: it cannot be written.

        """
        return Journal(self.directory / PARTS, f"{name}.jsonl", keep=False)


_recordings: list[Recording] = []


def start_recording(recording: Recording) -> None:
    """Record every target that is opened from now on."""
    _recordings.append(recording)


def stop_recording() -> None:
    """Record no further target."""
    _recordings.clear()


def current_recording() -> Recording | None:
    """Return where targets are recorded that are opened now, if anywhere."""
    return _recordings[-1] if _recordings else None
