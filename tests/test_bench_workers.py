# SPDX-License-Identifier: Apache-2.0
"""nabi bench's workers: the protocol, what goes wrong in them, their environment, and who imports what."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nabi.bench import __main__ as program
from nabi.bench import machine, peers, report, run, shapes, timing, worker

ROOT = Path(__file__).resolve().parent.parent

SPIN = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import worker

def prepare(workload, options):
    if workload == "spin":
        def spin():
            for _ in range(options["turns"]):
                pass
        return spin
    if workload == "wrong":
        raise TypeError("not like that")
    if workload == "dies":
        def die():
            print("going down", file=sys.stderr, flush=True)
            os._exit(7)
        return die
    if workload == "silent":
        return lambda: time.sleep(60)
    if workload == "prints":
        return lambda: print("a stray line")
    return None

worker.serve(lambda: {"name": "spin", "version": "1", "threads": 1, "isa": "none", "isa_description": "none",
                      "openblas": sorted(k for k in os.environ if k.startswith("OPENBLAS"))}, prepare)
"""


@pytest.fixture
def spin(tmp_path):
    script = tmp_path / "spin_peer.py"
    script.write_text(SPIN)
    made = []

    def make(**options):
        made.append(peers.Worker([sys.executable, str(script), str(peers.PACKAGE)], 1, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_worker_prepares_and_times(spin):
    one = spin()
    assert one.start()["name"] == "spin"
    assert one.ask("prepare", workload="nothing", options={}) == {"prepared": False}
    assert one.ask("prepare", workload="spin", options={"turns": 20000}) == {"prepared": True}
    calls = one.ask("calls", seconds=0.02)["calls"]
    assert 1 <= calls < 2000
    seconds = one.ask("time", calls=3, samples=4)["seconds"]
    assert len(seconds) == 4
    assert 1e-5 < min(seconds) < 1
    pid = one.pid
    assert one.ask("drop") == {}
    assert one.pid == pid


@pytest.mark.parametrize("most, taken", [(float("inf"), 6), (0.0, 3)])
def test_a_turn_that_is_long_ends_after_three_samples(most, taken):
    assert len(worker.time_samples(lambda: None, 2, 6, most=most)) == taken
    assert len(worker.time_samples(lambda: None, 2, 2, most=most)) == 2


@pytest.mark.parametrize("used, steps", [([0.0], 1), ([0.01, 0.004, 0.0001], 3), ([0.01] * 90, 5)])
def test_the_next_one_is_asked_when_the_last_ones_threads_sleep(used, steps, monkeypatch):
    now, slept = [0.0], []

    def sleep(seconds):
        now[0] += used[len(slept)]
        slept.append(seconds)

    monkeypatch.setattr(worker.time, "process_time", lambda: now[0])
    monkeypatch.setattr(worker.time, "sleep", sleep)
    worker.settle(turns=5)
    assert slept == [0.01] * steps


def test_an_error_is_an_answer_and_the_worker_goes_on(spin):
    one = spin()
    one.start()
    pid = one.pid
    with pytest.raises(peers.WorkerFailed, match="TypeError: not like that"):
        one.ask("prepare", workload="wrong", options={})
    with pytest.raises(peers.WorkerFailed, match="expected prepare before time"):
        one.ask("time", calls=1, samples=1)
    with pytest.raises(peers.WorkerFailed, match="expected describe, prepare, .* got 'dance'"):
        one.ask("dance")
    with pytest.raises(peers.WorkerFailed, match="expected nabi's own worker for 'peak'"):
        one.ask("measure", what="peak", options={})
    assert one.ask("prepare", workload="spin", options={"turns": 1})["prepared"]
    assert one.pid == pid


def test_what_the_work_prints_does_not_tear_the_protocol(spin):
    one = spin()
    one.ask("prepare", workload="prints", options={})
    assert len(one.ask("time", calls=5, samples=2)["seconds"]) == 2


def test_a_dead_worker_is_named_and_started_again(spin):
    one = spin()
    one.ask("prepare", workload="dies", options={})
    with pytest.raises(peers.WorkerFailed, match="ended with code 7 at 'time': going down"):
        one.ask("time", calls=1, samples=1)
    assert one.ask("describe")["name"] == "spin"


def test_a_silent_worker_is_given_up(spin):
    one = spin()
    one.ask("prepare", workload="silent", options={})
    one.patience = 0.3
    start = time.monotonic()
    with pytest.raises(peers.WorkerFailed, match=r"no answer to 'time' within 0\.3 s"):
        one.ask("time", calls=1, samples=1)
    assert time.monotonic() - start < 20
    assert one.pid is None


def test_the_environment_of_workers(monkeypatch, spin):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "512")
    monkeypatch.setenv("NABI_GRAIN", "1")
    assert spin().start()["openblas"] == ["OPENBLAS_NUM_THREADS"]
    found = peers.environment(3)
    assert found["OMP_NUM_THREADS"] == found["OPENBLAS_NUM_THREADS"] == found["MKL_NUM_THREADS"] == "3"
    assert "NABI_GRAIN" not in found


def test_nabis_worker_takes_the_thread_count():
    one = peers.Worker(peers.nabi_command(), 1)
    try:
        about = one.start()
        assert (about["name"], about["threads"]) == ("nabi", 1)
        assert one.ask("measure", what="peak", options={"threads": 1})["value"] > 0.1
        with pytest.raises(peers.WorkerFailed, match="expected peak or bandwidth"):
            one.ask("measure", what="luck", options={})
    finally:
        one.close()


@pytest.mark.parametrize("script", sorted(peers.SCRIPTS.values()))
def test_peers_do_not_import_nabi(script):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "bench" / script), str(peers.PACKAGE)],
        input=b'{"do": "describe"}\n',
        capture_output=True,
        env=peers.environment(1),
        timeout=120,
    )
    imported = [line.rsplit("|", 1)[1].strip() for line in done.stderr.decode().splitlines() if "|" in line]
    assert "worker" in imported
    assert [name for name in imported if name.split(".")[0] == "nabi"] == []
    assert json.loads(done.stdout)["name"] in ("PyTorch", "numpy")


