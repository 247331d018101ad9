# SPDX-License-Identifier: Apache-2.0
"""Every case of nabi.verify's table in nabi and in PyTorch: values, gradients, strides, types of exceptions."""

from __future__ import annotations

import pytest

from nabi.verify.cases import CASES
from nabi.verify.settings import Log, Settings
from nabi.verify.walkers import peer

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.torch or case.bad], ids=lambda case: case.name
)
def test_as_pytorch(case):
    log = Log()
    peer(case, log, Settings(quick=True), torch)
    assert log.checks > 0
    assert log.faults == [], "\n".join(log.faults[:10])
