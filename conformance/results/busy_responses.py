"""How often a target answered 429, and how long the run waited for it: counted in the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.evidence.journal import Evidence
from conformance.evidence.records import AsideRecord, ExchangeRecord, FuzzedRecord

TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class BusyResponses:
    """The responses with status 429, and the seconds that requests waited after them before they were sent again."""

    responses: int
    waited: float

    def __str__(self) -> str:
        """Return both in words, as a clause; nothing where there were none."""
        if not self.responses:
            return ""
        responses = "1 response was" if self.responses == 1 else f"{self.responses:,} responses were"
        return f"{responses} 429 (too many requests); the waiting time was {self.waited:.1f} s in all"


def busy_responses(evidence: Evidence) -> BusyResponses:
    """Return the 429s of a run."""
    responses, waited = 0, 0.0
    for record in evidence.records:
        if isinstance(record, ExchangeRecord | AsideRecord):
            waited += record.waited or 0.0
        if isinstance(record, ExchangeRecord | AsideRecord | FuzzedRecord) and record.response is not None:
            responses += record.response.status == TOO_MANY_REQUESTS
    return BusyResponses(responses, waited)
