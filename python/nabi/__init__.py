# SPDX-License-Identifier: Apache-2.0
"""nabi: PyTorch's Python API on the CPU. ``import nabi as torch`` is enough for a script."""

from math import e, inf, nan, pi

from . import _C, autograd, backends, errors, ops, planned, random
from ._C import OutOfMemoryError
from .autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .dtype import (
    bool_ as bool,
)
from .dtype import (
    dtype,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    set_default_dtype,
    uint8,
)
from .ops.compare import (
    all,
    allclose,
    any,
    argmax,
    argmin,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    equal,
    ge,
    gt,
    is_tensor,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from .ops.creation import (
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_floating_point,
    linspace,
    numel,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from .ops.dropout import dropout
from .ops.elementwise import (
    abs,
    abs_,
    absolute,
    add,
    clamp,
    clamp_,
    clamp_max,
    clamp_max_,
    clamp_min,
    clamp_min_,
    clip,
    clip_,
    cos,
    cos_,
    div,
    erf,
    erf_,
    exp,
    exp_,
    expm1,
    expm1_,
    floor_divide,
    log,
    log1p,
    log1p_,
    log_,
    max,
    maximum,
    min,
    minimum,
    mul,
    neg,
    positive,
    pow,
    relu,
    relu_,
    remainder,
    sigmoid,
    sigmoid_,
    sin,
    sin_,
    sqrt,
    sqrt_,
    square,
    square_,
    sub,
    tanh,
    tanh_,
)
from .ops.linalg import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    dot,
    einsum,
    ger,
    inner,
    matmul,
    mm,
    mv,
    outer,
    tensordot,
    vdot,
)
from .ops.promote import result_type
from .ops.reduce import mean, sum
from .ops.shape import (
    broadcast_to,
    cat,
    chunk,
    clone,
    concat,
    concatenate,
    diagonal,
    flatten,
    index_select,
    movedim,
    narrow,
    permute,
    reshape,
    select,
    split,
    squeeze,
    stack,
    t,
    transpose,
    unbind,
    unflatten,
    unsqueeze,
)
from .ops.softmax import log_softmax, softmax
from .printing import get_printoptions, printoptions, set_printoptions
from .random import (
    Generator,
    bernoulli,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from .serialization import load, save
from .tensor import Size, Tensor, device
from .threads import get_num_threads, memory_stats, set_num_threads

newaxis = None
float = float32
double = float64
long = int64
int = int32
short = int16

__version__ = "0.1.0"

planned.install(Tensor)


# Loaded when first used: ``import nabi`` should cost little more than ``import numpy``.
_LAZY = ("nn", "optim", "testing", "utils", "vision")


def __getattr__(name: str):
    if name in _LAZY:
        import importlib

        return importlib.import_module(f"nabi.{name}")
    from .planned import sentence

    raise AttributeError(sentence("nabi", name), name=name)


def __dir__():
    return sorted({*globals(), *_LAZY})
