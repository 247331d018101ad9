# SPDX-License-Identifier: Apache-2.0
"""save and load by themselves: what goes in comes out, in PyTorch's container, and no old file is lost."""

from __future__ import annotations

import io
import os
import pickle
import stat
import struct
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest

import nabi
from nabi.serialization import writer
from nabi.tensor import Size, Tensor, from_array
from serialization_files import (
    DTYPES,
    archive,
    golden_file,
    loaded,
    same,
    saved,
    state_dict,
)

# What goes in comes out


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (5,), (3, 4), (2, 1, 3)])
def test_tensor_comes_back(name, shape):
    array = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(name)
    assert same(loaded(saved(from_array(array))), from_array(array))


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, 255, 256, 65535, 65536, -1, -(2**31), 2**31, 2**63, -(2**63) - 1, 2**2038, -(2**2038),
        0.0, -0.0, 1e-320, float("inf"), float("nan"), 1 + 2j, "", "text", "\u4f60\U0001f98b", "\ud800", b"",
        bytes(range(256)), bytearray(b"ab"), bytearray(), (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1], [[], [()]],
        {}, {"a": 1, 2: None, 1.5: [], (1, ("b",)): 0, None: 1, b"k": 2}, set(), {1, "a", (2,)}, OrderedDict(),
        OrderedDict(b=1, a=2), Counter(), Counter({3: 2, 5: 1}), Size((2, 3)), Size(()), {"x": {"y": [({"z": 1},)]}},
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_plain_values_come_back(value):
    result = loaded(saved(value))
    assert same(result, value)
    assert isinstance(value, float) is False or struct.pack("d", result) == struct.pack("d", value)


def test_dtypes_and_devices_come_back():
    kinds = [getattr(nabi, name) for name in DTYPES]
    assert all(one is other for one, other in zip(loaded(saved(kinds)), kinds))
    assert loaded(saved({"device": nabi.device("cpu")})) == {"device": nabi.device("cpu")}


def test_state_dict_comes_back_with_its_metadata():
    state = state_dict()
    result = loaded(saved(state))
    assert same(result, state) and result._metadata == {"": {"version": 1}}


def test_parameters_and_required_gradients_come_back():
    kept = nabi.nn.Parameter(from_array(np.ones(2)))
    frozen = nabi.nn.Parameter(from_array(np.ones(2)), requires_grad=False)
    leaf = from_array(np.ones(2, np.float32), requires_grad=True)
    result = loaded(saved([kept, frozen, leaf]))
    assert [type(tensor) for tensor in result] == [nabi.nn.Parameter, nabi.nn.Parameter, Tensor]
    assert [tensor.requires_grad for tensor in result] == [True, False, True]


def test_identity_and_cycles_survive():
    tensor, shared = from_array(np.ones(3)), [1]
    loop: list = [shared, shared, tensor, tensor]
    loop.append({"loop": loop})
    result = loaded(saved(loop))
    assert result[0] is result[1] and result[2] is result[3] and result[4]["loop"] is result


def test_more_than_256_memo_entries():
    state = {f"name{i}": [from_array(np.full(i % 3, i)), f"name{i}"] for i in range(400)}
    assert same(loaded(saved(state)), state)


def test_views_share_memory_again():
    base = np.arange(24, dtype=np.int64)
    views = [
        base,
        base[4:10],
        base.reshape(4, 6)[1:, ::2],
        base.reshape(2, 3, 4).transpose(2, 0, 1),
        base[:0],
    ]
    views += [np.broadcast_to(base[3:4], (5,)), np.lib.stride_tricks.as_strided(base, (3, 4), (8, 8))]
    data = saved([from_array(view) for view in views])
    assert [name for name in zipfile.ZipFile(io.BytesIO(data)).namelist() if "/data/" in name] == [
        "archive/data/0"
    ]
    result = loaded(data)
    for view, tensor in zip(views, result):
        assert same(tensor, from_array(view))
    result[0]._array[4:10] = -1
    assert (
        (result[1]._array == -1).all()
        and result[5]._array.tolist() == [3] * 5
        and result[2]._array[0, 0] == -1
    )


def test_fortran_order_is_kept():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert loaded(saved(from_array(array))).stride() == (1, 2)


def test_arrays_that_storages_cannot_describe_are_copied():
    backwards = np.arange(6.0)[::-1]
    record = np.zeros(4, dtype=[("a", "<i2"), ("b", "<f8")])
    record["b"] = range(4)
    from nabi.serialization.storage import locate

    for array in (backwards, record["b"]):
        flat, offset, stride = locate(array)
        assert (flat == array).all() and (offset, stride) == (0, (1,))


