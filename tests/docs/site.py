"""An extension of the site's Markdown: what its pages need beyond mkdocs-click."""

from __future__ import annotations

from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor

NO_DEFAULT = "<code>Sentinel.UNSET</code>"


class EmptyDefaults(Postprocessor):
    """Leaves the default of an option empty where it has none: mkdocs-click 0.9 prints click's own mark of that."""

    def run(self, text: str) -> str:
        return text.replace(NO_DEFAULT, "")


class SiteExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:
        md.postprocessors.register(EmptyDefaults(md), "empty-defaults", 0)


def makeExtension(**_: object) -> SiteExtension:
    return SiteExtension()
