# SPDX-License-Identifier: Apache-2.0
"""Optimizer: what every optimizer shares. Groups of parameters, state, hooks, saving and loading."""

from __future__ import annotations

import functools
import numbers
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from itertools import chain

from nabi.errors import fail, note
from nabi.nn.hooks import add_hook
from nabi.nn.module_tree import clear_grad
from nabi.tensor import Tensor

required = object()  # as a default: every group must say
_global_pre_hooks = OrderedDict()
_global_post_hooks = OrderedDict()
_any_global_hook = []
_HOOKS = (
    "step_pre",
    "step_post",
    "state_dict_pre",
    "state_dict_post",
    "load_state_dict_pre",
    "load_state_dict_post",
)


def register_optimizer_step_pre_hook(hook):
    """Run ``hook(optimizer, args, kwargs)`` before every optimizer's step; returns a handle."""
    _any_global_hook[:] = [True]
    return add_hook(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook):
    """Run ``hook(optimizer, args, kwargs)`` after every optimizer's step; returns a handle."""
    _any_global_hook[:] = [True]
    return add_hook(_global_post_hooks, hook)


def check_not_negative(op: str, **options) -> None:
    """Every option must be a number of at least 0, or a tensor that holds one; NaN is refused."""
    for name, value in options.items():
        if not isinstance(value, (numbers.Real, Tensor)):
            raise fail(TypeError, op, f"a number as {name}", type(value).__name__)
        if isinstance(value, Tensor) and value.numel() != 1:
            raise fail(ValueError, op, f"a tensor {name} with 1 element", f"shape {tuple(value.shape)}")
        if not float(value) >= 0.0:
            raise fail(ValueError, op, f"{name} >= 0", value)


def _hooked(step):
    @functools.wraps(step)
    def wrapper(self, *args, **kwargs):
        if self._step_hooked or _any_global_hook:
            return self._step_with_hooks(step, args, kwargs)
        return step(self, *args, **kwargs)

    wrapper.hooked = True
    return wrapper


