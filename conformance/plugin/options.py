"""The options of the pytest plugin."""

from __future__ import annotations

from typing import Final

import pytest

NAME: Final = "cancel-conformance"


def add_options(parser: pytest.Parser) -> None:
    """Declare the options. What they say is checked only when they are used."""
    group = parser.getgroup(NAME, "conformance of Cancel in the Vipps MobilePay APIs")
    add = group.addoption
    add(
        "--cancel-target",
        metavar="T",
        help="what to test: embedded, a base URL, asgi:M:APP, wsgi:M:APP, python:M:ADAPTER",
    )
    add("--cancel-control-url", metavar="URL", help="the base of the target's test control API")
    add("--cancel-profile", metavar="P", action="append", help="ecom, epayment or recurring; may be repeated")
    add("--cancel-market", metavar="M", default="no", help="no, dk or fi; no is the default")
    add(
        "--cancel-reading",
        metavar="C=CHOICE",
        action="append",
        default=[],
        help="a reading to insist on; may be repeated",
    )
    add("--cancel-budget", metavar="B", default="standard", help="quick, standard or thorough; standard is the default")
    add(
        "--cancel-histories",
        metavar="N",
        help="how many histories to generate for each profile, instead of the budget's",
    )
    add("--cancel-seed", metavar="S", default="0", help="the same seed plays the same histories; 0 is the default")
    add("--cancel-out", metavar="DIR", help="where the evidence and the reports go; conformance-report is the default")
    add("--cancel-waive", metavar="RULE=REASON", action="append", default=[], help="a rule that does not decide")
    add("--cancel-concurrency", metavar="N", help="how many histories at a time")
    add("--cancel-shard", metavar="I/N", help="play one of N parts of the plan")
    add(
        "--cancel-report",
        metavar="DIR",
        help="where the evidence and the reports go of what your own tests play with assert_conforms, a machine or "
        "the fixture cancel_conformance",
    )
