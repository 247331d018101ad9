# SPDX-License-Identifier: Apache-2.0
"""save and load against PyTorch itself, both ways, under its weights-only reader."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest

import nabi
from nabi.tensor import Size, Tensor, from_array

torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]


def from_torch(value, **options):
    """What nabi reads of what PyTorch writes."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return nabi.load(file, **options)


def to_torch(value):
    """What PyTorch reads of what nabi writes."""
    file = io.BytesIO()
    nabi.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def alike(ours, theirs) -> bool:
    """Equal in structure and value; tensors in dtype, size, stride, offset's effect, kind and bits."""
    if isinstance(theirs, torch.Tensor):
        kind = nabi.nn.Parameter if isinstance(theirs, torch.nn.Parameter) else Tensor
        stride = tuple(ours.stride()) if theirs.numel() else theirs.stride()  # an empty tensor's mean nothing
        facts = (repr(ours.dtype), tuple(ours.shape), stride, ours.requires_grad)
        if type(ours) is not kind or facts != (
            str(theirs.dtype),
            tuple(theirs.shape),
            theirs.stride(),
            theirs.requires_grad,
        ):
            return False
        return ours._array.tobytes() == theirs.detach().numpy().tobytes()
    if isinstance(theirs, torch.Size):
        return type(ours) is Size and tuple(ours) == tuple(theirs)
    if isinstance(theirs, (torch.dtype, torch.device)):
        return repr(ours).replace("nabi", "torch") == repr(theirs)
    if type(ours) is not type(theirs):
        return False
    if isinstance(theirs, dict):
        order = list(ours) == list(theirs) if isinstance(theirs, OrderedDict) else set(ours) == set(theirs)
        attributes = getattr(ours, "__dict__", {}) == getattr(theirs, "__dict__", {})
        return order and attributes and all(alike(ours[key], theirs[key]) for key in theirs)
    if isinstance(theirs, (list, tuple)):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return ours == theirs or (ours != ours and theirs != theirs)


def there_and_back(value) -> None:
    """PyTorch -> nabi -> PyTorch -> nabi: every station agrees."""
    ours = from_torch(value)
    assert alike(ours, value)
    theirs = to_torch(ours)
    assert alike(ours, theirs) and alike(from_torch(theirs), theirs)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (5,), (3, 4), (2, 1, 3)])
def test_tensors(name, shape):
    there_and_back((torch.arange(int(np.prod(shape))).reshape(shape) % 2).to(getattr(torch, name)))


def test_plain_values():
    there_and_back(
        {
            "numbers": [0, 255, 256, 65535, 65536, -1, 2**31, -(2**31), 2**63, -(2**2000), 0.1, float("inf"), float("nan"), 1 - 2j],
            "texts": ["", "naïve", "\U0001f98b", b"", b"\x00\xff", bytearray(b"ab")],
            "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, set(), {1, "a"}, OrderedDict(b=1, a=2), Counter([3, 3])],
            "keys": {1: 1, "a": 2, (1, "b"): 3, None: 4, 1.5: 5, False: 6},
            "others": [None, True, False, torch.Size([2, 3]), torch.device("cpu"), *(getattr(torch, name) for name in DTYPES)],
        }
    )  # fmt: skip


def test_bytes_of_no_length():
    # PyTorch's own reader refuses what PyTorch's own writer makes of b"" in protocol 2; ours goes both ways.
    assert from_torch([b""]) == to_torch([b""]) == [b""]


def test_views_with_strides_and_offsets():
    base = torch.arange(24, dtype=torch.int32)
    grid = base.view(4, 6)
    views = [
        base,
        base[5:],
        grid[1:, ::2],
        grid.t(),
        grid[:, 3],
        base[7],
        base[3:3],
        base[2:3].expand(4, 5),
        base.unfold(0, 4, 2),
    ]
    there_and_back(views)
    ours = from_torch(views)
    ours[0]._array[:] = -5
    assert all((tensor._array == -5).all() for tensor in ours)
    theirs = to_torch(ours)
    assert len({tensor.untyped_storage().data_ptr() for tensor in theirs}) == 1
    assert [tensor.storage_offset() for tensor in theirs] == [tensor.storage_offset() for tensor in views]


