"""What the first screen says beside the verdict: what it is about, what proved nothing, what is little worth."""

from dataclasses import replace

import pytest

from conformance.evidence.journal import read_journal
from conformance.judging.verdicts import RunVerdict
from conformance.obligations.history import KINDS
from conformance.reports.detection_power import detection_of
from conformance.reports.formats.markdown import summary_text
from conformance.reports.wording.headline import about, proved_nothing
from conformance.reports.wording.merchant import trouble_in_words
from conformance.results.result import result_of
from conformance.sandbox import EPayment, Options, Provider
from conformance.targets.http.embedded import EmbeddedTransport
from tests.stored import record_of

from . import journals
from .test_strength import power


def result(directory, made):
    return result_of(read_journal(made(directory)))


class Other(EPayment):
    """Nothing but another class."""


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        (Provider(), "embedded"),
        (Provider(seed=7), "embedded"),
        (Provider(epayment=Other), "embedded, changed: Other"),
        (Provider(Options(second_cancel="repeat"), epayment=Other), "embedded, changed: Other, second_cancel=repeat"),
    ],
)
def test_a_provider_that_was_changed_is_not_named_like_the_one_that_was_not(provider, name):
    assert EmbeddedTransport(provider).name == name
    assert EmbeddedTransport(provider, name="mine").name == "mine"


class Named:
    """As much of a result as the first sentence needs."""

    def __init__(self, name, **run):
        target = {"kind": "python", "name": name, "wire": True, "control": None}
        self.run = record_of("run", target=target, **run)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("python:examples.merchants.ecom:Adapter", "the suite’s sample shop"),
        ("python:conformance.examples.tutorial.shop:Adapter", "the suite’s sample shop"),
        ("python:shop.examples.merchants.ecom:Adapter", "Whether a merchant"),
        ("exec:/srv/examples/merchants/ours", "Whether a merchant"),
    ],
)
def test_only_the_shops_that_come_with_the_suite_are_called_examples(name, said):
    assert said in about(Named(name, party="merchant"))


def test_histories_that_proved_nothing_are_counted_with_the_reason(tmp_path):
    found = result(tmp_path, journals.violated)
    assert proved_nothing(found).startswith("2 histories proved nothing, 1 of them because ")
    assert "2 histories proved nothing" in summary_text(found)
    assert proved_nothing(result(tmp_path / "other", journals.conformant)) == ""


@pytest.mark.parametrize(("after", "weak"), [([5, 9], False), ([5, None], True)])
def test_what_catches_less_than_half_of_its_faults_is_called_little(after, weak, tmp_path):
    strengths = detection_of(result(tmp_path, journals.conformant), power(EC_01=after))
    rule = next(one for one in strengths.result.rules if one.rule.id == "EC-01")
    assert strengths.is_weak(rule) is weak
    assert strengths.sentence(rule).startswith("Little power: a run" if weak else "A run")


def test_an_incomplete_run_says_what_it_would_have_caught(tmp_path):
    whole = result(tmp_path, journals.conformant)
    said = [detection_of(replace(whole, verdict=verdict)).headline() for verdict in RunVerdict]
    assert [bool(one) for one in said] == [one in (RunVerdict.CONFORMANT, RunVerdict.INCOMPLETE) for one in RunVerdict]


@pytest.mark.parametrize("kind", KINDS)
def test_every_trouble_of_a_shop_has_words(kind):
    assert trouble_in_words(kind).endswith(f" ({kind})")
