"""The installation: Python, the versions of what the package needs, its extras, and pytest plugins that disturb."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from conformance.cli.doctor.check import Check, attention, passed, unfit

PACKAGE: Final = "cancel-conformance"
PLUGINS: Final[Mapping[str, str]] = {
    "schemathesis": "It slows the start of every pytest run down: add -p no:schemathesis to your own.",
}
"""pytest plugins that take part in a user's own runs, by the name of their entry point."""


def installation_checks() -> Iterator[Check]:
    """Yield what is known of the installation."""
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        yield attention("installation", "the package is run from its sources", f"Install it: pip install {PACKAGE}")
        return
    yield _python(distribution)
    requirements = [Requirement(text) for text in distribution.requires or ()]
    yield _dependencies([each for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})])
    for extra in distribution.metadata.get_all("Provides-Extra") or ():
        yield _extra(extra, [each for each in requirements if _belongs_to(each, extra)])
    yield from _plugins()


def _python(distribution: metadata.Distribution) -> Check:
    needed = distribution.metadata["Requires-Python"] or ""
    version = platform.python_version()
    if SpecifierSet(needed).contains(version, prereleases=True):
        return passed("Python", f"{version} ({needed} is needed)")
    return unfit("Python", f"{version}, and {needed} is needed", "Install the package with a newer Python.")


def _dependencies(requirements: list[Requirement]) -> Check:
    wrong = _unmet(requirements)
    if not wrong:
        return passed("dependencies", f"{len(requirements)} installed, with the versions that are needed")
    return unfit("dependencies", "; ".join(wrong), f"Install them again: pip install --upgrade {PACKAGE}")


def _extra(extra: str, requirements: list[Requirement]) -> Check:
    name, wrong = f"extra {extra}", _unmet(requirements)
    if not wrong:
        return passed(name, "installed")
    return passed(name, "; ".join(wrong), f"If you want it: pip install '{PACKAGE}[{extra}]'")


def _belongs_to(requirement: Requirement, extra: str) -> bool:
    marker = requirement.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _unmet(requirements: list[Requirement]) -> list[str]:
    """Return what is not installed, or not in a version that is needed, in words."""
    wrong = []
    for requirement in requirements:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is not installed")
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                wrong.append(f"{requirement.name} is {version}, and {requirement.specifier} is needed")
    return wrong


def _plugins() -> Iterator[Check]:
    names = {entry.name for entry in metadata.entry_points(group="pytest11")}
    disturbing = [name for name in PLUGINS if name in names]
    if disturbing:
        yield attention("pytest plugins", ", ".join(disturbing), "; ".join(PLUGINS[name] for name in disturbing))
    else:
        yield passed("pytest plugins", "none that interferes with a run")
