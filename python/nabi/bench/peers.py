# SPDX-License-Identifier: Apache-2.0
"""The other ends of the pipes: processes that hold one library each, stay alive, and are asked in turn."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent.parent.parent
# {name: the script in the folder of peers}
SCRIPTS = {"torch": "torch_peer.py", "numpy": "numpy_peer.py"}
# What a row may be compared with besides the peers: nabi itself, and what registers reach.
ONE_THREAD, PEAK = "1-thread", "peak"
TITLES = {"nabi": "nabi", "torch": "PyTorch", "numpy": "numpy", ONE_THREAD: "1 thread", PEAK: "peak"}

# What a user's shell may hold that would bend the comparison: these hold OpenBLAS back, or make nabi print, split
# or block differently.
_DROPPED = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "NABI_TRACE",
    "NABI_GRAIN",
    "NABI_BLOCKS",
    "NABI_BENCH_THREADS",
)
_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NABI_BENCH_THREADS")


class WorkerFailed(RuntimeError):
    """A worker answered with an error, died, or did not answer."""


class NotHere(RuntimeError):
    """What a row needs does not exist on this machine."""


def environment(threads: int | None = None) -> dict[str, str]:
    """The environment of every worker: the user's without what bends the comparison, the same thread count for all."""
    found = {key: value for key, value in os.environ.items() if key not in _DROPPED}
    # An import is compared as users see it, with bytecode.
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    if threads is not None:
        found.update(dict.fromkeys(_COUNTS, str(threads)))
    return found


def folder_of_peers(given: str | None = None) -> Path | None:
    """Where the peers' scripts are: the folder given, the checkout this package lies in, ./bench; None if nowhere."""
    candidates = [Path(given)] if given else [CHECKOUT / "bench", Path.cwd() / "bench"]
    return next((folder for folder in candidates if (folder / SCRIPTS["torch"]).is_file()), None)


class Worker:
    """A process with one library in it.

    Args:
        command: what to start.
        threads: how many threads its library shall use; as it likes if None.
        patience: after so many seconds without an answer it is given up.
        isa: the instruction set that nabi shall use; as it likes if empty.
    """

    def __init__(
        self, command: list[str], threads: int | None = None, patience: float = 300.0, isa: str = ""
    ):
        self.isa = isa
        self.command, self.threads, self.patience = command, threads, patience
        self._process: subprocess.Popen | None = None
        self._errors = None
        self._answers = b""
        self.description: dict = {}

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> dict:
        """Starts it and returns what its library says of itself."""
        self.close()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._answers = b""
        # A session of its own: Ctrl-C reaches the bench alone, which then closes its workers.
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(self.threads) | ({"NABI_ISA": self.isa} if self.isa else {}),
            start_new_session=True,
        )
        self.description = self.ask("describe")
        return self.description

    def ask(self, do: str, **arguments) -> dict:
        """One request, one answer.

        Raises:
            WorkerFailed: it answered with an error, ended, or kept silent too long; then it is restarted when asked
                the next time.
        """
        if self._process is None:
            self.start()
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._gone(do) from None
        answer = json.loads(self._line(do))
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer

    def _line(self, do: str) -> bytes:
        # An unbuffered read of the pipe: a buffered one would hide from select what has already arrived.
        source = self._process.stdout.fileno()
        while b"\n" not in self._answers:
            if not select.select([source], [], [], self.patience)[0]:
                self._process.kill()
                self.close()
                raise WorkerFailed(f"no answer to {do!r} within {self.patience:g} s")
            piece = os.read(source, 1 << 16)
            if not piece:
                raise self._gone(do)
            self._answers += piece
        line, self._answers = self._answers.split(b"\n", 1)
        return line

    def _gone(self, do: str) -> WorkerFailed:
        code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        self.close()
        return WorkerFailed(
            f"its process ended with code {code} at {do!r}" + "".join(f": {line}" for line in last)
        )

    def close(self) -> None:
        """Ends the process; it can be asked again, in a new one."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):  # its reader may be gone
                    pipe.close()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._errors is not None:
            self._errors.close()
            self._errors = None


def nabi_command() -> list[str]:
    return [sys.executable, "-m", "nabi.bench.worker"]


def peer_command(name: str, folder: Path) -> list[str]:
    return [sys.executable, str(folder / SCRIPTS[name]), str(PACKAGE)]


class Team:
    """nabi's worker and the peers' that are wanted and there.

    Args:
        against: names of peers.
        threads: for all of them; as many as nabi takes by itself if None.
        folder: where the peers' scripts are, see folder_of_peers.

    ``absent`` holds a sentence for each peer that is not there.
    """

    def __init__(self, against: list[str], threads: int | None = None, folder: str | None = None):
        self.workers = {"nabi": Worker(nabi_command(), threads)}
        self.absent: dict[str, str] = {}
        self._others: dict[tuple[str, int], Worker] = {}
        self.threads = self.workers["nabi"].start()["threads"]
        scripts = folder_of_peers(folder)
        for name in against:
            if scripts is None:
                self.absent[name] = (
                    f"{TITLES[name]}'s columns are left out: its script, bench/{SCRIPTS[name]}, is in nabi's "
                    "repository; run this there or give its folder with --peers"
                )
                continue
            worker = Worker(peer_command(name, scripts), self.threads)
            try:
                sentence = worker.start().get("absent")
            except WorkerFailed as problem:
                sentence = f"{TITLES[name]}'s columns are left out: {problem}"
            if sentence:
                self.absent[name] = sentence
                worker.close()
            else:
                self.workers[name] = worker

    def nabi(self, isa: str = "", threads: int | None = None) -> Worker:
        """nabi's worker with another set or thread count, started when it is first wanted; the team's own where they
        are its own.

        Raises:
            NotHere: no such set, or not so many threads.
        """
        own = self.workers["nabi"].description
        isa, threads = isa or own["isa"], threads or self.threads
        if isa not in own["isas"]:
            raise NotHere(f"there is no {isa} here")
        if threads > self.threads:
            raise NotHere(f"it needs {threads} threads, nabi has {self.threads}")
        if (isa, threads) == (own["isa"], self.threads):
            return self.workers["nabi"]
        if (isa, threads) not in self._others:
            self._others[isa, threads] = Worker(nabi_command(), threads, isa=isa)
            self._others[isa, threads].start()
        return self._others[isa, threads]

    def _everyone(self) -> list[Worker]:
        return [*self.workers.values(), *self._others.values()]

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._everyone() if worker.pid is not None]

    def close(self) -> None:
        for worker in self._everyone():
            worker.close()
