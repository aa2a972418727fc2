"""All contenders in one sitting: they take turns in every round, so that a busy machine is busy for all of them."""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.bare import bare
from benchmarks.machine import machine
from benchmarks.ours import memory_of_whole_run, ours, recorded, whole_run
from benchmarks.places import InProcess, Place, on_port
from benchmarks.slow import slow_run
from conformance.domain.order import Profile

AT_ONCE = 8
"""How many histories the suite has under way at a server at first."""


def measured(
    profiles: Sequence[Profile], histories: int, rounds: int, *, port: bool = True, whole: bool = True
) -> dict[str, Any]:
    """Measure everything; return plain values."""
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        places: list[Place] = [InProcess()]
        if port:
            places.append(stack.enter_context(on_port()))
        for profile in profiles:
            for place in places:
                rows += compared(place, profile, histories, rounds)
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "histories": histories,
        "rounds": rounds,
        "speed": rows,
        "whole_run": whole_runs(tuple(profiles), rounds) if whole else None,
        "memory": memory_of_whole_run(tuple(profiles)) if whole else None,
        "slow": [slow_run(profile.value) for profile in profiles] if whole and port else [],
    }


def compared(place: Place, profile: Profile, histories: int, rounds: int) -> list[dict[str, Any]]:
    """Measure one profile at one place: one row for each number of histories under way at once."""
    recording = recorded(profile, histories)
    requests = len(recording.requests) - recording.prelude
    length = max(1, round(recording.played.steps / recording.played.histories))
    widths = (1,) if isinstance(place, InProcess) else (1, AT_ONCE)
    turns: dict[int, list[Any]] = {width: [] for width in widths}
    replays, machines = [], []
    for _ in range(rounds):
        for width in widths:
            gc.collect()
            turns[width].append(ours(place, profile, histories, width))
        gc.collect()
        replays.append(bare(place, recording))
        gc.collect()
        machines.append(machine(place, profile, histories, length))
    count = recording.played.histories
    bare_rate = median(count / seconds for seconds, _ in replays)
    # The machine's histories are shorter than ours: it is given as many of ours as its steps and its reads make up.
    per_step = recording.played.steps / count
    machine_rate = median(one["steps"] / one["seconds"] for one in machines) / per_step
    machine_own = median(one["histories"] / one["seconds"] for one in machines)
    machine_requests = median(one["requests"] / one["seconds"] for one in machines)
    rows = []
    for width, played in turns.items():
        play_rate = median(one.histories / one.play_seconds for one in played)
        whole_rate = median(one.histories / (one.draw_seconds + one.play_seconds) for one in played)
        per_history = requests / count
        rows.append(
            {
                "profile": profile.value,
                "place": place.name,
                "at_once": width,
                "histories": count,
                "steps": recording.played.steps,
                "requests": requests,
                "conforming": min(one.conforming for one in played),
                "same_answers": all(same for _, same in replays),
                "machine_histories": machines[0]["histories"],
                "machine_steps": machines[0]["steps"],
                "machine_requests": machines[0]["requests"],
                "per_second": {
                    "played": play_rate,
                    "drawn_and_played": whole_rate,
                    "bare": bare_rate,
                    "machine": machine_rate,
                    "machine_own_length": machine_own,
                },
                "requests_per_second": {
                    "played": play_rate * per_history,
                    "drawn_and_played": whole_rate * per_history,
                    "bare": bare_rate * per_history,
                    "machine": machine_requests,
                },
                "ratios": {
                    "played_to_bare": play_rate / bare_rate,
                    "drawn_and_played_to_bare": whole_rate / bare_rate,
                    "drawn_and_played_to_machine": whole_rate / machine_rate,
                    "drawn_and_played_to_machine_own_length": whole_rate / machine_own,
                    "drawn_and_played_to_machine_by_request": whole_rate * per_history / machine_requests,
                },
                "seconds": {
                    "draw": [one.draw_seconds for one in played],
                    "play": [one.play_seconds for one in played],
                    "bare": [seconds for seconds, _ in replays],
                    "machine": [one["seconds"] for one in machines],
                },
            }
        )
    return rows


def whole_runs(profiles: tuple[Profile, ...], rounds: int) -> dict[str, Any]:
    """Measure the whole run at the standard budget so many times; the median time counts."""
    found = [whole_run(profiles) for _ in range(rounds)]
    seconds = [one["seconds"] for one in found]
    return {**found[0], "seconds": median(seconds), "all_seconds": seconds}
