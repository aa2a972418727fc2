"""The command ``merchant``: tests a merchant's integration."""

from __future__ import annotations

from conformance.cli.arguments import SAMPLE_SHOP, Merchant
from conformance.cli.output import output
from conformance.cli.progress import display
from conformance.cli.run_and_report import conclude, run_and_report
from conformance.cli.run_directory import run_directory
from conformance.cli.signed_run import journal_of, sign_end, signer_of
from conformance.errors import UsageError
from conformance.merchant.api import MerchantRunOptions
from conformance.merchant.campaign import MerchantCampaign


def main(arguments: Merchant) -> int:
    """Run a campaign against an integration; return the exit code."""
    if not arguments.integration:
        raise UsageError(
            f"--integration is missing: name the shop to test; the sample shop is --integration {SAMPLE_SHOP}."
        )
    run_options = MerchantRunOptions(
        integration=arguments.integration,
        profiles=arguments.profile or None,
        market=arguments.market,
        budget=arguments.budget,
        histories=arguments.histories,
        seed=arguments.seed,
        waive=arguments.waive,
        port=arguments.port,
        strict=arguments.strict,
        examples=arguments.examples,
        declare=arguments.declare,
    )
    signer = signer_of(arguments.sign)
    harness, settings = run_options.prepare()
    try:
        directory = run_directory(arguments.out, force=arguments.force)
        tested = "all its profiles" if settings.profiles is None else ", ".join(settings.profiles)
        output().say(f"Testing {harness.integration.name}: {tested}; budget {settings.budget}, seed {settings.seed}")
        folder = directory.absolute()  # code under test may change the current one
        campaign = MerchantCampaign(harness, settings, folder, journal=journal_of(folder, signer))
    except BaseException:
        harness.close()
        raise
    progress = campaign.observer = display()
    result = run_and_report(lambda _: campaign.run(), directory, debug=arguments.debug, ended=progress.close)
    sign_end(folder, result, signer)
    return conclude(result, directory)
