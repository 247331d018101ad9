# SPDX-License-Identifier: Apache-2.0
"""Tensor: a numpy array, a gradient, a place in the graph.

A Tensor holds a numpy array, not numpy's semantics: this module knows no operation. The modules of ``nabi.ops`` and
``nabi.autograd`` register theirs with :func:`method`.

What a Tensor carries is a record of the extension (``TensorBase``, cpp/bindings/graph.cpp), because every operation
makes one; everything that happens to it is Python:

``_array``          the elements, any strides, native byte order, aligned
``dtype``           nabi's dtype
``_node, _index``   the operation that made it (or None), and which of its outputs this is
``_requires_grad, _grad, _hooks, _post_hooks, _retains, _inference``
``_storage``        version record shared with views and detached copies; made when first needed
``_base, _view``    for a view: the tensor it looks into, and the steps that lead there
``_base_node``      the base's node when the view's own node was made
"""

from __future__ import annotations

import operator

import numpy as np

from ._C import Storage, TensorBase, bump, from_array, mode, register_tensor
from .devices import device
from .dtype import ALL as _all_dtypes
from .dtype import from_numpy as _dtype_from_numpy
from .errors import fail, note
from .layout import address, copy_layout
from .sizes import Size, contiguous_strides

_new = TensorBase.__new__


_cpu = device("cpu")


