"""The OpenAPI description that ``--openapi`` names.

It is a file, a URL, or the embedded provider's own.
"""

from __future__ import annotations

import os
from typing import Final

from conformance.errors import UsageError
from conformance.fuzzing.openapi import Description, embedded, from_file, parse
from conformance.fuzzing.schemathesis_engine import require_schemathesis
from conformance.targets.http.fetch import FetchError, fetch
from conformance.targets.production_guard import DocumentAddress, document_address
from conformance.targets.transport import TargetError

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
    if location.strip().partition(":")[0].lower() in ("http", "https"):
        document = document_address(location)
        return parse(_fetched(document), document.name)
    return from_file(location)


def _fetched(document: DocumentAddress) -> str:
    try:
        response = fetch(document, accept=ACCEPT, seconds=SECONDS, environment=os.environ)
    except FetchError as error:
        raise TargetError(
            f"--openapi {document.name} does not answer ({error}): is it running, and is the address right?"
        ) from None
    if response.status != 200:
        raise TargetError(f"--openapi {document.name} answered {response.status}: name the description itself.")
    try:
        return response.body.decode("utf-8")
    except UnicodeDecodeError:
        raise TargetError(f"--openapi {document.name} is no text in UTF-8: name an OpenAPI description.") from None
