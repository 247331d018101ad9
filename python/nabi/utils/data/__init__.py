# SPDX-License-Identifier: Apache-2.0
"""Data sets, samplers and the loader: PyTorch's `torch.utils.data`, in process."""

from .collate import default_collate, default_convert
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .loader import DataLoader, get_worker_info
from .sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]

_INSTEAD = {
    "DistributedSampler": "split the indices with Subset and give each process its own DataLoader",
    "IterDataPipe": "derive from IterableDataset",
    "MapDataPipe": "derive from Dataset",
}


def __getattr__(name):
    if name in _INSTEAD:
        from nabi.errors import unsupported

        raise unsupported(f"nabi.utils.data.{name}", _INSTEAD[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
