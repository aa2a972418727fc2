"""The arguments of every command: one frozen class each, which click fills.

To add a command, write its class here, and its body as ``main(arguments) -> int`` in the module of the same name in
``conformance/cli/commands``. The class gives the help (its docstring), the options (its fields, whose metadata is
click's declaration; those that several commands share are in `options.py`), the panel of the command, and its examples.
The body's module is imported when the command runs, so that help stays quick.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, TypeVar, get_type_hints

import rich_click as click
from click import get_current_context as current_context
from click.core import ParameterSource
from rich.table import Table
from rich_click.rich_panel import RichOptionPanel

from conformance import __version__
from conformance.cli import options as of
from conformance.errors import USAGE

SAMPLE_SHOP: Final = "python:conformance.examples.merchants.epayment:Adapter"
PROGRAM: Final = "cancel-conformance"
COMPLETE: Final = "_CANCEL_CONFORMANCE_COMPLETE"
"""The variable by which a shell asks click to complete a line."""
EXIT_CODES: Final = (
    "Exit codes: 0 conformant, 1 not conformant, 2 usage or configuration, 3 environment, 4 incomplete, "
    "5 fault of the suite itself, 130 interrupted."
)
GUIDE: Final = f"""\
{PROGRAM} tests whether Cancel does what the Vipps MobilePay documentation says.

Try it against the built-in simulator:
  {PROGRAM} run --target embedded --budget quick

Test an implementation of the API, such as your own server:
  {PROGRAM} run --target http://127.0.0.1:9701 --profile epayment

Test a shop that uses the API, such as the sample shop:
  {PROGRAM} merchant --integration {SAMPLE_SHOP}

All commands: {PROGRAM} --help
One command:  {PROGRAM} run --help"""

INIT_KINDS: Final = ("sandbox", "merchant", "hook", "adapter", "github", "gitlab")
"""What ``init`` can write. Each has its templates in ``conformance/cli/templates``."""
TEST: Final = "Test"
EVIDENCE: Final = "Read and re-check evidence"
LEARN: Final = "Learn"
SERVE: Final = "Serve and set up"

SCHEMAS: Final = {
    "config": "conformance.cli",
    "journal": "conformance.evidence",
    "report": "conformance.reports",
    "diff": "conformance.reports",
}
"""The packages that have the schemas, by the schemas' names."""

_PROJECT: Final = "project"
"""Where click's context keeps the file of the project, and the names of the options that it has."""
_CONTEXT: Final = {
    "help_option_names": ["-h", "--help"],
    "show_default": True,
    "max_content_width": 100,
    "rich_help_config": {
        "theme": "default-slim",
        "text_markup": None,
        "max_width": 100,
        "options_table_column_types": ["opt_all_metavar", "help"],
        "options_table_help_sections": ["help", "default"],
        "append_metavars_help_string": "{}",
    },
}

A = TypeVar("A", bound="Arguments")


class Command(click.RichCommand):
    """One command, whose usage is one line that wraps: rich-click's three columns drift apart in a narrow terminal."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write how the command is used."""
        formatter.write("Usage: " + " ".join((ctx.command_path, *self.collect_usage_pieces(ctx))) + "\n")


class UncutPanel(RichOptionPanel):
    """A panel whose options are never cut in a narrow terminal: what is said of them gets narrower."""

    def get_table(self, command: Any, ctx: Any, formatter: Any) -> Table:
        """Return the table of the options."""
        table = super().get_table(command, ctx, formatter)
        table.columns[:1] = [replace(column, no_wrap=True) for column in table.columns[:1]]
        return table


class Commands(click.RichGroup):
    """The commands, in the order in which they are declared."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)


@click.group(cls=Commands, invoke_without_command=True, context_settings=_CONTEXT, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Test whether Cancel does what the Vipps MobilePay documentation says."""
    if context.invoked_subcommand is None:
        # Not 0: a pipeline that forgets the command has tested nothing.
        click.echo(GUIDE, err=True)
        context.exit(USAGE)