def test_loaded_tensors_are_writable_and_saved_again_alike():
    first = saved(state_dict())
    assert saved(loaded(first)) == first
    loaded(first)["weight"]._array[0, 0] = 9


def test_bits_are_kept():
    array = np.array([0x7FC00001, 0xFFFFFFFF, 0x00000001, 0x80000000], np.uint32).view(np.float32)
    assert loaded(saved(from_array(array)))._array.tobytes() == array.tobytes()


def test_file_of_pytorch():
    result = loaded(golden_file())
    model = result.pop("model")
    assert list(model) == ["weight", "tied", "step"] and model["weight"]._array.tolist() == [
        [0, 1, 2],
        [3, 4, 5],
    ]
    assert np.shares_memory(model["weight"]._array, model["tied"]._array) and model["tied"].stride() == (1, 3)
    assert model["step"]._array.item() == 7
    assert result.pop("mask")._array.tolist() == [True, False]
    parameter = result.pop("p")
    assert (
        type(parameter) is nabi.nn.Parameter
        and parameter.requires_grad
        and parameter._array.tolist() == [1.5, -2.0]
    )
    assert parameter.dtype is nabi.float64
    assert result == {
        "best": 0.25, "epoch": 3, "names": ["a", "b"], "seen": {1}, "size": Size((2, 3)), "dtype": nabi.int16,
        "raw": b"\x00\xff", "none": None, "flag": True, "pair": (1, -(2**40)),
    }  # fmt: skip


def test_big_endian_file():
    description = zipfile.ZipFile(io.BytesIO(saved(from_array(np.arange(3, dtype=np.int32))))).read(
        "archive/data.pkl"
    )
    raw = np.arange(3, dtype=">i4").tobytes()
    result = loaded(archive(description, {"byteorder": b"big", "data/0": raw}))
    assert result._array.tolist() == [0, 1, 2] and result._array.dtype.isnative


def test_bools_are_zero_or_one():
    description = zipfile.ZipFile(io.BytesIO(saved(from_array(np.ones(3, bool))))).read("archive/data.pkl")
    result = loaded(archive(description, {"data/0": b"\x00\x02\xff"}))
    assert result._array.view(np.uint8).tolist() == [0, 1, 1]


# The container


def test_container_is_laid_out_as_pytorch_does():
    data = saved(state_dict())
    members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert [member.filename.removeprefix("archive/") for member in members] == [
        "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "data/1", "version",
        ".data/serialization_id",
    ]  # fmt: skip
    for member in members:
        name, extra = struct.unpack_from("<2H", data, member.header_offset + 26)
        assert (
            member.header_offset + 30 + name + extra
        ) % 64 == 0 and member.compress_type == zipfile.ZIP_STORED
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None


def test_zip64_fields(monkeypatch):
    # Lowering the border to 100 bytes makes every size and offset of this small file a 64-bit one.
    monkeypatch.setattr(writer, "WIDE", 100)
    state = {"a": from_array(np.arange(100.0)), "b": from_array(np.ones(3))}
    data = saved(state)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert same(loaded(data), state)


def test_repacked_by_another_program():
    source = zipfile.ZipFile(io.BytesIO(golden_file()))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("model/", b"")
        for name in reversed(source.namelist()):
            target.writestr(name.replace("archive/", "model/"), source.read(name))
    assert same(loaded(file.getvalue()), loaded(golden_file()))


def test_archive_after_other_bytes_of_a_file():
    file = io.BytesIO()
    file.write(b"my header")
    nabi.save([1, 2], file)
    file.seek(9)
    assert nabi.load(file) == [1, 2]


def test_file_objects_without_readinto_and_with_short_writes(tmp_path):
    class Slow:
        def __init__(self, data):
            self.file = io.BytesIO(data)
            self.seek, self.tell = self.file.seek, self.file.tell

        def read(self, size):
            return self.file.read(min(size, 7))

        def write(self, data):
            return self.file.write(bytes(data[:5]))

    target = Slow(b"")
    nabi.save(state_dict(), target)
    assert target.file.getvalue() == saved(state_dict())
    assert same(nabi.load(Slow(golden_file())), loaded(golden_file()))
    with open(tmp_path / "raw.pt", "wb", buffering=0) as raw:
        nabi.save(state_dict(), raw)
    assert same(nabi.load(tmp_path / "raw.pt"), state_dict())


def test_save_wants_its_writer_to_write():
    class Full:
        def write(self, data):
            return 0

    with pytest.raises(OSError, match="took 0 of"):
        nabi.save([1], Full())


