"""Forgeries of a run: each changes the records, and draws every consequence that somebody can draw.

The numbers and the chain are made again by `runs.forged`, which also writes reports that say what the records say now.
A forgery is a function from the stored records to those of the forged run.
"""

from __future__ import annotations

import copy
import json

from conformance.evidence.consistency import RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES, digest_of

from .runs import of_kind

PLANNED = ("systematic", "generated", "example")


# What forgers have at hand


def whose(record):
    """Return the planned history that a record belongs to; an empty text if to none."""
    name = record["id"] if record["kind"] == "history" else record.get("history", "")
    return name.rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES) if isinstance(name, str) else ""


def planned_again(records):
    """Let the records of the plan say what was run, and nothing else."""
    histories = {record["id"]: record["history"] for record in of_kind(records, "history")}
    for plan in of_kind(records, "plan"):
        plan["histories"] = [name for name in plan["histories"] if name in histories]
        plan["digest"] = digest_of((name, histories[name]) for name in plan["histories"])
    return records


def without(records, names):
    """Leave histories out, with everything that was recorded of them."""
    return planned_again([record for record in records if whose(record) not in names])


def without_shrinking(records):
    """Leave out what was made small."""
    small = {record["id"] for record in of_kind(records, "history") if record["source"] == "shrinking"}
    kept = [record for record in records if record["kind"] != "counterexample"]
    return [record for record in kept if record.get("id" if record["kind"] == "history" else "history") not in small]


def names_of(records):
    return [name for plan in of_kind(records, "plan") for name in plan["histories"]]


def violating_names(records):
    return {whose(record) for record in of_kind(records, "judgement") if record["status"] == "violates"}


def proving(records, number=0):
    """Return the name of a history that proves something: the first one after the first few, or a later one."""
    broken = violating_names(records)
    long = {name for name in names_of(records) if len(belonging_to(records, name)) > 8} - broken
    return [name for name in names_of(records) if name in long][2 + number]


def belonging_to(records, name):
    return [record for record in records if whose(record) == name]


def renamed(records, name, other):
    """Return copies of the records of a history as those of another one: its orders are named as that one's are."""
    numbers = name.partition("-")[2], other.partition("-")[2]
    text = json.dumps(records).replace(name, other)
    for letter in "ecpr":
        text = text.replace(f"-{letter}{numbers[0]}", f"-{letter}{numbers[1]}")
    return json.loads(text)


def replaced(records, name, copies):
    at = next(number for number, record in enumerate(records) if whose(record) == name)
    before = [record for record in records[:at] if whose(record) != name]
    return [*before, *copies, *(record for record in records[at:] if whose(record) != name)]


# Histories


def history_left_out(records):
    return without(records, {proving(records)})


def drawn_history_left_out(records):
    drawn = [record["id"] for record in of_kind(records, "history") if record["source"] == "generated"]
    return without(records, {drawn[-1]})


def violations_left_out(records):
    """The worst one: everything that failed is left out, and the run is conformant."""
    return without(without_shrinking(records), violating_names(records))


def history_added(records):
    name = proving(records)
    added = renamed(belonging_to(records, name), name, "epayment-09999")
    of_kind(records, "plan")[0]["histories"].append("epayment-09999")
    return planned_again([*records[:-1], *added, records[-1]])


def history_replaced(records):
    """The same easy history stands in the place of another."""
    name, other = proving(records), proving(records, 1)
    return planned_again(replaced(records, other, renamed(belonging_to(records, name), name, other)))


def histories_exchanged(records):
    name, other = proving(records), proving(records, 1)
    mine, theirs = belonging_to(records, name), belonging_to(records, other)
    records = replaced(records, name, renamed(theirs, other, "epayment-09999"))
    records = replaced(records, other, renamed(mine, name, other))
    first = belonging_to(records, "epayment-09999")
    return planned_again(replaced(records, "epayment-09999", renamed(first, "epayment-09999", name)))


def history_moved(records):
    name = proving(records)
    own = belonging_to(records, name)
    return [*(record for record in records[:-1] if whose(record) != name), *own, records[-1]]


def history_moved_with_its_plan(records):
    name = proving(records)
    for plan in of_kind(records, "plan"):
        plan["histories"] = [*(each for each in plan["histories"] if each != name), name]
    return planned_again(history_moved(records))


def history_of_another_label(records):
    next(record for record in of_kind(records, "history") if record["source"] == "systematic")["label"] += ", twice"
    return records


