"""What ``init`` writes: the files of a kind of project, from the templates of this package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined

from conformance.domain.api_table import USUAL_API
from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.results.sandbox_waivers import DAYS, sandbox_waivers
from conformance.results.waivers import Waiver, today
from conformance.rulebook import load

ENDING: Final = ".j2"
"""The end of the name of a template that is filled in. Any other file is written as it is."""
_FOLDER: Final = files("conformance.cli").joinpath("templates")
_ENVIRONMENT: Final = Environment(  # nosec B701  # what is written is code and configuration, no page
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
)

_SAMPLE: Final = "It calls a sample: until you replace that by your own code, the verdict is about the sample."


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose for the files.

    Attributes:
        profiles: the APIs that the user named.
        operator: whether a person at the terminal helps a sandbox run.
        day: the day on which the files are written (UTC).

    """

    profiles: tuple[Profile, ...]
    operator: bool
    day: date

    @property
    def profile(self) -> Profile:
        """The API of files that are for one only."""
        return self.profiles[0] if self.profiles else USUAL_API


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of project.

    Attributes:
        name: what the user types, which is the folder of its templates as well.
        summary: what its files are for.
        next_command: what to do when they are written, with ``{profile}`` where it names one.
        values: what its templates need to be filled in.
        notes: what to know about a run that begins with these files.

    """

    name: str
    summary: str
    next_command: str
    values: Callable[[Choices], Mapping[str, Any]]
    notes: tuple[str, ...] = ()


def _in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _sandbox(choices: Choices) -> Mapping[str, Any]:
    until = choices.day + timedelta(days=DAYS)
    profiles = choices.profiles or tuple(Profile)
    waivers = sandbox_waivers(profiles, until, operator=choices.operator)
    return {
        "profiles": profiles,
        "operator": choices.operator,
        "today": _in_words(choices.day),
        "until": _in_words(until),
        "waivers": waivers,
        "reasons": _rules_by_reason(waivers),
        "titles": {rule.id: rule.title for rule in load().rules},
    }


def _one_api(choices: Choices) -> Mapping[str, Any]:
    if len(choices.profiles) > 1:
        raise UsageError("These files are for one API: name one --profile.")
    return {"profile": choices.profile}


def _usual_api(choices: Choices) -> Mapping[str, Any]:
    if choices.profile is not USUAL_API:
        raise UsageError(f"The sample that these files begin with implements {USUAL_API}: leave --profile out.")
    return _one_api(choices)


def _nothing(_: Choices) -> Mapping[str, Any]:
    return {}


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
        Kind(
            "merchant",
            "test a shop through an adapter in Python",
            "cancel-conformance merchant --integration python:cancel_adapter:Adapter --budget quick",
            _one_api,
            (_SAMPLE,),
        ),
        Kind(
            "hook",
            "test a shop in any language through a test hook",
            "python cancel_hook.py 8080, and in another terminal: cancel-conformance merchant "
            "--integration http://127.0.0.1:8080/hook --profile {profile} --budget quick",
            _one_api,
            (_SAMPLE,),
        ),
        Kind(
            "adapter",
            "test an implementation of the API through an adapter in Python, without HTTP",
            "cancel-conformance run --target python:cancel_provider:Adapter --profile {profile} --budget quick",
            _usual_api,
            (_SAMPLE,),
        ),
        Kind(
            "github",
            "test a shop on every push to GitHub",
            "cancel-conformance init merchant, unless cancel_adapter.py is there; then commit and push",
            _nothing,
        ),
        Kind(
            "gitlab",
            "test a shop on every push to GitLab",
            "cancel-conformance init merchant, unless cancel_adapter.py is there; then include it in .gitlab-ci.yml",
            _nothing,
        ),
    )
}
"""The kinds of projects, by the name that a user types."""


def texts_of(kind: Kind, choices: Choices) -> dict[str, str]:
    """Return the texts of a kind's files, by file name."""
    values = kind.values(choices)
    templates = sorted(_templates(_FOLDER.joinpath(kind.name)))
    return {name.removesuffix(ENDING): _filled_in(name, text, values) for name, text in templates}


def _templates(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every template in a folder and below it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, f"{above}{entry.name}/")
        else:
            yield f"{above}{entry.name}", entry.read_text(encoding="utf-8")


def _filled_in(name: str, text: str, values: Mapping[str, Any]) -> str:
    return _ENVIRONMENT.from_string(text).render(values) if name.endswith(ENDING) else text


def write_new(texts: Mapping[str, str], folder: Path, *, force: bool) -> list[Path]:
    """Write files into a folder, none if one is there already; return their paths.

    Raises:
        UsageError: some of them exist and ``force`` is not given, one is a link, or one cannot be written.

    """
    paths = [folder / name for name in texts]
    links = [path for path in paths if path.is_symlink()]
    if links:
        raise UsageError(f"{_listed(links)} a symbolic link: nothing was written. Name another folder, or remove it.")
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


def choices_from(profiles: Iterable[str], *, operator: bool) -> Choices:
    """Return the choices of a command line."""
    return Choices(tuple(map(Profile, profiles)), operator, today())
