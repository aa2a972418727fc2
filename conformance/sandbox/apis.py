"""The APIs that the embedded provider has, by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from conformance.sandbox.api_base import ApiBase
from conformance.sandbox.ecom import Ecom
from conformance.sandbox.epayment import EPayment
from conformance.sandbox.recurring import Recurring

APIS: Final[dict[str, type[ApiBase]]] = {api.NAME: api for api in (Ecom, EPayment, Recurring)}


@contextmanager
def added_api(api: type[ApiBase]) -> Iterator[None]:
    """Give every new provider one more API for as long as the block lasts.

    Raises:
        ValueError: there is an API of this name.

    """
    if api.NAME in APIS:
        raise ValueError(f"The embedded provider has an API {api.NAME!r} already.")
    APIS[api.NAME] = api
    try:
        yield
    finally:
        del APIS[api.NAME]
