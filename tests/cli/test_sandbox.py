"""The embedded provider on a port."""

import json
import re
import signal
import urllib.request

import pytest

from conformance.cli.commands.sandbox import options_from
from conformance.sandbox import Market, Options

from .command import read_until, said, started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_asked_to_stop(tmp_path, number):
    with started(tmp_path, "sandbox", "--port", "0", "--market", "dk", VIPPS_MSN="777777") as process:
        out = read_until(process, "To stop it")
        url = re.search(r"http://127\.0\.0\.1:\d+", out)[0]
        assert f"{url}/control" in out
        assert "export VIPPS_CLIENT_ID=" in out
        assert "777777" not in out
        with urllib.request.urlopen(f"{url}/control/v1/capabilities") as answer:
            assert json.load(answer)["version"] == 1
        code, _, errors = said(tmp_path, "sandbox", "--port", url.rpartition(":")[2])
        assert (code, len(errors.splitlines())) == (3, 1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def test_options_have_types():
    choices = ["second_cancel=repeat", "threeds_status=423", "rate_limit=false", "age_limit_days=183", "market=fi"]
    options = options_from({"msn": "777777"}, choices)
    assert options == Options(
        msn="777777",
        second_cancel="repeat",
        threeds_status=423,
        rate_limit=False,
        age_limit_days=183.0,
        market=Market.FI,
    )
