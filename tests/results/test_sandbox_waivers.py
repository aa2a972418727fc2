"""The waivers for a test environment: which they are, and that a faulty provider fails in spite of them.

That each is needed and none is lacking is tested with the file of ``init sandbox`` (``tests/cli/test_init.py``).
"""

from datetime import date

import pytest

from conformance.domain.order import Profile
from conformance.reports.detection_power import load_figures
from conformance.results.sandbox_waivers import sandbox_waivers
from conformance.sandbox.server import running_server
from tests.audit.stage import command, use_small_plan
from tests.museum.exhibits import FAULTS

UNTIL = date(2099, 1, 1)
SHOWN_BY_NOBODY = {
    Profile.ECOM: {"KB-02", "KB-02b", "KB-05", "KB-12", "EC-06", "EC-13", "EC-15", "EC-35", "EC-36"},
    Profile.EPAYMENT: {"KB-02", "KB-02b", "KB-05", "KB-12", "EP-09", "EP-14", "EP-15", "EP-36", "EP-37", "EP-39"},
    Profile.RECURRING: {"KB-02", "KB-02b", "RE-02", "RE-06", "RE-18", "RE-32"},
}
FAULTY = {fault.id: fault for fault in FAULTS}


def rules_of(*profiles, operator=False):
    return {waiver.rule for waiver in sandbox_waivers(profiles, UNTIL, operator=operator)}


@pytest.mark.parametrize("profile", Profile)
def test_they_are_for_what_needs_age_or_a_user(profile):
    assert rules_of(profile) == SHOWN_BY_NOBODY[profile]


@pytest.mark.thorough
def test_a_faulty_provider_is_caught_in_spite_of_the_waivers(tmp_path, monkeypatch):
    use_small_plan(monkeypatch)
    profile = Profile.EPAYMENT
    waiving = [word for waiver in sandbox_waivers([profile], UNTIL) for word in ("--waive", waiver.as_text())]
    with running_server(FAULTY[f"{profile.value}-AnsweredAndNotReleased"].provider()) as url:
        ended = command("run", "--target", url, "--profile", profile.value, "--out", tmp_path / "out", *waiving)
    assert ended.code == 1, ended.out


def test_no_fault_that_shows_without_test_control_hides_behind_a_waiver():
    figures = load_figures()
    shown = {}
    for (profile, rule), detections in figures.detections["without test control"].items():
        for detection in detections:
            shown.setdefault((profile, detection.fault), set()).add(rule)
    assert len(shown) > 200
    assert [fault for (profile, fault), rules in shown.items() if rules <= rules_of(profile)] == []


def test_several_apis_have_each_waiver_once():
    waivers = sandbox_waivers(Profile, UNTIL)
    assert {waiver.rule for waiver in waivers} == set.union(*SHOWN_BY_NOBODY.values())
    assert len({waiver.rule for waiver in waivers}) == len(waivers)


def test_a_person_at_the_terminal_leaves_age_and_time():
    assert rules_of(Profile.EPAYMENT, operator=True) == SHOWN_BY_NOBODY[Profile.EPAYMENT] - {"KB-05", "EP-09"}
    assert rules_of(Profile.ECOM, operator=True) == SHOWN_BY_NOBODY[Profile.ECOM] - {"KB-05", "EC-06", "EC-15"}
    assert rules_of(Profile.RECURRING, operator=True) == SHOWN_BY_NOBODY[Profile.RECURRING]
    assert "reject" not in next(
        waiver.reason for waiver in sandbox_waivers(Profile, UNTIL, operator=True) if waiver.rule == "KB-12"
    )
