# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting, activations, powers, extremes."""

from .activation import relu, relu_, sigmoid, sigmoid_
from .arithmetic import add, div, mul, neg, positive, sub
from .extremes import max, maximum, min, minimum
from .pointwise import (
    abs,
    abs_,
    absolute,
    clamp,
    clamp_,
    clamp_max,
    clamp_max_,
    clamp_min,
    clamp_min_,
    clip,
    clip_,
    exp,
    exp_,
    log,
    log_,
    pow,
    sqrt,
    sqrt_,
    square,
    square_,
    tanh,
    tanh_,
)
from .rounding import floor_divide, remainder

__all__ = [
    "abs", "abs_", "absolute", "add", "clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip",
    "clip_", "div", "exp", "exp_", "floor_divide", "log", "log_", "max", "maximum", "min", "minimum", "mul", "neg",
    "positive", "pow", "relu", "relu_", "remainder", "sigmoid", "sigmoid_", "sqrt", "sqrt_", "square", "square_", "sub",
    "tanh", "tanh_",
]  # fmt: skip
