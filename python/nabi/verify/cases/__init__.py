# SPDX-License-Identifier: Apache-2.0
"""The table of cases: a file a family, each with CASES and, for the kernels' bindings, KERNELS (name -> arguments)."""

from . import compare, creation, dropout, elementwise, linalg, loss, optim, random, reduce, shape, softmax

FAMILIES = (linalg, elementwise, reduce, softmax, loss, shape, dropout, random, optim, compare, creation)
CASES = [case for family in FAMILIES for case in family.CASES]
KERNELS = {name: make for family in FAMILIES for name, make in family.KERNELS.items()}

__all__ = ["CASES", "FAMILIES", "KERNELS"]
