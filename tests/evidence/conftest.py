"""The runs that are verified here: made once."""

from __future__ import annotations

import asyncio

import pytest

from conformance.domain.order import Profile
from conformance.fuzzing import openapi as documents
from conformance.fuzzing.campaign import FuzzCampaign
from conformance.fuzzing.fuzzer import Limits
from conformance.reports import write_reports
from conformance.runner.settings import Settings, nonce_for

from ..merchant.faulty.request_rules import KeyOfTheCall as Negligent
from .runs import Unrefusing, cut_and_resumed, embedded, played, shop, within_a_history


@pytest.fixture(scope="session")
def right(tmp_path_factory):
    """A run that finds nothing."""
    return played(tmp_path_factory.mktemp("right") / "run", embedded(), Profile.EPAYMENT)


@pytest.fixture(scope="session")
def wrong(tmp_path_factory):
    """A run that finds violations, and has counterexamples."""
    return played(tmp_path_factory.mktemp("wrong") / "run", embedded(Unrefusing), Profile.EPAYMENT)


@pytest.fixture(scope="session")
def resumed(right, tmp_path_factory):
    """A run that was killed in the middle of a history, and resumed."""
    return cut_and_resumed(right, tmp_path_factory.mktemp("resumed") / "run", within_a_history(right))


@pytest.fixture(scope="session")
def limited(tmp_path_factory):
    """A run that was allowed few requests."""
    return played(tmp_path_factory.mktemp("limited") / "run", embedded(), Profile.EPAYMENT, most_requests=300)


@pytest.fixture(scope="session")
def fuzzed(tmp_path_factory):
    """A run that only fuzzed."""
    directory = tmp_path_factory.mktemp("fuzzed") / "run"
    target = embedded()
    settings = Settings(profiles=(Profile.EPAYMENT,), nonce=nonce_for(target, 0), command="cancel-conformance fuzz")
    asyncio.run(FuzzCampaign(target, settings, directory, documents.embedded(), Limits(30.0, 400)).run())
    write_reports(directory)
    return directory


@pytest.fixture(scope="session")
def merchant(tmp_path_factory):
    """A run against a shop that is wrong, with a few drawn histories."""
    return shop(tmp_path_factory.mktemp("merchant") / "run", Negligent, drawn=2)
