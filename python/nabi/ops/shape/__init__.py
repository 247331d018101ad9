# SPDX-License-Identifier: Apache-2.0
"""Shapes: views, indexing, copies."""

from .diagonal import diagonal
from .index import chunk, index_select, narrow, select, split, unbind
from .join import cat, clone, concat, concatenate, stack
from .views import (
    broadcast_to,
    flatten,
    movedim,
    permute,
    reshape,
    squeeze,
    t,
    transpose,
    unflatten,
    unsqueeze,
)

__all__ = [
    "broadcast_to", "cat", "chunk", "clone", "concat", "concatenate", "diagonal", "flatten", "index_select", "movedim", "narrow",
    "permute", "reshape", "select", "split", "squeeze", "stack", "t", "transpose", "unbind", "unflatten", "unsqueeze",
]  # fmt: skip
