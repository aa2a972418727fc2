"""What was measured, as text for a person."""

from __future__ import annotations

from typing import Any

_COLUMNS = (
    ("profile", "profile"),
    ("where", "where"),
    ("drawn+played", "per_second drawn_and_played"),
    ("played", "per_second played"),
    ("bare httpx", "per_second bare"),
    ("machine", "per_second machine"),
    ("played/bare", "ratios played_to_bare"),
    ("d+p/bare", "ratios drawn_and_played_to_bare"),
    ("d+p/machine", "ratios drawn_and_played_to_machine"),
    ("by request", "ratios drawn_and_played_to_machine_by_request"),
    ("own length", "ratios drawn_and_played_to_machine_own_length"),
)


def printed(found: dict[str, Any]) -> str:
    """Return the table and the sentences below it."""
    lines = [[title for title, _ in _COLUMNS], *([_cell(row, path) for _, path in _COLUMNS] for row in found["speed"])]
    text = [
        aligned(lines, left=2),
        "",
        f"Histories per second, medians of {found['rounds']}; {found['histories']} histories per profile, "
        f"Python {found['python']}, {found['cpus']} cores.",
        "drawn+played: the suite, with drawing, judging and journal; played: the same without drawing.",
        "bare httpx: the very same requests, one after the other, nothing judged, nothing written.",
        "machine: a Hypothesis state machine over the same client, in histories of as many steps as ours.",
        "Both read the order back after every step. By request: the same ratio in requests per second; own length: in",
        "the machine's own histories, which are shorter.",
    ]
    text += [f"Attention: {one}" for row in found["speed"] for one in _oddities(row)]
    whole = found["whole_run"]
    if whole:
        text.append(
            f"Whole run, embedded, standard budget: {whole['seconds']:.1f} s for {whole['histories']} histories and "
            f"{whole['requests']} requests; journal {whole['journal_bytes'] / 1e6:.1f} MB, {whole['records']} records."
        )
    return "\n".join(text)


def _cell(row: dict[str, Any], path: str) -> str:
    if path == "where":
        return str(row["place"]) if row["at_once"] == 1 else f"{row['place']}, {row['at_once']} at once"
    group, _, name = path.partition(" ")
    if not name:
        return str(row[group])
    return f"{row[group][name]:.2f}" if group == "ratios" else f"{row[group][name]:.0f}"


def _oddities(row: dict[str, Any]) -> list[str]:
    where = f"{row['profile']} {row['place']}, {row['at_once']} at once"
    found = []
    if row["conforming"] != row["histories"]:
        found.append(f"{where}: only {row['conforming']} of {row['histories']} histories conformed.")
    if not row["same_answers"]:
        found.append(f"{where}: the replay was answered otherwise than the recording.")
    return found


def aligned(lines: list[list[str]], left: int) -> str:
    """Return lines as a table below its titles; so many columns begin at the left, the others end at the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [_joined(line, widths, left) for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text)


def _joined(line: list[str], widths: list[int], left: int) -> str:
    cells = [cell.ljust(width) for cell, width in zip(line[:left], widths, strict=False)]
    return "  ".join(cells + [cell.rjust(width) for cell, width in zip(line[left:], widths[left:], strict=True)])
