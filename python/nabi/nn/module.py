# SPDX-License-Identifier: Apache-2.0
"""Module: the base class of every layer and every model."""

from __future__ import annotations

from collections import OrderedDict

from nabi.errors import fail, note, unsupported
from nabi.nn import hooks as _hooks
from nabi.nn.module_state import ModuleState
from nabi.nn.module_tree import ModuleTree
from nabi.nn.parameter import Buffer, Parameter
from nabi.nn.registry import Registry
from nabi.tensor import Tensor

_REGISTRIES = ("_parameters", "_buffers", "_modules")
# These come into being when somebody first looks at them. Looking at one that concerns a call makes __call__
# look at all.
_CALL_HOOKS = frozenset(
    (
        "_forward_hooks",
        "_forward_hooks_always_called",
        "_forward_hooks_with_kwargs",
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_backward_hooks",
        "_backward_pre_hooks",
    )
)
_RESERVED = _CALL_HOOKS | frozenset(_REGISTRIES)
_STATE_HOOKS = frozenset(
    (
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks",
    )
)
_ABSENT = object()


def _locate(error, module):
    """Put the path of the failed module in front of nabi's own error; each enclosing module lengthens it."""
    failed, path, message = error.__dict__.get(
        "nabi_module", (module, "", error.args[0] if error.args else "")
    )
    if failed is not module:
        for name, child in module.named_modules():
            if child is failed and name:
                path = f"{name}.{path}" if path else name
                failed = module
                break
    kind = error.__dict__.setdefault("nabi_kind", type(module).__name__)
    error.nabi_module = (failed, path, message)
    if path:
        error.args = (f"{path} ({kind}): {message}", *error.args[1:])


