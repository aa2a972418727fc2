"""The HTML report as a browser takes it apart, and what must hold for it whatever the run was."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

LARGEST = 3_000_000
ALLOWED = frozenset({
    "a", "article", "b", "blockquote", "body", "br", "code", "dd", "defs", "details", "div", "dl", "dt", "g",
    "h1", "h2", "h3", "h4",
    "head", "header", "html", "li", "main", "marker", "meta", "nav", "ol", "p", "path", "pre", "rect", "section",
    "span", "style",
    "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "time", "title", "tr", "ul",
})  # fmt: skip
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass
class Page(HTMLParser):
    """Every tag with its attributes, the anchors and the links."""

    text: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_data(self, data):
        self.said.append(data)

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for _, attributes in self.tags if "href" in attributes]

    def part(self, identifier: str) -> Page:
        """The markup from an element with this id to the next one that has an id."""
        start = self.text.index(f'id="{identifier}"')
        following = re.compile(r'<[a-z0-9]+ [^>]*\bid="').search(self.text, start)
        return Page(self.text[start - 1 : following.start() if following else None])

    @property
    def headline(self) -> str:
        found = re.search(r'<h1 id="headline">(.*?)</h1>', self.text, re.DOTALL)
        assert found
        return " ".join("".join(Page(found[1]).said).split())


def check(text: str) -> Page:
    """Assert that the page is one harmless, bounded file whose links all lead somewhere."""
    page = Page(text)
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("src", "srcset", "style", "action") for name in attributes)
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    policies = [one["content"] for _, one in page.tags if one.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "<script" not in text.lower()
    assert not UNSEEN.search(text)
    assert len(text.encode()) < LARGEST
    return page
