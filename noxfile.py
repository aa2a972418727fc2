"""The workshop: every check of this project, each in an environment of its own.

Dependencies come from three locks with hashes: ``constraints.txt`` (what a user of the suite installs),
``constraints-extras.txt`` (with every extra) and ``constraints-dev.txt`` (with the tools). The project itself is built
from this checkout, with the locked hatchling.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True
nox.options.sessions = ["lint", "types", "docs", "conformance", "museum", "tests"]

ROOT = Path(__file__).parent
LOCK = "constraints.txt"
LOCK_EXTRAS = "constraints-extras.txt"
LOCK_DEV = "constraints-dev.txt"
UV = "uv==0.13.9"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RESOLUTIONS = {
    "lowest": ("--resolution", "lowest-direct"),
    "lowest-extras": ("--resolution", "lowest-direct", "--all-extras"),
    "newest": ("--all-extras",),
}
"""What `compat` installs beside the wheel. The lowest pytest is tried without the extras, which need a later one."""
RULEBOOKS = {"docs/rulebook.md": (), "docs/obligations.md": ("--party", "merchant")}
MUTMUT = "mutmut==3.8.1"
MINUTES = (
    "conformance.judging.rule_verdicts.*",
    "conformance.judging.run_verdicts.*",
    "conformance.judging.verdicts.*",
    "conformance.results.result.*",
    "conformance.judging.observability.*",
    "conformance.judging.incidental.*",
)
"""The mutants that are tried where none are named: those of the model take hours."""
PYTEST = ("python", "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-m")
"""Tests of one group stay on one worker, which computes what they share only once."""


def profile() -> dict[str, str]:
    """Return Hypothesis' profile for a session: the same examples every time, unless another one is named."""
    return {"HYPOTHESIS_PROFILE": os.environ.get("HYPOTHESIS_PROFILE", "ci")}


def install(session: nox.Session, lock: str, *project: str) -> None:
    """Install a lock, and then the project as it is told to (nothing, ``.``, or ``-e .``)."""
    session.install("--quiet", "--require-hashes", "-r", lock)
    if project:
        session.install("--quiet", "--no-deps", "--no-build-isolation", *project)


