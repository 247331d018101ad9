# SPDX-License-Identifier: Apache-2.0
"""What computes: ``backends.cpu``."""

from . import cpu

__all__ = ["cpu"]
