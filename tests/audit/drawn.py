"""Whole journals, drawn: any judgements of any rules, in runs that end in any way. No model would judge like this."""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.domain.order import Profile
from conformance.judging.verdicts import CHECKS_NEEDED
from conformance.rulebook import RuleStatus, load

from ..reports.journals import EVERYTHING, Writer

STEPS = [{"do": "cancel"}]


def names_of(rule):
    """Return a rule's examples, one for each of its sides."""
    return [f"{rule.id}/{side}" for side in rule.sides] or [rule.id]


@st.composite
def judgements(draw, rules):
    """Draw what one step proved about some of the rules."""
    about = draw(st.lists(st.sampled_from(rules), min_size=1, max_size=3, unique=True))
    status = draw(st.sampled_from(("conforms", "conforms", "recorded", "inconclusive", "violates")))
    names = [draw(st.sampled_from(names_of(rule))) for rule in about]
    if status == "violates":
        finding = {"branch": "b", "field": "view.state", "permitted": "1", "observed": "2", "reason": "it was wrong"}
        return {"status": status, "findings": [{"rule": rule.id, **finding} for rule in about]}
    if status == "recorded":
        silent = [rule.id for rule in about if rule.status is RuleStatus.RECORDED]
        return {"status": status, "records": silent, "examples": names if draw(st.booleans()) else []}
    cause = {"cause": "no answer"} if status == "inconclusive" else {}
    return {"status": status, "examples": names, **cause}


@st.composite
def shares(draw, profile):
    """Draw one profile's part of a run: judgements, how often each was made, and where their histories come from."""
    rules = load().governing(profile)
    everything = [name for rule in rules if rule.status is RuleStatus.CHECKED for name in names_of(rule)]
    gaps = draw(st.one_of(st.just([]), st.lists(st.sampled_from(everything), max_size=2), st.just(everything)))
    shown = {"status": "conforms", "examples": [name for name in everything if name not in gaps]}
    part = [
        ("systematic", shown, draw(st.sampled_from((CHECKS_NEEDED, CHECKS_NEEDED, CHECKS_NEEDED, CHECKS_NEEDED - 1))))
    ]
    sources = st.sampled_from(("systematic", "generated", "generated", "shrinking", "again"))
    more = st.tuples(sources, judgements(rules), st.integers(1, CHECKS_NEEDED))
    return part + draw(st.one_of(st.just([]), st.lists(more, max_size=4)))


@st.composite
def runs(draw):
    """Draw everything that a made-up run needs: call it with a directory to have it written there."""
    profiles = draw(st.sampled_from((*((one,) for one in Profile), tuple(Profile), (Profile.ECOM, Profile.RECURRING))))
    parts = {profile: draw(shares(profile)) for profile in profiles}
    broken = {finding["rule"] for part in parts.values() for _, said, _ in part for finding in said.get("findings", ())}
    rules = sorted({rule.id for profile in profiles for rule in load().governing(profile)})
    waived = draw(st.sets(st.sampled_from(sorted(broken) + rules[:9]), max_size=4)) if draw(st.booleans()) else set()
    offered = draw(st.one_of(st.just(list(EVERYTHING)), st.lists(st.sampled_from(EVERYTHING), unique=True)))
    wire = draw(st.sampled_from((True, True, False)))
    ended = draw(st.sampled_from(("complete",) * 6 + ("environment", "harness", "interrupted", "killed")))

    def write(directory):
        writer = Writer(directory, profiles, offered=offered, waivers=dict.fromkeys(waived, "known"), wire=wire)
        for profile, part in parts.items():
            for source, said, count in part:
                for _ in range(count):
                    _write(writer, profile, source, said)
        return writer.stop() if ended == "killed" else writer.finish(ended)

    return write


def _write(writer, profile, source, said):
    again = source == "again"
    name = writer.history(profile, STEPS, cell={}, label="", source="systematic" if again else source)
    writer.passed(name, "initiate")
    if again:
        aside = {"status": "inconclusive", "examples": said.get("examples", []), "cause": "no answer"}
        writer.judgement(name, 1, "cancel", seen="no answer", observed={}, superseded=True, **aside)
        name = writer.again(name)
        writer.passed(name, "initiate")
    writer.judgement(name, 1, "cancel", seen="accepted 200", observed={}, **said)
