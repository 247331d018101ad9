# SPDX-License-Identifier: Apache-2.0
"""The definition of every operation: float64 numpy, slow and obvious. Nothing here is fast, and nothing knows nabi."""
