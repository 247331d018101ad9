# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with broadcasting, activations, powers, extremes."""

from .activation import relu, relu_, sigmoid, sigmoid_
from .arithmetic import add, div, mul, neg, positive, sub
from .bounds import clamp, clamp_, clamp_max, clamp_max_, clamp_min, clamp_min_, clip, clip_
from .extremes import max, maximum, min, minimum
from .pointwise import (
    abs,
    abs_,
    absolute,
    cos,
    cos_,
    erf,
    erf_,
    exp,
    exp_,
    expm1,
    expm1_,
    log,
    log1p,
    log1p_,
    log_,
    sin,
    sin_,
    sqrt,
    sqrt_,
    tanh,
    tanh_,
)
from .power import pow, square, square_
from .rounding import floor_divide, remainder

__all__ = [
    "abs", "abs_", "absolute", "add", "clamp", "clamp_", "clamp_max", "clamp_max_", "clamp_min", "clamp_min_", "clip",
    "clip_", "cos", "cos_", "div", "erf", "erf_", "exp", "exp_", "expm1", "expm1_", "floor_divide", "log", "log1p",
    "log1p_", "log_", "max", "maximum", "min", "minimum", "mul", "neg", "positive", "pow", "relu", "relu_", "remainder",
    "sigmoid", "sigmoid_", "sin", "sin_", "sqrt", "sqrt_", "square", "square_", "sub", "tanh", "tanh_",
]  # fmt: skip
