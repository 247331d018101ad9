# SPDX-License-Identifier: Apache-2.0
"""Initial values, written into a tensor in place; the draws are PyTorch's.

Source: https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

import functools
import math
import warnings

from nabi.autograd import no_grad
from nabi.errors import fail

_GAIN_ONE = ("linear", "conv1d", "conv2d", "conv3d")
_GAIN_ONE += ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")


def calculate_gain(nonlinearity, param=None):
    """The factor by which a layer's standard deviation is multiplied for the nonlinearity that follows it.

    Args:
        nonlinearity: "linear", "conv1d" ... "conv_transpose3d", "sigmoid" (1), "tanh" (5/3), "relu" (sqrt 2),
            "leaky_relu" (sqrt(2 / (1 + param^2))), "selu" (3/4).
        param: the negative slope of leaky_relu, 0.01 if None.

    Raises:
        ValueError: an unknown nonlinearity, or param is no number.

    Example:
        >>> import nabi.nn as nn
        >>> nn.init.calculate_gain("leaky_relu", 1)
        1.0
    """
    if nonlinearity in _GAIN_ONE:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise fail(ValueError, "calculate_gain", "a number as negative slope", param)
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise fail(ValueError, "calculate_gain", "a nonlinearity it knows", nonlinearity)


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fill with draws from U(a, b).

    Example:
        >>> import nabi
        >>> nabi.nn.init.uniform_(nabi.empty(3, 5)).shape
        torch.Size([3, 5])
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fill with draws from N(mean, std^2)."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor, val):
    """Fill with val."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Fill with 0."""
    with no_grad():
        return tensor.zero_()


def eye_(tensor):
    """Fill a matrix with ones on the diagonal and zeros elsewhere.

    Example:
        >>> import nabi
        >>> nabi.nn.init.eye_(nabi.empty(2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if tensor.dim() != 2:
        raise fail(ValueError, "eye_", "a tensor with 2 dimensions", f"{tensor.dim()}")
    with no_grad():
        tensor.zero_()
        for place in range(min(tensor.shape)):
            tensor[place, place] = 1
    return tensor


def _fans(op, tensor):
    """(fan in, fan out): how many inputs an output sees, how many outputs an input feeds."""
    if tensor.dim() < 2:
        raise fail(
            ValueError, op, "a tensor with at least 2 dimensions, for its fan in and fan out", tensor.dim()
        )
    receptive_field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * receptive_field, tensor.shape[0] * receptive_field


def _calculate_fan_in_and_fan_out(tensor):
    # Not documented by PyTorch, but what most hand-written layers call.
    return _fans("_calculate_fan_in_and_fan_out", tensor)


def _fan(op, tensor, mode):
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise fail(ValueError, op, 'mode "fan_in" or "fan_out"', mode)
    return _fans(op, tensor)[mode == "fan_out"]


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Fill with draws from U(-a, a), ``a = gain sqrt(6 / (fan_in + fan_out))``.

    Args:
        tensor: (out, in, ...).
        gain: see calculate_gain.
        generator: a Generator, the default one if None.

    Raises:
        ValueError: fewer than 2 dimensions.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010
    """
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(sum(_fans("xavier_uniform_", tensor)))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Fill with draws from N(0, std^2), ``std = gain sqrt(2 / (fan_in + fan_out))``, as xavier_uniform_."""
    std = gain * math.sqrt(2.0 / float(sum(_fans("xavier_normal_", tensor))))
    return normal_(tensor, 0.0, std, generator)


def _is_empty(tensor):
    if 0 not in tensor.shape:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill with draws from U(-b, b), ``b = gain sqrt(3 / fan)``.

    Args:
        tensor: (out, in, ...).
        a: negative slope of the leaky_relu that follows.
        mode: "fan_in" keeps the variance in the forward pass, "fan_out" in the backward pass.
        nonlinearity: see calculate_gain.
        generator: a Generator, the default one if None.

    Raises:
        ValueError: fewer than 2 dimensions, unknown mode or nonlinearity.

    Source: He et al., Delving deep into rectifiers, 2015
    """
    if _is_empty(tensor):
        return tensor
    fan = _fan("kaiming_uniform_", tensor, mode)
    bound = math.sqrt(3.0) * (calculate_gain(nonlinearity, a) / math.sqrt(fan))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill with draws from N(0, std^2), ``std = gain / sqrt(fan)``; arguments of kaiming_uniform_."""
    if _is_empty(tensor):
        return tensor
    fan = _fan("kaiming_normal_", tensor, mode)
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(fan), generator)


def _normal_cdf(x):
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fill with draws from N(mean, std^2), drawing again what falls outside [a, b].

    Where [a, b] holds at most 0.3 of the distribution, draws from U(a, b) are accepted in proportion to the
    density instead.

    Args:
        tensor: of any shape.
        mean, std: of the distribution before it is cut.
        a, b: the bounds.
        generator: a Generator, the default one if None.

    Example:
        >>> import nabi
        >>> max(nabi.nn.init.trunc_normal_(nabi.empty(100), std=3.0).tolist()) <= 2
        True
    """
    import numpy as np

    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    with no_grad():
        spare = tensor.detach().clone()
        if _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std) > 0.3:
            low, high = (np.asarray(bound, dtype=tensor.dtype.numpy) for bound in (a, b))
            values = tensor.normal_(mean, std, generator=generator).detach().numpy().copy()
            while (outside := (values < low) | (values > high)).any():
                values = np.where(outside, spare.normal_(mean, std, generator=generator).numpy(), values)
        else:
            values = _accept_uniform(tensor, mean, std, a, b, generator, spare)
        return tensor.copy_(_like(tensor, values))


def _accept_uniform(tensor, mean, std, a, b, generator, spare):
    """Rejection sampling: a draw from U(a, b) is kept with probability density(draw) / density(mode)."""
    import numpy as np

    kind = tensor.dtype.numpy.type
    log_peak = kind(-0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2)
    values, pending = tensor.detach().numpy().copy(), None
    while pending is None or pending.any():
        draws = spare.uniform_(a, b, generator=generator).numpy().copy()
        log_density = ((draws - kind(mean)) / kind(std)) ** 2 * kind(-0.5) - log_peak
        with np.errstate(divide="ignore"):
            refused = np.log(spare.uniform_(generator=generator).numpy()) > log_density
        values = draws if pending is None else np.where(pending, draws, values)
        pending = refused if pending is None else pending & refused
    return values


def _like(tensor, values):
    from nabi.tensor import from_array

    return from_array(values.astype(tensor.dtype.numpy, copy=False))


def _deprecated(function):
    old = function.__name__[:-1]

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        sentence = f"`nn.init.{old}` is now deprecated in favor of `nn.init.{old}_`."
        warnings.warn(sentence, FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    wrapper.__name__ = wrapper.__qualname__ = old
    wrapper.__doc__ = f"Deprecated name of {old}_."
    return wrapper


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)


def __getattr__(name):
    from nabi.nn.planned import sentence

    raise AttributeError(sentence("nabi.nn.init", name))