class Module(ModuleTree, ModuleState):
    """Base class of every layer and every model.

    A subclass calls ``super().__init__()``, assigns parameters and submodules to itself, and defines
    ``forward``. Submodules, Parameters and Buffers that are assigned are registered. ``self.weight`` is found
    as fast as any attribute; ``_parameters``, ``_buffers`` and ``_modules`` are what counts, and what is
    written into them is seen at once.

    An error that nabi raised inside a submodule is given that submodule's path: ``layers.4 (Linear): linear:
    expected ...``.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.layer = nn.Linear(2, 3)
        ...     def forward(self, x):
        ...         return self.layer(x).relu()
        >>> net = Net()
        >>> net
        Net(
          (layer): Linear(in_features=2, out_features=3, bias=True)
        )
        >>> net(nabi.ones(4, 2)).shape
        torch.Size([4, 3])
    """

    _version = 1
    _hooked = False  # True in a module that ever had a hook around its call, here once all modules have one
    dump_patches = False
    call_super_init = False

    def __init__(self, *args, **kwargs):
        if not self.call_super_init and (args or kwargs):
            got = repr(next(iter(kwargs))) if kwargs else f"{len(args)} positional"
            raise fail(TypeError, f"{type(self).__name__}.__init__", "no arguments for Module", got)
        namespace = self.__dict__
        namespace["training"] = True
        namespace["_non_persistent_buffers_set"] = set()
        for name in _REGISTRIES:
            registry = namespace[name] = Registry()
            registry.adopt(self)
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __call__(self, *args, **kwargs):
        try:
            if kwargs or self._hooked:
                return self._call(args, kwargs)
            return self.forward(*args)
        except Exception as error:
            if hasattr(error, "nabi_op"):
                _locate(error, self)
            raise

    def _call(self, args, kwargs):
        # Apart from __call__, which passes no empty dictionary on: 40 ns of the 130 that a call costs.
        if self._hooked:
            return _hooks.call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    def forward(self, *input):
        """Compute the output; every subclass defines it."""
        sentence = f'Module [{type(self).__name__}] is missing the required "forward" function'
        raise note(NotImplementedError, type(self).__name__, sentence)

    # Registration

    def _check_name(self, kind, name, registry):
        if registry not in self.__dict__:
            raise note(AttributeError, "Module", f"cannot assign {kind} before Module.__init__() call")
        self._own(registry)
        if not isinstance(name, str):
            raise fail(TypeError, "Module", f"a string as the name of a {kind}", type(name).__name__)
        if hasattr(self, name) and name not in self.__dict__[registry]:
            raise note(KeyError, "Module", f"attribute '{name}' already exists")
        if "." in name or not name:
            raise fail(KeyError, "Module", f'the name of a {kind} not to be empty or contain "."', repr(name))

    def register_parameter(self, name, param) -> None:
        """Add a Parameter, or None to keep the name free for one.

        Raises:
            AttributeError: before Module.__init__().
            KeyError: name is empty, contains a dot or is taken.
            TypeError: param is no Parameter.
            ValueError: param is the result of a computation.
        """
        self._check_name("parameter", name, "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise fail(
                    TypeError,
                    "Module",
                    f"an nn.Parameter or None as parameter '{name}'",
                    type(param).__name__,
                )
            if param.grad_fn is not None:
                sentence = f"a leaf as parameter '{name}'; compute it from other tensors in forward() instead"
                raise fail(ValueError, "Module", sentence, "a result with grad_fn")
            param = _hooks.run_registration_hooks(
                _hooks.global_parameter_registration_hooks, self, name, param
            )
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True) -> None:
        """Add a tensor that is no parameter, for example a running mean.

        Args:
            name: the attribute that it becomes.
            tensor: a Tensor, or None, which is left out of the state_dict.
            persistent: whether it is part of the state_dict.
        """
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise fail(TypeError, "Module", f"a Tensor or None as buffer '{name}'", type(tensor).__name__)
        tensor = _hooks.run_registration_hooks(_hooks.global_buffer_registration_hooks, self, name, tensor)
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(
            name
        )

    def add_module(self, name, module) -> None:
        """Add a submodule, or None to keep the name free for one."""
        if module is not None and not isinstance(module, Module):
            raise fail(TypeError, "Module", f"an nn.Module or None as module '{name}'", type(module).__name__)
        self._check_name("module", name, "_modules")
        module = _hooks.run_registration_hooks(_hooks.global_module_registration_hooks, self, name, module)
        self._modules[name] = module

    def register_module(self, name, module) -> None:
        """Another name of add_module."""
        self.add_module(name, module)

    # Attributes

    def __setattr__(self, name, value):
        namespace = self.__dict__
        if isinstance(value, (Parameter, Module, Buffer)) or (
            "_modules" in namespace
            and (
                name in namespace["_parameters"]
                or name in namespace["_buffers"]
                or name in namespace["_modules"]
            )
        ):
            self._assign(namespace, name, value)
        elif name in _RESERVED:
            self._assign_reserved(namespace, name, value)
        else:
            object.__setattr__(self, name, value)

    def _assign(self, namespace, name, value):
        """What assigning does when the value or the name concerns a registry."""
        ready = "_modules" in namespace
        if isinstance(value, Parameter):
            kind = "_parameters"
        elif ready and name in namespace["_parameters"]:
            if value is not None:
                got = type(value).__name__
                raise fail(TypeError, "Module", f"an nn.Parameter or None as parameter '{name}'", got)
            self.register_parameter(name, None)
            return
        elif isinstance(value, Module):
            kind = "_modules"
        elif ready and name in namespace["_modules"]:
            if value is not None:
                got = type(value).__name__
                raise fail(TypeError, "Module", f"an nn.Module or None as module '{name}'", got)
            self._set_module(namespace, name, None)
            return
        else:
            kind = "_buffers"
        if not ready:
            what = {"_parameters": "parameters", "_modules": "module", "_buffers": "buffer"}[kind]
            raise note(AttributeError, "Module", f"cannot assign {what} before Module.__init__() call")
        registry = self._own(kind)
        if kind == "_buffers":
            self._assign_buffer(name, value)
            return
        for other in _REGISTRIES:
            if other != kind:
                namespace[other].pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        if namespace.get(name, _ABSENT) is not registry.get(name, _ABSENT):
            namespace.pop(name, None)  # an ordinary attribute gives way
        if kind == "_parameters":
            self.register_parameter(name, value)
        else:
            self._set_module(namespace, name, value)

    def _set_module(self, namespace, name, module):
        hook_table = _hooks.global_module_registration_hooks
        namespace["_modules"][name] = _hooks.run_registration_hooks(hook_table, self, name, module)

    def _assign_buffer(self, name, value):
        if value is not None and not isinstance(value, Tensor):
            raise fail(
                TypeError,
                "Module",
                f"a Tensor, an nn.Buffer or None as buffer '{name}'",
                type(value).__name__,
            )
        if isinstance(value, Buffer):
            persistent = value.persistent
        else:
            persistent = name not in self._non_persistent_buffers_set
        if persistent:  # subclasses that override register_buffer may lack the argument
            self.register_buffer(name, value)
        else:
            self.register_buffer(name, value, persistent=False)

    def _own(self, kind):
        """The registry of this kind. In a copy whose __dict__ was filled by hand it may not know its module yet."""
        registry = self.__dict__[kind]
        if not isinstance(registry, Registry):
            registry = self.__dict__[kind] = Registry(registry)
        if not registry.belongs_to(self):
            registry.adopt(self)
        return registry

    def _assign_reserved(self, namespace, name, value):
        if name in _CALL_HOOKS:
            namespace["_hooked"] = True
            namespace[name] = value
            return
        old = namespace.get(name)  # module._modules = {...}: the attributes follow
        if isinstance(old, Registry):
            old.release(self)
        registry = namespace[name] = Registry(value)
        registry.adopt(self)

    def __getattr__(self, name):
        # Only reached when the ordinary look-up failed.
        namespace = self.__dict__
        for kind in _REGISTRIES:
            registry = namespace.get(kind)
            if registry is not None and name in registry:
                return registry[name]
        if name in _CALL_HOOKS and "_modules" in namespace:
            namespace["_hooked"] = True
            return namespace.setdefault(name, OrderedDict())
        if name in _STATE_HOOKS and "_modules" in namespace:
            return namespace.setdefault(name, OrderedDict())
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'", name=name, obj=self)

    def __delattr__(self, name):
        for kind in _REGISTRIES:
            if name in self.__dict__.get(kind, ()):
                del self.__dict__[kind][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        names = set(dir(type(self))) | set(self.__dict__)
        for kind in _REGISTRIES:
            names.update(self.__dict__.get(kind, ()))
        return sorted(name for name in names if not name[0].isdigit())

    def __getstate__(self):
        state = self.__dict__.copy()
        for kind in _REGISTRIES:
            for name, value in state.get(kind, {}).items():
                if state.get(name, _ABSENT) is value:
                    del state[name]
        return state

    def __setstate__(self, state):
        namespace = self.__dict__
        namespace.update(state)
        for kind in _REGISTRIES:
            registry = namespace.get(kind, {})
            if not isinstance(registry, Registry):
                registry = Registry(registry)
            namespace[kind] = registry
            registry.adopt(self)
        namespace.setdefault("_non_persistent_buffers_set", set())

    # Hooks

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Run ``hook(module, args)`` before forward; what it returns replaces the arguments.

        Args:
            hook: a function; with with_kwargs called as ``hook(module, args, kwargs)``, it may return both.
            prepend: run before the hooks that are registered already.

        Returns:
            a handle whose ``remove()`` takes the hook away.
        """
        marks = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return _hooks.add_hook(self._call_hooks("_forward_pre_hooks"), hook, prepend, marks)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Run ``hook(module, args, output)`` after forward; what it returns replaces the output.

        Args:
            hook: a function; with with_kwargs it is called as ``hook(module, args, kwargs, output)``.
            prepend: run before the hooks that are registered already.
            always_call: run it when an exception was raised, too.

        Returns:
            a handle whose ``remove()`` takes the hook away.
        """
        marks = [self._forward_hooks_with_kwargs] if with_kwargs else []
        marks += [self._forward_hooks_always_called] if always_call else []
        return _hooks.add_hook(self._call_hooks("_forward_hooks"), hook, prepend, marks)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Run ``hook(module, grad_output)`` before the module's backward; a result replaces grad_output."""
        return _hooks.add_hook(self._call_hooks("_backward_pre_hooks"), hook, prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Run ``hook(module, grad_input, grad_output)`` once the gradients of the module's inputs are known.

        What the hook returns replaces grad_input. Both are tuples with None for what is no tensor. Only
        positional inputs count; if none of them needs a gradient the hook runs when the gradients of the
        outputs are known, with a warning.
        """
        return _hooks.add_hook(self._call_hooks("_backward_hooks"), hook, prepend)

    def register_backward_hook(self, hook):
        """Deprecated in PyTorch and not supported; use register_full_backward_hook."""
        raise unsupported("Module.register_backward_hook", "use register_full_backward_hook")

    def _call_hooks(self, name):
        self.__dict__["_hooked"] = True
        return getattr(self, name)

    # Text

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self) -> str:
        """What the repr shows between the brackets: the settings, on one line or several."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return "\n  ".join([f"{self._get_name()}(", *lines, *children]) + "\n)"


def indent(text: str) -> str:
    """Every line but the first two spaces further in; blank lines stay empty."""
    first, *rest = text.split("\n")
    return "\n".join([first, *("  " + line if line.strip() else "" for line in rest)])