def history_of_another_cell(records):
    record = next(record for record in of_kind(records, "history") if record["cell"].get("age"))
    record["cell"]["age"] = "just before the limit"
    return records


def history_of_other_goals(records):
    record = next(record for record in of_kind(records, "history") if record["goals"])
    record["goals"] = record["goals"][1:]
    return records


def history_of_another_source(records):
    """A drawn history is said to be one of the grid."""
    next(record for record in of_kind(records, "history") if record["source"] == "generated")["source"] = "systematic"
    return records


def history_of_an_unknown_source(records):
    """Checks are added by a history that stands outside every plan."""
    name = proving(records)
    added = renamed(belonging_to(records, name), name, "epayment-09999")
    added[0]["source"] = "confirmed"
    return [*records[:-1], *added, records[-1]]


def shrunk_history_added(records):
    """Something is said to have been made small, and nothing failed."""
    name = proving(records)
    added = renamed(belonging_to(records, name), name, "epayment-s00001")
    added[0] |= {"source": "shrinking", "goals": ["EP-01"]}
    return [*records[:-1], *(record for record in added if record["kind"] != "missed"), records[-1]]


def first_history_dropped_from_the_plan(records):
    plan = of_kind(records, "plan")[0]
    plan["histories"] = plan["histories"][1:]
    return planned_again(records)


# What was asked for


def _asked(**changes):
    def change(records):
        for name, value in changes.items():
            records[0][name] = value
        return records

    return change


def seed_changed(records):
    return _asked(seed=1)(records)


def budget_changed(records):
    return _asked(budget="thorough")(records)


def budget_of_another_name(records):
    return _asked(budget="exhaustive")(records)


def number_of_histories_changed(records):
    return _asked(histories=50)(records)


def histories_without_end(records):
    """So many are said to have been drawn that nobody can draw them again."""
    return _asked(histories=10**12)(history_left_out(records))


def market_changed(records):
    return _asked(market="dk")(records)


def interpretation_changed(records):
    """To one that the target does not follow."""
    switch, followed = _followed(records)
    records[0]["readings"][switch] = [choice for choice in records[0]["readings"][switch] if choice != followed]
    return records


def interpretation_narrowed(records):
    """To the one that the target follows, as if nothing else had been accepted."""
    switch, followed = _followed(records)
    records[0]["readings"][switch] = [followed]
    return records


def _followed(records):
    """Return a switch of which several interpretations are accepted, and the one that the target follows."""
    followed = {}
    for record in of_kind(records, "judgement"):
        for switch, choice in record.get("readings", {}).items():
            followed.setdefault(switch, set()).add(choice)
    return next(
        (switch, *choices)
        for switch, choices in sorted(followed.items())
        if len(choices) == 1 and len(records[0]["readings"][switch]) > 1
    )


def profile_added(records):
    records[0]["profiles"].append("ecom")
    records[0]["order_prefixes"]["ecom"] = "e"
    return records


def capability_removed(records):
    record = of_kind(records, "capabilities")[0]
    record["offered"].remove("age")
    return records


def version_changed(records):
    return _asked(tool="0.0.9")(records)


def version_changed_everywhere(records):
    """The requests say so, too: then nobody knows what that version would have planned."""
    for record in of_kind(records, "exchange"):
        for header in record["request"]["headers"]:
            if header[0] in ("Vipps-System-Version", "Vipps-System-Plugin-Version"):
                header[1] = "0.0.9"
    return version_changed(history_left_out(records))


def library_changed(records):
    """Histories that were drawn are left out, and said to be what another version of Hypothesis draws."""
    return drawn_history_left_out(_asked(hypothesis="6.0.0")(records))


def rulebook_changed(records):
    return _asked(rulebook="0" * 64)(records)


def nonce_changed(records):
    return _asked(nonce="cctest-00000000")(records)


def shard_invented(records):
    """A half is said to be all that was asked for."""
    names = names_of(records)
    records = without(records, set(names[1::2]))
    return _asked(shard={"number": 2, "of": 2})(records)


def shard_invented_of_the_right_half(records):
    """The half that is left is the one that a shard has."""
    *planned, alone, _ = sorted(names_of(records))
    # Orders that are left alone come first in the plan, and have the last numbers.
    return _asked(shard={"number": 2, "of": 2})(without(records, {alone, *planned[::2]}))


