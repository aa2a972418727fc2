"""The shortest way from httpx to a provider in this process."""

from __future__ import annotations

import httpx

from benchmarks.places import Direct
from conformance.sandbox import Provider


def client_of(provider: Provider) -> httpx.Client:
    """Return a client of a provider."""
    return httpx.Client(transport=Direct(provider), base_url="http://provider")