def _configure(context: click.Context, _: click.Parameter, path: str | None) -> str | None:
    """Let files choose what the command line does not.

    A run that is resumed has its options in its journal.
    """
    from conformance.cli.config import options_of_file, options_of_project  # noqa: PLC0415 - `--help` needs no files

    if not context.params.get("resume"):
        ours, file = options_of_project(context.command)
        named = options_of_file(context.command, path)
        context.default_map = ours | named
        context.meta[_PROJECT] = file, ours.keys() - named.keys()
    return path


def _note_project(context: click.Context) -> None:
    """Say which project's file chose options: it may be further up than anybody looks."""
    file, names = context.meta.get(_PROJECT, (None, ()))
    chosen = [name for name in names if context.get_parameter_source(name) is ParameterSource.DEFAULT_MAP]
    if chosen:
        context.obj.note(f"{file} chooses {', '.join(sorted(chosen))}.")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What every command is given."""

    typed: frozenset[str]
    """The options that stand on the command line itself."""
    config: Annotated[
        str | None,
        click.option(
            "--config",
            metavar="FILE",
            is_eager=True,
            callback=_configure,
            help="A TOML file with these options; the command line wins.",
        ),
    ]
    quiet: Annotated[bool, click.option("-q", "--quiet", is_flag=True, help="Print the verdict and errors only.")]
    verbose: Annotated[bool, click.option("-v", "--verbose", is_flag=True, help="Print every list whole.")]
    format: Annotated[
        str,
        of.choice(
            "--format",
            metavar="F",
            values=("text", "json"),
            default="text",
            help_text="How the result is printed; with json the standard output is one JSON document",
        ),
    ]
    debug: Annotated[bool, click.option("--debug", is_flag=True, help="Show where the suite itself failed.")]


def command(panel: str, *examples: str, exit_codes: str = EXIT_CODES) -> Callable[[type[A]], type[A]]:
    """Make a command of a class of arguments, named as the class is."""

    def declare(kind: type[A]) -> type[A]:
        name = kind.__name__.lower()

        def call(**values: Any) -> int:
            context: click.Context = current_context()
            typed = {each for each in values if context.get_parameter_source(each) is ParameterSource.COMMANDLINE}
            arguments = kind(**values, typed=frozenset(typed))
            context.obj.begin(arguments)
            _note_project(context)
            return int(importlib.import_module(f"conformance.cli.commands.{name}").main(arguments))

        hints = get_type_hints(kind, include_extras=True)
        # click lists what was declared last first, as decorators are written; what every command has comes last.
        fields = sorted(hints, key=lambda field: field in Arguments.__annotations__)
        for field in reversed(fields):
            for declaration in getattr(hints[field], "__metadata__", ()):
                declaration(call)
        lines = ["Examples:", *(f"$ {PROGRAM} {example}" for example in examples), "", exit_codes]
        declared = cli.command(
            name,
            help=inspect.getdoc(kind),
            epilog="\n\n".join(lines),
            panel=panel,
            # Arguments have no names that are typed, and their panel shows none.
            panels=[RichOptionPanel(of.INPUT, column_types=["metavar", "help"]), UncutPanel(of.TRUST)],
            context_settings=_CONTEXT,
        )
        declared(call)
        return kind

    return declare


@command(
    TEST,
    "run --target http://127.0.0.1:9701 --profile epayment --budget quick",
    "run --target asgi:shop.main:app --out report",
)
@dataclass(frozen=True, kw_only=True)
class Run(Arguments):
    """Test a provider.

    Runs order histories against an implementation of Cancel, judges every response, and writes the evidence and the
    reports. The credentials come from the environment: VIPPS_CLIENT_ID, VIPPS_CLIENT_SECRET, VIPPS_SUBSCRIPTION_KEY and
    VIPPS_MSN.
    """

    target: of.Target
    control_url: of.ControlUrl
    operator: of.OperatorFlag
    operator_timeout: of.OperatorTimeout
    openapi: of.OpenApi
    profile: of.Profiles
    market: of.MarketName
    budget: of.Budget
    histories: of.Histories
    seed: of.Seed
    concurrency: of.Concurrency
    processes: Annotated[
        str | None,
        click.option("-n", "--processes", metavar="N", help="Run in this many processes, or in auto.", panel=of.SCOPE),
    ]
    select: Annotated[
        str | None,
        click.option("-k", "select", metavar="EXPR", help="Run the tests that match, as pytest's -k.", panel=of.SCOPE),
    ]
    max_requests: of.MaxRequests
    max_time: of.MaxTime
    shard: Annotated[
        str | None,
        click.option(
            "--shard",
            metavar="I/N",
            help="Run part I of N of the plan; the command merge makes one verdict of all parts.",
            panel=of.SCOPE,
        ),
    ]
    examples: of.Examples
    reading: of.Reading
    waive: of.Waive
    known: of.Known
    out: of.Out
    force: of.Force
    sign: of.Sign
    bundle: Annotated[
        bool, click.option("--bundle", is_flag=True, help="Put everything into bundle.zip as well.", panel=of.RESULTS)
    ]
    resume: Annotated[
        str | None,
        click.option(
            "--resume",
            metavar="DIR",
            is_eager=True,
            help="Continue an interrupted run where it stopped.",
            panel=of.RESULTS,
        ),
    ]
    yes: of.Yes


@command(
    TEST,
    f"merchant --integration {SAMPLE_SHOP} --budget quick",
    "merchant --integration http://127.0.0.1:8080/cancel-test --profile epayment",
)
@dataclass(frozen=True, kw_only=True)
class Merchant(Arguments):
    """Test a merchant's integration.

    The suite plays the provider and the customer, and judges what the integration sends and what its books say.
    """

    integration: of.Integration
    port: Annotated[
        int,
        click.option(
            "--port",
            metavar="N",
            type=of.Whole(0),
            default=0,
            help="Where the provider listens; 0 takes a free port.",
            panel=of.TARGET,
        ),
    ]
    profile: of.Profiles
    market: of.MarketName
    budget: of.Budget
    histories: of.Histories
    seed: of.Seed
    examples: of.Examples
    declare: of.Declare
    strict: Annotated[bool, click.option("--strict", is_flag=True, help="Fail on warnings as well.", panel=of.JUDGING)]
    waive: of.Waive
    out: of.Out
    force: of.Force
    sign: of.Sign


@command(
    TEST,
    "fuzz --target embedded --seed 1 --max-time 10",
    "fuzz --target http://127.0.0.1:9701 --openapi http://127.0.0.1:9701/openapi.json",
)
@dataclass(frozen=True, kw_only=True)
class Fuzz(Arguments):
    """Send malformed, unusual and linked requests, drawn from an OpenAPI description.

    Rules of the HTTP layer judge the responses. This needs the extra cancel-conformance[fuzz].
    """

    target: of.Target
    control_url: of.ControlUrl
    openapi: of.OpenApi
    profile: of.Profiles
    market: of.MarketName
    seed: of.Seed
    max_requests: of.MaxRequests
    max_time: of.MaxTime
    reading: of.Reading
    waive: of.Waive
    out: of.Out
    force: of.Force
    sign: of.Sign


@command(
    TEST,
    "age plant --target http://127.0.0.1:9701 --profile epayment",
    "age calendar --market dk --reading C1=market-deadline",
    "age harvest --target http://127.0.0.1:9701",
)
@dataclass(frozen=True, kw_only=True)
class Age(Arguments):
    """Create orders now, and judge them when they are old.

    For targets whose clock nobody can turn: age plant makes orders and keeps them in a ledger, age harvest judges
    those that are close to a limit of their age or past it, and age calendar says on which days that is.
    """

    what: Annotated[
        str,
        click.argument(
            "what",
            type=of.Names(("plant", "harvest", "calendar")),
            metavar="plant|harvest|calendar",
            help="Create orders now, judge those whose time has come, or print when that is.",
            panel=of.INPUT,
        ),
    ]
    ledger: Annotated[
        tuple[str, ...],
        click.option(
            "--ledger",
            metavar="FILE",
            multiple=True,
            help="Where plant keeps the orders for harvest; age-ledger.json if left out; harvest takes several.",
            panel=of.TARGET,
        ),
    ]
    target: of.Target
    control_url: of.ControlUrl
    operator: of.OperatorFlag
    operator_timeout: of.OperatorTimeout
    profile: of.Profiles
    market: of.MarketName
    copies: Annotated[
        int,
        click.option(
            "--copies",
            metavar="N",
            type=of.Whole(1),
            default=3,
            help="plant: how many orders of each kind, for each side of a limit.",
            panel=of.SCOPE,
        ),
    ]
    older_than: Annotated[
        int | None,
        click.option(
            "--older-than",
            metavar="DAYS",
            type=of.Whole(0),
            help="harvest: judge young orders from this age on; just before their limit if left out.",
            panel=of.SCOPE,
        ),
    ]
    seed: of.Seed
    reading: of.Reading
    waive: of.Waive
    out: of.Out
    force: of.Force


@command(TEST, "merge shard-1 shard-2 shard-3 shard-4 --out report")
@dataclass(frozen=True, kw_only=True)
class Merge(Arguments):
    """Merge the shards of a run into one run.

    A missing shard makes the run incomplete.
    """

    directories: Annotated[
        tuple[str, ...],
        click.argument(
            "directories", metavar="DIR...", nargs=-1, required=True, help="The --out directories.", panel=of.INPUT
        ),
    ]
    out: of.Out
    force: of.Force


@command(EVIDENCE, "report conformance-report")
@dataclass(frozen=True, kw_only=True)
class Report(Arguments):
    """Write the reports of a run again, from its journal.

    The run may have been stopped or killed. The exit code is the run's.
    """

    directory: of.RunDirectory


@command(
    EVIDENCE,
    "verify conformance-report",
    "verify bundle.zip --public-key key.pem",
    exit_codes="Exit codes: 0 everything follows from the evidence, 1 something does not or was changed, 2 neither the "
    "directory of a run nor a bundle, or of another version, 4 something cannot be told from the evidence.",
)
@dataclass(frozen=True, kw_only=True)
class Verify(Arguments):
    """Recompute every verdict of a run from its exchanges, and compare.

    It needs no network.
    """

    path: Annotated[
        str,
        click.argument(
            "path", metavar="DIR_OR_BUNDLE", help="The --out directory of a run, or a bundle of it.", panel=of.INPUT
        ),
    ]
    digest: Annotated[
        str | None,
        click.option(
            "--digest",
            metavar="SHA256",
            help="The journal's SHA-256, as it was printed when the run ended.",
            panel=of.TRUST,
        ),
    ]
    public_key: Annotated[
        tuple[str, ...],
        click.option(
            "--public-key",
            metavar="FILE",
            multiple=True,
            help="The Ed25519 key, in PEM form, that the run or its bundle must be signed with; may be repeated.",
            panel=of.TRUST,
        ),
    ]
    require_attestation: Annotated[
        bool,
        click.option(
            "--require-attestation",
            is_flag=True,
            help="Exit with 4 unless a --public-key vouches for the target, the time, waivers and declarations.",
            panel=of.TRUST,
        ),
    ]
    format: Annotated[
        str,
        of.choice(
            "--format", metavar="F", values=("text", "json"), default="text", help_text="How the result is printed"
        ),
    ]


@command(
    EVIDENCE,
    "bundle conformance-report",
    "bundle conformance-report --to evidence.zip --sign private-key.pem",
    exit_codes="Exit codes: 0 written, 2 usage, or a run that cannot be read.",
)
@dataclass(frozen=True, kw_only=True)
class Bundle(Arguments):
    """Put a run into one file, with its evidence and the digests of everything."""

    directory: of.RunDirectory
    to: Annotated[
        str | None,
        click.option(
            "--to",
            metavar="FILE",
            help="Where the bundle goes; bundle.zip in the directory if left out.",
            panel=of.RESULTS,
        ),
    ]
    sign: of.Sign
    subject: Annotated[
        tuple[str, ...],
        click.option(
            "--subject",
            metavar="SUBJECT",
            multiple=True,
            help="What was tested, as NAME@sha256:DIGEST; may be repeated.",
            panel=of.RESULTS,
        ),
    ]


@command(
    EVIDENCE,
    "diff conformance-report conformance-report-2",
    "diff before after --known known-failures.toml --format html --to diff.html",
    exit_codes="Exit codes: 0 nothing is worse, 1 a rule is newly violated or no longer shown to hold, or the file of "
    "expected failures has one that expired or fails no more, 2 usage, or a run that cannot be read.",
)
@dataclass(frozen=True, kw_only=True)
class Diff(Arguments):
    """Compare two runs."""

    first: Annotated[
        str,
        click.argument("first", metavar="A", help="The --out directory of a run, or a bundle of it.", panel=of.INPUT),
    ]
    second: Annotated[str, click.argument("second", metavar="B", help="The later run.", panel=of.INPUT)]
    known: of.Known
    to: Annotated[
        str | None,
        click.option(
            "--to", metavar="FILE", help="Where the result goes; the standard output if left out.", panel=of.RESULTS
        ),
    ]
    format: Annotated[
        str,
        of.choice(
            "--format",
            metavar="F",
            values=("text", "json", "html"),
            default="text",
            help_text="How the result is printed",
        ),
    ]


@command(
    EVIDENCE,
    "replay conformance-report EP-05",
    "replay conformance-report EP-05 --target http://127.0.0.1:9701",
    exit_codes="Exit codes: 0 the history conforms, 1 it breaks a rule, 2 usage, 3 it proved nothing, or the target "
    "cannot be reached.",
)
@dataclass(frozen=True, kw_only=True)
class Replay(Arguments):
    """Reproduce a counterexample, step by step.

    Prints every request and response, what was expected, and what was observed.
    """

    directory: of.RunDirectory
    counterexample: Annotated[
        str | None,
        click.argument(
            "counterexample",
            metavar="RULE_OR_FILE",
            required=False,
            help="A rule's id, or a file of the run's counterexamples; an error lists them if left out.",
            panel=of.INPUT,
        ),
    ]
    target: of.Target
    control_url: of.ControlUrl
    yes: of.Yes


@command(
    LEARN,
    "rules --profile ecom",
    "rules --docs cancel.md --format json",
    exit_codes="Exit codes: 0 printed; with --docs, 1 rules rest on what the page no longer says, 4 the page changed "
    "elsewhere; 2 usage, or not that page.",
)
@dataclass(frozen=True, kw_only=True)
class Rules(Arguments):
    """List the documented rules."""

    profile: of.Profiles
    party: Annotated[
        str,
        of.choice(
            "--party",
            metavar="P",
            values=("provider", "merchant"),
            default="provider",
            help_text="Whose rules",
            panel=of.SCOPE,
        ),
    ]
    docs: Annotated[
        str | None,
        click.option(
            "--docs",
            metavar="FILE",
            help="A copy of the page that the rules rest on; names what it says differently, and marks rules STALE.",
            panel=of.SCOPE,
        ),
    ]
    format: Annotated[
        str,
        of.choice(
            "--format",
            metavar="F",
            values=("text", "json", "markdown"),
            default="text",
            help_text="How the result is printed",
        ),
    ]


@command(
    LEARN,
    "explain EC-08",
    "explain c8 --format json",
    exit_codes="Exit codes: 0 printed, 2 there is no such rule.",
)
@dataclass(frozen=True, kw_only=True)
class Explain(Arguments):
    """Explain a rule, an obligation of a merchant or an interpretation.

    Prints what it states and where that is documented, what checks it, what is likely wrong where it is violated, and
    how others got it wrong.
    """

    name: Annotated[
        str,
        click.argument(
            "name",
            metavar="RULE",
            shell_complete=of.complete_rules,
            help="Such as EC-08, M18 or C8, in any case.",
            panel=of.INPUT,
        ),
    ]
    format: Annotated[
        str,
        of.choice(
            "--format", metavar="F", values=("text", "json"), default="text", help_text="How the result is printed"
        ),
    ]


@command(
    SERVE,
    "sandbox --port 9701",
    "sandbox --port 0 --market dk --option second_cancel=repeat",
    exit_codes="Exit codes: 0 stopped, 2 usage, 3 the port cannot be listened on.",
)
@dataclass(frozen=True, kw_only=True)
class Sandbox(Arguments):
    """Serve the embedded provider and its test control API on this machine."""

    port: Annotated[
        int,
        click.option(
            "--port",
            metavar="N",
            type=of.Whole(0),
            default=9701,
            help="Where it listens; 0 takes a free port.",
            panel=of.TARGET,
        ),
    ]
    market: of.MarketName
    seed: of.Seed
    option: Annotated[
        tuple[str, ...],
        click.option(
            "--option",
            metavar="NAME=VALUE",
            multiple=True,
            help="How it behaves where the documentation leaves a choice; may be repeated.",
            panel=of.TARGET,
        ),
    ]


@command(
    SERVE,
    "doctor --target https://apitest.vipps.no --profile epayment",
    "doctor --config cancel-conformance.toml --format json",
    exit_codes="Exit codes: 0 a run can begin, 2 its configuration is wrong, 3 something in the environment is.",
)
@dataclass(frozen=True, kw_only=True)
class Doctor(Arguments):
    """Check that a run can begin: installation, configuration, credentials, target.

    Reaches nothing but the target that is named, and creates nothing there: a token is fetched, and an order that does
    not exist is read. The values of credentials are never shown.
    """

    target: of.Target
    control_url: of.ControlUrl
    integration: of.Integration
    profile: of.Profiles
    market: of.MarketName
    format: Annotated[
        str,
        of.choice(
            "--format", metavar="F", values=("text", "json"), default="text", help_text="How the result is printed"
        ),
    ]


@command(
    SERVE,
    "init sandbox",
    "init sandbox cancel-sandbox --profile epayment --operator",
    "init merchant --profile recurring",
    exit_codes="Exit codes: 0 written, 2 usage, or a file that is there already.",
)
@dataclass(frozen=True, kw_only=True)
class Init(Arguments):
    """Write the first files of a project: an adapter, a sandbox run, a CI job.

    sandbox is for a run against the Vipps MobilePay test environment, with the waivers that it needs to end conformant.
    merchant and hook test a shop, through an adapter in Python or over HTTP in any language; adapter tests an
    implementation of the API in Python. Their files run as they are, against a sample, until they are filled in.
    github and gitlab write a job that tests a shop on every push.
    """

    kind: Annotated[
        str,
        click.argument(
            "kind", type=of.Names(INIT_KINDS), metavar="NAME", help=f"{', '.join(INIT_KINDS)}.", panel=of.INPUT
        ),
    ]
    folder: Annotated[
        str,
        click.argument(
            "folder", metavar="[DIR]", default=".", help="Where the files go; this folder if left out.", panel=of.INPUT
        ),
    ]
    profile: of.Profiles
    operator: of.OperatorFlag
    force: Annotated[
        bool, click.option("--force", is_flag=True, help="Write over files that are there already.", panel=of.RESULTS)
    ]


@command(
    SERVE,
    "completion bash > ~/.local/share/bash-completion/completions/cancel-conformance",
    "completion zsh > ~/.zfunc/_cancel-conformance",
    "completion fish > ~/.config/fish/completions/cancel-conformance.fish",
    exit_codes="Exit codes: 0 printed, 2 usage.",
)
@dataclass(frozen=True, kw_only=True)
class Completion(Arguments):
    """Print a shell script that completes commands, options, APIs and rule ids."""

    shell: Annotated[
        str,
        click.argument(
            "shell", type=of.Names(("bash", "zsh", "fish")), metavar="bash|zsh|fish", help="The shell.", panel=of.INPUT
        ),
    ]


@command(
    LEARN,
    "schema config > cancel-conformance.schema.json",
    exit_codes="Exit codes: 0 printed, 2 usage.",
)
@dataclass(frozen=True, kw_only=True)
class Schema(Arguments):
    """Print the JSON Schema of a file, for editors and programs.

    config is about the options in pyproject.toml and in --config files; journal, report and diff are about what the
    suite writes.
    """

    schema: Annotated[
        str,
        click.argument("schema", type=of.Names(SCHEMAS), metavar="NAME", help=", ".join(SCHEMAS), panel=of.INPUT),
    ]
