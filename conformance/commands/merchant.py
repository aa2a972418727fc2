"""``merchant``: tests a merchant's integration."""

from __future__ import annotations

import argparse
import sys

from conformance.commands.config import MERCHANT, merged
from conformance.commands.ending import print_ending
from conformance.commands.errors import CommandError
from conformance.commands.run import failed, fresh_directory, message_of
from conformance.commands.stopping import stopper
from conformance.journal import JournalError
from conformance.merchant.api import ShopAsked
from conformance.merchant.campaign import ShopCampaign
from conformance.progress import display
from conformance.verdict import RunVerdict
from reports import write_reports


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
    with stopper():
        shown = display()
        campaign.observer = shown
        try:
            campaign.run()
            shown.close()
            result = write_reports(directory)
        except JournalError:
            raise
        except Exception as error:
            return failed(error, directory, debug=arguments.debug)
        finally:
            shown.close()
    print_ending(result, directory)
    if result.verdict is RunVerdict.ENVIRONMENT:
        raise CommandError(message_of(result), result.exit_code)
    return result.exit_code
