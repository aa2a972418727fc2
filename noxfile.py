"""The workshop: every check of this project, each in an environment of its own.

Dependencies come from three locks with hashes: ``constraints.txt`` (what a user of the suite installs),
``constraints-extras.txt`` (with every extra) and ``constraints-dev.txt`` (with the tools). The project itself is built
from this checkout, with the locked hatchling.
"""

from __future__ import annotations

import json
import os
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
MUTMUT = "mutmut==3.8.1"
PIP_AUDIT = "pip-audit==2.10.1"
CODE = ("conformance", "reports", "strategies", "examples")
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

    What is left alive is printed. docs/development/mutants.md argues each of them.
    """
    install(session, LOCK_DEV, "-e", ".")
    session.install("--quiet", MUTMUT)
    session.run("mutmut", "run", "--max-children", "1", *(session.posargs or MINUTES), env=profile())
    session.run("mutmut", "results")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, complexity, who may import whom, that no code is dead, and what is unsafe."""
    install(session, LOCK_DEV)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")
    session.run("vulture")
    # Below medium: every assert, every import of subprocess, and words such as "token".
    session.run("bandit", "-q", "-r", *CODE, "--severity-level", "medium", "--confidence-level", "medium")


@nox.session
def audit(session: nox.Session) -> None:
    """Look up everything that is locked among the known vulnerabilities; skipped where they cannot be reached."""
    session.install("--quiet", PIP_AUDIT)
    answer = Path(session.create_tmp()) / "audit.json"
    answer.unlink(missing_ok=True)
    options = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--timeout", "15")
    # 1 is a vulnerability, and no data as well.
    session.run("pip-audit", *options, "-r", LOCK_DEV, "-f", "json", "-o", str(answer), success_codes=[0, 1])
    packages = json.loads(answer.read_text(encoding="utf-8"))["dependencies"] if answer.exists() else []
    known = [f"{package['name']} {package['version']}" for package in packages if package.get("vulns")]
    if known:
        session.error(f"vulnerable: {', '.join(known)}")
    # pip-audit says that there are no known vulnerabilities of a package that it could not look up.
    unknown = [package["name"] for package in packages if "vulns" not in package]
    if len(unknown) == len(packages):
        session.skip("no vulnerability data can be reached from here: nothing was looked up")
    if unknown:
        session.error(f"could not be looked up: {', '.join(unknown)}")


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
    """Play the plan against every faulty and benign provider; ``-- --write`` writes the golden matrix anew."""
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
    """Build the site, check its links, and run the code blocks of all pages; pytest's options go after ``--``."""
    install(session, LOCK_DEV, ".")
    # As a module, so that the extension in tests/docs is found.
    session.run("python", "-m", "mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})
    pages = ("tests/docs", "README.md", "CONTRIBUTING.md", "docs")
    session.run(*PYTEST[:-3], "--dist", "loadfile", "-p", "tests.docs.blocks", *pages, *session.posargs)


@nox.session
def pictures(session: nox.Session) -> None:
    """Take the pictures of the README and the site anew, with Chromium and Node."""
    install(session, LOCK_DEV, "-e", ".")
    session.run("python", "-m", "tests.browser.pictures")


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
