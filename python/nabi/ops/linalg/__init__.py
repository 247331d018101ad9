# SPDX-License-Identifier: Apache-2.0
"""Matrix products and what stands on them."""

from .add import addbmm, addmm, addmv, addr, baddbmm
from .contract import einsum, ger, inner, outer, tensordot, vdot
from .linear import linear
from .product import bmm, dot, matmul, mm, mv

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "dot", "einsum", "ger", "inner", "linear", "matmul", "mm",
    "mv", "outer", "tensordot", "vdot",
]  # fmt: skip