def test_parameters_and_gradients():
    weight = torch.nn.Parameter(torch.ones(2, 2))
    there_and_back(
        [weight, torch.nn.Parameter(torch.ones(2), requires_grad=False), torch.ones(2, requires_grad=True)]
    )
    assert from_torch(weight * 2).requires_grad


def model():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.Flatten(),
        torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.LayerNorm(8), torch.nn.LSTM(8, 3, num_layers=2)),
        torch.nn.Embedding(5, 3),
        torch.nn.MultiheadAttention(4, 2),
    )


def test_state_dict_of_a_model():
    state = model().state_dict()
    there_and_back(state)
    assert model().load_state_dict(to_torch(from_torch(state)), strict=True)
    assert from_torch(state)._metadata == state._metadata == to_torch(from_torch(state))._metadata


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.Adam([{"params": p[:2], "lr": 0.2}, {"params": p[2:]}], amsgrad=True),
        lambda p: torch.optim.AdamW(p, weight_decay=0.1),
        lambda p: torch.optim.RMSprop(p, centered=True, momentum=0.5),
        lambda p: torch.optim.Adagrad(p),
        lambda p: torch.optim.LBFGS(p),
    ],
)
def test_state_dict_of_an_optimizer(make):
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))
    optimizer = make(list(net.parameters()))

    def closure():
        optimizer.zero_grad()
        loss = net(torch.ones(2, 3)).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 2, 5])
    checkpoint = {
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "epoch": 3,
        "best": 0.5,
    }
    there_and_back(checkpoint)
    optimizer.load_state_dict(to_torch(from_torch(checkpoint))["optimizer"])


def train(lib, net, optimizer, steps: int) -> None:
    inputs = np.random.default_rng(3).normal(size=(6, 5)).astype(np.float32)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(lib.from_numpy(inputs.copy())) * lib.from_numpy(inputs[:, :2].copy())).mean()
        loss.backward()
        optimizer.step()


def trainer(lib):
    net = lib.nn.Sequential(lib.nn.Linear(5, 4), lib.nn.ReLU(), lib.nn.Linear(4, 2))
    return net, lib.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)


@pytest.mark.parametrize(("first", "second"), [(torch, nabi), (nabi, torch)], ids=["from torch", "to torch"])
def test_training_goes_on_in_the_other_library(first, second):
    net, optimizer = trainer(first)
    train(first, net, optimizer, 3)
    file = io.BytesIO()
    first.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
    train(first, net, optimizer, 2)
    file.seek(0)
    checkpoint = second.load(file)
    other, other_optimizer = trainer(second)
    other.load_state_dict(checkpoint["net"])
    other_optimizer.load_state_dict(checkpoint["optimizer"])
    train(second, other, other_optimizer, 2)
    for expected, got in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_views_that_nabi_makes():
    base = nabi.arange(12.0)
    ours = [base, base[2:5], base.reshape(3, 4).t(), base[0:1].expand(4), base.detach(), base.view(3, 4)[1]]
    theirs = to_torch(ours)
    assert alike(ours, theirs)
    assert len({tensor.untyped_storage().data_ptr() for tensor in theirs}) == 1


def test_random_state():
    there_and_back({"rng": torch.get_rng_state()})


def test_files_by_path(tmp_path):
    state = model().state_dict()
    torch.save(state, tmp_path / "theirs.pt")  # PyTorch names the archive's folder after the file
    ours = nabi.load(tmp_path / "theirs.pt")
    assert alike(ours, state) and alike(nabi.load(tmp_path / "theirs.pt", mmap=True), state)
    nabi.save(ours, tmp_path / "ours.pt")
    for options in ({}, {"mmap": True}):
        assert alike(ours, torch.load(tmp_path / "ours.pt", weights_only=True, **options))
    assert alike(ours, torch.load(tmp_path / "ours.pt", weights_only=False))


def test_the_same_description_opcode_by_opcode():
    state = torch.nn.Linear(2, 2).state_dict()
    theirs, ours = io.BytesIO(), io.BytesIO()
    torch.save(state, theirs)
    nabi.save(from_torch(state), ours)

    def opcodes(file):
        description = zipfile.ZipFile(file).read("archive/data.pkl")
        steps = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(description)]
        # Which values are kept in the memo, and in which order, is the writer's own affair.
        return [step for step in steps if "PUT" not in step[0] and "GET" not in step[0]]

    assert opcodes(ours) == opcodes(theirs)


