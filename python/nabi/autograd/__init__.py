# SPDX-License-Identifier: Apache-2.0
"""Autograd: PyTorch's names on nabi's graph. Read graph.py, then walk.py, then views.py."""

from . import hooks as _hooks  # noqa: F401  registers Tensor methods
from .check import gradcheck, gradgradcheck
from .function import Function, FunctionCtx, once_differentiable
from .graph import Node
from .mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .walk import backward, grad

__all__ = [
    "Function",
    "FunctionCtx",
    "Node",
    "backward",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "set_grad_enabled",
]
