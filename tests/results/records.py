"""Records of made-up runs for the tests of the results."""

from conformance.domain.order import Profile
from conformance.evidence.consistency import PLANNED, digest_of
from conformance.judging.verdicts import RuleVerdict
from conformance.results.result import result_of
from conformance.rulebook import NEEDS, Readings, RuleStatus, load
from tests.stored import evidence_of

ECOM = Profile.ECOM


def run(**changes):
    record = {
        "kind": "run",
        "format": 1,
        "tool": "0.1.0",
        "rulebook": load().digest,
        "target": {"kind": "url", "name": "http://127.0.0.1:9", "wire": True, "control": None},
        "waivers": [],
        "readings": Readings.documented().as_json(),
        "profiles": ["ecom"],
    }
    return record | changes


OFFERED = {"kind": "capabilities", "profile": "ecom", "offered": ["age", "approve"], "source": "told"}
FINISH = {"kind": "finish", "ended": "complete", "message": "", "seconds": 1.0}


def history(name="ecom-1", source="systematic", profile="ecom"):
    steps = {"version": 1, "profile": profile, "steps": [{"do": "initiate"}, {"do": "cancel"}]}
    return {"kind": "history", "id": name, "profile": profile, "source": source, "history": steps}


def judgement(status="conforms", name="ecom-1", step=1, **content):
    do = ("initiate", "cancel")[step]
    return {"kind": "judgement", "history": name, "step": step, "do": do, "status": status, "seen": "x", **content}


def played(status="conforms", name="ecom-1", source="systematic", **content):
    """A history whose cancel was judged like this."""
    return [history(name, source), judgement(name=name, step=0), judgement(status, name, **content)]


def several(*judged):
    """Histories of which each was judged as one of these say."""
    return [record for number, one in enumerate(judged, 1) for record in played(**one, name=f"ecom-{number}")]


def finding(rule="EC-03", reason="it was wrong"):
    return {"rule": rule, "branch": "b", "field": "f", "permitted": "1", "observed": "2", "reason": reason}


def planned(records):
    found = {one["id"]: one for one in records if one["kind"] == "history" and one["source"] in PLANNED}
    names = sorted({name.rstrip("bc") for name in found})
    digest = digest_of((name, found[name]["history"]) for name in names if name in found)
    return {"kind": "plan", "histories": names, "digest": digest}


def result(*records, begin=None, finish=FINISH, offered=OFFERED):
    offered = [offered] if isinstance(offered, dict) else offered
    everything = [begin or run(), *offered, planned(records), *records, *([finish] if finish else [])]
    return result_of(evidence_of(everything))


def rule(found, name):
    return next(one for one in found.rules if one.rule.id == name)


EVERYTHING = {**OFFERED, "offered": sorted(NEEDS)}
SHOWN = [
    example
    for one in load().governing(Profile.ECOM)
    if one.status is RuleStatus.CHECKED
    for example in ([f"{one.id}/{side}" for side in one.sides] or [one.id])
]
PASSED = several(*[{"examples": SHOWN}] * 3)


def conformant(*records, **changes):
    return result(*PASSED, *records, begin=run(**changes), offered=EVERYTHING)


def passed(found):
    return [one for one in found.rules if one.verdict is RuleVerdict.PASSED]