def test_the_same_container():
    state = torch.nn.Linear(2, 2).state_dict()
    theirs, ours = io.BytesIO(), io.BytesIO()
    torch.save(state, theirs)
    nabi.save(from_torch(state), ours)

    def members(file):
        archive = zipfile.ZipFile(file)
        return [
            (entry.filename, entry.flag_bits, entry.compress_type, entry.date_time)
            + (() if "pkl" in entry.filename or "_id" in entry.filename else (archive.read(entry),))
            for entry in archive.infolist()
        ]

    assert members(ours) == members(theirs)


def test_zip64_fields(monkeypatch):
    from nabi.serialization import writer

    monkeypatch.setattr(writer, "WIDE", 100)
    theirs = to_torch([from_array(np.arange(100.0)), from_array(np.ones(3))])
    assert theirs[0].tolist() == list(range(100)) and theirs[1].tolist() == [1, 1, 1]


def test_a_file_of_64_megabytes(tmp_path):
    big = torch.randn(4096, 4096)
    torch.save({"big": big}, tmp_path / "theirs.pt")
    ours = nabi.load(tmp_path / "theirs.pt")
    assert alike(ours["big"], big)
    nabi.save(ours, tmp_path / "ours.pt")
    assert torch.equal(torch.load(tmp_path / "ours.pt", weights_only=True, mmap=True)["big"], big)


class Net(torch.nn.Module):
    pass


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (torch.ones(2, dtype=torch.bfloat16), "torch BFloat16Storage.*bfloat16 isn't supported yet"),
        (torch.ones(2, dtype=torch.float16), "torch HalfStorage.*float16 isn't supported yet"),
        (torch.ones(2, dtype=torch.complex64), "torch ComplexFloatStorage.*complex64 isn't supported yet"),
        (torch.ones(2, dtype=torch.uint16), "_rebuild_tensor_v3|uint16|torch.storage UntypedStorage"),
        (torch.eye(2).to_sparse(), "torch._utils _rebuild_sparse_tensor"),
        (torch.ones(2).untyped_storage(), "torch.storage UntypedStorage"),
        (torch.ones(2, device="meta"), "_rebuild_meta_tensor_no_storage|only the CPU"),
        (torch.bfloat16, "torch bfloat16"),
        ({"net": Net()}, "Net"),
        (np.float64(1), "multiarray scalar"),
        (np.ones(2), "multiarray _reconstruct"),
        (frozenset([1]), "frozenset"),
        (range(3), "range|xrange"),
        (print, "print"),
        (2**3000, "LONG4"),
    ],
    ids=lambda value: str(value)[:30].replace("\n", " "),
)
def test_what_pytorch_can_write_and_nabi_refuses(value, sentence):
    import pickle

    with pytest.raises((pickle.UnpicklingError, RuntimeError), match=f"^load: .*({sentence})"):
        from_torch(value)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_other_protocols_are_named(protocol):
    import pickle

    file = io.BytesIO()
    torch.save([1], file, pickle_protocol=protocol)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=f"pickle protocol {protocol}"):
        nabi.load(file)


def test_formats_before_the_archive_are_named():
    import pickle

    file = io.BytesIO()
    torch.save(torch.ones(2), file, _use_new_zipfile_serialization=False)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="isn't a zip archive"):
        nabi.load(file)


def test_hypothesis_both_ways():
    hypothesis = pytest.importorskip("hypothesis")
    from hypothesis import strategies as st

    keys = (
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text()
    )
    shapes = st.lists(st.integers(0, 3), max_size=3)
    tensors = st.tuples(st.sampled_from(DTYPES), shapes, st.booleans()).map(
        lambda t: (
            (torch.arange(64) % 2)
            .to(getattr(torch, t[0]))[: int(np.prod(t[1]))]
            .reshape(t[1])
            .permute(list(range(len(t[1])))[:: -1 if t[2] else 1])
        )
    )
    values = st.recursive(
        keys | st.binary() | tensors,
        lambda inner: (
            st.lists(inner)
            | st.lists(inner).map(tuple)
            | st.dictionaries(keys, inner)
            | st.dictionaries(keys, inner).map(OrderedDict)
        ),
        max_leaves=12,
    )

    @hypothesis.settings(max_examples=100, deadline=None, derandomize=True)
    @hypothesis.given(values)
    def both_ways(value):
        there_and_back(value)

    both_ways()
