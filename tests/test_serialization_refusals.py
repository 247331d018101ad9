# SPDX-License-Identifier: Apache-2.0
"""What save and load refuse: foreign objects, hostile pickles, archives that lie."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import nabi
from nabi.serialization import reader, unpickler
from nabi.tensor import from_array
from serialization_files import (
    FLOATS,
    archive,
    golden_file,
    loaded,
    run,
    saved,
    state_dict,
    tensor_of,
)

# What save refuses


Point = namedtuple("Point", "x y")


class Stranger:
    pass


@pytest.mark.parametrize(
    ("value", "error", "sentence"),
    [
        ({"model": [1, Stranger()]}, TypeError, r"obj\['model'\]\[1\] is a .*Stranger"),
        ({"history": np.ones(2)}, TypeError, r"obj\['history'\] is a numpy.ndarray.*from_numpy"),
        ([np.float64(1)], TypeError, r"obj\[0\] is a numpy.float64.*item\(\)"),
        (Point(1, 2), TypeError, "obj is a .*Point"),
        (nabi.nn.Module, TypeError, "obj is a builtins.type"),
        ({"f": print}, TypeError, r"obj\['f'\] is a builtins.builtin_function_or_method"),
        (frozenset([1]), TypeError, "obj is a builtins.frozenset"),
        ({frozenset([1]): 1}, TypeError, "the key of .* is a builtins.frozenset"),
        ({1j: 1}, TypeError, "the key of .* is a builtins.complex"),
        ({2**63: 1}, ValueError, "integer beyond 64 bits"),
        ({(0,) * 2000: 1}, ValueError, "more than 1000 parts"),
        ([2**2039], ValueError, r"obj\[0\] is an integer of 2040 bits"),
    ],
)
def test_save_says_what_it_refuses_and_where(value, error, sentence):
    with pytest.raises(error, match=f"^save: .*{sentence}"):
        nabi.save(value, io.BytesIO())


def test_save_refuses_a_module_and_says_what_to_save():
    with pytest.raises(TypeError, match=r"obj\['net'\] is a .*save its state_dict"):
        nabi.save({"net": nabi.nn.Module()}, io.BytesIO())


def test_save_refuses_attributes_of_an_ordered_dict():
    state = OrderedDict()
    state.note = Stranger()
    with pytest.raises(TypeError, match=r"obj\['model'\]\.note is a .*Stranger"):
        nabi.save({"model": state}, io.BytesIO())


def test_save_refuses_what_nests_without_end():
    deep: list = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(ValueError, match="more than 100 levels"):
        nabi.save(deep, io.BytesIO())
    inner: list = []
    inner.append((inner,))
    with pytest.raises(ValueError, match="tuple that contains itself"):
        nabi.save(inner[0], io.BytesIO())


def test_save_refuses_one_memory_under_two_types():
    array = np.zeros(4, np.int32)
    with pytest.raises(RuntimeError, match=r"obj\[1\] views the memory of another tensor as another type"):
        nabi.save([from_array(array), from_array(array.view(np.float32))], io.BytesIO())


def test_save_refuses_what_load_would_refuse(monkeypatch):
    monkeypatch.setattr(unpickler, "BUDGET", 10_000)
    monkeypatch.setattr(nabi.serialization, "READ_BACK", 100)
    with pytest.raises(ValueError, match="too large to be loaded again"):
        nabi.save(list(range(1000)), io.BytesIO())
    assert loaded(saved([from_array(np.ones(2)), "x" * 100]))[1] == "x" * 100


@pytest.mark.parametrize(
    "options", [{"pickle_protocol": 4}, {"pickle_module": os}, {"_use_new_zipfile_serialization": False}]
)
def test_options_that_are_not_supported_say_so(options):
    with pytest.raises(NotImplementedError):
        nabi.save([], io.BytesIO(), **options)


# What load refuses


def test_the_hand_written_tensor_is_a_good_one():
    assert run(tensor_of(), data_0=bytes(16))._array.tolist() == [[0, 0], [0, 0]]
    assert run(tensor_of(size=b"\x8a\x060\0\0\0\0\x01\x85", stride=b"K\0\x85"), data_0=bytes(16)).shape == (
        0x0100_0000_0030,
    )


@pytest.mark.parametrize(
    "options",
    [
        {"offset": b"K\x01"},
        {"offset": b"J\xff\xff\xff\xff"},
        {"offset": b"\x88"},
        {"offset": b"G" + bytes(8)},
        {"size": b"K\x02K\x03\x86"},
        {"size": b"K\x02\x85"},
        {"size": b"J\xff\xff\xff\xffK\x02\x86"},
        {"size": b"](K\x02K\x02e"},
        {"size": b"X\x01\0\0\0aK\x01\x86"},
        {"stride": b"J\xfe\xff\xff\xffK\x01\x86", "offset": b"K\x02"},
        {"stride": b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86"},
        {"stride": b"\x8a\x08\0\0\0\0\0\0\0\x40K\x01\x86"},
        {"stride": b"\x8a\xff" + b"\x7f" * 255 + b"K\x01\x86"},
        {"size": b"\x8a\x05\0\0\0\0\x40" * 2 + b"\x86", "stride": b"K\0K\0\x86"},
        {"size": b"K\0K\x02\x86", "offset": b"K\x05"},
        {"size": b"(" + b"K\x01" * 100 + b"t", "stride": b"(" + b"K\x01" * 100 + b"t"},
        {"storage": b"N"},
        {"storage": FLOATS[:-1]},
        {"grad": b"K\x01"},
    ],
    ids=str,
)
def test_tensors_outside_their_storage_are_refused(options):
    with pytest.raises(pickle.UnpicklingError, match="^load: "):
        run(tensor_of(**options), data_0=bytes(16))


def test_storage_errors_are_named():
    with pytest.raises(RuntimeError, match="archive/data/0.* is missing"):
        run(tensor_of())
    with pytest.raises(RuntimeError, match="archive/data/0.* has 12 bytes, expected 4 float32"):
        run(tensor_of(), data_0=bytes(12))
    outside = FLOATS.replace(b"X\x01\0\0\x000", b"X\x0b\0\0\x00../../../pw")
    with pytest.raises(RuntimeError, match=r"\.\./pw.* is missing"):
        run(tensor_of(storage=outside), data_0=bytes(16))
    huge = FLOATS.replace(b"K\x04", b"\x8a\x08" + b"\xff" * 7 + b"\x7f")
    with pytest.raises(RuntimeError, match="has 16 bytes, expected 9223372036854775807 float32"):
        run(tensor_of(storage=huge), data_0=bytes(16))
    ints = FLOATS.replace(b"Float", b"Int")
    with pytest.raises(pickle.UnpicklingError, match="storage '0' as 4 int32 and as 4 float32"):
        run(tensor_of() + tensor_of(storage=ints) + b"\x86", data_0=bytes(16))
    with pytest.raises(pickle.UnpicklingError, match="tensor of int32 that requires a gradient"):
        run(tensor_of(storage=ints, grad=b"\x88"), data_0=bytes(16))
    with pytest.raises(pickle.UnpicklingError, match="bare storage"):
        run(b"]" + FLOATS + b"a", data_0=bytes(16))


@pytest.mark.parametrize(
    ("kind", "name"),
    [("BFloat16", "bfloat16"), ("Half", "float16"), ("ComplexFloat", "complex64"), ("QInt8", "qint8")],
)
def test_types_that_nabi_lacks_are_named(kind, name):
    storage = FLOATS.replace(b"Float", kind.encode())
    with pytest.raises(pickle.UnpicklingError, match=f"torch {kind}Storage.*{name} isn't supported yet"):
        run(tensor_of(storage=storage), data_0=bytes(16))
    with pytest.raises(pickle.UnpicklingError, match="torch bfloat16"):
        run(b"ctorch\nbfloat16\n")


@pytest.mark.parametrize(
    "body",
    [
        b"cos\nsystem\nX\x04\0\0\0true\x85R",
        b"cbuiltins\neval\nX\x01\0\0\0001\x85R",
        b"c__builtin__\ngetattr\n",
        b"cnabi\nload\n",
        b"cnumpy._core.multiarray\nscalar\n",
        b"ctorch\nload\n",
        b"ctorch._utils\n_rebuild_qtensor\n",
        b"ctorch.storage\n_load_from_bytes\n",
        b"c__main__\nNet\n)\x81",
        b"ccollections\ndefaultdict\n)R",
    ],
)
def test_globals_are_refused_by_name(body):
    module, name = body[1:].split(b"\n")[:2]
    with pytest.raises(pickle.UnpicklingError, match=f"`{module.decode()} {name.decode()}` isn't allowed"):
        run(body)


@pytest.mark.parametrize("code", sorted(unpickler._NAMES))
def test_opcodes_are_refused_by_name(code):
    import pickletools

    name = unpickler._NAMES[code]
    assert name in [opcode.name for opcode in pickletools.opcodes if opcode.code.encode("latin1") == code]
    with pytest.raises(pickle.UnpicklingError, match=f"unsupported opcode {name} at byte 2"):
        run(code)


def test_names_in_messages_are_printable():
    with pytest.raises(pickle.UnpicklingError) as refusal:
        run(b"cos\nsys\x1b[2Jtem\n")
    assert str(refusal.value).isprintable() and r"sys\x1b[2Jtem" in str(refusal.value)


def test_safe_globals_are_refused():
    with pytest.raises(NotImplementedError, match="calls nothing else"):
        nabi.serialization.add_safe_globals([Stranger])
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nabi.serialization.nothing


def test_every_opcode_of_pickle_is_known():
    import pickletools

    codes = {opcode.code.encode("latin1") for opcode in pickletools.opcodes} - {b"."}
    assert codes == set(unpickler._NAMES) | {bytes([code]) for code in unpickler._STEPS}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"N" * 2, "STOP with 2 objects"),
        (b"", "STOP with 0 objects"),
        (b"(N", "STOP with 1 objects"),
        (b"(t", None),
        (b"a", "stack is empty"),
        (b"t", "no mark"),
        (b"](\x85", "stack is empty"),
        (b"h\x00", "memo 0 is read"),
        (b"X\xff\xff\xff\xffabc", "bytes early"),
        (b"\x8a\xff\x01", "bytes early"),
        (b"X\x01\0\0\0\xff", "isn't UTF-8"),
        (b"c" + b"a" * 2000, "has no end"),
        (b"N)R", "REDUCE of NoneType"),
        (b"ctorch\nFloatStorage\n)R", "REDUCE of torch FloatStorage"),
        (b"ctorch\nfloat32\n)R", "REDUCE of float32"),
        (b"ccollections\nOrderedDict\n]R", "with a list, expected a tuple"),
        (b"ccollections\nOrderedDict\n", "as a value"),
        (b"](ccollections\nOrderedDict\nNe", "as a value"),
        (b"}(]Nu", "key of type list"),
        (b"}(}Nu", "key of type dict"),
        (b"}(ccollections\nOrderedDict\nNu", "key of type Global"),
        (b"}(Nu", "a key but no value"),
        (b"NNa", "APPEND on a NoneType"),
        (b"NNNs", "SETITEM on a NoneType"),
        (b"}}b", "BUILD on a dict"),
        (b"ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsNsb", "more than the `_metadata`"),
        (b"c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0rot\x86R", "`_codecs encode` with"),
        (b"ctorch\nSize\nX\x01\0\0\0a\x85R", "`torch Size` with"),
        (b"NQ", "persistent id"),
        (b"\x80\x04N", "pickle protocol 4"),
        (b"}(" + b")" + b"\x85" * 5000 + b"Nu", "more than 1000 parts"),
        (b"}()" + b"q\0h\0\x86" * 200 + b"Nu", "more than 1000 parts"),
    ],
)
def test_malformed_pickles_are_refused(body, sentence):
    if sentence is None:
        assert run(body) == ()
        return
    with pytest.raises(pickle.UnpicklingError, match=f"^load: .*{sentence}"):
        run(body)


def test_deep_nesting_neither_recurses_nor_crashes():
    depth = 100_000
    for body in (
        b"]" * depth + b"a" * (depth - 1),
        b")" + b"\x85" * depth,
        b"}" + b"N}" * depth + b"s" * depth,
    ):
        assert run(body) is not None


def test_compressed_members_are_refused():
    with pytest.raises(RuntimeError, match="archive/data.pkl' is compressed"):
        loaded(archive(b"\x80\x02N.", {"data/0": bytes(1 << 20)}, zipfile.ZIP_DEFLATED))


def change_directory(data: bytes, name: str, **fields) -> bytes:
    """Overwrite fields of a member's entry in the archive's directory."""
    places = {
        "flags": (8, "<H"),
        "crc": (16, "<I"),
        "packed": (20, "<I"),
        "size": (24, "<I"),
        "offset": (42, "<I"),
    }
    at = data.rindex(name.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    changed = bytearray(data)
    for field, value in fields.items():
        where, form = places[field]
        struct.pack_into(form, changed, at + where, value)
    return bytes(changed)


def test_directories_that_lie_are_refused():
    data = saved(state_dict())
    name = "archive/data/0"
    for fields, sentence in [
        ({"size": 1 << 30, "packed": 1 << 30}, "reaches into its neighbour"),
        ({"size": 47, "packed": 47}, "47 bytes, expected 12 float32"),
        ({"size": 49, "packed": 49}, "49 bytes, expected 12 float32"),
        ({"packed": 7}, "is compressed"),
        ({"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF}, "lacks its 64-bit size"),
        ({"offset": 0}, "reaches into its neighbour|header of member"),
        ({"offset": 0xFFFFFFF0}, "beyond the archive"),
        ({"crc": 1}, "is damaged: CRC"),
        ({"flags": 1}, "is encrypted"),
    ]:
        with pytest.raises(RuntimeError, match=sentence):
            loaded(change_directory(data, name, **fields))


def test_members_that_share_bytes_are_refused():
    data = saved([from_array(np.zeros(1000)), from_array(np.zeros(1000))])
    first = zipfile.ZipFile(io.BytesIO(data)).getinfo("archive/data/0").header_offset
    with pytest.raises(RuntimeError, match="reaches into its neighbour"):
        loaded(change_directory(data, "archive/data/1", offset=first))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_missing_and_doubled_members_are_named():
    file = io.BytesIO(archive(b"\x80\x02N."))
    with zipfile.ZipFile(file, "a") as target:
        target.writestr("archive/data.pkl", b"\x80\x02K\x01.")
    with pytest.raises(RuntimeError, match="'archive/data.pkl' is there twice"):
        loaded(file.getvalue())
    for names, missing in [([], "archive/data.pkl"), (["data.pkl"], "archive/version")]:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as target:
            for name in ["other", *names]:
                target.writestr(f"archive/{name}", b"\x80\x02N.")
        with pytest.raises(RuntimeError, match=f"'{missing}' is missing"):
            loaded(file.getvalue())


@pytest.mark.parametrize(
    ("data", "error", "sentence"),
    [
        (b"", EOFError, "nothing left"),
        (b"P", pickle.UnpicklingError, "isn't a zip archive"),
        (pickle.dumps({"a": 1}), pickle.UnpicklingError, "isn't a zip archive"),
        (b"PK\x03\x04" + bytes(100), RuntimeError, "no end of archive"),
        (b"PK\x05\x06" * 20_000, pickle.UnpicklingError, "isn't a zip"),
        (b"PK\x03\x04" + b"PK\x05\x06" * 20_000, RuntimeError, "no end of archive|isn't where"),
        (archive(b"\x80\x02N.", {"version": b"11"}), RuntimeError, "version '11'"),
        (archive(b"\x80\x02N.", {"version": b"1" * 65}), RuntimeError, "has 65 bytes"),
        (archive(b"\x80\x02N.", {"byteorder": b"middle"}), RuntimeError, "byte order 'middle'"),
        (archive(b"\x80\x02N.", {"constants.pkl": b""}), RuntimeError, "TorchScript"),
    ],
)
def test_other_files_are_refused(data, error, sentence):
    with pytest.raises(error, match=f"^load: .*{sentence}"):
        loaded(data)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        nabi.load(tmp_path / "none.pt")
    with pytest.raises(AttributeError, match="got int without read"):
        nabi.load(5)
    with pytest.raises(TypeError, match="binary mode"):
        nabi.load(io.StringIO("PK"))
    with pytest.raises(EOFError, match=r"seek\(0\)"):
        file = io.BytesIO()
        nabi.save(1, file)
        nabi.load(file)
    with pytest.raises(NotImplementedError):
        nabi.load(io.BytesIO(), pickle_module=pickle)


def test_map_location():
    data = saved(from_array(np.ones(2, np.float32)))
    gpu = archive(
        b"\x80\x02" + tensor_of(storage=FLOATS.replace(b"\3\0\0\0cpu", b"\6\0\0\0cuda:0")) + b".",
        {"data/0": bytes(16)},
    )
    seen = []
    for place in (
        None,
        "cpu",
        "cpu:0",
        nabi.device("cpu"),
        {"cuda:0": "cpu"},
        {},
        lambda storage, location: storage,
    ):
        assert loaded(data, map_location=place)._array.tolist() == [1, 1]
    for place in ("cpu", nabi.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage.cpu()):
        assert loaded(gpu, map_location=place)._array.tolist() == [[0, 0], [0, 0]]
    loaded(
        gpu, map_location=lambda storage, location: (seen.append((storage.nbytes(), location)), storage)[1]
    )
    assert seen == [(16, "cuda:0")]
    for place in (None, {"cuda:1": "cpu"}, "cuda", "meta", lambda storage, location: None):
        with pytest.raises(RuntimeError, match="nabi has only the CPU"):
            loaded(gpu, map_location=place)
    with pytest.raises(TypeError, match="map_location to return"):
        loaded(gpu, map_location=lambda storage, location: 5)


def test_weights_only_false_runs_no_code_either():
    assert loaded(saved([1]), weights_only=False) == [1]
    with pytest.raises(pickle.UnpicklingError, match="`os system` isn't allowed"):
        loaded(archive(b"\x80\x02cos\nsystem\n."), weights_only=False)


def test_no_unpickler_of_python_is_used():
    folder = os.path.dirname(unpickler.__file__)
    for name in os.listdir(folder):
        if name.endswith(".py"):
            with open(os.path.join(folder, name)) as file:
                text = file.read()
            for word in (
                "pickle.load",
                "pickle import load",
                "import Unpickler\n",
                "__import__",
                "importlib",
                "eval(",
                "exec(",
            ):
                assert word not in text.replace("from .unpickler import", "").replace(
                    "pickle.UnpicklingError", ""
                )


def test_reader_is_told_of_a_file_that_shrinks():
    class Shrinking(io.BytesIO):
        def readinto(self, view):
            return 0 if self.tell() < 200 else super().readinto(view)

    with pytest.raises(RuntimeError, match="changed while it was read"):
        nabi.load(Shrinking(golden_file()))


def test_reader_of_a_directory_beyond_its_limit(monkeypatch):
    monkeypatch.setattr(reader, "MAX_DIRECTORY", 100)
    with pytest.raises(RuntimeError, match="directory of .* bytes"):
        loaded(golden_file())
