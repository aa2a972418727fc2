"""The embedded provider: an independent implementation of the APIs.

It has a clock, users and interpretations. It is written from the
documentation alone, without the model that judges it, so that the two can disagree.

>>> from conformance.domain.messages import Request
>>> Provider().handle(Request("GET", "/control/v1/capabilities")).status
200
"""

from conformance.sandbox.apis import added_api
from conformance.sandbox.asgi import create_app, description
from conformance.sandbox.control import Control
from conformance.sandbox.ecom import Ecom
from conformance.sandbox.epayment import EPayment
from conformance.sandbox.options import Market, Options
from conformance.sandbox.provider import Provider
from conformance.sandbox.recurring import Recurring
from conformance.sandbox.server import running_server, serve
from conformance.sandbox.tokens import Tokens

__all__ = [
    "Control",
    "EPayment",
    "Ecom",
    "Market",
    "Options",
    "Provider",
    "Recurring",
    "Tokens",
    "added_api",
    "create_app",
    "description",
    "running_server",
    "serve",
]
