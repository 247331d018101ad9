# SPDX-License-Identifier: Apache-2.0
"""The table for people, the JSON file for machines."""

from __future__ import annotations

from .peers import PEAK, TITLES
from .shapes import GROUPS

FORMAT = 1


def duration(seconds: float) -> str:
    """A time with three digits and its unit.

    Example:
        >>> duration(0.0000123), duration(0.25), duration(4e-9)
        ('12.3 us', '250 ms', '4.00 ns')
    """
    for factor, unit in ((1e-9, "ns"), (1e-6, "us"), (1e-3, "ms")):
        if seconds < factor * 999.5:
            return f"{_digits(seconds / factor)} {unit}"
    return f"{_digits(seconds)} s"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _range(ratio: dict) -> str:
    return f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"


def aligned(rows: list[list[str]], left=(0,), indent: str = "  ") -> str:
    """Columns side by side, two spaces between: those in ``left`` to the left, the others to the right.

    Example:
        >>> print(aligned([["row", "time"], ["a long name", "1 s"]]))
          row          time
          a long name   1 s
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def heading(found: dict) -> str:
    """What is compared, on what, how; the sentences about what is missing; whether the machine is busy."""
    of, machine, method = found["libraries"], found["machine"], found["method"]
    versions = [f"{TITLES[name]} {about['version']}" for name, about in of.items()]
    own = of["nabi"]
    lines = [
        versions[0] + (" against " + " and ".join(versions[1:]) if versions[1:] else ""),
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}; "
        f"{found['threads']} thread{'s' if found['threads'] != 1 else ''} everywhere",
        f"nabi computes with {own['isa']} ({own['isa_description']})"
        + (f", PyTorch with {of['torch']['isa']}" if "torch" in of else ""),
        f"Every library in a process of its own, asked in turn: {method['rounds']} rounds, "
        f"{method['samples']} samples of {duration(method['seconds'])} in each.",
        "Times are the best, the median and how far the middle half lies around it.",
    ]
    if versions[1:]:
        lines += [
            "A ratio is nabi's time over the other's in the same round, the median and (quartiles) of all rounds:",
            "below 1 nabi is faster, 0.50 means twice as fast.",
        ]
    lines.append("A target followed by ? lies between the quartiles: it may turn out either way.")
    lines += list(found.get("absent", {}).values())
    differing = {name: about["threads"] for name, about in of.items() if about["threads"] != found["threads"]}
    if differing:
        lines.append(
            "NOT THE SAME NUMBER OF THREADS: " + ", ".join(f"{TITLES[n]} {t}" for n, t in differing.items())
        )
    return "\n".join(lines)


def closing(found: dict) -> str:
    """How many targets are missed, how the machine was, what was cut short."""
    lines = []
    missed = [row["name"] for row in found["rows"] if any(not v["met"] for v in row.get("verdicts", []))]
    judged = sum(bool(row.get("verdicts")) for row in found["rows"])
    doubt = ", on a busy machine" if found["machine"].get("busy") else ""
    if missed:
        lines.append(f"MISSED {len(missed)} of {judged} targets{doubt}: {', '.join(missed)}")
    elif judged:
        lines.append(f"All {judged} targets are met{doubt}.")
    failed = [row["name"] for row in found["rows"] if "error" in row]
    if failed:
        lines.append(f"NOT MEASURED: {', '.join(failed)}")
    far_out = {
        row["name"]: count
        for row in found["rows"]
        if (count := sum(each["outliers"] for each in row.get("seconds", {}).values()))
    }
    if far_out:
        listed = ", ".join(f"{name} {count}" for name, count in list(far_out.items())[:8])
        lines.append(f"Samples far above the rest: {listed}{', ...' if len(far_out) > 8 else ''}")
    lines += list(found.get("notes", {}).values())
    state = found["machine"]
    if state.get("busy"):
        lines.append(
            f"THIS MACHINE IS BUSY: {state['busy']}. Trust ratios more than times, and neither much."
        )
    elif "busy" in state:
        lines.append(
            f"The machine was quiet: load {state['load_before']} before, a fixed loop varied by {state['loop_spread']:.0%}."
        )
    if found.get("interrupted"):
        lines.append("Interrupted: the rows above are what was measured until then.")
    return "\n".join(lines)


def group_table(group: str, rows: list[dict], peers: list[str]) -> str:
    """One group's heading and its rows.

    Args:
        group: its name.
        rows: its results.
        peers: the libraries that were asked, besides nabi.
    """
    peers = [peer for peer in peers if any(peer in row.get("ratios", {}) for row in rows)]
    with_work = any("gflops" in row for row in rows)
    head = [f"{group}", "nabi", *(["GFLOP/s", "of peak"] if with_work else [])]
    for peer in peers:
        head += [*([TITLES[peer]] if peer == peers[0] else []), f"nabi/{TITLES[peer]}"]
    targets = [_targets(row) for row in rows]
    last = ["target"] if any(targets) else []
    table = [[*head, *last]]
    footnotes = []
    for row, target in zip(rows, targets):
        cells = [row["name"].split("/")[1]]
        if "error" in row:
            footnotes.append(f"{cells[0]}: not measured: {row['error']}")
            table.append([*cells, "failed", *[""] * (len(head) - 2 + len(last))])
            continue
        if "skipped" in row:
            footnotes.append(f"{cells[0]}: skipped: {row['skipped']}")
            table.append([*cells, "-", *[""] * (len(head) - 2 + len(last))])
            continue
        if "value" in row:
            cells.append(f"{_digits(row['value'])} {row['unit']}")
            cells += [""] * (len(head) - 2)
        else:
            cells.append(_time(row, "nabi"))
            if with_work:
                cells += [_digits(row["gflops"]["nabi"]) if "gflops" in row else "", _percent(row, "nabi")]
            for peer in peers:
                if peer == peers[0]:
                    cells.append(_time(row, peer))
                cells.append(_range(row["ratios"][peer]) if peer in row["ratios"] else "-")
        table.append([*cells, *([target] if last else [])])
        if row.get("others"):
            others = ", ".join(
                f"{TITLES[name]} {_digits(value)} {row['unit']}" for name, value in row["others"].items()
            )
            footnotes.append(f"{cells[0]}: {others}")
        for name in row.get("ratios", {}):
            if name not in (PEAK, *peers):
                found = f"{_time(row, name)}, nabi/{TITLES[name]} {_range(row['ratios'][name])}"
                footnotes.append(f"{cells[0]}: {TITLES[name]} {found}")
        if "note" in row:
            footnotes.append(f"{cells[0]}: {row['note']}")
        footnotes += [f"{cells[0]}: {TITLES[name]}: {why}" for name, why in row.get("missing", {}).items()]
    lines = [GROUPS[group][0].upper() + GROUPS[group][1:], aligned(table, left=(0, len(head)))]
    return "\n".join([*lines, *(f"    {note}" for note in footnotes)])


def _time(row: dict, name: str) -> str:
    found = row.get("seconds", {}).get(name)
    if found is None:
        return "" if row.get("kind") == "mean" else "-"
    half = found["spread"] / 2
    around = f"+-{half:.0%}" if half < 1 else "+->99%"
    return f"{duration(found['minimum'])}, {duration(found['median'])} {around}"


def _percent(row: dict, name: str) -> str:
    if name not in row.get("of_peak", {}):
        return ""
    # Where it was measured in every round it is known better than to a percent.
    return f"{row['of_peak'][name]:.{1 if PEAK in row['ratios'] else 0}%}"


def _targets(row: dict) -> str:
    texts = []
    for verdict in row.get("verdicts", []):
        of = f"of {TITLES[verdict['against']]}" if verdict["against"] else row.get("unit", "")
        bound = f"speed >= {verdict['speed']:g}" if "speed" in verdict else f"<= {verdict['limit']:g}"
        texts.append(
            f"{bound} {of}: {'met' if verdict['met'] else 'MISSED'}{'?' if _close(row, verdict) else ''}"
        )
    return ", ".join(texts)


def _close(row: dict, verdict: dict) -> bool:
    # Whether the limit lies between the quartiles: another run may end on its other side.
    ratio = row.get("ratios", {}).get(verdict["against"])
    limit = 1 / verdict["speed"] if "speed" in verdict else verdict["limit"]
    return ratio is not None and ratio["low"] < limit < ratio["high"]


def slug(text: str) -> str:
    """Letters and digits of a name, with dashes between.

    Example:
        >>> slug("AMD EPYC(TM) 9555 64-Core")
        'amd-epyc-tm-9555-64-core'
    """
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def default_file_name(found: dict) -> str:
    """Date, processor, set and threads: what numbers depend on, and not the host's name."""
    isa = found["libraries"]["nabi"]["isa"]
    return f"{found['date'][:10]}-{slug(found['machine']['cpu'])}-{isa}-{found['threads']}t.json"