def requests_limited(records):
    """The history in the middle is said to be what a budget of requests did not buy."""
    name = proving(records)
    records = without(_asked(most_requests=900)(records), {name})
    number = len(names_of(records))
    budget = {"kind": "budget", "most": 900, "sent": 899, "played": number, "planned": number + 1, "systematic": number,
              "rest": 9}  # fmt: skip
    return [*records[:-1], budget, records[-1]]


def focus_on_age(records):
    """A run is said to be about planted orders, which no seed plans."""
    return _asked(focus="age")(history_left_out(records))


def focus_on_fuzzing(records):
    """The rules that histories test are said not to have been asked for."""
    return _asked(focus="fuzz")(records)


def said_to_be_called_without_http(records):
    """No exchanges, and so nothing that could contradict."""
    records[0]["target"]["wire"] = False
    return [record for record in records if record["kind"] != "exchange"]


# Endings


def cut_off_and_ended(records):
    """The second half is gone, and the run is said to be complete."""
    names = names_of(records)
    return without(without_shrinking(records), set(names[len(names) // 2 :]))


def cut_off_and_ended_with_its_plan(records):
    """The same, and the plan still names what is gone."""
    plan = copy.deepcopy(of_kind(records, "plan"))
    records = cut_off_and_ended(records)
    for old, new in zip(plan, of_kind(records, "plan"), strict=True):
        new |= {"histories": old["histories"], "digest": old["digest"]}
    return records


def hole_in_an_interrupted_run(records):
    """A history is left out of a run that is said to have been interrupted later."""
    names, name = names_of(records), proving(records)
    records = without(records, {name})
    of_kind(records, "plan")[0]["histories"] = names
    records[-1] |= {"ended": "interrupted", "message": "stopped by the user"}
    return records


# Judgements and notes


def missed_rules_forgotten(records):
    return [record for record in records if record["kind"] != "missed"]


def judgement_set_aside(records):
    """A violation is said not to count, as if the history had been run again."""
    judgement = next(record for record in of_kind(records, "judgement") if record["status"] == "violates")
    judgement["superseded"] = True
    return records


def attempt_hidden(records):
    """The first attempt of a history is gone, and the second one stands in its place."""
    second = next(record["id"] for record in of_kind(records, "history") if record["id"].endswith("b"))
    name = second[:-1]
    kept = [
        record
        for record in records
        if record.get("history" if record["kind"] != "history" else "id") != name
    ]  # fmt: skip
    return planned_again(renamed(kept, second, name))


def resumption_forgotten(records):
    return [record for record in records if record["kind"] != "resumed"]


def examples_forgotten(records):
    """What other runs had found, and what of it was tried, is gone."""
    examples = {record["id"] for record in of_kind(records, "history") if record["source"] == "example"}
    return without([record for record in records if record["kind"] not in ("examples", "shared")], examples)


def shared_forgotten(records):
    return [record for record in records if record["kind"] != "shared"]


def budget_record_forgotten(records):
    return [record for record in records if record["kind"] != "budget"]


def figures_of_the_budget_changed(records):
    of_kind(records, "budget")[0]["planned"] -= 5
    return records


def history_left_out_within_the_budget(records):
    name = proving(records)
    records = without(records, {name})
    of_kind(records, "budget")[0]["played"] -= 1
    return records


def tail_left_out_within_an_absurd_budget(records):
    """What comes from the first violation on is said to be more than a million requests would have paid for."""
    records = without_shrinking(records)
    names = names_of(records)
    first = next(whose(record) for record in of_kind(records, "judgement") if record["status"] == "violates")
    again = {record["id"] for record in of_kind(records, "history") if record["source"] == "confirmation"}
    records = without(_asked(most_requests=1_000_000)(records), again | set(names[names.index(first) :]))
    budget = {"kind": "budget", "most": 1_000_000, "sent": 1, "played": names.index(first), "planned": len(names),
              "systematic": len(names), "rest": 1}  # fmt: skip
    return [*records[:-1], budget, records[-1]]


def violated_rules_hidden(records):
    """The rule that a finding names is said to be a secret that was removed."""
    records = without_shrinking(records)
    for record in of_kind(records, "judgement"):
        for finding in record.get("findings", ()):
            finding["rule"] = "[removed]"
    return records


def request_hidden(records):
    """What a request sent is said to be a secret that was removed."""
    cancel = next(record for record in of_kind(records, "exchange") if record["request"]["path"].endswith("/cancel"))
    cancel["request"]["path"] = cancel["request"]["body"] = "[removed]"
    return records


def cut_off_in_trouble(records):
    """What comes from the first violation on is gone, and the target is said to have gone away."""
    records = without_shrinking(records)
    first = next(whose(record) for record in of_kind(records, "judgement") if record["status"] == "violates")
    end = records[-1] | {"ended": "environment", "message": "The target went away."}
    place = next(number for number, record in enumerate(records) if whose(record) == first)
    return [*records[:place], end]


# What evidence cannot show


def target_renamed(records):
    for record in records:
        if record["kind"] == "run":
            record["target"] |= {"kind": "url", "name": "https://api.shop.example"}
    return records


def time_changed(records):
    return _asked(started="2027-01-01T00:00:00Z")(records)


def waiver_added(records):
    rules = {finding["rule"] for record in of_kind(records, "judgement") for finding in record.get("findings", ())}
    return _asked(waivers=[{"rule": rule, "reason": "agreed with the provider"} for rule in sorted(rules)])(records)


def control_renamed(records):
    records[0]["target"]["control"] = "https://control.shop.example"
    return records


def command_changed(records):
    return _asked(command="cancel-conformance run --target https://api.shop.example")(records)


def durations_changed(records):
    for record in of_kind(records, "exchange"):
        if "began" not in record:
            record["ms"] = 1
    records[-1]["seconds"] = 1
    return records


# Merchants


def merchant_history_left_out(records):
    return without(records, {names_of(records)[3]})


def merchant_violations_left_out(records):
    return violations_left_out(records)


def merchant_history_added(records):
    name = names_of(records)[0]
    added = renamed(belonging_to(records, name), name, "epayment-09999")
    of_kind(records, "plan")[0]["histories"].append("epayment-09999")
    return planned_again([*records[:-1], *added, records[-1]])


def merchant_history_replaced(records):
    name, other = names_of(records)[:2]
    return planned_again(replaced(records, other, renamed(belonging_to(records, name), name, other)))


def merchant_history_moved(records):
    name = names_of(records)[2]
    own = belonging_to(records, name)
    at = max(n for n, record in enumerate(records) if whose(record) in names_of(records)) + 1
    rest = [record for record in records[:at] if whose(record) != name]
    return [*rest, *own, *records[at:]]


def merchant_seed_changed(records):
    return _asked(seed=1)(records)


def merchant_budget_changed(records):
    return _asked(budget="thorough", histories=None)(records)


def merchant_cut_off_and_ended(records):
    return cut_off_and_ended(records)


def merchant_actions_removed(records):
    """The integration is said to be able to do less."""
    of_kind(records, "capabilities")[0]["offered"].remove("capture")
    return records


def merchant_books_changed(records):
    """The provider is said to have moved money that the shop knows nothing of."""
    for record in of_kind(records, "books"):
        if record["truth"] is not None:
            record["truth"]["captured"] = 1
    return records


def declaration_added(records):
    """A way of the shop is said to be declared, by which what it did is right."""
    of_kind(records, "capabilities")[0]["declared"] = {"captures_on_approval": True}
    return records


def strictness_forgotten(records):
    return _asked(strict=False)(records)


# Fuzzing


def fuzzed_request_left_out(records):
    """A request is gone, and everything that counts requests agrees."""
    gone = of_kind(records, "fuzzed")[5]
    records.remove(gone)
    for record in of_kind(records, "fuzzed"):
        record["id"] -= record["id"] > gone["id"]
    of_kind(records, "fuzz-profile")[0]["judged"] -= 1
    return records


def fuzzed_request_dropped(records):
    """The same without drawing the consequences."""
    records.remove(of_kind(records, "fuzzed")[5])
    return records


def fuzzed_response_changed(records):
    next(record for record in of_kind(records, "fuzzed") if record["response"])["response"]["status"] = 418
    return records


def fuzzed_status_changed(records):
    record = next(record for record in of_kind(records, "fuzzed") if record["status"] == "conforms")
    record["status"] = "recorded"
    return records


def history_added_to_fuzzing(records):
    """A run that only fuzzed is said to have run a history as well, which showed something."""
    history = {"kind": "history", "id": "epayment-00001", "profile": "epayment", "source": "systematic", "label": "",
               "cell": {}, "goals": [], "history": {"version": 1, "profile": "epayment", "steps": []}}  # fmt: skip
    return [*records[:-1], history, records[-1]]
