"""One document fetched from a URL, without following redirects."""

from __future__ import annotations

import httpx


class FetchError(Exception):
    """The URL cannot be reached."""


def fetch_text(url: str, *, accept: str, seconds: float) -> tuple[int, str]:
    """Return the status and the text that a GET of a URL is answered with.

    Raises:
        FetchError: there is no response within ``seconds``, or the URL is not valid.

    """
    try:
        with httpx.Client(timeout=seconds, follow_redirects=False) as client:
            response = client.get(url, headers={"Accept": accept})
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise FetchError(str(error)) from error
    return response.status_code, response.text
