"""The pages: how long they are, and whether what they name is there. The site's own build checks links and anchors."""

import importlib.util
import re
from contextlib import suppress

import nox
import pytest

from conformance.cli.main import main

from .folder import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
WORDS = 1500
GENERATED = ("reference/", "development/rooms.md")
"""Reference pages, which nobody reads from end to end."""
FENCE = re.compile(r"^(```+|~~~+).*?^\1", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[\s/`])cancel-conformance[ \t]+(?P<name>[a-z]+)(?P<rest>[^\n|;&>`]*)")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
SESSIONS = re.compile(r"(?:^|[\s/`])nox[ \t]+(?:-R[ \t]+)?-s(?P<names>(?:[ \t]+[a-z][a-z_]*)+)")


def words(page):
    """Return the words of a page, without what draws its tables."""
    return [word for word in page.read_text(encoding="utf-8").split() if re.search(r"\w", word)]


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_can_be_read_in_ten_minutes(page):
    short = not name_of(page).removeprefix("docs/").startswith(GENERATED)
    assert not short or len(words(page)) <= WORDS


def test_the_readme_is_one_screen_and_a_half():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(words(ROOT / "README.md")) <= 900
    assert len(text.splitlines()) <= 125


@pytest.fixture
def options_of(capsys):
    """The options that a command's own help names; none where there is no such command."""

    def ask(command):
        with suppress(SystemExit):
            main([command, "--help"])
        return set(OPTION.findall(re.sub(r"[,=|\[\]│]", " ", capsys.readouterr().out)))

    return ask


def test_the_commands_and_options_of_the_pages_are_there(options_of, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    known, missing = {}, []
    for page in PAGES:
        for match in COMMAND.finditer(page.read_text(encoding="utf-8").replace("\\\n", " ")):
            name = match["name"]
            options = known.setdefault(name, options_of(name))
            named = set(OPTION.findall(match["rest"])) - {"--help"}
            if not options or named - options:
                missing.append(f"{name_of(page)}: {name} {' '.join(sorted(named - options))}")
    assert missing == []
    assert len(known) > 8


def test_the_sessions_of_the_pages_are_there():
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    known = nox.registry.get()
    for page in PAGES:
        for match in SESSIONS.finditer(page.read_text(encoding="utf-8")):
            assert [name for name in match["names"].split() if name not in known] == [], name_of(page)


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=name_of)
def test_links_of_the_pages_beside_the_site_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s#]+)", FENCE.sub("", page.read_text(encoding="utf-8")))
    assert [link for link in links if ":" not in link and not (ROOT / link).exists()] == []


def messages():
    """Return what the page of messages lists, as the parts between what differs."""
    text = (ROOT / "docs/explanation/troubleshooting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)
    return [(row, [part for part in re.split(r"\s*…\s*", row) if len(part) > 3]) for row in rows]


@pytest.fixture(scope="module")
def source():
    """All of the code, with texts that go on over several lines put together."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "conformance").rglob("*.py")))
    return re.sub(r"\{[^{}\n]*\}", "…", re.sub(r'"\s*\n\s*f?"', "", text))


@pytest.mark.parametrize(("message", "parts"), messages())
def test_messages_that_are_explained_are_those_of_the_code(message, parts, source):
    assert [part for part in parts if part.strip(" :.(),") not in source] == [], message


def test_the_built_site_asks_nobody_else_for_anything():
    site = ROOT / "build" / "site"
    if not site.exists():
        pytest.skip("nox -s docs builds the site first")
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    loaded = re.compile(
        r"""(?:<script[^>]+src|<link[^>]+rel="?stylesheet"?[^>]+href|<img[^>]+src|@import|url\()\s*[=(]?\s*["']?(https?:)?//"""
    )
    assert [str(page.relative_to(site)) for page in pages if loaded.search(page.read_text(encoding="utf-8"))] == []