def test_mmap(tmp_path):
    path = tmp_path / "state.pt"
    nabi.save(state_dict(), path)
    before = path.read_bytes()
    result = nabi.load(path, mmap=True)
    assert same(result, state_dict()) and np.shares_memory(result["weight"]._array, result["tied"]._array)
    result["weight"]._array[:] = -1
    assert path.read_bytes() == before and (result["tied"]._array == -1).all()
    assert same(loaded(saved(result["steps"])), result["steps"])
    with pytest.raises(ValueError, match="path for mmap"):
        nabi.load(io.BytesIO(before), mmap=True)


def test_mmap_of_a_repacked_file_copies_what_lies_at_odd_places(tmp_path):
    description = zipfile.ZipFile(io.BytesIO(saved(from_array(np.arange(3.0))))).read("archive/data.pkl")
    for pad in range(8):
        path = tmp_path / f"{pad}.pt"
        path.write_bytes(archive(description, {"pad": b"x" * pad, "data/0": np.arange(3.0).tobytes()}))
        result = nabi.load(path, mmap=True)
        assert result._array.tolist() == [0, 1, 2] and result._array.flags.aligned


# Writing to a path


def test_path_and_pathlike(tmp_path):
    nabi.save({"a": 1}, tmp_path / "one.pt")
    nabi.save({"a": 1}, str(tmp_path / "two.pt"))
    assert nabi.load(str(tmp_path / "one.pt")) == nabi.load(tmp_path / "two.pt") == {"a": 1}
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "two.pt").read_bytes()


@pytest.mark.parametrize("moment", ["fsync", "replace", "add"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch, moment, error):
    path = tmp_path / "state.pt"
    nabi.save("old", path)

    def fail(*arguments):
        raise error("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(*((writer.Writer, "close") if moment == "add" else (os, moment)), fail)
        with pytest.raises(error, match="stopped"):
            nabi.save("new", path)
    assert nabi.load(path) == "old" and os.listdir(tmp_path) == ["state.pt"]
    nabi.save("new", path)
    assert nabi.load(path) == "new" and os.listdir(tmp_path) == ["state.pt"]


def test_an_object_that_is_refused_touches_no_file(tmp_path):
    with pytest.raises(TypeError):
        nabi.save(object(), tmp_path / "new.pt")
    assert os.listdir(tmp_path) == []


def test_the_data_is_on_the_disk_before_the_name(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda fd: (calls.append(stat.S_IFMT(os.fstat(fd).st_mode)), fsync(fd))[1]
    )
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("replace"), replace(*names))[1])
    nabi.save([1], tmp_path / "state.pt")
    assert calls == [stat.S_IFREG, "replace", stat.S_IFDIR]


def test_permissions_and_links_are_kept(tmp_path):
    real, link = tmp_path / "real.pt", tmp_path / "link.pt"
    nabi.save([1], real)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(real.stat().st_mode) == 0o666 & ~mask
    real.chmod(0o640)
    link.symlink_to(real)
    nabi.save([2], link)
    assert link.is_symlink() and nabi.load(real) == [2] and stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_read_only_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    nabi.save([1], path)
    monkeypatch.setattr(os, "access", lambda target, mode: mode != os.W_OK)
    with pytest.raises(PermissionError, match="read-only"):
        nabi.save([2], path)
    assert nabi.load(path) == [1]


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(RuntimeError, match="parent directory .* does not exist"):
        nabi.save([1], tmp_path / "none" / "state.pt")
    with pytest.raises(RuntimeError, match="is a directory"):
        nabi.save([1], tmp_path)
    with pytest.raises(AttributeError, match="`write`, got int"):
        nabi.save([1], 5)
    if os.path.exists("/dev/full"):
        with pytest.raises(OSError, match="space"):
            nabi.save([1], "/dev/full")


# pickle.dumps(tensor)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_tensors_go_through_pickle(protocol):
    base = np.arange(12, dtype=np.float32)
    views = [
        base,
        base.reshape(3, 4)[1:, ::2],
        base.reshape(3, 4).T,
        base[:0],
        np.array(3),
        np.asfortranarray(np.eye(3)),
    ]
    tensors = [from_array(view) for view in views] + [nabi.nn.Parameter(from_array(np.ones(2)))]
    tensors += [from_array(np.ones(2), requires_grad=True)]
    result = pickle.loads(pickle.dumps(tensors, protocol))
    assert same(result, tensors)
    result[0]._array[:] = 7
    assert (result[1]._array == 7).all() and (result[2]._array == 7).all()
