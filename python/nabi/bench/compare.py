# SPDX-License-Identifier: Apache-2.0
"""Two JSON files side by side: did anything get slower than its noise explains?"""

from __future__ import annotations

import json

from .peers import ONE_THREAD, PEAK
from .report import FORMAT, aligned

# Below this nothing counts as a change: two runs on a quiet machine differ by as much.
SMALLEST_CHANGE = 0.07


class BadFile(ValueError):
    """A file that ``nabi bench --json`` did not write."""


def load(path: str) -> dict:
    """Reads a result file.

    Raises:
        BadFile: missing, not JSON, or of another format.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except OSError as problem:
        raise BadFile(f"nabi bench: cannot read {path}: {problem.strerror}") from None
    except ValueError:
        raise BadFile(f"nabi bench: expected JSON in {path}") from None
    version = found.get("nabi_bench") if isinstance(found, dict) else None
    if version != FORMAT or not isinstance(found.get("rows"), list):
        raise BadFile(f"nabi bench: expected results of format {FORMAT} in {path}, got {version}")
    return found


def measure_of(old: dict, new: dict, same_machine: bool) -> tuple[str, dict, dict] | None:
    """What two results of one row can be compared by: (its name, {median, low, high} of the old, of the new).

    The ratio to a peer comes first, for it holds on a machine that is slower today; then nabi's own time or size, on
    the same machine only, except for sizes.
    """
    for peer in ("torch", "numpy", PEAK, ONE_THREAD):
        if peer in old.get("ratios", {}) and peer in new.get("ratios", {}):
            return f"ratio to {peer}", old["ratios"][peer], new["ratios"][peer]
    if "nabi" in old.get("seconds", {}) and "nabi" in new.get("seconds", {}):
        return ("time", old["seconds"]["nabi"], new["seconds"]["nabi"]) if same_machine else None
    if old.get("unit") in ("MB", "s") and old.get("unit") == new.get("unit"):
        if old["unit"] == "s" and not same_machine:
            return None
        return "size" if old["unit"] == "MB" else "time", *(
            dict.fromkeys(("median", "low", "high"), row["value"]) for row in (old, new)
        )
    return None


def verdict(old: dict, new: dict) -> str:
    """ "slower", "faster" or "same": a change counts from 7 %, and only where the middle halves do not overlap.

    Example:
        >>> before = {"median": 1.0, "low": 0.98, "high": 1.02}
        >>> verdict(before, {"median": 1.2, "low": 1.18, "high": 1.25})
        'slower'
        >>> verdict(before, {"median": 1.2, "low": 1.0, "high": 1.5})
        'same'
    """
    change = new["median"] / old["median"] - 1
    if change > SMALLEST_CHANGE and new["low"] > old["high"]:
        return "slower"
    if 1 / (1 + change) - 1 > SMALLEST_CHANGE and new["high"] < old["low"]:
        return "faster"
    return "same"


def compare(old: dict, new: dict) -> tuple[str, list[str]]:
    """The table, and the names of the rows that regressed: slower beyond noise, or measured before and failing now."""
    same_machine = (
        all(
            (old[key] == new[key] if key == "threads" else old["machine"]["cpu"] == new["machine"]["cpu"])
            for key in ("threads", "machine")
        )
        and old["libraries"]["nabi"]["isa"] == new["libraries"]["nabi"]["isa"]
    )
    before = {row["name"]: row for row in old["rows"]}
    after = {row["name"]: row for row in new["rows"]}
    table = [["row", "compared by", "old", "new", "change", ""]]
    regressed, aside = [], []
    for name, row in before.items():
        now = after.get(name)
        if row.get("kind") in ("peak", "bandwidth"):
            continue  # the machine's, not ours
        if now is None:
            aside.append(f"{name}: only in the old file")
        elif "error" in now and "error" not in row:
            regressed.append(name)
            table.append([name, "", "measured", "failed", "", "FAILED"])
        elif (found := measure_of(row, now, same_machine)) is None:
            aside.append(f"{name}: nothing to compare by")
        else:
            what, was, is_now = found
            said = verdict(was, is_now)
            if said == "slower":
                regressed.append(name)
            mark = {"slower": "LARGER" if what == "size" else "SLOWER", "same": ""}.get(said, said)
            change = is_now["median"] / was["median"] - 1
            table.append([name, what, _short(was, what), _short(is_now, what), f"{change:+.0%}", mark])
    aside += [f"{name}: only in the new file" for name in after if name not in before]
    lines = [aligned(table, left=(0, 1, 5), indent="")]
    if not same_machine:
        lines.append("Not the same processor, set or thread count: times are not compared, ratios are.")
    lines += aside
    for which, found in (("old", old), ("new", new)):
        if found["machine"].get("busy"):
            lines.append(f"The machine was busy for the {which} file: {found['machine']['busy']}")
    count = len(table) - 1
    lines.append(
        f"{len(regressed)} of {count} rows regressed: {', '.join(regressed)}"
        if regressed
        else f"No regression in {count} rows."
    )
    return "\n".join(lines), regressed


def _short(found: dict, what: str) -> str:
    from .report import duration

    if what == "time":
        return duration(found["median"])
    return f"{found['median']:.2f}{' MB' if what == 'size' else ''}"
