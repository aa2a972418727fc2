"""A hook of mkdocs: what the site needs beyond its plugins."""

from __future__ import annotations

from typing import Any

NO_DEFAULT = "<code>Sentinel.UNSET</code>"


def on_page_content(html: str, **_: Any) -> str:
    """Leave the default of an option empty where it has none: mkdocs-click 0.9 prints click's own mark of that."""
    return html.replace(NO_DEFAULT, "")
