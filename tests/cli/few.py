"""The command line with every sixth history only: ``python -m tests.cli.few run ...``, for runs that are killed."""

import sys
import time

from conformance.cli.main import main
from conformance.runner import schedule
from conformance.sandbox import Provider
from conformance.strategies.provider.plan import plan_cases

if __name__ == "__main__":
    handle = Provider.handle

    def slowly(self, request):
        """Answer after a while, so that there is time to be killed in."""
        time.sleep(0.001)
        return handle(self, request)

    Provider.handle = slowly
    schedule.plan_cases = lambda *given, **named: plan_cases(*given, **named)[::6]
    sys.exit(main())