def test_numpys_linear_is_linear():
    code = """
import sys
sys.argv = ["", sys.argv[2], sys.argv[1]]
sys.path.insert(0, sys.argv[2])
import numpy as np, numpy_peer
from nabi.bench import workloads
import nabi
call = numpy_peer.linear(3, 5, 7, False)
call()
out = dict(zip(call.__code__.co_freevars, (cell.cell_contents for cell in call.__closure__)))["out"]
ours = workloads.prepare(nabi, "linear", dict(batch=3, inputs=5, outputs=7, training=False))()
assert np.abs(out).max() > 0.1
np.testing.assert_allclose(out, ours.numpy(), rtol=1e-5, atol=1e-6)
"""
    subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "bench"), str(peers.PACKAGE)], check=True, timeout=120
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", ["", "a", "b"])
def test_numpys_matmul_is_matmul(transposed, dtype):
    code = """
import sys
dtype, transposed = sys.argv[3:]
sys.argv = ["", sys.argv[2], sys.argv[1]]
sys.path.insert(0, sys.argv[2])
import numpy as np, numpy_peer
from nabi.bench import workloads
import nabi
options = dict(m=3, n=5, k=7, transposed=transposed, dtype=dtype)
out = numpy_peer.matmul(**options)()
ours = workloads.prepare(nabi, "matmul", options)
# The layouts are the same too: no copy is timed on one side alone.
theirs = numpy_peer.matmul(**options)
assert [x.numpy().strides for x in ours.args] == [x.strides for x in theirs.args]
assert [x.numpy().flags.c_contiguous for x in ours.args] == ["a" not in transposed, "b" not in transposed]
assert out.dtype == ours().numpy().dtype == dtype and np.abs(out).max() > 0.1
np.testing.assert_allclose(out, ours().numpy(), rtol=1e-5, atol=1e-6)
kernel = workloads.prepare(nabi, "matmul", {**options, "kernel": True})()
np.testing.assert_array_equal(kernel, ours().numpy())
"""
    subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "bench"), str(peers.PACKAGE), dtype, transposed],
        check=True,
        timeout=120,
    )


