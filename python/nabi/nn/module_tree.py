# SPDX-License-Identifier: Apache-2.0
"""What a Module knows about everything below it: listing, finding and changing it."""

from __future__ import annotations

from nabi.autograd import no_grad
from nabi.dtype import dtype as Dtype
from nabi.dtype import float32, float64
from nabi.errors import fail, note, unsupported
from nabi.ops.creation import empty_like
from nabi.tensor import Tensor
from nabi.tensor import device as Device


class ModuleTree:
    """The part of Module that walks its tree; never used alone."""

    # Listing

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Every module of the tree as (path, module), itself first; each once if remove_duplicate."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate=True):
        """Every module of the tree, itself first."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_children(self):
        """The modules directly below as (name, module), each once."""
        memo = set()
        for name, module in self._modules.items():
            if module is not None and module not in memo:
                memo.add(module)
                yield name, module

    def children(self):
        """The modules directly below, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(self, get_members_fn, prefix="", recurse=True, remove_duplicate=True):
        memo = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or member in memo:
                    continue
                if remove_duplicate:
                    memo.add(member)
                yield f"{path}.{name}" if path else name, member

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Parameters as (path, parameter).

        Args:
            prefix: put in front of every path.
            recurse: with those of submodules.
            remove_duplicate: a parameter shared by several modules comes once.
        """
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """Parameters, each once; what an optimizer is given."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Buffers as (path, buffer); arguments as for named_parameters."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """Buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    # Finding

    def get_submodule(self, target):
        """The module at a dotted path such as ``"layers.4"``; the empty path is the module itself.

        Raises:
            AttributeError: a part of the path does not exist or is no module.
        """
        module = self
        for name in target.split(".") if target else ():
            module = _member(module, name, "nn.Module", lambda found: isinstance(found, ModuleTree))
        return module

    def set_submodule(self, target, module, strict=False) -> None:
        """Put module at a dotted path, replacing what is there.

        Args:
            target: the path; its parent must exist.
            module: the new module.
            strict: the path must exist already.

        Raises:
            ValueError: target is empty or module is no Module.
            AttributeError: the parent does not exist, the place holds something else, or strict and nothing
            is there.
        """
        if not target:
            raise fail(ValueError, "Module.set_submodule", "a path", "an empty string")
        if not isinstance(module, ModuleTree):
            raise fail(ValueError, "Module.set_submodule", "an nn.Module", type(module).__name__)
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            _member(parent, name, "nn.Module", lambda found: isinstance(found, ModuleTree))
        setattr(parent, name, module)

    def get_parameter(self, target):
        """The parameter at a dotted path such as ``"layers.4.weight"``; AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        return _member(
            module, name, "nn.Parameter", lambda found: found is not None and name in module._parameters
        )

    def get_buffer(self, target):
        """The buffer at a dotted path; AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        return _member(module, name, "buffer", lambda found: name in module._buffers)

    # Changing

    def apply(self, fn):
        """Call ``fn(module)`` on every submodule, then on the module itself; returns it. For initialisation.

        Example:
            >>> import nabi.nn as nn
            >>> def zero(module):
            ...     if isinstance(module, nn.Linear):
            ...         nn.init.zeros_(module.weight)
            >>> _ = nn.Sequential(nn.Linear(2, 2)).apply(zero)
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode=True):
        """Switch the tree to training (dropout drops), or with False to evaluation; returns the module."""
        if not isinstance(mode, bool):
            raise fail(ValueError, "Module.train", "a boolean mode", type(mode).__name__)
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Switch the tree to evaluation; the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Say for every parameter whether gradients are wanted; returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True) -> None:
        """Forget every parameter's gradient, or with set_to_none=False fill it with zeros."""
        for parameter in self.parameters():
            clear_grad(parameter, set_to_none)

    def _apply(self, fn, recurse=True):
        """Replace the data of parameters, of their gradients and of buffers by fn of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is None:
                    continue
                grad = parameter.grad
                parameter.grad = None  # a gradient must have its parameter's dtype at every moment
                parameter.data = fn(parameter)
                if grad is not None:
                    grad.data = fn(grad)
                    parameter.grad = grad
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, **kwargs):
        """Convert parameters and buffers: ``to(dtype)``, ``to(device)``, both, or ``to(tensor)``.

        Only floating point parameters and buffers are converted; the only device is the CPU. Returns the
        module.

        Raises:
            TypeError: dtype is not floating point.
        """
        device, dtype = _parse_to(*args, **kwargs)
        if dtype is not None and not dtype.is_floating_point:
            raise fail(TypeError, "Module.to", "a floating point dtype", dtype)

        def convert(tensor):
            target = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
            return tensor.to(target) if device is None else tensor.to(device, target)

        return self._apply(convert)

    def type(self, dst_type):
        """Convert every parameter and buffer to a dtype; returns the module."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def float(self):
        """Convert floating point parameters and buffers to float32; returns the module."""
        return self.to(float32)

    def double(self):
        """Convert floating point parameters and buffers to float64; returns the module."""
        return self.to(float64)

    def cpu(self):
        """The module itself: it is on the CPU already."""
        return self

    def compile(self, *args, **kwargs) -> None:
        """Accepted, no effect: nabi runs what was written."""

    def half(self):
        """Not supported."""
        raise unsupported("Module.half", "use float()")

    def bfloat16(self):
        """Not supported yet."""
        raise unsupported("Module.bfloat16", "use float()")

    def cuda(self, device=None):
        """Not supported: nabi computes on the CPU."""
        raise unsupported("Module.cuda", "everything is on the CPU already")

    ipu = xpu = mtia = cuda

    def to_empty(self, *, device, recurse=True):
        """Replace parameters and buffers by others of the same shape whose values are not set; returns the module."""
        Device(device)
        return self._apply(empty_like, recurse=recurse)

    def share_memory(self):
        """Not supported."""
        raise unsupported("Module.share_memory", "use state_dict() to hand the values to another process")


def clear_grad(parameter, set_to_none) -> None:
    """Forget parameter.grad, or cut it from its graph and fill it with zeros."""
    grad = parameter.grad
    if grad is None:
        return
    if set_to_none:
        parameter.grad = None
        return
    if grad.grad_fn is not None:
        grad.detach_()
    else:
        grad.requires_grad_(False)
    grad.zero_()


def _member(module, name, what, fits):
    if not hasattr(module, name):
        raise note(AttributeError, type(module).__name__, f"has no attribute `{name}`")
    found = getattr(module, name)
    if not fits(found):
        raise note(
            AttributeError,
            type(module).__name__,
            f"`{name}` is not {'a' if what == 'buffer' else 'an'} {what}",
        )
    return found


def _parse_to(
    *args, device=None, dtype=None, non_blocking=False, tensor=None, other=None, memory_format=None
):
    """The device and dtype that the arguments of to() ask for."""
    if memory_format is not None:
        raise unsupported("Module.to(memory_format=...)", "tensors keep the strides that they have")
    for given in (*args, tensor, other):
        if isinstance(given, Dtype):
            dtype = given
        elif isinstance(given, Tensor):
            dtype = given.dtype
        elif given is not None and not isinstance(given, bool):
            device = given
    if dtype is not None and not isinstance(dtype, Dtype):
        raise fail(TypeError, "Module.to", "a dtype", type(dtype).__name__)
    return device, dtype
