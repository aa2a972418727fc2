"""The command ``merchant``: tests a merchant's integration."""

from __future__ import annotations

import sys

from conformance.cli.arguments import Merchant
from conformance.cli.progress import display
from conformance.cli.run_and_report import fresh_directory, run_and_report, write_results
from conformance.merchant.api import MerchantRunOptions
from conformance.merchant.campaign import MerchantCampaign


def main(arguments: Merchant) -> int:
    """Run a campaign against an integration; return the exit code."""
    run_options = MerchantRunOptions(
        integration=arguments.integration or "",
        profiles=arguments.profile or None,
        market=arguments.market,
        budget=arguments.budget,
        histories=arguments.histories,
        seed=arguments.seed,
        waive=arguments.waive,
        port=arguments.port,
        strict=arguments.strict,
        examples=arguments.examples,
    )
    harness, settings = run_options.prepare()
    try:
        directory = fresh_directory(arguments.out)
        tested = "all its profiles" if settings.profiles is None else ", ".join(settings.profiles)
        sys.stdout.write(
            f"Testing {harness.integration.name}: {tested}; budget {settings.budget}, seed {settings.seed}\n"
        )
        sys.stdout.flush()
        campaign = MerchantCampaign(harness, settings, directory)
    except BaseException:
        harness.close()
        raise
    progress = campaign.observer = display()
    result = run_and_report(lambda _: campaign.run(), directory, debug=arguments.debug, ended=progress.close)
    return write_results(result)
