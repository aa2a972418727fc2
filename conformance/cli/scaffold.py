"""What ``init`` writes: the files of a kind of project, from the templates of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.results.sandbox_waivers import DAYS, sandbox_waivers
from conformance.results.waivers import Waiver, today
from conformance.rulebook import load

ENDING: Final = ".j2"
"""The end of the name of a template that is filled in. Any other file is written as it is."""
_FOLDER: Final = files("conformance.cli").joinpath("templates")
_ENVIRONMENT: Final = Environment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose for the files.

    Attributes:
        profiles: the APIs that are tested.
        operator: whether a person at the terminal helps a sandbox run.
        day: the day on which the files are written (UTC).

    """

    profiles: tuple[Profile, ...]
    operator: bool
    day: date


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of project.

    Attributes:
        name: what the user types, which is the folder of its templates as well.
        summary: what its files are for.
        next_command: what to type when they are written.
        values: what its templates need to be filled in.

    """

    name: str
    summary: str
    next_command: str
    values: Callable[[Choices], Mapping[str, Any]]


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _sandbox(choices: Choices) -> Mapping[str, Any]:
    until = choices.day + timedelta(days=DAYS)
    waivers = sandbox_waivers(choices.profiles, until, operator=choices.operator)
    return {
        "profiles": choices.profiles,
        "operator": choices.operator,
        "today": _in_words(choices.day),
        "until": _in_words(until),
        "waivers": waivers,
        "reasons": _rules_by_reason(waivers),
        "titles": {rule.id: rule.title for rule in load().rules},
    }


def _rules_by_reason(waivers: Iterable[Waiver]) -> Mapping[str, list[str]]:
    rules: dict[str, list[str]] = {}
    for waiver in waivers:
        rules.setdefault(waiver.reason, []).append(waiver.rule)
    return rules


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "sandbox",
            "run against the Vipps MobilePay test environment: configuration, waivers, credentials, a guide",
            "cancel-conformance doctor --config cancel-conformance.toml",
            _sandbox,
        ),
    )
}
"""The kinds of projects, by the name that a user types."""


def texts_of(kind: Kind, choices: Choices) -> dict[str, str]:
    """Return the texts of a kind's files, by file name."""
    values = kind.values(choices)
    templates = sorted(_FOLDER.joinpath(kind.name).iterdir(), key=lambda template: template.name)
    return {
        template.name.removesuffix(ENDING): _filled_in(template.name, template.read_text(encoding="utf-8"), values)
        for template in templates
    }


def _filled_in(name: str, text: str, values: Mapping[str, Any]) -> str:
    return _ENVIRONMENT.from_string(text).render(values) if name.endswith(ENDING) else text


def write_new(texts: Mapping[str, str], folder: Path, *, force: bool) -> list[Path]:
    """Write files into a folder, all or none; return their paths.

    Raises:
        UsageError: some of them exist and ``force`` is not given, or one cannot be written.

    """
    paths = [folder / name for name in texts]
    existing = [path for path in paths if path.exists()]
    if existing and not force:
        raise UsageError(
            f"{_listed(existing)} already there: nothing was written. Name another folder, or write over with --force."
        )
    for path, text in zip(paths, texts.values(), strict=True):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}.") from None
    return paths


def _listed(paths: Iterable[Path]) -> str:
    names = [str(path) for path in paths]
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}"


def choices_from(profiles: Iterable[str] | None, *, operator: bool) -> Choices:
    """Return the choices of a command line: all APIs where none is named."""
    return Choices(tuple(map(Profile, profiles or Profile)), operator, today())
