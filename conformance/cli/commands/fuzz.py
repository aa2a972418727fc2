"""``fuzz``: malformed, unusual and linked requests around Cancel, drawn from an OpenAPI description."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from conformance.api import RunOptions
from conformance.cli.commands.openapi import description_of
from conformance.cli.run_and_report import fresh_directory, run_and_report, write_results
from conformance.cli.signals import Stopper
from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.fuzzing.campaign import FuzzCampaign
from conformance.fuzzing.fuzzer import REQUESTS, SECONDS, Limits
from conformance.fuzzing.openapi import Defect, Description
from conformance.fuzzing.recorder import Sent
from conformance.judging.http_layer import Verdict

FEW: Final = 5


def main(arguments: argparse.Namespace) -> int:
    """Fuzz a target; return the exit code."""
    target = arguments.target or "embedded"
    asked = RunOptions(
        target,
        arguments.profile,
        arguments.control_url,
        arguments.market or "no",
        arguments.reading or (),
        seed=arguments.seed or 0,
        waive=arguments.waive or (),
    )
    if target.strip().lower().startswith("python:"):
        raise UsageError(f"{target} is called without HTTP: there is nothing to fuzz.")
    description = description_of(arguments.openapi, target)
    profiles = [Profile(one) for one in arguments.profile or ()]
    missing = [one.value for one in profiles if one not in description.profiles]
    if missing:
        raise UsageError(
            f"{description.name} does not describe {', '.join(missing)}: leave it out, or name another --openapi."
        )
    seat, settings = asked.prepare()
    settings = replace(settings, command=command_line(arguments, asked))
    directory = fresh_directory(arguments.out)
    limits = limits_of(arguments)
    named = ", ".join(settings.profiles or description.profiles)
    sys.stdout.write(f"Fuzzing {seat.name}: {named}; seed {settings.seed}, at most {limits.seconds:g} seconds\n")
    for line in defects_in_words(description):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    shown = Lines()

    def play(stopping: Stopper) -> None:
        stopping.play(FuzzCampaign(seat, settings, directory, description, limits, shown).run())

    return write_results(run_and_report(play, directory, debug=arguments.debug))


def limits_of(arguments: argparse.Namespace) -> Limits:
    """Return how long fuzzing may take and how many requests it may send."""
    return Limits(float(arguments.max_time or SECONDS), arguments.max_requests or REQUESTS)


def command_line(arguments: argparse.Namespace, asked: RunOptions) -> str:
    """Return the command that asks for the same."""
    words = [word for name, value in asked.options() for word in (f"--{name}", value)]
    for name in ("openapi", "max_time", "max_requests"):
        value = getattr(arguments, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(["cancel-conformance", "fuzz", *words])


def defects_in_words(description: Description) -> Iterator[str]:
    """Say what is wrong in a description: it is the description's, and not the target's."""
    defects = description.defects
    if not defects:
        return
    yield f"{description.name} ({description.title} {description.version}) has {len(defects)} defects of its own:"
    for one in defects[:FEW]:
        yield f"  {in_words(one)}"
    if len(defects) > FEW:
        yield f"  and {len(defects) - FEW} more, in the report"


def in_words(one: Defect) -> str:
    """Say what is wrong in one place, and whether it was repaired."""
    done = "repaired" if one.repair else "left as it is"
    return f"{one.id} at {one.pointer} ({done}): {one.reason}"


class Lines:
    """Plain lines: one for each way of drawing, and one for each rule that is found violated."""

    def __init__(self) -> None:
        self._found: set[tuple[Profile, str]] = set()
        self._judged = 0

    def begun(self, profile: Profile, phase: str) -> None:
        """Say which way of drawing begins."""
        self._write(f"  {profile.value}: {phase} ({self._judged} requests judged so far)")

    def judged(self, sent: Sent, verdict: Verdict) -> None:
        """Count a request, and say what it shows for the first time."""
        self._judged += 1
        for finding in verdict.findings:
            key = sent.operation.profile, finding.rule
            if key not in self._found:
                self._found.add(key)
                self._write(f"  {finding.rule} is violated: {sent.operation.label}, {sent.label}")

    @staticmethod
    def _write(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
