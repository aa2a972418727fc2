"""The command ``fuzz``: sends requests that are drawn from an OpenAPI description.

They are malformed, unusual or linked, around Cancel.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace

from conformance.api import RunOptions
from conformance.cli.arguments import Fuzz
from conformance.cli.commands.openapi import description_of
from conformance.cli.demonstration import chosen_target
from conformance.cli.output import output
from conformance.cli.run_and_report import conclude, run_and_report
from conformance.cli.run_directory import run_directory
from conformance.cli.signals import Stopper
from conformance.cli.signed_run import journal_of, sign_end, signer_of
from conformance.domain.order import Profile
from conformance.errors import UsageError
from conformance.fuzzing.campaign import FuzzCampaign
from conformance.fuzzing.fuzzer import REQUESTS, SECONDS, Limits
from conformance.fuzzing.openapi import Description, DescriptionDefect
from conformance.fuzzing.recorder import Sent
from conformance.judging.http_layer import Verdict
from conformance.results.result import Result


def main(arguments: Fuzz) -> int:
    """Fuzz a target; return the exit code."""
    target_name = chosen_target(arguments.target)
    options = RunOptions(
        target_name,
        arguments.profile or None,
        arguments.control_url,
        arguments.market,
        arguments.reading,
        seed=arguments.seed,
        waive=arguments.waive,
    )
    if target_name.strip().lower().startswith("python:"):
        raise UsageError(f"{target_name} is called without HTTP: there is nothing to fuzz.")
    description = description_of(arguments.openapi, target_name)
    profiles = [Profile(name) for name in arguments.profile]
    missing = [profile.value for profile in profiles if profile not in description.profiles]
    if missing:
        raise UsageError(
            f"{description.name} does not describe {', '.join(missing)}: leave it out, or name another --openapi."
        )
    signer = signer_of(arguments.sign)
    target, settings = options.prepare()
    settings = replace(settings, command=command_line(arguments, options))
    directory = run_directory(arguments.out, force=arguments.force)
    limits = limits_of(arguments)
    apis = ", ".join(settings.profiles or description.profiles)
    output().say(f"Fuzzing {target.name}: {apis}; seed {settings.seed}, at most {limits.seconds:g} seconds")
    output().say(*defects_in_words(description))
    progress = FuzzProgress()
    target.throttle.show = output().say

    folder = directory.absolute()  # code under test may change the current one

    def play(stopper: Stopper) -> Result:
        journal = journal_of(folder, signer)
        return stopper.play(FuzzCampaign(target, settings, folder, description, limits, progress, journal).run())

    result = run_and_report(play, directory, debug=arguments.debug)
    sign_end(folder, result, signer)
    return conclude(result, directory)


def limits_of(arguments: Fuzz) -> Limits:
    """Return the longest time and the largest number of requests of the fuzzing."""
    return Limits(float(arguments.max_time or SECONDS), arguments.max_requests or REQUESTS)


def command_line(arguments: Fuzz, options: RunOptions) -> str:
    """Return the command that starts the same run."""
    words = [word for name, value in options.options() for word in (f"--{name}", value)]
    for name in ("openapi", "max_time", "max_requests"):
        value = getattr(arguments, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(["cancel-conformance", "fuzz", *words])


def defects_in_words(description: Description) -> Iterator[str]:
    """Yield lines about the defects of a description, which are not the target's."""
    defects = description.defects
    if not defects:
        return
    yield f"{description.name} ({description.title} {description.version}) has {len(defects)} defects of its own:"
    most = output().most or len(defects)
    for defect in defects[:most]:
        yield f"  {in_words(defect)}"
    if len(defects) > most:
        yield f"  and {len(defects) - most} more, in the report"


def in_words(defect: DescriptionDefect) -> str:
    """Return one defect in words, and whether it was repaired."""
    state = "repaired" if defect.repair else "left as it is"
    return f"{defect.id} at {defect.pointer} ({state}): {defect.reason}"


class FuzzProgress:
    """Prints a line for each phase of fuzzing, and for each newly violated rule."""

    def __init__(self) -> None:
        self._violated: set[tuple[Profile, str]] = set()
        self._judged = 0

    def begun(self, profile: Profile, phase: str) -> None:
        """Print the phase that begins."""
        output().say(f"  {profile.value}: {phase} ({self._judged} requests judged so far)")

    def judged(self, sent: Sent, verdict: Verdict) -> None:
        """Count a request, and print the rules that it is the first to violate."""
        self._judged += 1
        for finding in verdict.findings:
            key = sent.operation.profile, finding.rule
            if key not in self._violated:
                self._violated.add(key)
                output().say(f"  {finding.rule} is violated: {sent.operation.label}, {sent.label}")
