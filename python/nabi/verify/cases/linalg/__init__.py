# SPDX-License-Identifier: Apache-2.0
"""linear, the products of matrices and vectors, and the sums of products over labelled dimensions."""

from . import contractions, products, sums

CASES = [*products.CASES, *sums.CASES, *contractions.CASES]
KERNELS = products.KERNELS
