"""The options that several commands share, each declared once: wording, type and default are the same everywhere.

Each is a type for a field of a command's arguments (`arguments.py`); its metadata is the declaration for click.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

import rich_click as click
from click.shell_completion import CompletionItem

from conformance.domain.names import did_you_mean
from conformance.domain.order import Market, Profile

BUDGETS: Final = ("quick", "standard", "thorough")
DEFAULT_OUT: Final = "conformance-report"

TARGET: Final = "Target"
SCOPE: Final = "Scope and size"
JUDGING: Final = "Interpretation and exceptions"
RESULTS: Final = "Results"
INPUT: Final = "Input"
TRUST: Final = "What it must agree with"


class Names(click.Choice[str]):
    """One of a few names. An error suggests the nearest."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return what click says, and the name that was probably meant."""
        return super().get_invalid_choice_message(value, ctx) + did_you_mean(str(value), self.choices)


# Before click 8.4 it is not generic.
class Whole(click.ParamType):  # type: ignore[type-arg]
    """A whole number with a lower bound."""

    name = "whole number"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail with a sentence."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number.", param, ctx)
        if number < self.least:
            self.fail(f"{value} is less than {self.least}.", param, ctx)
        return number


def choice(*declaration: str, values: Iterable[str], help_text: str, **more: Any) -> Any:
    """Declare an option that takes one of a few names, which its help lists."""
    names = tuple(values)
    return click.option(*declaration, type=Names(names), help=f"{help_text}: {', '.join(names)}.", **more)


def complete_rules(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the id of a rule."""
    from conformance.rulebook import load  # noqa: PLC0415 - read for a completion only

    prefix = incomplete.upper()
    return [CompletionItem(rule.id, help=rule.title) for rule in load().rules if rule.id.startswith(prefix)]


Target = Annotated[
    str | None,
    click.option(
        "--target",
        metavar="T",
        help="What to test: embedded (the simulator), a base URL, asgi:MODULE:APP, wsgi:MODULE:APP or "
        "python:MODULE:ADAPTER.",
        panel=TARGET,
    ),
]
Profiles = Annotated[
    tuple[str, ...],
    choice(
        "--profile",
        metavar="P",
        multiple=True,
        values=[profile.value for profile in Profile],
        help_text="An API; may be repeated; all of them if left out",
        panel=SCOPE,
    ),
]
Integration = Annotated[
    str | None,
    click.option(
        "--integration",
        metavar="M",
        help="python:MODULE:ADAPTER, http://127.0.0.1:PORT of a test hook, or exec:COMMAND.",
        panel=TARGET,
    ),
]
Yes = Annotated[
    bool,
    click.option(
        "--yes",
        is_flag=True,
        help="Use what the files of a run name as its target without asking. Only for files that you trust.",
        panel=TARGET,
    ),
]
ControlUrl = Annotated[
    str | None,
    click.option("--control-url", metavar="U", help="The base URL of the target's test control API.", panel=TARGET),
]
MarketName = Annotated[
    str,
    choice(
        "--market",
        metavar="M",
        default="no",
        values=[market.value for market in Market],
        help_text="The market, which decides the currency and the age limit",
        panel=SCOPE,
    ),
]
Reading = Annotated[
    tuple[str, ...],
    click.option(
        "--reading",
        "--interpretation",
        "reading",
        metavar="C8=reject",
        multiple=True,
        help="How to interpret an ambiguous sentence of the documentation; may be repeated.",
        panel=JUDGING,
    ),
]
Budget = Annotated[
    str,
    choice("--budget", metavar="B", default="standard", values=BUDGETS, help_text="How much to run", panel=SCOPE),
]
Histories = Annotated[
    int | None,
    click.option(
        "--histories",
        metavar="N",
        type=Whole(0),
        help="Generated order histories for each API, instead of the budget's.",
        panel=SCOPE,
    ),
]
Seed = Annotated[
    int,
    click.option(
        "--seed", metavar="S", type=Whole(0), default=0, help="The same seed gives the same run.", panel=SCOPE
    ),
]
Concurrency = Annotated[
    int | None,
    click.option(
        "--concurrency",
        metavar="N",
        type=Whole(1),
        help="How many histories run at the same time. For a URL, the number adapts if left out.",
        panel=SCOPE,
    ),
]
Waive = Annotated[
    tuple[str, ...],
    click.option(
        "--waive",
        metavar="R=REASON",
        multiple=True,
        shell_complete=complete_rules,
        help="Accept an exception: the rule does not decide the verdict. EP-05@2026-12-31=REASON holds until that day; "
        "may be repeated.",
        panel=JUDGING,
    ),
]
MaxRequests = Annotated[
    int | None,
    click.option(
        "--max-requests",
        metavar="N",
        type=Whole(1),
        help="Send at most N requests, those that show the most first.",
        panel=SCOPE,
    ),
]
Examples = Annotated[
    tuple[str, ...],
    click.option(
        "--examples",
        metavar="DIR",
        multiple=True,
        help="A directory in which runs share their failures, and which is tried first. With ro: before it, it is only "
        "read; may be repeated.",
        panel=SCOPE,
    ),
]
Out = Annotated[
    str | None,
    click.option(
        "--out",
        metavar="DIR",
        help=f"Where the evidence and the reports go; {DEFAULT_OUT} if left out.",
        panel=RESULTS,
    ),
]
Force = Annotated[
    bool,
    click.option(
        "--force",
        is_flag=True,
        help="Replace the run that is in --out: the suite's own files there are removed, and all others stay.",
        panel=RESULTS,
    ),
]
Sign = Annotated[
    str | None,
    click.option(
        "--sign",
        metavar="FILE",
        help="Sign with this Ed25519 private key, in PEM form and without a password. This needs the extra "
        "cancel-conformance[sign].",
        panel=RESULTS,
    ),
]
OperatorFlag = Annotated[
    bool,
    click.option("--operator", is_flag=True, help="Ask a person at the terminal for the manual steps.", panel=TARGET),
]
OperatorTimeout = Annotated[
    int | None,
    click.option(
        "--operator-timeout",
        metavar="SECONDS",
        type=Whole(1),
        help="How long to wait for that person; 300 if left out.",
        panel=TARGET,
    ),
]
OpenApi = Annotated[
    str | None,
    click.option(
        "--openapi",
        metavar="FILE_OR_URL",
        help="The OpenAPI description from which requests are drawn.",
        panel=TARGET,
    ),
]
MaxTime = Annotated[
    int | None,
    click.option(
        "--max-time",
        metavar="SECONDS",
        type=Whole(1),
        help="How long to send drawn requests; 60 if left out.",
        panel=SCOPE,
    ),
]
Declare = Annotated[
    tuple[str, ...],
    click.option(
        "--declare",
        metavar="NAME[=SECONDS]",
        multiple=True,
        help="A way of the shop that differs from what is expected otherwise, such as captures_on_approval or "
        "ends_unpaid_after=1200; may be repeated.",
        panel=JUDGING,
    ),
]
Known = Annotated[
    str | None,
    click.option(
        "--known",
        metavar="FILE",
        help="A TOML file of expected failures, each with a reason and an expiry.",
        panel=JUDGING,
    ),
]
RunDirectory = Annotated[
    str, click.argument("directory", metavar="DIR", help="The --out directory of a run.", panel=INPUT)
]