class Tensor(TensorBase):
    """A multi-dimensional array with an optional gradient. Made by ``nabi.tensor``, ``nabi.zeros`` and operations."""

    is_sparse = is_quantized = is_cuda = is_mps = is_meta = is_nested = is_mkldnn = False
    layout = "torch.strided"
    names = ()

    __array_priority__ = 1000
    _printed_name = "tensor"

    def __new__(cls, *data):
        first = data[0] if len(data) == 1 else None
        if isinstance(first, Tensor):
            made = first.view_as(first)
        elif isinstance(first, (float, bool)):
            raise fail(TypeError, "Tensor", "sizes or a sequence of numbers", type(first).__name__)
        else:
            made = cls._constructor(*(first if type(first) is Size else data))
        if cls is not Tensor:
            made.__class__ = cls
        return made

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if "_printed_name" not in cls.__dict__:
            cls._printed_name = cls.__name__

    def as_subclass(self, cls: type) -> Tensor:
        """The same memory as an instance of ``cls``, a subclass of Tensor."""
        if not (isinstance(cls, type) and issubclass(cls, Tensor)):
            raise fail(TypeError, "as_subclass", "a subclass of Tensor", cls)
        made = self.view_as(self)
        made.__class__ = cls
        return made

    # shape and layout

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return Size(self._array.shape)

    def size(self, dim: int | None = None):
        """The shape, or the size of one dimension."""
        if dim is None:
            return Size(self._array.shape)
        return self._array.shape[normal_dim(dim, self._array.ndim, "size")]

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    @property
    def ndim(self) -> int:
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    def stride(self, dim: int | None = None):
        """Elements from one index to the next, for every dimension or for one."""
        item = self._array.itemsize
        strides = tuple(step // item for step in self._array.strides)
        if self._array.size == 0:
            strides = contiguous_strides(self._array.shape)
        return strides if dim is None else strides[normal_dim(dim, self._array.ndim, "stride")]

    def is_contiguous(self) -> bool:
        """True where the elements lie in memory in the order of their indices."""
        return self._array.flags.c_contiguous

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._array.itemsize

    @property
    def itemsize(self) -> int:
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    def data_ptr(self) -> int:
        """The address of the first element."""
        return address(self._array)

    def storage_offset(self) -> int:
        """Elements between the start of the memory block and this tensor's first element."""
        owner = self._array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        start = owner.__array_interface__["data"][0]
        return (self.data_ptr() - start) // self._array.itemsize

    @property
    def device(self) -> device:
        return _cpu

    def is_floating_point(self) -> bool:
        """True for float32 and float64."""
        return self.dtype.is_floating_point

    def is_complex(self) -> bool:
        return False

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_inference(self) -> bool:
        """True for a tensor made under ``inference_mode``."""
        return self._inference

    # values

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The numpy array itself: both see each other's writes, but writes through it are not counted as in-place
        changes, so autograd does not notice them. RuntimeError for a tensor that requires grad, unless ``force``."""
        if self.requires_grad and not force:
            raise note(
                RuntimeError,
                "numpy",
                "expected a tensor that does not require grad; use tensor.detach().numpy()",
            )
        return self._array

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise fail(ValueError, "__array__", f"{array.dtype} for copy=False", np.dtype(dtype))
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_ufunc__(self, ufunc, how, *operands, out=None, **options):
        """numpy's functions on tensors: arithmetic and comparisons of an array and a tensor are the tensor's own
        operations, so they are recorded and give a Tensor; any other function gives a Tensor without history."""
        own = _operators.get(ufunc.__name__)
        if own is not None and how == "__call__" and out is None and not options:
            return own(*map(_operand, operands))
        operands = [each.numpy() if isinstance(each, Tensor) else each for each in operands]
        if out is not None:
            options["out"] = tuple(each.numpy() if isinstance(each, Tensor) else each for each in out)
        found = getattr(ufunc, how)(*operands, **options)
        if out is not None:
            for each in out:
                if isinstance(each, Tensor):
                    bump(each)
            return out[0] if len(out) == 1 else out
        if how == "at":
            return None
        return tuple(map(_wrapped, found)) if isinstance(found, tuple) else _wrapped(found)

    def item(self):
        """The one element as a Python number. RuntimeError for any other number of elements."""
        if self._array.size != 1:
            raise fail(RuntimeError, "item", "a tensor with one element", f"shape {tuple(self._array.shape)}")
        return self._array.item()

    def tolist(self):
        """Nested lists of Python numbers (a number for a 0-d tensor)."""
        return self._array.tolist()

    def __float__(self) -> float:
        return float(self._scalar("float"))

    def __int__(self) -> int:
        return int(self._scalar("int"))

    def __complex__(self) -> complex:
        return complex(self._scalar("complex"))

    def __index__(self) -> int:
        if self.dtype.is_floating_point or self._array.size != 1:
            raise fail(TypeError, "index", "an integer tensor with one element", describe(self))
        return int(self._array.item())

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise fail(
                RuntimeError, "bool", "a tensor with one element (else use any() or all())", describe(self)
            )
        return bool(self._array.item())

    def _scalar(self, op: str):
        if self._array.size != 1:
            raise fail(ValueError, op, "a tensor with one element", describe(self))
        if self.requires_grad:
            _warn_once(
                op,
                "converting a tensor with requires_grad=True to a Python number leaves its history behind; "
                "use tensor.detach() or tensor.item() to say so",
            )
        return self._array.item()

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise fail(TypeError, "len", "a tensor with dimensions", "a 0-d tensor")
        return self._array.shape[0]

    def __contains__(self, value) -> bool:
        if isinstance(value, Tensor):
            value = value._array
        elif not isinstance(value, (int, float, np.generic)):
            raise fail(RuntimeError, "contains", "a Tensor or a number", type(value).__name__)
        return bool((self._array == value).any())

    def __hash__(self) -> int:
        return id(self)

    # gradient

    @property
    def requires_grad(self) -> bool:
        """True where ``backward`` should reach this tensor."""
        if self._base is not None:
            self._refresh()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise fail(RuntimeError, "requires_grad", "a bool", type(value).__name__)
        if self.requires_grad is value:
            return
        if self._node is not None:
            raise note(
                RuntimeError,
                "requires_grad",
                "expected a leaf tensor, got the result of an operation; use detach()",
            )
        if value and not self.dtype.is_floating_point:
            raise fail(RuntimeError, "requires_grad", "a floating-point tensor", self.dtype)
        if value and self._inference and not mode.inference:
            raise note(
                RuntimeError,
                "requires_grad",
                "expected an ordinary tensor, got one made under inference_mode",
            )
        self._requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Sets ``requires_grad`` and returns the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` has added up, or None."""
        if self._grad is None and self._node is not None and not self._retains:
            import warnings

            warnings.warn(
                "grad: the .grad of a tensor that is not a leaf is not filled by backward(); "
                "call retain_grad() on it before, or read the .grad of the leaf",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise fail(TypeError, "grad", "a Tensor or None", type(value).__name__)
            if value is self:
                raise note(RuntimeError, "grad", "expected another tensor than the one whose gradient it is")
            if value._array.shape != self._array.shape or value.dtype is not self.dtype:
                raise fail(RuntimeError, "grad", f"{describe(self)} like its tensor", describe(value))
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def is_leaf(self) -> bool:
        """True for a tensor that no recorded operation made."""
        if self._base is not None:
            self._refresh()
        return self._node is None

    @property
    def retains_grad(self) -> bool:
        return self._retains and self._node is not None

    @property
    def _version(self) -> int:
        """How often the memory was changed in place."""
        if self._inference:
            raise note(
                RuntimeError,
                "_version",
                "expected an ordinary tensor: those of inference_mode count no changes",
            )
        return 0 if self._storage is None else self._storage.version

    def is_shared(self) -> bool:
        return False

    def __repr__(self, *, tensor_contents=None) -> str:
        from .printing import format_tensor

        node = self.grad_fn
        return format_tensor(
            self._array,
            dtype=self.dtype,
            requires_grad=self.requires_grad,
            grad_fn_name=None if node is None else node.name(),
            class_name=self._printed_name,
        )

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0:
            from .printing import format_scalar

            return format_scalar(self._array, spec)
        return object.__format__(self, spec)

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        if not self.is_leaf:
            raise note(
                RuntimeError,
                "deepcopy",
                "expected a leaf tensor, got the result of an operation; use detach()",
            )
        import copy

        twin = _new(type(self))
        memo[id(self)] = twin
        for name, value in self.__dict__.items():
            twin.__dict__[name] = copy.deepcopy(value, memo)
        twin._array = _copied_block(self._array, memo)
        twin.dtype = self.dtype
        twin._requires_grad = self._requires_grad
        if self._grad is not None:
            twin._grad = copy.deepcopy(self._grad, memo)
        return twin


# from_array(array, requires_grad=False) is a leaf Tensor on the array itself, nothing copied.
register_tensor(Tensor, {each.numpy.num: each for each in _all_dtypes}, _dtype_from_numpy)


def method(*names: str):
    """Registers the decorated function as a Tensor method under these names."""

    def register(function):
        for name in names:
            setattr(Tensor, name, function)
        return function

    return register


__all__ = [
    "Size",
    "Tensor",
    "bump",
    "describe",
    "device",
    "from_array",
    "method",
    "normal_dim",
    "storage_of",
]


def _copied_block(array: np.ndarray, memo: dict) -> np.ndarray:
    """A copy of the array. Tensors of one deepcopy that share memory go on sharing it: the block that owns the memory
    is copied, once, and each looks into the copy as it did into the block."""
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if owner.dtype != array.dtype or not (owner.flags.c_contiguous or owner.flags.f_contiguous):
        return copy_layout(array)
    block = memo.get(id(owner))
    if block is None:
        block = memo[id(owner)] = owner.copy(order="K")
        memo.setdefault(id(memo), []).append(owner)  # as copy does: kept so that its id stays its own
    if owner is array:
        return block
    offset = address(array) - address(owner)
    return np.ndarray(array.shape, array.dtype, block.ravel(order="A"), offset, array.strides)


_warned: set[str] = set()


def _warn_once(op: str, sentence: str) -> None:
    if op not in _warned:
        import warnings

        _warned.add(op)
        warnings.warn(f"{op}: {sentence}", UserWarning, stacklevel=4)


# numpy's functions that are operations of tensors.
_operators = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "matmul": operator.matmul,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
}


def _operand(value):
    """numpy's scalar as a Python number, its array as a Tensor on a copy that no later write of the user reaches."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return from_array(np.array(value, dtype=_dtype_from_numpy(value.dtype).numpy, order="C"))
    return value


def _wrapped(found) -> Tensor:
    return from_array(np.asarray(found))


def storage_of(tensor: Tensor) -> Storage:
    """The tensor's version record."""
    storage = tensor._storage
    if storage is None:
        storage = tensor._storage = Storage()
    return storage


def describe(value: object) -> str:
    """A value in a message: shape and dtype of a tensor, else the type's name."""
    if isinstance(value, Tensor):
        return f"shape {tuple(value._array.shape)} {value.dtype.name}"
    return type(value).__name__


def normal_dim(dim: int, ndim: int, op: str) -> int:
    """``dim`` counted from the front; IndexError where it lies outside. A 0-d tensor takes 0 and -1."""
    span = max(ndim, 1)
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise fail(TypeError, op, "dim to be an int", type(dim).__name__)
    dim = dim.__index__()
    if not -span <= dim < span:
        raise fail(IndexError, op, f"a dimension from {-span} to {span - 1}", dim)
    return dim + span if dim < 0 else dim
