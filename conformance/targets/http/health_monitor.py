"""Checks that the target is healthy and is not production."""

from __future__ import annotations

from typing import Final

from conformance.domain.messages import NoResponse, Response, ResponseOrNone
from conformance.targets.http.likely_causes import Place, advice_on, described
from conformance.targets.production_sign import production_sign
from conformance.targets.transport import SPENT, TargetError
from conformance.wire.base import is_page

UNHEALTHY: Final = 24
"""Requests in a row without an orderly response that end the run, whichever history sent them."""


class HealthMonitor:
    """Counts requests in a row without an orderly response, over all histories."""

    def __init__(self, name: str, *, loopback: bool = True) -> None:
        """Watch the target called ``name``; ``loopback`` says that it is on this machine."""
        self._name = name
        self._loopback = loopback
        self._failures = 0

    def check(self, answer: ResponseOrNone) -> bool:
        """Take note of one answer; return whether it was an orderly response.

        Raises:
            TargetError: the target is not healthy, or declares itself production.

        """
        if isinstance(answer, Response):
            refuse_production(self._name, answer, loopback=self._loopback)
            if answer.status < 500 and answer.status != 429 and not is_page(answer):
                self._failures = 0
                return True
        if answer != NoResponse(SPENT):
            self._count_failure(answer)
        return False

    def _count_failure(self, answer: ResponseOrNone) -> None:
        self._failures += 1
        if self._failures >= UNHEALTHY:
            raise TargetError(
                f"{self._name} is not healthy: {UNHEALTHY} requests in a row had no orderly answer. "
                f"The last one {described(answer)}: {advice_on(answer, Place.API, self._name)}",
                answer.crash if isinstance(answer, NoResponse) else "",
            )


def refuse_production(name: str, response: Response, *, loopback: bool) -> None:
    """Stop if a response says that it comes from production. No option changes this.

    Raises:
        TargetError: it does.

    """
    sign = production_sign(response, loopback=loopback)
    if sign:
        raise TargetError(
            f"{name} is production, as it says itself ({sign}): it is never tested; name the test environment."
        )
