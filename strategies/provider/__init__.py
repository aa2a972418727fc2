"""The histories that are run against a provider, and how failing ones are shrunk."""

from conformance.strategies.provider.api_cases import CASES
from conformance.strategies.provider.ecom import ECOM
from conformance.strategies.provider.epayment import EPAYMENT
from conformance.strategies.provider.recurring import RECURRING

for _cases in (ECOM, EPAYMENT, RECURRING):
    CASES.register(_cases.profile, _cases)
