"""``merchant``: tests a merchant's integration."""

from __future__ import annotations

import argparse
import sys

from conformance.cli.config import MERCHANT, merged
from conformance.cli.progress import display
from conformance.cli.run_and_report import concluded, conduct, fresh_directory
from conformance.merchant.api import ShopAsked
from conformance.merchant.campaign import ShopCampaign


def main(arguments: argparse.Namespace) -> int:
    """Run a campaign against an integration; return the exit code."""
    options = merged(arguments, MERCHANT)
    given = {name: options[name] for name in options if name not in ("out", "profile")}
    asked = ShopAsked(**given, profiles=options.get("profile"))
    stand, settings = asked.prepare()
    try:
        directory = fresh_directory(options.get("out"))
        tested = "all its profiles" if settings.profiles is None else ", ".join(settings.profiles)
        sys.stdout.write(f"Testing {stand.link.name}: {tested}; budget {settings.budget}, seed {settings.seed}\n")
        sys.stdout.flush()
        campaign = ShopCampaign(stand, settings, directory)
    except BaseException:
        stand.close()
        raise
    shown = campaign.observer = display()
    result = conduct(lambda _: campaign.run(), directory, debug=arguments.debug, ended=shown.close)
    return concluded(result)
