"""The OpenAPI description that ``--openapi`` names.

It is a file, a URL, or the embedded provider's own.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from conformance.errors import UsageError
from conformance.fuzzing.openapi import Description, embedded, from_file, parse
from conformance.fuzzing.schemathesis_engine import require_schemathesis
from conformance.targets.http.fetch import FetchError, fetch_text
from conformance.targets.production_guard import is_vipps
from conformance.targets.transport import TargetError, TargetUsageError

SECONDS: Final = 20.0
ACCEPT: Final = "application/json, application/yaml;q=0.9, */*;q=0.1"


def description_of(location: str | None, target: str) -> Description:
    """Return the description to fuzz from.

    Raises:
        UsageError: none is named and the target has none that is known, or the extra that fuzzes is not installed.
        TargetUsageError: what is named is not a usable description.
        TargetError: the URL does not answer.

    """
    require_schemathesis()
    if location is None:
        if target.strip().lower() == "embedded":
            return embedded()
        raise UsageError("--openapi is missing: name the target's OpenAPI description, a file or a URL.")
    if urlsplit(location).scheme in ("http", "https"):
        return parse(_fetched(location), urlsplit(location)._replace(query="", fragment="").geturl())
    return from_file(location)


def _fetched(url: str) -> str:
    host = urlsplit(url).hostname or ""
    if urlsplit(url).username is not None:
        raise TargetUsageError("--openapi must not carry a user name or password: name a file or a plain URL.")
    if is_vipps(host):
        raise TargetUsageError(f"--openapi must not be at {host}: save the description, and name the file.")
    try:
        status, text = fetch_text(url, accept=ACCEPT, seconds=SECONDS)
    except FetchError:
        raise TargetError(f"--openapi {url} does not answer: is it running, and is the address right?") from None
    if status != 200:
        raise TargetError(f"--openapi {url} answered {status}: name the description itself.")
    return text