def test_nabi_with_another_set_or_thread_count_is_a_worker_of_its_own():
    team = peers.Team([], 2)
    try:
        own = team.workers["nabi"]
        assert team.nabi() is team.nabi(own.description["isa"], 2) is own
        assert team.pids == [own.pid]
        one = team.nabi("scalar", 1)
        assert (one.description["isa"], one.description["threads"]) == ("scalar", 1)
        assert team.nabi("scalar", 1) is one
        assert team.pids == [own.pid, one.pid]
        with pytest.raises(peers.NotHere, match="there is no mmx here"):
            team.nabi("mmx")
        with pytest.raises(peers.NotHere, match="needs 3 threads, nabi has 2"):
            team.nabi(threads=3)
    finally:
        team.close()
    assert team.pids == []


def test_a_peer_that_is_not_installed_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    team = peers.Team(["torch", "numpy"], 1)
    try:
        assert list(team.workers) == ["nabi", "numpy"]
        assert "not installed here" in team.absent["torch"]
        assert f"{sys.executable} -m pip install torch==" in team.absent["torch"]
    finally:
        team.close()


def test_without_a_checkout_it_says_where_the_peers_are(tmp_path, monkeypatch):
    monkeypatch.setattr(peers, "CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)
    team = peers.Team(["numpy"], 1)
    team.close()
    assert list(team.workers) == ["nabi"]
    assert "--peers" in team.absent["numpy"]
    assert peers.folder_of_peers(str(ROOT / "bench")) == ROOT / "bench"


def test_a_peer_that_fails_costs_its_column_only(spin):
    class Two:
        workers = {"nabi": spin(), "torch": spin()}
        threads = 1

    for name, workload in (("nabi", "spin"), ("torch", "dies")):
        Two.workers[name].start()
        Two.workers[name].ask("prepare", workload=workload, options={"turns": 1000})
    # The row prepares "spin" for both; torch's process ends in the second round.
    bench = run.Bench(Two, timing.Method(rounds=3, samples=2, seconds=0.002), machine.Watch())
    ended = []

    def tick():
        if not ended:
            ended.append(Two.workers["torch"].pid)
            os.kill(Two.workers["torch"].pid, signal.SIGKILL)

    bench.watch.tick = tick
    result = bench.measure(shapes.Row("overhead/spin", "", workload="spin", options={"turns": 1000}))
    assert list(result["seconds"]) == ["nabi"]
    assert "ended with code -9" in result["missing"]["torch"]
    table = report.group_table("overhead", [result], ["torch"])
    assert "PyTorch: its process ended" in table


def test_a_regression_planted_in_a_worker_is_found(spin, tmp_path):
    """From the process that is timed to the exit code: six times the work in nabi's place, the same in the peer's."""

    class Two:
        threads = 1

    paths = []
    for turns in (5_000, 30_000):
        Two.workers = {"nabi": spin(), "torch": spin()}
        bench = run.Bench(Two, timing.Method(rounds=7, samples=20, seconds=0.001), machine.Watch())
        # Only nabi's work differs.
        asked = Two.workers["torch"].ask
        Two.workers["torch"].ask = lambda do, asked=asked, **more: asked(
            do, **({**more, "options": {"turns": 5_000}} if do == "prepare" else more)
        )
        row = shapes.Row(
            "overhead/spin", "", workload="spin", options={"turns": turns}, targets={"torch": 3.0}
        )
        found = bench.measure(row)
        assert found["verdicts"] == [{"against": "torch", "limit": 3.0, "met": turns == 5_000}]
        whole = {
            "nabi_bench": report.FORMAT,
            "threads": 1,
            "machine": {"cpu": "this one"},
            "libraries": {"nabi": {"isa": "this one"}},
            "rows": [found],
        }
        paths.append(str(tmp_path / f"{turns}.json"))
        Path(paths[-1]).write_text(json.dumps(whole))
    assert program.main(["--compare", *paths]) == 1
    assert program.main(["--compare", *reversed(paths)]) == 0
