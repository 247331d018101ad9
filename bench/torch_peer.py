# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of `nabi bench`: python bench/torch_peer.py FOLDER, where FOLDER is nabi's bench package.

The work itself is workloads.py, the same lines that nabi runs; nabi is not imported here.
"""

import os
import sys

sys.path.insert(0, sys.argv[1])
import worker
import workloads

sys.path.remove(sys.argv[1])

try:
    import torch
except ImportError:
    worker.serve(
        lambda: {
            "name": "PyTorch",
            "absent": "PyTorch is not installed here, so its columns are left out; to install it: "
            f"{sys.executable} -m pip install torch==2.13.0",
        },
        lambda workload, options: None,
    )
    sys.exit()

torch.set_num_threads(int(os.environ["NABI_BENCH_THREADS"]))


def describe() -> dict:
    return {
        "name": "PyTorch",
        "version": torch.__version__,
        "threads": torch.get_num_threads(),
        "isa": torch.backends.cpu.get_cpu_capability(),
        "mkl": torch.backends.mkl.is_available(),
    }


if __name__ == "__main__":
    worker.serve(describe, lambda workload, options: workloads.prepare(torch, workload, options))