@nox.session
def conformance(session: nox.Session) -> None:
    """Test the embedded provider, as a user would; options go after ``--``."""
    install(session, LOCK, ".")
    # Without --out, so that a second run finds a folder of its own and keeps the first one's evidence.
    session.run("cancel-conformance", "run", "--target", "embedded", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the suite's own tests; pytest's options go after ``--``."""
    install(session, LOCK_DEV, "-e", ".")
    session.run(*PYTEST, "not thorough", *session.posargs, env=profile())


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure the branch coverage of the tests, without those that run the same lines again (conftest.py)."""
    install(session, LOCK_DEV, "-e", ".")
    session.run("coverage", "erase")
    session.run("coverage", "run", *PYTEST[1:], "not unmeasured and not thorough", *session.posargs, env=profile())
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def thorough(session: nox.Session) -> None:
    """Run the tests that run whole campaigns by the dozen; pytest's options go after ``--``."""
    install(session, LOCK_DEV, "-e", ".")
    session.run(*PYTEST, "thorough", *session.posargs, env=profile())


@nox.session(python=PYTHONS)
@nox.parametrize("versions", list(RESOLUTIONS), ids=list(RESOLUTIONS))
def compat(session: nox.Session, versions: str) -> None:
    """Try the built wheel with the lowest and the newest versions of what it depends on, which no lock decides."""
    session.install("--quiet", UV)
    folder = Path(session.create_tmp())
    session.run("uv", "build", "--quiet", "--wheel", "--clear", "--out-dir", str(folder))
    (wheel,) = folder.glob("*.whl")
    session.run("uv", "pip", "install", "--quiet", *RESOLUTIONS[versions], "-r", "pyproject.toml")
    session.run("uv", "pip", "install", "--quiet", "--no-deps", "--reinstall", str(wheel))
    session.run("python", "tests/packaging/smoke.py")


@nox.session
def mutants(session: nox.Session) -> None:
    """Change the oracle in one place at a time, and see whether the quick tests notice; names go after ``--``.

    What is left alive is printed. docs/mutants.md argues each of them.
    """
    install(session, LOCK_DEV, "-e", ".")
    session.install("--quiet", MUTMUT)
    session.run("mutmut", "run", "--max-children", "1", *(session.posargs or MINUTES), env=profile())
    session.run("mutmut", "results")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, complexity, who may import whom, and that no code is dead."""
    install(session, LOCK_DEV)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")
    session.run("vulture")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session, LOCK_DEV)
    session.run("mypy")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed beside bare httpx and a plain state machine; options go after ``--``."""
    install(session, LOCK, "-e", ".")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def museum(session: nox.Session) -> None:
    """Play everything against every faulty and benign provider; ``-- --write`` writes the golden matrix anew."""
    install(session, LOCK_DEV, "-e", ".")
    session.run("python", "-m", "tests.museum", *session.posargs)


@nox.session
def power(session: nox.Session) -> None:
    """Measure how soon every fault is caught, over twenty seeds; ``-- --write`` writes the package's figures anew."""
    install(session, LOCK_DEV, "-e", ".")
    session.run("python", "-m", "tests.museum.power", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Let other ways of testing judge the museum as well, and print what each one caught."""
    install(session, LOCK_DEV, "-e", ".")
    session.run("python", "-m", "benchmarks.peers", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Check that the pages' links lead somewhere, that their commands exist, and that the rulebook page is current."""
    install(session, LOCK_DEV, ".")
    pages = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    complaints = [complaint for page in pages for complaint in broken_links(page)]
    complaints += broken_commands(session, pages)
    for name, party in RULEBOOKS.items():
        words = ("rules", *party, "--format", "markdown")
        page = ROOT / name
        if not page.exists() or page.read_text(encoding="utf-8").strip() != output_of(session, *words).strip():
            complaints.append(f"{name}: is not what `cancel-conformance {' '.join(words)}` prints; write it again")
    if complaints:
        session.error("\n" + "\n".join(complaints))
    session.log(f"{len(pages)} pages: links, commands and rulebook are right")


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the locks again, for every platform and Python; ``-- --upgrade`` takes the newest versions."""
    session.install("--quiet", UV)
    common = (
        "uv", "pip", "compile", "pyproject.toml", "--group", "build", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-strip-extras", "--annotation-style", "line",
        "--custom-compile-command", "nox -s lock", "--quiet",
    )  # fmt: skip
    session.run(*common, "--output-file", LOCK, *session.posargs)
    extras = ("--all-extras", "--constraints", LOCK, "--output-file", LOCK_EXTRAS)
    session.run(*common, *extras, *session.posargs)
    dev = ("--all-extras", "--group", "dev", "--constraints", LOCK_EXTRAS, "--output-file", LOCK_DEV)
    session.run(*common, *dev, *session.posargs)
    for name in (LOCK, LOCK_EXTRAS, LOCK_DEV):
        if "://" in (ROOT / name).read_text(encoding="utf-8"):
            session.error(f"{name} names a host: whoever installs it has a registry of their own")


def output_of(session: nox.Session, *arguments: str) -> str:
    """Return what the installed command line prints."""
    return str(session.run("cancel-conformance", *arguments, silent=True, env={"COLUMNS": "200", "NO_COLOR": "1"}))


FENCE = re.compile(r"^(```+|~~~+).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#+\s+(.+?)\s*$", re.MULTILINE)
COMMAND = re.compile(r"(?:^|[\s/])cancel-conformance[ \t]+(?P<name>[a-z]+)(?P<rest>[^\n|;&>]*)")
OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")
SESSIONS = re.compile(r"(?:^|[\s/])nox[ \t]+-s(?P<names>(?:[ \t]+[a-z][a-z_]*)+)")


def anchors(page: Path) -> set[str]:
    """Return the names by which a page's headings can be linked to."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(prose)}


def broken_links(page: Path) -> Iterator[str]:
    """Find the links of a page to files and headings that are not there."""
    for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = match["target"].partition("#")
        if ":" in target:
            continue
        aim = (page.parent / target).resolve() if target else page
        if not aim.exists():
            yield f"{page.relative_to(ROOT)}: the link to {match['target']} leads nowhere"
        elif anchor and aim.suffix == ".md" and anchor not in anchors(aim):
            yield f"{page.relative_to(ROOT)}: {target or 'this page'} has no heading #{anchor}"


def options_of(session: nox.Session, command: str) -> set[str] | None:
    """Return the options that a command's own help names, or None if there is no such command."""
    try:
        return set(OPTION.findall(re.sub(r"[,=|\[\]]", " ", output_of(session, command, "--help"))))
    except nox.command.CommandFailed:
        return None


def broken_commands(session: nox.Session, pages: list[Path]) -> Iterator[str]:
    """Find the commands, options and nox sessions in the pages' code blocks that do not exist."""
    options: dict[str, set[str] | None] = {}
    for page in pages:
        where = page.relative_to(ROOT)
        code = "\n".join(match[0] for match in FENCE.finditer(page.read_text(encoding="utf-8"))).replace("\\\n", " ")
        for match in COMMAND.finditer(code):
            name = match["name"]
            if name not in options:
                options[name] = options_of(session, name)
            known = options[name]
            if known is None:
                yield f"{where}: there is no command `cancel-conformance {name}`"
                continue
            for option in OPTION.findall(match["rest"]):
                if option not in known:
                    yield f"{where}: `cancel-conformance {name}` has no option {option}"
        for match in SESSIONS.finditer(code):
            for name in match["names"].split():
                if name not in nox.registry.get():
                    yield f"{where}: there is no nox session {name}"
