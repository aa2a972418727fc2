"""``merchant``: tests a merchant's integration."""

from __future__ import annotations

import argparse
import sys

from conformance.cli.config import MerchantOptions, merged_options
from conformance.cli.progress import display
from conformance.cli.run_and_report import fresh_directory, run_and_report, write_results
from conformance.merchant.api import MerchantRunOptions
from conformance.merchant.campaign import MerchantCampaign


def main(arguments: argparse.Namespace) -> int:
    """Run a campaign against an integration; return the exit code."""
    options = merged_options(arguments, MerchantOptions)
    given = {name: options[name] for name in options if name not in ("out", "profile")}
    asked = MerchantRunOptions(**given, profiles=options.get("profile"))
    stand, settings = asked.prepare()
    try:
        directory = fresh_directory(options.get("out"))
        tested = "all its profiles" if settings.profiles is None else ", ".join(settings.profiles)
        sys.stdout.write(
            f"Testing {stand.integration.name}: {tested}; budget {settings.budget}, seed {settings.seed}\n"
        )
        sys.stdout.flush()
        campaign = MerchantCampaign(stand, settings, directory)
    except BaseException:
        stand.close()
        raise
    shown = campaign.observer = display()
    result = run_and_report(lambda _: campaign.run(), directory, debug=arguments.debug, ended=shown.close)
    return write_results(result)
