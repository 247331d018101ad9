# SPDX-License-Identifier: Apache-2.0
"""The random stream: Generator, the seed and the state. The stream is PyTorch's, so are the state's bytes.

What is drawn from a stream stands in nabi/random.py.
"""

from __future__ import annotations

import contextlib

import numpy as np

from . import _C
from .dtype import uint8
from .errors import fail, note
from .tensor import Tensor, from_array

_SEEDS = "a seed from -2**63 to 2**64 - 1"


def check_device(op: str, device: object) -> None:
    """Lets None and the CPU pass; any other device raises."""
    if device is not None and str(device) not in ("cpu", "cpu:0"):
        raise fail(RuntimeError, op, 'device to be "cpu", the only one nabi has', repr(str(device)))


class Generator(_C.Generator):
    """A random stream of its own: mt19937, started at a seed. One thread at a time draws from it.

    Args:
        device: "cpu".

    Source: https://docs.pytorch.org/docs/stable/generated/torch.Generator.html

    Example:
        >>> import nabi
        >>> g = nabi.Generator().manual_seed(7)
        >>> bool((nabi.rand(3, generator=g) == nabi.rand(3, generator=g.manual_seed(7))).all())
        True
    """

    __slots__ = ("__weakref__",)

    def __new__(cls, device=None):
        check_device("Generator", device)
        return super().__new__(cls)

    @property
    def device(self):
        """The CPU."""
        import nabi

        return nabi.device("cpu")

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream at ``seed`` (-2**63 to 2**64 - 1, negative ones count down from 2**64); returns the generator."""
        if type(seed) is not int:
            raise fail(RuntimeError, "manual_seed", "an int", type(seed).__name__)
        _check_seed(seed)
        return super().manual_seed(seed)

    def get_state(self) -> Tensor:
        """The stream's position: the 5056 bytes of PyTorch's generator state, uint8."""
        return from_array(super().get_state())

    def set_state(self, new_state: Tensor) -> None:
        """Continue at a position that get_state gave, here or in PyTorch."""
        super().set_state(_state_bytes("set_state", new_state))

    def clone_state(self) -> Generator:
        """A new generator at the same position."""
        clone = type(self)()
        clone.set_state(self.get_state())
        return clone

    def get_offset(self) -> int:
        """Raises: the CPU's stream counts no offset."""
        raise note(RuntimeError, "get_offset", "a CPU generator has no offset; use get_state()")

    def set_offset(self, offset: int) -> None:
        """Raises: the CPU's stream counts no offset."""
        raise note(RuntimeError, "set_offset", "a CPU generator has no offset; use set_state()")

    def __deepcopy__(self, memo):
        return self.clone_state()

    def __reduce__(self):
        return _restored, (type(self), _C.Generator.get_state(self))


def _restored(cls: type, state: np.ndarray) -> Generator:
    generator = cls()
    _C.Generator.set_state(generator, np.ascontiguousarray(state))
    return generator


def _check_seed(seed: int) -> None:
    if not -(2**63) <= seed < 2**64:
        raise fail(ValueError, "manual_seed", _SEEDS, seed)


def _state_bytes(op: str, state: object) -> np.ndarray:
    if not isinstance(state, Tensor):
        raise fail(TypeError, op, "a uint8 tensor", type(state).__name__)
    if state.dtype is not uint8:
        raise fail(TypeError, op, "a uint8 tensor", state.dtype)
    return np.ascontiguousarray(state._array)


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Start the default stream at ``seed``.

    Args:
        seed: -2**63 to 2**64 - 1; negative ones count down from 2**64.

    Returns:
        The default generator.

    Raises:
        ValueError: a seed out of range.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html

    Example:
        >>> import nabi
        >>> nabi.manual_seed(0).initial_seed()
        0
    """
    seed = int(seed)
    _check_seed(seed)
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default stream at a random seed and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default stream was started at."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default stream's position: the 5056 bytes of ``torch.get_rng_state()``, uint8."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue the default stream at a position that get_rng_state gave, here or in PyTorch.

    Example:
        >>> import nabi
        >>> state = nabi.get_rng_state()
        >>> first = nabi.rand(2)
        >>> nabi.set_rng_state(state)
        >>> bool((nabi.rand(2) == first).all())
        True
    """
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices=None, enabled=True, device_type=None):
    """Gives the default stream its position back at the end of a ``with`` block or of a decorated function.

    Args:
        devices: devices other than the CPU: none or empty.
        enabled: False does nothing.
        device_type: "cpu", "cuda" or None; the CPU's stream is the one there is.

    Source: https://docs.pytorch.org/docs/stable/random.html
    """
    if not enabled:
        yield
        return
    for device in devices or ():
        check_device("fork_rng", device)
    if device_type is not None and str(device_type) not in ("cpu", "cuda", "meta"):
        raise fail(RuntimeError, "fork_rng", 'device_type to be "cpu"', repr(str(device_type)))
    state = _C.Generator.get_state(default_generator)
    try:
        yield
    finally:
        _C.Generator.set_state(default_generator, state)
