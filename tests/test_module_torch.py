# SPDX-License-Identifier: Apache-2.0
"""nn.Module against PyTorch's: the same small script runs on both, and what it prints, returns or raises must agree."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict

import numpy as np
import pytest

import nabi

torch = pytest.importorskip("torch")

SCENARIOS = []


def scenario(function):
    """Run on both; results must be equal, exceptions of the same class (message too where `same_message`)."""
    SCENARIOS.append(pytest.param(function, id=function.__name__))
    return function


def plain(value):
    """Tensors as lists, containers walked; everything else as it is."""
    if isinstance(value, (torch.Tensor, nabi.Tensor)):
        return value.detach().numpy().tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def outcome(function, lib):
    """Result or class of exception, with the categories of the warnings."""
    lib.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = plain(function(lib, lib.nn))
        except Exception as error:
            result = type(error)
    return result, [warning.category for warning in caught]


def trial(action):
    """The class of what an action raises, or its result."""
    try:
        return plain(action())
    except Exception as error:
        return type(error).__name__


def make_net(nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Dropout(0.2))
            self.heads = nn.ModuleList([nn.Linear(8, 2) for _ in range(3)] + [nn.Identity()])
            self.lookup = nn.ModuleDict({"a": nn.Sigmoid(), "b": nn.Flatten()})
            self.loss = nn.CrossEntropyLoss()
            self.empty = nn.Sequential()
            self.register_module("nothing", None)

        def forward(self, x):
            return self.heads[0](self.features(x))

        def extra_repr(self):
            return "one=1,\ntwo=2"

    return Net()


@scenario
def representations(lib, nn):
    named = nn.Sequential(OrderedDict(first=nn.Linear(2, 3, bias=False), second=nn.Unflatten(1, (3, 1))))
    lists = nn.ModuleList([nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(2)])
    lists.append(nn.Linear(1, 1))
    p = nn.Parameter(lib.zeros(2, 3))
    return [
        repr(make_net(nn)),
        repr(named),
        repr(lists),
        repr(nn.ModuleList()),
        repr(nn.ModuleDict()),
        repr(nn.Sequential(nn.ModuleList([nn.Linear(1, 1)] * 2))),
        repr(nn.ParameterList([p])),
        repr(nn.ParameterList([p, lib.ones(1), 3])),
        repr(nn.ParameterDict({"b": p, "a": 3})),
        repr(nn.Flatten(0, -2)),
        repr(nn.BCELoss()),
        repr(nn.Module()),
        str(p),
        repr(nn.Dropout(0.25, inplace=True)),
    ]


@scenario
def listing(lib, nn):
    net = make_net(nn)
    net.shared = net.heads[0]
    net.register_buffer("steps", lib.zeros(3))
    net.register_buffer("hidden", lib.zeros(1), persistent=False)
    return [
        [name for name, _ in net.named_parameters()],
        [name for name, _ in net.named_parameters(recurse=False)],
        [name for name, _ in net.named_parameters(prefix="p", remove_duplicate=False)],
        [name for name, _ in net.named_buffers()],
        [name for name, _ in net.named_modules()],
        [name for name, _ in net.named_modules(remove_duplicate=False)],
        [name for name, _ in net.named_children()],
        len(list(net.children())),
        len(list(net.modules())),
        list(net.state_dict()),
        dict(net.state_dict()._metadata),
        len(list(net.buffers())),
    ]


@scenario
def initial_values(lib, nn):
    net = make_net(nn)
    return [p.detach().numpy().tolist() for p in net.parameters()] + [
        nn.Linear(3, 2).weight,
        nn.Linear(2, 1).bias,
    ]


@scenario
def empty_linear(lib, nn):
    layer = nn.Linear(0, 3)
    return [list(layer.weight.shape), layer.bias]


@scenario
def attributes(lib, nn):
    module = nn.Module()
    p = nn.Parameter(lib.zeros(1))
    results = [
        trial(lambda: setattr(module, "w", p)),
        trial(lambda: setattr(module, "w", 3)),
        trial(lambda: setattr(module, "w", nn.ReLU())),
        trial(lambda: setattr(module, "w", None)),
        [name for name, _ in module.named_parameters()],
        trial(lambda: setattr(module, "w", p)),
        trial(lambda: setattr(module, "m", nn.ReLU())),
        trial(lambda: setattr(module, "m", lib.zeros(1))),
        trial(lambda: setattr(module, "m", nn.Buffer(lib.zeros(1)))),
        trial(lambda: setattr(module, "m", None)),
        list(module._modules.items()),
        trial(lambda: setattr(module, "m", p)),
        list(module._modules),
        trial(lambda: module.register_buffer("b", lib.zeros(1))),
        trial(lambda: setattr(module, "b", 3)),
        trial(lambda: setattr(module, "b", lib.ones(1))),
        module._buffers["b"],
        trial(lambda: setattr(module, "b", p)),
        list(module._buffers),
        trial(lambda: delattr(module, "b")),
        trial(lambda: module.b),
        trial(lambda: delattr(module, "b")),
        trial(lambda: delattr(module, "nothing")),
        trial(lambda: module.nothing),
        hasattr(module, "w"),
        [name for name in dir(module) if name in ("w", "m", "b", "forward", "training", "_parameters")],
    ]
    module.plain = 3
    results.append(trial(lambda: setattr(module, "plain", p)))
    results.append(list(module._parameters))
    module.other = None
    results.append(trial(lambda: setattr(module, "other", nn.Buffer(lib.zeros(1)))))
    results.append(trial(lambda: setattr(module, "other", nn.ReLU())))
    return results


@scenario
def registration_errors(lib, nn):
    module = nn.Module()
    leaf = lib.zeros(1, requires_grad=True)
    return [
        trial(lambda: module.register_parameter(3, None)),
        trial(lambda: module.register_parameter("a.b", None)),
        trial(lambda: module.register_parameter("", None)),
        trial(lambda: module.register_parameter("training", None)),
        trial(lambda: module.register_parameter("x", lib.zeros(1))),
        trial(lambda: module.register_parameter("x", None)),
        trial(lambda: module.register_parameter("x", nn.Parameter(lib.zeros(1)))),
        trial(lambda: module.register_buffer(3, None)),
        trial(lambda: module.register_buffer("a.b", None)),
        trial(lambda: module.register_buffer("", None)),
        trial(lambda: module.register_buffer("forward", None)),
        trial(lambda: module.register_buffer("y", 3)),
        trial(lambda: module.register_buffer("y", leaf * 2)),
        trial(lambda: module.add_module(3, None)),
        trial(lambda: module.add_module("a.b", None)),
        trial(lambda: module.add_module("", None)),
        trial(lambda: module.add_module("forward", None)),
        trial(lambda: module.add_module("z", 3)),
        trial(lambda: module.register_module("z", nn.ReLU())),
        trial(lambda: nn.Module(3)),
        trial(lambda: nn.Module(a=3)),
        trial(lambda: module(1)),
    ]


@scenario
def before_init(lib, nn):
    class Early(nn.Module):
        def __init__(self, value):
            self.value = value
            super().__init__()

    return [
        trial(lambda: Early(nn.Parameter(lib.zeros(1)))),
        trial(lambda: Early(nn.ReLU())),
        trial(lambda: Early(nn.Buffer(lib.zeros(1)))),
        trial(lambda: Early(3).value),
    ]


@scenario
def paths(lib, nn):
    net = make_net(nn)
    net.register_buffer("steps", lib.zeros(3))
    net.plain = 3
    return [
        repr(net.get_submodule("heads.1")),
        net.get_submodule("") is net,
        trial(lambda: net.get_submodule("heads.9")),
        trial(lambda: net.get_submodule("plain")),
        trial(lambda: net.get_submodule("heads.0.weight")),
        list(net.get_parameter("heads.0.weight").shape),
        trial(lambda: net.get_parameter("heads.0.nothing")),
        trial(lambda: net.get_parameter("steps")),
        trial(lambda: net.get_parameter("heads.0")),
        net.get_buffer("steps"),
        trial(lambda: net.get_buffer("heads.0.weight")),
        trial(lambda: net.get_buffer("x")),
        trial(lambda: net.set_submodule("heads.1", nn.ReLU())),
        repr(net.heads),
        trial(lambda: net.set_submodule("heads.9", nn.ReLU(), strict=True)),
        trial(lambda: net.set_submodule("fresh", nn.ReLU())),
        trial(lambda: net.set_submodule("", nn.ReLU())),
        trial(lambda: net.set_submodule("fresh", 3)),
        trial(lambda: net.set_submodule("plain", nn.ReLU())),
        trial(lambda: net.set_submodule("x.y", nn.ReLU())),
    ]


@scenario
def modes(lib, nn):
    net = make_net(nn)
    net.eval()
    results = [[m.training for m in net.modules()], net.train() is net, [m.training for m in net.modules()]]
    results.append(trial(lambda: net.train(1)))
    net.requires_grad_(False)
    results.append([p.requires_grad for p in net.parameters()])
    order = []
    results.append(net.apply(lambda m: order.append(type(m).__name__)) is net)
    results.append(order)
    return results


@scenario
def zero_grad(lib, nn):
    layer = nn.Linear(2, 1)
    layer(lib.ones(1, 2)).sum().backward()
    layer.zero_grad(set_to_none=False)
    kept = layer.weight.grad.tolist()
    layer.zero_grad()
    return [kept, layer.weight.grad, layer.bias.grad]


@scenario
def sequential(lib, nn):
    s = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sigmoid())
    results = [repr(s[0]), repr(s[-1]), repr(s[1:]), len(s), repr(list(s))]
    results += [trial(lambda: s[3]), trial(lambda: s[-4]), trial(lambda: s["a"])]
    s[1] = nn.Identity()
    results.append(repr(s))
    results.append(repr(s.append(nn.ReLU())))
    results.append(repr(s.insert(1, nn.Flatten())))
    results.append(repr(s.insert(-1, nn.Flatten(0))))
    results += [trial(lambda: s.insert(99, nn.ReLU())), trial(lambda: s.insert(0, 3))]
    results.append(repr(s.pop(0)))
    results.append(repr(s))
    del s[0:2]
    results.append(repr(s))
    results.append(repr(s.extend([nn.ReLU()])))
    results.append(repr(s + nn.Sequential(nn.Identity())))
    results += [
        trial(lambda: s + 3),
        trial(lambda: s * 0),
        trial(lambda: s * 1.5),
        trial(lambda: s.append(3)),
    ]
    results.append(repr(s * 2))
    results.append(repr(2 * s))
    s *= 2
    s += nn.Sequential(nn.ReLU())
    results.append(repr(s))
    results.append([n for n in dir(s) if n.isdigit()])
    named = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Identity()))
    results.append([repr(named[0]), repr(named[1:]), repr(named + named), repr(named.a)])
    results.append(trial(lambda: setattr(named, "a", 3)))
    results.append(trial(lambda: named(lib.tensor([-1.0, 2.0]))))
    return results


@scenario
def module_list(lib, nn):
    m = nn.ModuleList([nn.ReLU(), nn.Identity()])
    m += [nn.Sigmoid()]
    m.extend(nn.ModuleList([nn.Flatten()]))
    m.insert(1, nn.Linear(1, 1))
    results = [repr(m), len(m), repr(m[1:3]), repr(m[-1]), trial(lambda: m[9]), trial(lambda: m.extend(3))]
    m[0] = nn.Sigmoid()
    del m[-1]
    results.append(repr(m))
    del m[::2]
    results.append(repr(m))
    results.append(repr(m.__add__([nn.ReLU()])))
    results.append(repr(m.pop(0)))
    results.append(trial(lambda: m(1)))
    results.append(trial(lambda: nn.ModuleList([3])))
    return results


@scenario
def module_dict(lib, nn):
    m = nn.ModuleDict([["a", nn.ReLU()], ["b", nn.Identity()]])
    m["c"] = nn.Sigmoid()
    m.update(OrderedDict(a=nn.Flatten(), d=nn.ReLU()))
    m.update(nn.ModuleDict({"e": nn.ReLU()}))
    results = [repr(m), list(m), list(m.keys()), len(m), "a" in m, repr(m["a"]), repr(m.pop("b"))]
    del m["c"]
    results += [trial(lambda: m["zzz"]), trial(lambda: m.update(3)), trial(lambda: m.update([3]))]
    results += [trial(lambda: m.update([["a"]])), trial(lambda: setattr(m, "a", 3))]
    results.append(trial(lambda: m.__setitem__("keys", nn.ReLU())))
    results.append([repr(value) for value in m.values()])
    m.clear()
    results.append(repr(m))
    return results


@scenario
def parameter_list(lib, nn):
    m = nn.ParameterList([nn.Parameter(lib.zeros(1)), lib.ones(2)])
    m.append(lib.zeros(1))
    m.extend([nn.Parameter(lib.ones(1)), 3])
    m += [lib.zeros(1)]
    results = [len(m), [type(value).__name__ for value in m], repr(m), list(m.state_dict())]
    results += [repr(m[1:3]), trial(lambda: m[9]), trial(lambda: m.extend(lib.zeros(3))), trial(lambda: m(1))]
    m[0] = lib.ones(3)
    results.append(m[0])
    results.append(type(m[0]).__name__)
    return results


@scenario
def parameter_dict(lib, nn):
    m = nn.ParameterDict({"b": lib.zeros(1), "a": nn.Parameter(lib.ones(1))})
    m["c"] = lib.zeros(1)
    m.update([["d", 4]])
    results = [list(m), repr(m), len(m), "c" in m, list(m.state_dict()), list(reversed(m))]
    results += [m.pop("c"), m.popitem(), m.get("x", 5), m.setdefault("x", 6), m["x"], trial(lambda: m["zzz"])]
    results += [trial(lambda: m(1)), trial(lambda: m.update(3))]
    results += [
        list(m.copy()),
        list(m | nn.ParameterDict({"z": 1})),
        list(m.fromkeys(["q"], 1)),
        list(m.values()),
    ]
    m |= nn.ParameterDict({"y": 1})
    results.append(list(m))
    m.clear()
    return [*results, len(m), trial(lambda: m.__setitem__(3, 4))]


@scenario
def forward_hooks(lib, nn):
    seen = []
    layer = nn.Sequential(nn.Identity(), nn.Identity())
    layer.register_forward_pre_hook(lambda m, a: seen.append(("pre", a)))
    layer.register_forward_pre_hook(lambda m, a: a[0] + 1)
    layer.register_forward_pre_hook(lambda m, a, k: ((a[0] * 10,), k), with_kwargs=True, prepend=True)
    layer.register_forward_hook(lambda m, a, out: seen.append(("post", a, out)))
    layer.register_forward_hook(lambda m, a, k, out: out + 0.5, with_kwargs=True)
    handle = layer.register_forward_hook(lambda m, a, out: seen.append("first"), prepend=True)
    layer[0].register_forward_hook(lambda m, a, out: out * 2)
    results = [layer(1)]
    handle.remove()
    results.append(layer(2))
    bad = nn.Identity()
    bad.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True)
    results.append(trial(lambda: bad(1)))
    return [results, seen]


@scenario
def hooks_that_are_always_called(lib, nn):
    seen = []

    class Raises(nn.Module):
        def forward(self, x):
            raise KeyError("x")

    def raises(m, a, out):
        raise ValueError("in a hook")

    layer = Raises()
    layer.register_forward_hook(lambda m, a, out: seen.append(("always", out)), always_call=True)
    layer.register_forward_hook(lambda m, a, out: seen.append("never"))
    layer.register_forward_hook(raises, always_call=True)
    layer.register_forward_hook(lambda m, a, k, out: seen.append(k), always_call=True, with_kwargs=True)
    return [trial(lambda: layer(x=1)), seen]


def hooked_layer(lib, nn, needs_grad):
    seen = []
    layer = nn.Linear(2, 2)
    with lib.no_grad():
        layer.weight.copy_(lib.tensor([[1.0, 2.0], [3.0, 4.0]]))
        layer.bias.zero_()
    x = lib.ones(1, 2, requires_grad=needs_grad)
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(("hook", plain(gi), plain(go))))
    layer.register_full_backward_pre_hook(lambda m, go: seen.append(("pre", plain(go))))
    return layer, x, seen


@scenario
def full_backward_hooks(lib, nn):
    layer, x, seen = hooked_layer(lib, nn, True)
    layer(x).sum().backward()
    return [seen, x.grad, layer.weight.grad]


@scenario
def full_backward_hooks_without_input_gradient(lib, nn):
    layer, x, seen = hooked_layer(lib, nn, False)
    layer(x).sum().backward()
    return [seen, layer.weight.grad]


@scenario
def full_backward_hooks_that_change_gradients(lib, nn):
    layer, x, seen = hooked_layer(lib, nn, True)
    layer.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,), prepend=True)
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 100,))
    layer(x).sum().backward()
    return [seen, x.grad, layer.weight.grad]


@scenario
def full_backward_hooks_of_many_inputs_and_outputs(lib, nn):
    seen = []

    class Two(nn.Module):
        def forward(self, a, b, c):
            return a * b, b * 3, 4

    two = Two()
    a = lib.tensor([2.0], requires_grad=True)
    b = lib.tensor([3.0], requires_grad=True)
    two.register_full_backward_hook(lambda m, gi, go: seen.append((plain(gi), plain(go))))
    x, y, _ = two(a, b, 5)
    (x + 2 * y).sum().backward()
    with lib.no_grad():
        two(a, b, 5)
    return [seen, a.grad, b.grad]


@scenario
def state_dict_hooks(lib, nn):
    seen = []
    layer = nn.Sequential(nn.Linear(1, 1))
    layer[0].register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(("pre", prefix, keep)))
    layer[0].register_state_dict_post_hook(
        lambda m, sd, prefix, meta: seen.append((sorted(sd), prefix, meta))
    )
    layer.register_load_state_dict_pre_hook(lambda m, sd, *rest: sd.pop("extra", None) and None)
    layer.register_load_state_dict_post_hook(lambda m, keys: seen.append([list(keys[0]), list(keys[1])]))
    state = layer.state_dict()
    state["extra"] = 3
    return [list(state), repr(layer.load_state_dict(state)), seen]


@scenario
def extra_state(lib, nn):
    class Counted(nn.Linear):
        count = 3

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"] + 1

    layer = nn.Sequential(Counted(1, 1))
    state = layer.state_dict()
    layer.load_state_dict(state)
    results = [list(state), layer[0].count]
    results.append(trial(lambda: nn.Sequential(nn.Linear(1, 1)).load_state_dict(state)))
    del state["0._extra_state"]
    return [*results, repr(layer.load_state_dict(state, strict=False))]


@scenario
def load_messages(lib, nn):
    def message(state, **options):
        torch_like = nn.Sequential(OrderedDict(a=nn.Linear(2, 2), b=nn.Sequential(nn.Linear(2, 1))))
        torch_like.register_buffer("c", lib.zeros(()))
        try:
            return repr(torch_like.load_state_dict(state, **options))
        except RuntimeError as error:
            return str(error)

    full = {
        "a.weight": lib.ones(2, 2),
        "a.bias": lib.ones(2),
        "b.0.weight": lib.ones(1, 2),
        "b.0.bias": lib.ones(1),
        "c": lib.ones(()),
    }
    return [
        message(full),
        message({**full, "c": lib.ones(1)}),
        message({}),
        message({}, strict=False),
        message({**full, "x": lib.ones(1), "a.y": 3, "b.1.z": 4, "q.r": 5}),
        message({**full, "x": lib.ones(1)}, strict=False),
        message({**full, "a.weight": lib.ones(3, 2), "b.0.bias": lib.ones(2)}),
        message({**full, "a.weight": lib.ones(3, 2), "x": 2}, strict=False),
        trial(lambda: nn.Linear(1, 1).load_state_dict([1])),
    ]


@scenario
def load_with_assign(lib, nn):
    layer = nn.Linear(2, 1)
    layer.weight.requires_grad_(False)
    layer.register_buffer("b", lib.zeros(1))
    state = {"weight": lib.ones(1, 2), "bias": nn.Parameter(lib.ones(1)), "b": lib.ones(1)}
    layer.load_state_dict(state, assign=True)
    return [
        layer.weight,
        layer.weight.requires_grad,
        type(layer.weight).__name__,
        layer.bias is state["bias"],
        layer.b is state["b"],
    ]


@scenario
def positional_state_dict(lib, nn):
    destination = OrderedDict()
    nn.Linear(1, 1).state_dict(destination, "p.")
    return list(destination)


@scenario
def keep_vars(lib, nn):
    layer = nn.Linear(1, 1)
    state = layer.state_dict(keep_vars=True, prefix="x.")
    return [state["x.weight"] is layer.weight, state["x.weight"].requires_grad]


@scenario
def copies(lib, nn):
    net = make_net(nn)
    net.tied = net.heads[0]
    layer = nn.Linear(2, 1)
    layer(lib.ones(1, 2)).sum().backward()
    twin = copy.deepcopy(net)
    shallow = copy.copy(layer)
    shallow.weight = nn.Parameter(lib.zeros(1, 2))
    return [
        twin.tied is twin.heads[0],
        repr(twin) == repr(net),
        list(twin.state_dict()) == list(net.state_dict()),
        copy.deepcopy(layer).weight.grad,
        layer.weight,
        type(copy.deepcopy(layer.weight)).__name__,
        pickle.loads(pickle.dumps(layer)).bias.tolist() == layer.bias.tolist(),
    ]


@scenario
def conversions(lib, nn):
    layer = nn.Sequential(nn.Linear(2, 1))
    layer.register_buffer("count", lib.zeros(1, dtype=lib.int64))
    layer.register_buffer("mean", lib.zeros(1))
    weight = layer[0].weight
    results = [layer.double() is layer, layer[0].weight is weight, str(weight.dtype), str(layer.count.dtype)]
    results += [str(layer.mean.dtype), str(layer.to(lib.float32).mean.dtype), str(layer.to("cpu").mean.dtype)]
    results.append(str(layer.to("cpu", lib.float64)[0].bias.dtype))
    results.append(str(layer.to(lib.zeros(1)).mean.dtype))
    results.append(str(layer.to(device="cpu", dtype=lib.float64, non_blocking=True).mean.dtype))
    results.append(trial(lambda: layer.to(lib.int64)))
    results.append(str(layer.float().mean.dtype))
    return results


@scenario
def layer_errors(lib, nn):
    return [
        trial(lambda: nn.Dropout(1.5)),
        trial(lambda: nn.Dropout(-0.1)),
        trial(lambda: nn.Unflatten(1, 3)),
        trial(lambda: nn.Unflatten(1, (2, 1.5))),
        trial(lambda: nn.Linear(2, 3)(lib.zeros(2, 3))),
    ]


@scenario
def old_reduction_arguments(lib, nn):
    makers = (nn.CrossEntropyLoss, nn.BCELoss)
    options = [{"size_average": False}, {"size_average": True}, {"reduce": False}, {"reduce": True}]
    options.append({"size_average": False, "reduce": False})
    return [make(**option).reduction for make in makers for option in options]


@scenario
def losses(lib, nn):
    scores = lib.tensor([[1.0, 2.0, 3.0], [0.5, 0.0, -1.0]])
    target = lib.tensor([2, 0])
    loss = nn.CrossEntropyLoss(weight=lib.tensor([1.0, 2.0, 3.0]), ignore_index=0, label_smoothing=0.1)
    results = [list(loss.state_dict()), list(dict(loss.named_buffers()))]
    values = [loss(scores, target), nn.CrossEntropyLoss(reduction="none")(scores, target)]
    values.append(nn.BCELoss(weight=lib.tensor([1.0, 2.0]))(lib.tensor([0.2, 0.7]), lib.tensor([0.0, 1.0])))
    return [*results, [np.round(np.asarray(value.numpy(), dtype=np.float64), 5).tolist() for value in values]]


@scenario
def layers(lib, nn):
    x = lib.tensor([[-1.0, 2.0]])
    layer = nn.Linear(2, 2)
    return [
        nn.ReLU()(x),
        nn.ReLU(inplace=False)(input=x),
        nn.Identity(3, x=4)(x),
        nn.Flatten(0)(x),
        list(nn.Unflatten(1, (2, 1))(x).shape),
        nn.Dropout(0.0)(x),
        nn.Dropout(1.0)(x),
        nn.Dropout(0.5).eval()(x),
        list(layer(lib.zeros(3, 1, 2)).shape),
        list(layer(lib.zeros(2)).shape),
        nn.Dropout(0.4)(lib.ones(50)),
        nn.Softmax(dim=1)(lib.zeros(1, 2)),
        nn.LogSoftmax(1)(lib.zeros(1, 1)),
        nn.Softmax()(lib.zeros(1, 2)),
        repr(nn.Softmax(dim=-1)),
        repr(nn.LogSoftmax()),
    ]


@pytest.mark.parametrize(
    "name, options",
    [
        ("uniform_", {"a": -1.0, "b": 2.0}),
        ("normal_", {"mean": 1.0, "std": 2.0}),
        ("constant_", {"val": 3.0}),
        ("ones_", {}),
        ("zeros_", {}),
        ("eye_", {}),
        ("xavier_uniform_", {"gain": 2.0}),
        ("xavier_normal_", {}),
        ("kaiming_uniform_", {"a": 0.5}),
        ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}),
        ("kaiming_normal_", {"mode": "FAN_OUT", "nonlinearity": "tanh"}),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_values_are_pytorchs(name, options, dtype):
    def fill(lib, **generator):
        weight = lib.nn.Parameter(lib.empty(33, 17, dtype=getattr(lib, dtype)))
        result = getattr(lib.nn.init, name)(weight, **options, **generator)
        assert result is weight and weight.is_leaf and weight.requires_grad
        return weight.detach().numpy()

    torch.manual_seed(5)
    nabi.manual_seed(5)
    np.testing.assert_array_max_ulp(fill(nabi), fill(torch), 2)
    if name not in ("constant_", "ones_", "zeros_", "eye_"):
        mine = fill(nabi, generator=nabi.Generator().manual_seed(7))
        np.testing.assert_array_max_ulp(mine, fill(torch, generator=torch.Generator().manual_seed(7)), 2)


@pytest.mark.parametrize(
    "options", [{}, {"std": 0.02}, {"mean": 2.5, "std": 0.5}, {"a": 0.5, "b": 3.0}, {"std": 9.0}]
)
def test_truncated_normal_draws_are_pytorchs(options):
    torch.manual_seed(11)
    nabi.manual_seed(11)
    mine = nabi.nn.init.trunc_normal_(nabi.nn.Parameter(nabi.empty(64, 33)), **options)
    theirs = torch.nn.init.trunc_normal_(torch.nn.Parameter(torch.empty(64, 33)), **options)
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-6)


@scenario
def initialisation_errors_and_warnings(lib, nn):
    init = nn.init
    w = lib.zeros(2, 2)
    return [
        trial(lambda: init.xavier_uniform_(lib.zeros(2))),
        trial(lambda: init.kaiming_normal_(lib.zeros(2))),
        trial(lambda: init.kaiming_uniform_(w, mode="sideways")),
        trial(lambda: init.kaiming_uniform_(w, nonlinearity="gelu")),
        trial(lambda: init.calculate_gain("leaky_relu", "x")),
        trial(lambda: init.calculate_gain("leaky_relu", True)),
        trial(lambda: init.eye_(lib.zeros(2))),
        init.kaiming_uniform_(lib.zeros(0, 2)),
        init.kaiming_normal_(lib.zeros(0, 2)),
        init.constant(w, 2.0),
        init.trunc_normal_(lib.zeros(1), mean=9.0, a=8.5, b=9.5) is not None,
        init.trunc_normal_(lib.zeros(1), mean=19.0, a=0.0, b=1.0) is not None,
        [
            init.calculate_gain(n)
            for n in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")
        ],
        init.calculate_gain("leaky_relu", 0.2),
        list(init._calculate_fan_in_and_fan_out(lib.zeros(2, 3, 4, 5))),
    ]


def gradients(lib, nn):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    (model(lib.ones(2, 3)).sum() * 5).backward()
    return model, [p.grad for p in model.parameters()]


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, 0.5, float("inf"), float("-inf"), "inf", 0])
@pytest.mark.parametrize("max_norm", [1.0, 1e6, 0.0])
def test_clipping_by_norm(norm_type, max_norm):
    results = []
    for lib in (torch, nabi):
        lib.manual_seed(0)
        model, grads = gradients(lib, lib.nn)
        total = lib.nn.utils.clip_grad_norm_(model.parameters(), max_norm, norm_type)
        results.append([total.item(), *(grad.numpy().copy() for grad in grads)])
    for theirs, mine in zip(*results, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


@scenario
def clipping(lib, nn):
    model, grads = gradients(lib, nn)
    nn.utils.clip_grad_value_(model.parameters(), 0.75)
    results = [grad.abs().max().item() <= 0.75 if hasattr(grad, "abs") else True for grad in grads]
    grads[0].fill_(float("inf"))
    results.append(trial(lambda: nn.utils.clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)))
    results.append(nn.utils.clip_grad_norm_(iter([]), 1.0))
    results.append(nn.utils.clip_grad_norm_([], 1.0))
    results.append(nn.utils.clip_grad_norm_(lib.zeros(2), 1.0))
    return results


@scenario
def vectors(lib, nn):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    vector = nn.utils.parameters_to_vector(model.parameters())
    results = [vector, vector.requires_grad]
    nn.utils.vector_to_parameters(lib.arange(9, dtype=lib.float32), model.parameters())
    results += list(model.parameters())
    results.append(trial(lambda: nn.utils.vector_to_parameters(3, model.parameters())))
    return results


@scenario
def global_hooks(lib, nn):
    seen = []
    kinds = nn.modules.module if hasattr(nn, "modules") else nn.hooks
    handles = [
        kinds.register_module_forward_pre_hook(lambda m, a: seen.append("pre")),
        kinds.register_module_forward_hook(lambda m, a, out: seen.append("post")),
        kinds.register_module_full_backward_pre_hook(lambda m, go: seen.append("back pre")),
        kinds.register_module_full_backward_hook(lambda m, gi, go: seen.append("back")),
    ]
    layer = nn.Sequential(nn.Linear(1, 1))
    layer(lib.ones(1, requires_grad=True)).sum().backward()
    for handle in handles:
        handle.remove()
    layer(lib.ones(1))
    return seen


# What torch's modules import for their own use.
HELPERS = """
BroadcastingList1 BroadcastingList2 BroadcastingList3 Callable DType GRID_SAMPLE_INTERPOLATION_MODES Literal Optional
GRID_SAMPLE_PADDING_MODES ParamSpec ScalingType SwizzleType TYPE_CHECKING Tensor TypeVar assert_int_or_pair dataclasses
boolean_dispatch handle_torch_function has_torch_function has_torch_function_unary has_torch_function_variadic importlib
math np reproducibility_notes sparse_support_notes tf32_notes torch warnings
"""


@pytest.mark.parametrize("name", ["nn", "nn.functional", "nn.init", "nn.utils", "optim"])
def test_every_name_of_pytorchs_exists_or_says_what_to_use(name):
    import importlib

    theirs, mine = importlib.import_module(f"torch.{name}"), importlib.import_module(f"nabi.{name}")
    silent = []
    for each in dir(theirs):
        if each.startswith("_") or each in HELPERS.split() or (name == "nn.utils" and each == "init"):
            continue
        try:
            getattr(mine, each)
        except AttributeError as error:
            if "planned" not in str(error) and "not supported" not in str(error):
                silent.append(each)
    assert not silent


CLASSES = """
Module Sequential ModuleList ModuleDict ParameterList ParameterDict Parameter Buffer Identity Linear ReLU Sigmoid Softmax
LogSoftmax Dropout Flatten Unflatten CrossEntropyLoss BCELoss
"""


@pytest.mark.parametrize("name", [*CLASSES.split(), "SGD", "Optimizer"])
def test_methods_and_their_arguments_are_pytorchs(name):
    import inspect

    home = "optim" if name in ("SGD", "Optimizer") else "nn"
    theirs, mine = getattr(getattr(torch, home), name), getattr(getattr(nabi, home), name)
    own = {
        "T_destination",
        "OptimizerPreHook",
        "OptimizerPostHook",
        "profile_hook_step",
    }  # of no use to a script
    for each in theirs.__dict__ if name in ("Parameter", "Buffer") else dir(theirs):
        if (each.startswith("_") and each != "__init__") or each in own:
            continue
        assert hasattr(mine, each), each
        if inspect.isfunction(getattr(theirs, each)) and each != "forward":
            wanted, given = inspect.signature(getattr(theirs, each)), inspect.signature(getattr(mine, each))
            assert [(p.name, p.kind, p.default) for p in wanted.parameters.values()] == [
                (p.name, p.kind, p.default) for p in given.parameters.values()
            ], each


@scenario
def emptied(lib, nn):
    layer = nn.Linear(3, 2)
    weight = layer.weight
    layer.to_empty(device="cpu")
    return [layer.weight is weight, list(layer.weight.shape), trial(lambda: layer.to_empty(device="sun"))]


@pytest.mark.parametrize("function", SCENARIOS)
def test_same(function):
    theirs = outcome(function, torch)
    mine = outcome(function, nabi)
    assert mine == theirs
