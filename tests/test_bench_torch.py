# SPDX-License-Identifier: Apache-2.0
"""What the bench times is the same work on both sides: the same results, the same losses after steps."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
from nabi.bench import peers, shapes, workloads

torch = pytest.importorskip("torch")

SMALL = [
    row
    for row in shapes.ROWS
    if row.kind == "time" and row.flops <= 2 * 64 * 784 * 512 and "epoch" not in row.name
]


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in SMALL
        if row.workload in ("overhead", "linear", "matmul") and "kernel" not in row.options
    ],
    ids=lambda row: row.name,
)
def test_one_call_gives_what_pytorchs_gives(row):
    ours, theirs = (workloads.prepare(each, row.workload, row.options)() for each in (nabi, torch))
    if ours is None:
        assert theirs is None  # forward and backward: gradients are kept inside
        return
    assert ours.requires_grad == theirs.requires_grad == (row.workload == "overhead")
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=2e-4, atol=1e-4)


def weights_after(module, options: dict, steps: int) -> list[np.ndarray]:
    made = []
    network = workloads._network

    def remembered(*arguments):
        made.append(network(*arguments))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workloads, "_network", remembered)
        step = workloads.prepare(module, "training", options)
    before = [p.detach().numpy().copy() for p in made[0][0].parameters()]
    for _ in range(steps):
        step()
    after = [p.detach().numpy() for p in made[0][0].parameters()]
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(after, before))
    return after


@pytest.mark.parametrize(
    "row", [row for row in shapes.ROWS if row.workload == "training"], ids=lambda row: row.name
)
def test_a_step_is_the_same_step(row):
    # Without dropout: on some processors PyTorch draws other masks.
    options = {**row.options, "dropout": 0.0}
    for ours, theirs in zip(weights_after(nabi, options, 5), weights_after(torch, options, 5)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_pytorchs_worker_has_the_same_threads():
    team = peers.Team(["torch"], 1)
    try:
        about = team.workers["torch"].description
        assert about["version"] == torch.__version__
        assert about["threads"] == team.threads == 1
        assert team.workers["torch"].ask("prepare", workload="none of these", options={}) == {
            "prepared": False
        }
    finally:
        team.close()
