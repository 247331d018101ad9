# SPDX-License-Identifier: Apache-2.0
"""What the numbers were measured on, and whether anything else was running there."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

from .timing import quantile


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return " ".join(value.split())
    return platform.processor() or platform.machine()


def describe() -> dict:
    """CPU, cores this process may use, system, Python."""
    return {
        "cpu": cpu_name(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def calibration_loop() -> float:
    """Seconds of a loop that always does the same and touches no memory."""
    start = time.perf_counter()
    total = 0
    for i in range(20_000):
        total += i
    return time.perf_counter() - start


def _jiffies() -> tuple[float, float] | None:
    # (CPU seconds of everything on the machine, of those the hypervisor's, stolen)
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    except OSError:
        return None
    tick = os.sysconf("SC_CLK_TCK")
    user, nice, system, _, _, interrupt, soft, stolen = (int(word) / tick for word in first[1:9])
    return user + nice + system + interrupt + soft, stolen


def _own_seconds(pids: list[int]) -> float:
    # Ours, our ended children's, our living workers'.
    times = os.times()
    total = times.user + times.system + times.children_user + times.children_system
    for pid in pids:
        try:
            words = (
                Path(f"/proc/{pid}/stat")
                .read_text(encoding="ascii", errors="replace")
                .rsplit(")", 1)[1]
                .split()
            )
        except OSError:
            continue
        total += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return total


class Watch:
    """Looks at the machine while the bench runs: the load before it, what others use, how steady one loop is."""

    def __init__(self):
        self.load = os.getloadavg()[0]
        self.loops = [min(calibration_loop() for _ in range(3)) for _ in range(10)]
        self._start = time.perf_counter(), _jiffies(), _own_seconds([])

    def tick(self) -> None:
        """Between rounds: one run of the calibration loop."""
        self.loops.append(calibration_loop())

    def verdict(self, pids: list[int] = ()) -> dict:
        """The figures, and ``busy``: why not to believe absolute numbers, or "" if nothing was seen."""
        elapsed = time.perf_counter() - self._start[0]
        others = stolen = 0.0
        now = _jiffies()
        if now is not None and self._start[1] is not None and elapsed > 0:
            own = _own_seconds(list(pids)) - self._start[2]
            others = max(0.0, (now[0] - self._start[1][0] - own) / elapsed)
            stolen = (now[1] - self._start[1][1]) / elapsed
        spread = quantile(self.loops, 0.9) / min(self.loops) - 1
        reasons = []
        if others > 0.15:
            reasons.append(f"other programs used {others:.1f} CPUs")
        if stolen > 0.05:
            reasons.append(f"the hypervisor took {stolen:.1f} CPUs for others")
        if spread > 0.2:
            reasons.append(f"a loop that always does the same took up to {spread:.0%} longer")
        return {
            "load_before": round(self.load, 2),
            "other_cpus": round(others, 3),
            "stolen_cpus": round(stolen, 3),
            "loop_spread": round(spread, 4),
            "busy": "; ".join(reasons),
        }


def _counts(path: Path) -> bool:
    # Of the bytecode, what this interpreter wrote: a developer's tree holds other versions' as well.
    return path.is_file() and (path.suffix != ".pyc" or path.stem.endswith(sys.implementation.cache_tag))


def installed_bytes(name: str) -> int | None:
    """The size of a package's installed files, found without importing it; None where it is not installed."""
    import importlib.util

    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    files = {
        file.resolve()
        for place in spec.submodule_search_locations
        for file in Path(place).rglob("*")
        if _counts(file)
    }
    if name == "nabi":
        from nabi import _C

        # In an editable install the extension module lies elsewhere.
        files.add(Path(_C.__file__).resolve())
    return sum(file.stat().st_size for file in files)
