"""Journals of made-up runs, written with the suite's own `Journal`: one for every way in which a run can end.

They hold no real traffic; answers have the shape of the three APIs' answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.domain.order import Profile
from conformance.evidence.consistency import PLANNED, digest_of
from conformance.evidence.journal import Journal
from conformance.judging.verdicts import CHECKS_NEEDED
from conformance.rulebook import NEEDS, Readings, Rule, Rulebook, RuleStatus, load
from tests.stored import record_of

Json = dict[str, Any]
EVERYTHING = sorted(NEEDS - {"wire"})
HOSTILE = (
    "</pre></details><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>"
    "\u202egnp.live\u202c \x00\x1b[31m\x07 \u200b\ufeff ]]> &amp; ![x](http://evil.example/y) `code` | **bold** \ud800"
)


@dataclass
class Writer:
    """Writes one run, record by record, and counts what it needs names for."""

    directory: Path
    profiles: tuple[Profile, ...] = (Profile.ECOM,)
    book: Rulebook = field(default_factory=load)
    offered: list[str] = field(default_factory=lambda: list(EVERYTHING))
    waivers: dict[str, str] = field(default_factory=dict)
    wire: bool = True
    begin: bool = True
    _histories: int = 0
    _planned: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.journal = Journal(self.directory)
        self.journal.append(
            record_of(
                "run",
                format=1,
                tool="0.1.0",
                started="2026-11-23T03:00:00Z",
                command="cancel-conformance run --target http://127.0.0.1:9701 --seed 7",
                seed=7,
                budget="standard",
                histories=None,
                profiles=[profile.value for profile in self.profiles],
                market="no",
                readings=Readings.documented().as_json(),
                rulebook=self.book.digest,
                nonce="3f2a",
                target={"kind": "url", "name": "http://127.0.0.1:9701", "wire": self.wire, "control": None},
                waivers=[{"rule": rule, "reason": reason} for rule, reason in self.waivers.items()],
                python="3.11.7",
            )
        )
        if self.begin:
            for profile in self.profiles:
                self.looked_at(profile)
                self.journal.append(record_of("smoke", profile=profile.value, ok=True, note="Initiated and read back."))

    def looked_at(self, profile: Profile) -> None:
        told = {"source": "The control API lists them.", "lapses_after": None}
        self.journal.append(record_of("capabilities", profile=profile.value, offered=self.offered, **told))

    def finish(self, ended: str = "complete", message: str = "") -> Path:
        # Nobody knew before what would be played.
        digest = digest_of(self._planned.items())
        self.journal.append(record_of("plan", histories=list(self._planned), digest=digest))
        self.journal.append(record_of("finish", ended=ended, message=message, seconds=12.5))
        return self.stop()

    def stop(self) -> Path:
        self.journal.close()
        return self.directory

    def history(self, profile: Profile, steps: list[Json], **changes: Any) -> str:
        self._histories += 1
        name = f"{profile.value}-{self._histories:04d}"
        kind = {} if profile is not Profile.RECURRING else {"kind": "charge-reserve"}
        record: Json = {
            "source": "systematic",
            "label": "partly captured · 181 days · flag absent",
            "cell": {"situation": "partly captured", "age": "fresh", "flag": "absent", "share": "third"},
            "goals": [],
            "history": {"version": 1, "profile": profile.value, "steps": [{"do": "initiate", **kind}, *steps]},
        }
        record |= changes
        if record["source"] in PLANNED:
            self._planned[name] = record["history"]
        self.journal.append(record_of("history", id=name, profile=profile.value, **record))
        return name

    def again(self, name: str) -> str:
        """Play a history again that proved nothing."""
        profile = Profile(self._planned[name]["profile"])
        rest = {"source": "systematic", "label": "", "cell": {}, "goals": [], "history": self._planned[name]}
        self.journal.append(record_of("history", id=f"{name}b", profile=profile.value, **rest))
        return f"{name}b"

    def exchange(self, history: str, step: int, purpose: str, call: str, answer: Any, **changes: Any) -> None:
        method, path = call.split(" ", 1)
        status, body = answer if answer is not None else (0, None)
        record: Json = {
            "request": {
                "method": method,
                "path": path,
                "headers": [["Authorization", "[removed]"], ["Content-Type", "application/json"]],
                "body": json.dumps({"merchantInfo": {"merchantSerialNumber": "123456"}}) if method != "GET" else "",
            },
            "response": None
            if answer is None
            else {
                "status": status,
                "headers": [["Content-Type", "application/json;charset=UTF-8"]],
                "body": body if isinstance(body, str) or _is_base64(body) else json.dumps(body),
            },
            "ms": 3.25,
        }
        if answer is None:
            record["lost"] = "the connection was closed"
        self.journal.append(record_of("exchange", history=history, step=step, purpose=purpose, **{**record, **changes}))

    def judgement(self, history: str, step: int, do: str, status: str, **rest: Any) -> None:
        self.journal.append(record_of("judgement", history=history, step=step, do=do, status=status, **rest))

    def passed(self, history: str, *steps: str) -> None:
        """Say of the first steps of a history that they went as they should."""
        for number, do in enumerate(steps):
            self.judgement(history, number, do, "conforms", branches=[do], seen="accepted 200", observed={})

    def examples(self, profile: Profile, rule: Rule, count: int = CHECKS_NEEDED) -> None:
        """Play as many histories as a rule needs to pass, on each of its sides."""
        for name in [f"{rule.id}/{side}" for side in rule.sides] or [rule.id]:
            for number in range(count):
                self.played(profile, [name], flag=(None, True, False)[number % 3])

    def played(self, profile: Profile, examples: list[str], flag: bool | None = None, **changes: Any) -> str:
        cancel: Json = {"do": "cancel"} if flag is None else {"do": "cancel", "flag": flag}
        shown = {None: "absent", True: "true", False: "false"}[flag]
        cell = {"situation": "reserved", "age": "0 days", "flag": shown, "share": "nothing"}
        label = f"reserved · 0 days · flag {shown}"
        steps = [{"do": agreed(profile)}, cancel]
        name = self.history(profile, steps, cell=cell, label=label, goals=examples, **changes)
        before = {"view.captured": 0, "view.refunded": 0, "view.to_capture": 1000, "view.state": "RESERVED"}
        after = {**before, "view.to_capture": 0, "view.cancelled": 1000, "view.authorized": 1000}
        self.exchange(name, 0, "act", "POST /ecomm/v2/payments", (200, {"orderId": name, "url": "x"}))
        self.judgement(name, 0, "initiate", "conforms", branches=["initiated"], seen="accepted 200", observed={})
        self.exchange(name, 1, "control", "POST /control/approve", (204, ""))
        self.exchange(name, 1, "read", f"GET /ecomm/v2/payments/{name}/details", (200, {"remaining": 1000}))
        self.judgement(
            name, 1, agreed(profile), "conforms", branches=["reserved"], seen="accepted 204", observed=before
        )
        self.exchange(name, 2, "act", f"PUT /ecomm/v2/payments/{name}/cancel", (200, {"status": "Cancelled"}))
        self.exchange(name, 2, "read", f"GET /ecomm/v2/payments/{name}/details", (200, {"remaining": 0}))
        self.judgement(
            name,
            2,
            "cancel",
            "conforms",
            branches=["released"],
            examples=examples,
            seen="accepted 200",
            observed={"answer.outcome": "accepted", "answer.status": 200, **after},
            readings={"C3": "exact"},
        )
        return name

    def violated(self, rule: str = "EC-08", reason: str = "", text: str = "Released.", **changes: Any) -> str:
        """Play a cancel after a partial capture that released what it should not have, and find a rule violated."""
        steps = [{"do": "approve"}, {"do": "capture", "amount": 300}, {"do": "cancel"}]
        name = self.history(Profile.ECOM, steps, **changes)
        reserved = {"view.captured": 0, "view.refunded": 0, "view.to_capture": 1000}
        captured = {"view.captured": 300, "view.refunded": 0, "view.to_capture": 700}
        order = f"/ecomm/v2/payments/{name}"
        self.exchange(
            name, 0, "act", "POST /ecomm/v2/payments", (200, {"orderId": name, "url": "https://pay.example/"})
        )
        self.judgement(name, 0, "initiate", "conforms", seen="accepted 200", observed={})
        self.exchange(name, 1, "control", "POST /control/approve", (204, ""))
        self.judgement(name, 1, "approve", "conforms", seen="accepted 204", observed=reserved)
        self.exchange(name, 2, "act", f"POST {order}/capture", (200, {"transactionInfo": {"status": "Captured"}}))
        self.judgement(name, 2, "capture", "conforms", seen="accepted 200", observed=captured)
        info = {"amount": 700, "status": "Cancelled", "transactionText": text}
        self.exchange(name, 3, "act", f"PUT {order}/cancel", (200, {"orderId": name, "transactionInfo": info}))
        summary = {"capturedAmount": 300, "remainingAmountToCapture": 0, "refundedAmount": 0}
        self.exchange(name, 3, "read", f"GET {order}/details", (200, {"transactionSummary": summary}))
        field_ = "answer.outcome"
        refusing = {"from": 400, "to": 499, "but": [404]}
        self.judgement(
            name,
            3,
            "cancel",
            "violates",
            seen="accepted 200",
            observed={"answer.outcome": "accepted", "answer.status": 200, **captured, "view.to_capture": 0},
            findings=[
                {
                    "rule": rule,
                    "branch": "refused",
                    "field": field_,
                    "permitted": "refused",
                    "observed": "accepted",
                    "reason": reason or f"{field_} should be refused, but was accepted",
                }
            ],
            expected=[
                {
                    "name": "refused",
                    "rules": [rule, "INV-1"],
                    "readings": {},
                    "claims": [
                        {"field": field_, "permitted": {"one-of": ["refused"]}, "rules": [rule]},
                        {"field": "answer.status", "permitted": refusing, "rules": [rule]},
                        {"field": "answer.code", "permitted": {"one-of": ["51", None]}, "rules": [rule]},
                        {"field": "view.captured", "permitted": {"one-of": [300]}, "rules": ["INV-1"]},
                        {"field": "view.to_capture", "permitted": {"one-of": [700]}, "rules": ["INV-1"]},
                        {"field": "answer.text", "permitted": {"mentions": ["captured"]}, "rules": []},
                        {"field": "answer.psp", "permitted": {"missing": True}, "rules": []},
                        {"field": "answer.state", "permitted": {"one-of-ignoring-case": ["Reserved"]}, "rules": []},
                    ],
                }
            ],
        )
        return name

    def counterexample(self, rule: str, first: str, history: str, reason: str = "", number: int = 1) -> None:
        self.journal.append(
            record_of(
                "counterexample",
                rule=rule,
                profile="ecom",
                reason=reason or "answer.outcome should be refused, but was accepted",
                field="answer.outcome",
                file=f"counterexamples/ecom-{rule}-{number}.json",
                history=history,
                first=first,
                steps=3,
                tried=31,
            )
        )

    def checked(self, profile: Profile) -> list[Rule]:
        return [rule for rule in self.book.governing(profile) if rule.status is RuleStatus.CHECKED]


def agreed(profile: Profile) -> str:
    """The step after which the money is reserved."""
    return "reserve" if profile is Profile.RECURRING else "approve"


def _is_base64(body: Any) -> bool:
    return isinstance(body, dict) and set(body) == {"base64"}


def conformant(directory: Path, *profiles: Profile, **options: Any) -> Path:
    """Everything was exercised and nothing is wrong."""
    writer = Writer(directory, profiles or tuple(Profile), **options)
    for profile in writer.profiles:
        for rule in writer.checked(profile):
            writer.examples(profile, rule)
        for rule in writer.book.governing(profile):
            if rule.status is RuleStatus.RECORDED:
                name = writer.history(profile, [{"do": agreed(profile)}, {"do": "cancel"}], cell={}, label="")
                writer.passed(name, "initiate", agreed(profile))
                writer.exchange(name, 2, "act", "PUT /cancel", (200, {"status": "Cancelled"}))
                said = {"records": [rule.id], "seen": "accepted 200", "observed": {}, "readings": {"C8": "no-op"}}
                writer.judgement(name, 2, "cancel", "recorded", **said)
    return writer.finish()


def violated(directory: Path) -> Path:
    """Two rules are violated, one of them with a counterexample, in a run whose target cannot let time pass."""
    offered = [one for one in EVERYTHING if one not in ("age", "start_3ds")]
    writer = Writer(directory, (Profile.ECOM, Profile.EPAYMENT), offered=offered, waivers={"EC-06": "No 3-D Secure."})
    for profile in writer.profiles:
        for rule in writer.checked(profile):
            if not {"age", "start_3ds"} & set(rule.needs) and rule.id not in ("EC-08", "KB-07", "EC-31", "EC-33"):
                writer.examples(profile, rule)
    rules = {rule.id: rule for rule in writer.book.rules}
    writer.examples(Profile.ECOM, rules["EC-31"], 1)
    first = writer.violated("EC-08")
    writer.violated("KB-07")
    lost = writer.history(Profile.ECOM, [{"do": "approve"}, {"do": "age", "by": 15638400}, {"do": "cancel"}])
    writer.passed(lost, "initiate", "approve", "age")
    writer.exchange(lost, 3, "act", f"PUT /ecomm/v2/payments/{lost}/cancel", None)
    cause = "no answer (the connection was closed)"
    writer.judgement(lost, 3, "cancel", "inconclusive", examples=["EC-33"], seen="no answer", observed={}, cause=cause)
    missed = writer.history(Profile.ECOM, [{"do": "enter-3ds"}, {"do": "cancel"}], label="in 3-D Secure")
    writer.passed(missed, "initiate")
    writer.judgement(missed, 1, "enter-3ds", "inconclusive", seen="refused 404", observed={}, cause="it is not offered")
    writer.journal.append(record_of("missed", history=missed, rules=["EC-06"], cause="the target offers no 3-D Secure"))
    shrunk = writer.violated("EC-08", source="shrinking", cell={})
    writer.counterexample("EC-08", first, shrunk)
    return writer.finish()


def incomplete(directory: Path) -> Path:
    """Nothing is wrong, but the target offers nothing beyond the API."""
    writer = Writer(directory, (Profile.EPAYMENT,), offered=[])
    for rule in writer.checked(Profile.EPAYMENT):
        if not set(rule.needs) - {"wire"}:
            writer.examples(Profile.EPAYMENT, rule)
    return writer.finish()


def interrupted(directory: Path) -> Path:
    """The process was stopped after a violation, while it was writing a record."""
    writer = Writer(directory)
    writer.played(Profile.ECOM, ["EC-03", "KB-01/reserved"])
    writer.violated("EC-08")
    path = writer.stop()
    with (path / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":99,"kind":"exch')
    return path


def empty(directory: Path) -> Path:
    """The run came to its end without playing anything."""
    return Writer(directory).finish()


def unbegun(directory: Path) -> Path:
    """The target could not be reached: not even its capabilities are known."""
    writer = Writer(directory, tuple(Profile), begin=False)
    return writer.finish("environment", "http://127.0.0.1:9701 refuses the connection: is it running?")


def broken_suite(directory: Path) -> Path:
    """The suite itself failed after rules had passed."""
    writer = Writer(directory)
    for rule in writer.checked(Profile.ECOM):
        writer.examples(Profile.ECOM, rule)
    return writer.finish("harness", "A judgement could not be made.")


def hostile(directory: Path) -> Path:
    """The target puts markup, control characters and megabytes everywhere it can."""
    writer = Writer(directory, waivers={"EC-06": HOSTILE})
    first = writer.violated("EC-08", reason=HOSTILE, text=HOSTILE, label=HOSTILE)
    for number in range(3):
        rule = ["EC-04"]
        other = writer.history(Profile.ECOM, [{"do": "cancel"}, {"do": "cancel"}], label=HOSTILE)
        writer.passed(other, "initiate")
        writer.judgement(other, 1, "cancel", "recorded", records=rule, seen=HOSTILE * (number + 1), observed={})
        writer.judgement(other, 2, "cancel", "inconclusive", examples=["EC-03"], seen="", cause=HOSTILE, observed={})
    name = writer.violated("EC-08", source="shrinking", reason=HOSTILE, text=HOSTILE)
    writer.exchange(name, 3, "read", "GET /details", (200, HOSTILE + "A" * 2_000_000))
    writer.exchange(name, 3, "read", "GET /details", (200, {"base64": "//79AP8="}))
    writer.exchange(name, 3, "read", "GET /details", (200, "[" * 100_000))
    headers = [[HOSTILE, HOSTILE]] * 200
    response = {"status": 200, "headers": headers, "body": '{"a":1,"a":1.0e5,"b":[],"c":{}}'}
    writer.exchange(name, 3, "poll", f"GET /{HOSTILE}", (200, ""), response=response)
    writer.counterexample("EC-08", first, name, reason=HOSTILE)
    return writer.finish(message=HOSTILE)


def large(directory: Path, megabytes: int = 40) -> Path:
    """A thorough run: many histories, and answers of some size."""
    writer = Writer(directory, tuple(Profile))
    padding = {"padding": "x" * 1500}
    rules = {profile: writer.checked(profile) for profile in Profile}
    number = 0
    while (directory / "journal.jsonl").stat().st_size < megabytes * 1_000_000:
        profile = tuple(Profile)[number % 3]
        rule = rules[profile][number // 3 % len(rules[profile])]
        sides = [f"{rule.id}/{side}" for side in rule.sides] or [rule.id]
        name = writer.played(profile, sides)
        for _ in range(4):
            writer.exchange(name, 2, "poll", f"GET /ecomm/v2/payments/{name}/details", (200, padding))
        number += 1
    return writer.finish()