class Optimizer:
    """Base class of all optimizers; a subclass defines ``step``.

    Args:
        params: tensors, pairs (name, tensor), or dicts with a key "params" and options of their own.
        defaults: the options of groups that do not say otherwise.

    Raises:
        TypeError: params is a tensor or holds something that is none.
        ValueError: params is empty, holds a tensor that is the result of a computation, or one tensor in two
        groups.

    Source: https://docs.pytorch.org/docs/stable/optim.html

    Example:
        >>> import nabi
        >>> import nabi.nn as nn
        >>> model = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 1))
        >>> groups = [{"params": model[0].parameters()}, {"params": model[1].parameters(), "lr": 0.01}]
        >>> optimizer = nabi.optim.SGD(groups, lr=0.1)
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
    """

    _step_hooked = False
    _one_by_one = False  # a group holds a parameter twice, or several dtypes: not for one kernel call

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.step)

    def __init__(self, params, defaults):
        self.defaults = defaults
        self._make_hook_tables()
        op = type(self).__name__
        if isinstance(params, Tensor):
            raise fail(TypeError, op, "params to be an iterable of tensors or dicts", "a tensor")
        if not isinstance(params, Iterable):
            raise fail(TypeError, op, "params to be an iterable of tensors or dicts", type(params).__name__)
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise fail(ValueError, op, "at least one parameter", "an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def _make_hook_tables(self):
        for name in _HOOKS:
            self.__dict__.setdefault(f"_optimizer_{name}_hooks", OrderedDict())

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._make_hook_tables()
        self._one_by_one = any(_is_mixed(group["params"]) for group in self.param_groups)
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for number, group in enumerate(self.param_groups):
            options = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            text += f"\nParameter Group {number}\n{options}"
        return text + ")"

    # Groups

    def add_param_group(self, param_group) -> None:
        """Add a group of parameters, for example layers that are thawed later.

        Args:
            param_group: a dict with the key "params" (a tensor, or tensors or pairs in an ordered collection)
                and options.
        """
        op = type(self).__name__
        if not isinstance(param_group, dict):
            raise fail(TypeError, op, "a dict as parameter group", type(param_group).__name__)
        given = param_group["params"]
        if isinstance(given, set):
            raise fail(
                TypeError,
                op,
                "parameters in an ordered collection",
                "a set, whose order changes between runs",
            )
        given = [given] if isinstance(given, Tensor) else list(given)
        names = [item[0] for item in given if isinstance(item, tuple)]
        params = param_group["params"] = [item[1] if isinstance(item, tuple) else item for item in given]
        if names:
            if len(names) != len(params):
                raise fail(
                    ValueError,
                    op,
                    "all parameters with names, or none",
                    f"{len(names)} names of {len(params)}",
                )
            param_group["param_names"] = names
        for param in params:
            if not isinstance(param, Tensor):
                raise fail(TypeError, op, "tensors to optimize", type(param).__name__)
            if not (
                self.defaults.get("differentiable") or param.is_leaf or getattr(param, "retains_grad", False)
            ):
                raise fail(ValueError, op, "leaf tensors to optimize", "the result of a computation")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise fail(ValueError, op, f"a value of {name} in every parameter group", "none")
            param_group.setdefault(name, default)
        mine = set(params)
        if len(mine) != len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        for group in self.param_groups:
            if ("param_names" in group) != ("param_names" in param_group):
                raise fail(ValueError, op, "all parameter groups with names, or none", "both kinds")
            if not mine.isdisjoint(group["params"]):
                raise fail(
                    ValueError, op, "every parameter in one group", "one that appears in more than one group"
                )
        self.param_groups.append(param_group)
        self._one_by_one = self._one_by_one or _is_mixed(params)

    def zero_grad(self, set_to_none=True) -> None:
        """Forget the gradients of all parameters, or with set_to_none=False fill them with zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    if set_to_none:
                        param.grad = None
                    else:
                        clear_grad(param, False)

    # Stepping

    def step(self, closure=None):
        """Change the parameters once; returns what closure returned."""
        raise note(NotImplementedError, type(self).__name__, "step() is not defined")

    def _step_with_hooks(self, step, args, kwargs):
        if self.__dict__.get("_stepping"):  # super().step() inside a step
            return step(self, *args, **kwargs)
        args = (self, *args)
        for hook in chain(tuple(_global_pre_hooks.values()), tuple(self._optimizer_step_pre_hooks.values())):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    sentence = "a step pre-hook must return None or a tuple of (new_args, new_kwargs)"
                    raise note(RuntimeError, type(self).__name__, f"{sentence}, but got {changed}.")
                args, kwargs = changed
        self._stepping = True
        try:
            result = step(*args, **kwargs)
        finally:
            self._stepping = False
        for hook in chain(
            tuple(self._optimizer_step_post_hooks.values()), tuple(_global_post_hooks.values())
        ):
            hook(self, args, kwargs)
        return result

    def register_step_pre_hook(self, hook):
        """Run ``hook(optimizer, args, kwargs)`` before each step; a result replaces both."""
        self._step_hooked = True
        return add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Run ``hook(optimizer, args, kwargs)`` after each step; returns a handle."""
        self._step_hooked = True
        return add_hook(self._optimizer_step_post_hooks, hook)

    # Saving and loading

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Run ``hook(optimizer)`` before state_dict(); returns a handle."""
        return add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Run ``hook(optimizer, state_dict)`` after state_dict(); a result replaces it. Returns a handle."""
        return add_hook(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Run ``hook(optimizer, state_dict)`` before loading; a result is loaded instead."""
        return add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Run ``hook(optimizer)`` after loading; returns a handle."""
        return add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    def state_dict(self):
        """The state and the options of all groups in PyTorch's form, with numbers for parameters.

        Returns:
            ``{"state": {number: {name: tensor}}, "param_groups": [{option: value, "params": [number]}]}``;
            the tensors are the optimizer's own.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        numbers_of, groups, start = {}, [], 0
        for group in self.param_groups:
            for number, param in enumerate(group["params"], start):
                numbers_of.setdefault(param, number)
            packed = {name: value for name, value in group.items() if name != "params"}
            packed["params"] = [numbers_of[param] for param in group["params"]]
            groups.append(packed)
            start += len(packed["params"])
        state = {numbers_of[k] if isinstance(k, Tensor) else k: value for k, value in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict) -> None:
        """Take over the state and the options that state_dict() gave, PyTorch's or nabi's.

        Tensors are copied and converted to the dtype of their parameter, except those called "step". Nothing
        is changed when the groups do not fit.

        Raises:
            ValueError: another number of groups, or of parameters in a group.
        """
        import copy

        op = f"{type(self).__name__}.load_state_dict"
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved_groups = copy.deepcopy(state_dict["param_groups"])
        if len(saved_groups) != len(self.param_groups):
            raise fail(ValueError, op, f"{len(self.param_groups)} parameter groups", len(saved_groups))
        owner = {}
        for number, (group, saved) in enumerate(zip(self.param_groups, saved_groups, strict=True)):
            if len(group["params"]) != len(saved["params"]):
                expected = f"{len(group['params'])} parameters in group {number}"
                raise fail(ValueError, op, expected, len(saved["params"]))
            owner.update(zip(saved["params"], group["params"], strict=True))
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owner:
                state[owner[key]] = _converted(owner[key], value)
            else:
                state[key] = value
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)


def _is_mixed(params) -> bool:
    return len(set(params)) != len(params) or len({param.dtype for param in params}) > 1


def _converted(param, value, key=None):
    """A copy of value, its tensors of param's dtype if that is floating point."""
    if isinstance(value, Tensor):
        if key == "step" or not param.is_floating_point():
            return value.detach().clone()
        converted = value.detach().to(param.dtype)
        return converted.clone() if converted.dtype is value.dtype else converted
    if isinstance(value, dict):
        return {name: _converted(param, inner, name) for name, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_converted(param, inner) for inner in value)
    return value
