"""Makes the plan of a run again, and compares it with the histories that were run.

A plan follows from the seed, the budget, the interpretations, the market, what the target offers and the version of the
suite. Histories that were left out, added, replaced or moved show that way, although what remains is consistent.
"""

from __future__ import annotations

import math
import platform
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from conformance import __version__
from conformance.domain.steps import history_from_json
from conformance.evidence.consistency import PLANNED, RETRY_SUFFIXES, SEQUENTIAL_SUFFIXES
from conformance.evidence.journal import Evidence, is_merchant_run, unwritten
from conformance.evidence.record_parts import Record
from conformance.evidence.records import (
    BudgetRecord,
    ExamplesRecord,
    ExchangeRecord,
    HistoryRecord,
    JudgementRecord,
    PlanRecord,
    ResumedRecord,
    RunRecord,
    SharedRecord,
    WholePlanRecord,
    history_id_of,
)
from conformance.evidence.recurrence import REPLAYED, SHRINKING
from conformance.results.partial_runs import AGE
from conformance.runner.request_budget import AT_ONCE, KEPT_BACK, MARGIN, cost
from conformance.runner.settings import drawing_library

_OF_A_TEST: Final = re.compile(r"[a-z]+-\w*t\d+-\d{5}[bcxy]*")
"""How the histories are named that a user's own tests run."""
_MOST_DRAWN: Final = 10_000
"""So many histories are drawn again for each API: a journal that asks for more would keep its reader waiting."""
_SHOWN: Final = 3
_READ: Final = "read"


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that was made again.

    Attributes:
        histories: how each history has to be recorded, by its identifier, in the order of the plan.
        drawn: the identifiers of those that follow from what Hypothesis draws.
        orders: the orders in which a run may begin them.
        blocks: the parts that pytest selects and runs, each as a whole.
        whole: what a shard has to record of the plan that it is a part of.

    """

    histories: Mapping[str, HistoryRecord]
    drawn: Collection[str] = ()
    orders: Sequence[Sequence[str]] = ()
    blocks: Sequence[tuple[str, ...]] = ()
    whole: WholePlanRecord | None = None


@dataclass
class PlanReport:
    """What the comparison with the plan shows.

    Attributes:
        faults: what does not follow from the plan, a sentence each.
        unverified: what cannot be compared, each with the reason.
        not_made: why the plan, or a part of it, was not made again, in a few words; empty if all of it was.
        compared: how many histories stand in the plan.

    """

    faults: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    not_made: str = ""
    compared: int = 0


def why_no_plan(evidence: Evidence) -> str:
    """Return why the plan of a run cannot be made again, in a few words; an empty text if it can."""
    run = evidence.run
    if run.tool != __version__:
        return f"version {run.tool}"
    if run.histories is not None and not 0 <= run.histories <= _MOST_DRAWN:
        return f"it was to draw {run.histories:,} histories"
    if run.focus == AGE:
        return "its orders were planted by earlier runs"
    names = [record.id for record in evidence.of(HistoryRecord)]
    if names and not is_merchant_run(run) and all(map(_OF_A_TEST.fullmatch, names)):
        return "its histories are what the user’s own tests drew"
    return ""


def compare_with_plan(evidence: Evidence, plan: Plan) -> PlanReport:
    """Compare the histories of a run with its plan."""
    return _Comparison(evidence, plan).run()


class _Comparison:
    def __init__(self, evidence: Evidence, plan: Plan) -> None:
        self._evidence = evidence
        self._plan = plan
        self._played = {record.id: record for record in evidence.of(HistoryRecord)}
        self._begun = [
            name for name, record in self._played.items() if record.source in PLANNED and name == _base(name)
        ]
        self._complete = evidence.ended == "complete"
        self._resumed = evidence.first(ResumedRecord) is not None
        self._report = PlanReport(compared=len(plan.histories))
        self._other_draws = _other_draws(evidence.run) if plan.drawn else ""

    def run(self) -> PlanReport:
        """Compare everything."""
        report = self._report
        for record in self._played.values():
            report.faults.extend(self._history_faults(record))
        report.faults.extend(self._shrunk())
        report.faults.extend(self._left_out())
        report.faults.extend(self._moved())
        report.faults.extend(self._budget())
        report.faults.extend(self._notes())
        if self._other_draws:
            report.unverified.append(
                f"the histories that were drawn were not compared with the plan: {self._other_draws}"
            )
        return report

    def _history_faults(self, record: HistoryRecord) -> Iterator[str]:
        """Yield what is wrong with one history: it is not the plan's."""
        name, base = record.id, _base(record.id)
        if record.source not in PLANNED:
            if record.source not in REPLAYED:
                yield f"{_at(record)}: {name} is of source {record.source!r}, which no history has"
            return
        expected = self._plan.histories.get(base)
        if self._other_draws and (base in self._plan.drawn or expected is None):
            return
        if expected is None:
            yield f"{_at(record)}: {name} was added: the plan has no such history"
        elif name[-1] in SEQUENTIAL_SUFFIXES:
            # It sends the two requests of a race one after the other, and is compared with the race's.
            return
        elif record.history != expected.history:
            yield f"{_at(record)}: {name} was replaced: the plan has another history there ({expected.label})"
        elif structs.replace(unwritten(record), id=base) != expected:
            yield f"{_at(record)}: what {name} is said to be for (label, cell, goals, source) is not what the plan says"

    def _shrunk(self) -> Iterator[str]:
        """Yield histories that are said to be of a failure, where nothing failed in that way."""
        broken: set[str] = set()
        for record in self._evidence.records:
            if isinstance(record, JudgementRecord) and self._played[record.history].source in PLANNED:
                broken.update(finding.rule for finding in record.findings)
            elif isinstance(record, HistoryRecord) and record.source == SHRINKING:
                if broken and broken.issuperset(record.goals):
                    continue
                yield f"{_at(record)}: {record.id} was added: nothing failed before it that it could be of"

    def _left_out(self) -> Iterator[str]:
        """Yield histories of the plan that were not run, in a run that is complete."""
        if not self._complete:
            return
        missing = [name for name in self._plan.histories if name not in self._played]
        if self._other_draws:
            missing = [name for name in missing if name not in self._plan.drawn]
        if missing and self._is_limited:
            bought = [name for name in self._plan.orders[0] if name in self._played][-1:]
            end = self._plan.orders[0].index(bought[0]) if bought else 0
            missing = [name for name in missing if name in self._plan.orders[0][:end]]
        if not missing or self._is_selection(missing):
            return
        places = {name: self._place_before(name) for name in missing[:_SHOWN]}
        more = f", and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        where = ", ".join(f"{name} ({place})" for name, place in places.items())
        yield f"{len(missing)} of {len(self._plan.histories)} histories of the plan were left out: {where}{more}"

    @property
    def _is_limited(self) -> bool:
        """Whether a budget of requests bought a beginning of the plan, and not the rest."""
        return self._evidence.first(BudgetRecord) is not None and self._evidence.run.most_requests is not None

    def _is_selection(self, missing: Sequence[str]) -> bool:
        """Tell whether pytest was asked for a part of the plan, which it selects in whole blocks."""
        if not self._in_blocks:
            return False
        lacking = {name for block in self._plan.blocks if self._played.keys().isdisjoint(block) for name in block}
        if not lacking.issuperset(missing):
            return False
        self._report.unverified.append(
            f"{len(missing)} of {len(self._plan.histories)} histories of the plan are not in this run, in whole "
            "blocks, as if pytest had been asked for a part of the plan"
        )
        return True

    @property
    def _in_blocks(self) -> bool:
        """Whether the run was one of pytest, which records each block of the plan for itself."""
        plans = [record.histories for record in self._evidence.of(PlanRecord)]
        return bool(plans) and set(plans) <= set(self._plan.blocks)

    def _place_before(self, name: str) -> str:
        """Return where a history that is missing belongs."""
        names = list(self._plan.histories)
        earlier = (other for other in reversed(names[: names.index(name)]) if other in self._played)
        before = next(earlier, None)
        return "before the first" if before is None else f"after {before}, {_at(self._played[before])}"

    # The order

    def _moved(self) -> Iterator[str]:
        """Yield histories that were not begun in the order of the plan.

        Those of a run that was resumed or merged have no single order.
        """
        if self._resumed or self._evidence.run.merged is not None or self._other_draws or not self._plan.orders:
            return
        planned = [name for record in self._evidence.of(PlanRecord) for name in record.histories]
        if not any(_is_in_order(planned, order) for order in self._plan.orders):
            yield "the records of the plan do not name its histories in an order in which a run begins them"
        elif not self._in_blocks:
            yield from self._out_of_turn(planned)

    def _out_of_turn(self, planned: Sequence[str]) -> Iterator[str]:
        """Yield histories that were begun after another had ended that comes later in the plan.

        Several are run at a time, and each is begun in its turn.
        """
        begun: dict[str, float] = {}
        ended: dict[str, float] = {}
        for record in self._evidence.records:
            base = _base(history_id_of(record))
            if base:
                begun.setdefault(base, record.n)
                ended[base] = record.n
        first_end, other = math.inf, ""
        for name in reversed(planned):
            start = begun.get(name, math.inf)
            if first_end < start and not self._waits(name) and not (start == math.inf and self._complete):
                what = "was left out" if start == math.inf else f"was moved, to {_at(self._played[name])}"
                yield f"{name} {what}: the plan has it before {other}, which had ended at record {first_end:.0f}"
                return
            if ended.get(name, math.inf) < first_end:
                first_end, other = ended[name], name

    def _waits(self, name: str) -> bool:
        """Tell whether a history is begun beside others, and waits for them: one whose order is only read."""
        expected = self._plan.histories.get(name)
        steps = expected.step_names if expected is not None else ()
        return bool(steps) and steps[-1] == _READ

    # Notes

    def _budget(self) -> Iterator[str]:
        """Yield figures of a budget of requests that are not those of the plan."""
        record = self._evidence.first(BudgetRecord)
        run = self._evidence.run
        if record is None:
            if self._complete and run.most_requests is not None:
                yield "the requests were limited, and what they bought is not recorded"
            return
        if run.most_requests != record.most:
            yield f"{_at(record)}: requests are said to be limited to {record.most:,}, and nobody asked for that"
        if self._resumed or not self._complete or run.operator:
            # What a process that resumes has to do, and what a person does, is counted otherwise.
            return
        systematic = sum(expected.source == "systematic" for expected in self._plan.histories.values())
        figures = (record.played, record.planned, record.systematic)
        right = (len(self._begun), len(self._plan.histories), systematic)
        if figures != right:
            yield (
                f"{_at(record)}: {figures[0]} of {figures[1]} histories, {figures[2]} of them systematic, are said to "
                f"have been bought, and it were {right[0]} of {right[1]}, {right[2]} of them systematic"
            )

        sent = sum(1 for exchange in self._evidence.of(ExchangeRecord) if exchange.n < record.n)
        if run.target.wire and record.sent != sent:
            yield f"{_at(record)}: {record.sent:,} requests are said to have been sent, and {sent:,} are recorded"
        elif record.most - sent > self._least_rest(record.most, sent):
            yield f"{_at(record)}: {record.most - sent:,} of {record.most:,} requests remained, which buy more"

    def _least_rest(self, most: int, sent: int) -> int:
        """Return how many requests may remain of a budget that does not pay for the next history, generously."""
        rest = [name for name in self._plan.histories if name not in self._played]
        if not rest:
            return most
        taken = sent / max(1, sum(cost(history_from_json(record.history)) for record in self._played.values()))
        following = max(cost(history_from_json(self._plan.histories[name].history)) for name in rest)
        return most // KEPT_BACK + 2 * AT_ONCE * round(following * MARGIN * max(1.0, taken))

    def _notes(self) -> Iterator[str]:
        """Yield records that are missing beside the histories."""
        wanted = self._plan.whole
        for whole in self._evidence.of(WholePlanRecord):
            if wanted is not None and unwritten(whole) != wanted and not self._other_draws:
                yield f"{_at(whole)}: the whole plan, of which this is a shard, is another one"
        if self._complete and wanted is not None and self._evidence.first(WholePlanRecord) is None:
            yield "the run is a shard, and the plan that it is a part of is not recorded"
        if self._complete and self._evidence.run.examples:
            for kind in (ExamplesRecord, SharedRecord):
                if self._evidence.first(kind) is None:
                    name = kind.__struct_config__.tag
                    yield f"other runs’ examples were asked for, and there is no record of kind {name}"


def _base(name: str) -> str:
    """Return the identifier that a history has in the plan."""
    return name.rstrip(SEQUENTIAL_SUFFIXES).rstrip(RETRY_SUFFIXES)


def _is_in_order(names: Sequence[str], order: Sequence[str]) -> bool:
    """Tell whether names come in an order, whatever is missing between them. Names that it lacks are passed over."""
    places = {name: place for place, name in enumerate(order)}
    positions = [places[name] for name in names if name in places]
    return positions == sorted(positions)


def _other_draws(run: RunRecord) -> str:
    """Return with what a run drew its histories, where that is not what draws here; else an empty text."""
    minor = ".".join(run.python.split(".")[:2])
    own = ".".join(platform.python_version_tuple()[:2])
    if (run.hypothesis, minor) == (drawing_library(), own):
        return ""
    return (
        f"the run drew with Hypothesis {run.hypothesis or 'of a version that it does not name'} and Python {minor}, "
        f"and this is Hypothesis {drawing_library()} and Python {own}"
    )


def _at(record: Record) -> str:
    return f"record {record.n} (line {record.n + 1})"
