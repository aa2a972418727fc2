"""The command line: every command and its options, for argparse."""

from __future__ import annotations

import argparse
from typing import Final, NoReturn

from conformance import __version__
from conformance.domain.order import Market, Profile
from conformance.errors import UsageError

PROGRAM: Final = "cancel-conformance"
BUDGETS: Final = ("quick", "standard", "thorough")
EXIT_CODES: Final = (
    "exit codes: 0 conformant, 1 not conformant, 2 usage or configuration, 3 environment, 4 incomplete, "
    "5 fault of the suite itself, 130 interrupted"
)

_PROFILES: Final = [profile.value for profile in Profile]
_MARKETS: Final = [market.value for market in Market]
_EXAMPLES: Final = (
    "share what fails with other runs, and try first what they found, in this directory; ro: before it only reads; "
    "may be repeated"
)


class Parser(argparse.ArgumentParser):
    """A parser that raises its errors as one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raise ``UsageError`` with the message that argparse would print."""
        raise UsageError(f"{self.prog}: {message} (see {self.prog} --help).")


def parser() -> Parser:
    """Return the parser of the whole command line."""
    top = Parser(
        prog=PROGRAM,
        description="Tests whether Cancel does what the Vipps MobilePay documentation says.",
        epilog=EXIT_CODES,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, text, fill in (
        ("run", "test a provider", _run),
        ("merge", "make one run of the shards of one", _merge),
        ("fuzz", "send malformed, unusual and linked requests, drawn from an OpenAPI description", _fuzz),
        ("age", "plant orders now, and judge them when they are old", _age),
        ("merchant", "test a merchant's integration", _merchant),
        ("report", "write the reports of a run again, from its journal", _report),
        ("verify", "rebuild every verdict of a run from its exchanges, and compare", _verify),
        ("bundle", "put a run into one file, with its evidence and the digests of everything", _bundle),
        ("diff", "compare two runs", _diff),
        ("replay", "play a counterexample again", _replay),
        ("rules", "list the documented rules", _rules),
        ("sandbox", "serve the embedded provider", _sandbox),
    ):
        command = commands.add_parser(name, help=text, description=f"{text.capitalize()}.", allow_abbrev=False)
        fill(command)
        command.add_argument("--debug", action="store_true", help="show where the suite itself failed")
    return top


def whole(least: int) -> type[int]:
    """Return an argparse type: a whole number that is ``least`` or more."""

    class Whole(int):
        def __new__(cls, text: str) -> Whole:
            try:
                number = super().__new__(cls, text)
            except ValueError:
                raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
            if number < least:
                raise argparse.ArgumentTypeError(f"{text} is less than {least}")
            return number

    return Whole


def _run(command: Parser) -> None:
    add = command.add_argument
    command.epilog = EXIT_CODES
    add("--target", metavar="T", help="embedded (the default), a base URL, asgi:M:APP, wsgi:M:APP, python:M:ADAPTER")
    add("--profile", metavar="P", action="append", choices=_PROFILES, help="may be repeated")
    add("--control-url", metavar="U", help="the base of the target's test control API")
    add("--market", choices=_MARKETS, help="the age limit differs; no is the default")
    add("--reading", metavar="C8=reject", action="append", help="how to read an ambiguous sentence; may be repeated")
    add("--budget", choices=BUDGETS, help="how much to play; standard is the default")
    add("--histories", metavar="N", type=whole(0), help="generated histories per profile, instead of the budget's")
    add("--seed", metavar="S", type=whole(0), help="the same seed plays the same histories; 0 is the default")
    add("--concurrency", metavar="N", type=whole(1), help="how many histories at a time")
    text = "do not let this rule decide; RULE@2026-12-31=REASON holds until that day; may be repeated"
    add("--waive", metavar="RULE=REASON", action="append", help=text)
    add("--max-requests", metavar="N", type=whole(1), help="send no more requests than this, the most telling first")
    add("--shard", metavar="I/N", help="play one of N parts of the plan; `merge` makes one verdict of them")
    add("--examples", metavar="DIR", action="append", help=_EXAMPLES)
    add("--resume", metavar="DIR", help="go on with a run that was interrupted, where it stopped")
    add("--out", metavar="DIR", help="where the evidence and the reports go; conformance-report is the default")
    add("--config", metavar="FILE", help="a TOML file with these options; the command line wins")
    _operator(command)
    add("--known", metavar="FILE", help="rules that may fail for now, each with a reason and an expiry (TOML)")
    add("--bundle", action="store_true", help="put everything into bundle.zip as well")
    add("-n", "--processes", metavar="N", help="play in this many processes, or auto")
    add("-k", metavar="EXPR", dest="select", help="play only the tests that match, as pytest's -k")

    _openapi(command)


def _operator(command: Parser) -> None:
    add = command.add_argument
    add("--operator", action="store_true", help="ask at the terminal for what only a person can do")
    add("--operator-timeout", metavar="SECONDS", type=whole(1), help="how long to wait for them; 300 is the default")


def _openapi(command: Parser) -> None:
    add = command.add_argument
    add("--openapi", metavar="FILE_OR_URL", help="the OpenAPI description to fuzz from")
    add("--max-time", metavar="SECONDS", type=whole(1), help="how long to fuzz; 60 is the default")


def _fuzz(command: Parser) -> None:
    add = command.add_argument
    command.epilog = EXIT_CODES
    add("--target", metavar="T", help="embedded (the default), a base URL, asgi:M:APP, wsgi:M:APP")
    _openapi(command)
    add("--max-requests", metavar="N", type=whole(1), help="how many requests to send at most; 10000 is the default")
    add("--profile", metavar="P", action="append", choices=_PROFILES, help="may be repeated")
    add("--control-url", metavar="U", help="the base of the target's test control API")
    add("--market", choices=_MARKETS, help="the currency and the age limit; no is the default")
    add("--reading", metavar="C8=reject", action="append", help="how to read an ambiguous sentence; may be repeated")
    add("--seed", metavar="S", type=whole(0), help="the same seed draws the same requests; 0 is the default")
    add("--waive", metavar="RULE=REASON", action="append", help="do not let this rule decide; may be repeated")
    add("--out", metavar="DIR", help="where the evidence and the reports go; conformance-report is the default")


def _age(command: Parser) -> None:
    add = command.add_argument
    command.epilog = EXIT_CODES
    add("what", choices=("plant", "harvest"), help="make orders now, or judge those that are old enough")
    add("--target", metavar="T", help="a base URL: whoever is there must remember its orders")
    add("--ledger", metavar="FILE", action="append", help="age-ledger.json is the default; harvest takes several")
    add("--profile", metavar="P", action="append", choices=_PROFILES, help="may be repeated")
    add("--control-url", metavar="U", help="the base of the target's test control API")
    add("--market", choices=_MARKETS, help="the age limit differs; no is the default")
    add("--reading", metavar="C8=reject", action="append", help="how to read an ambiguous sentence; may be repeated")
    add("--copies", metavar="N", type=whole(1), help="plant: orders of each kind, for each side; 3 is the default")
    _operator(command)
    add("--older-than", metavar="DAYS", type=whole(0), help="harvest: leave younger orders alone; 1 is the default")
    add("--seed", metavar="S", type=whole(0), help="0 is the default")
    add("--waive", metavar="RULE=REASON", action="append", help="harvest: do not let this rule decide")
    add("--out", metavar="DIR", help="harvest: where the evidence goes; conformance-report is the default")


def _merge(command: Parser) -> None:
    command.epilog = EXIT_CODES
    command.add_argument("directories", metavar="DIR", nargs="+", help="the --out directory of a shard")
    text = "where the merged evidence and its reports go; conformance-report is the default"
    command.add_argument("--out", metavar="DIR", default="conformance-report", help=text)


def _merchant(command: Parser) -> None:
    add = command.add_argument
    command.epilog = EXIT_CODES
    add("--integration", metavar="M", help="python:MODULE:ADAPTER, http://127.0.0.1:PORT of a test hook, exec:COMMAND")
    add("--profile", metavar="P", action="append", choices=_PROFILES, help="may be repeated")
    add("--market", choices=_MARKETS, help="the age limit differs; no is the default")
    add("--budget", choices=BUDGETS, help="how much to play; standard is the default")
    add("--histories", metavar="N", type=whole(0), help="drawn histories per profile, instead of the budget's")
    add("--seed", metavar="S", type=whole(0), help="the same seed plays the same histories; 0 is the default")
    add("--port", metavar="N", type=whole(0), help="where the provider listens; a free port is the default")
    add("--strict", action="store_const", const=True, help="what is recommended decides, too")
    add("--waive", metavar="RULE=REASON", action="append", help="do not let this obligation decide; may be repeated")
    add("--examples", metavar="DIR", action="append", help=_EXAMPLES)
    add("--out", metavar="DIR", help="where the evidence and the reports go; conformance-report is the default")
    add("--config", metavar="FILE", help="a TOML file with these options; the command line wins")


def _report(command: Parser) -> None:
    command.add_argument("directory", metavar="DIR", help="the --out directory of a run, finished or not")


def _verify(command: Parser) -> None:
    add = command.add_argument
    command.epilog = (
        "exit codes: 0 everything follows from the evidence, 1 something does not or was changed, 2 neither the "
        "directory of a run nor a bundle, or of another version, 4 something cannot be told from the evidence"
    )
    add("path", metavar="DIR_OR_BUNDLE", help="the --out directory of a run, or a bundle of it")
    add("--digest", metavar="SHA256", help="the journal's digest, as it was told when the run ended")
    add("--public-key", metavar="FILE", help="the Ed25519 key, in PEM form, that the bundle must be signed with")
    add("--format", choices=("text", "json"), default="text")


def _bundle(command: Parser) -> None:
    add = command.add_argument
    add("directory", metavar="DIR", help="the --out directory of a run")
    add("--to", metavar="FILE", help="where the bundle goes; bundle.zip in the directory is the default")
    add("--sign", metavar="FILE", help="sign with this Ed25519 private key, in PEM form and without a password")
    add("--subject", metavar="NAME@sha256:DIGEST", action="append", default=[], help="what was tested; may be repeated")


def _diff(command: Parser) -> None:
    add = command.add_argument
    command.epilog = (
        "exit codes: 0 nothing is worse, 1 a rule is newly violated or no longer shown to hold, or the file of known "
        "failures has one that expired or fails no more, 2 usage, or a run that cannot be read"
    )
    add("first", metavar="A", help="the --out directory of a run, or a bundle of it")
    add("second", metavar="B", help="the other run, which is the later one")
    add("--known", metavar="FILE", help="rules that may fail for now, each with a reason and an expiry (TOML)")
    add("--format", choices=("text", "json", "html"), default="text")
    add("--to", metavar="FILE", help="where it is written; the standard output is the default")


def _replay(command: Parser) -> None:
    command.add_argument("directory", metavar="DIR", help="the --out directory of a run")
    command.add_argument("counterexample", metavar="COUNTEREXAMPLE", help="a file, its name, or a rule's id")
    command.add_argument("--target", metavar="T", help="where to play it; the run's own target is the default")
    command.add_argument("--control-url", metavar="U", help="the base of the target's test control API")


def _rules(command: Parser) -> None:
    command.add_argument("--docs", metavar="FILE", help="a copy of the documentation page, to mark what changed there")
    command.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    command.add_argument(
        "--party", choices=("provider", "merchant"), default="provider", help="whose; the provider's is the default"
    )
    command.add_argument("--profile", metavar="P", action="append", choices=_PROFILES, help="may be repeated")


def _sandbox(command: Parser) -> None:
    add = command.add_argument
    add("--port", metavar="N", type=whole(0), default=9701, help="9701 is the default; 0 takes a free one")
    add("--market", choices=_MARKETS, help="no is the default")
    add("--seed", metavar="S", type=whole(0), default=0, help="decides every identifier; 0 is the default")
    add("--option", metavar="NAME=VALUE", action="append", default=[], help="how it behaves; may be repeated")
