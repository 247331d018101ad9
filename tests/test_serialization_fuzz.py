# SPDX-License-Identifier: Apache-2.0
"""Torn, altered and random files, and bombs: an equal result or a clean exception, in bounded memory."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from nabi.serialization import unpickler
from nabi.tensor import from_array
from serialization_files import (
    CLEAN,
    DTYPES,
    FLOATS,
    archive,
    golden_file,
    loaded,
    run,
    same,
    saved,
    state_dict,
    tensor_of,
)

# Bombs: the file is small, what it asks for isn't


BOMBS = {
    "lists": lambda n: b"(" + b"]" * n + b"t",
    "dicts": lambda n: b"(" + b"}" * n + b"t",
    "marks": lambda n: b"N" + b"(" * n,
    "nones": lambda n: b"](" + b"N" * n + b"e",
    "floats": lambda n: b"](" + b"".join(b"G" + struct.pack(">d", i) for i in range(n)) + b"e",
    "long integers": lambda n: b"](" + b"".join(b"\x8a\xff" + struct.pack("<255B", *([i % 255 + 1] * 255)) for i in range(n)) + b"e",
    "integers": lambda n: b"](" + b"".join(b"J" + struct.pack("<i", i + 70_000) for i in range(n)) + b"e",
    "texts": lambda n: b"](" + b"".join(b"X\x04\0\0\0%04d" % (i % 10_000) for i in range(n)) + b"e",
    "tuples": lambda n: b"](" + b"NNN\x87" * n + b"e",
    "keys": lambda n: b"}(" + b"".join(b"J" + struct.pack("<i", i) + b"N" for i in range(n)) + b"u",
    "memo": lambda n: b"N" + b"".join(b"r" + struct.pack("<I", i * 1000) for i in range(n)),
    "ordered dicts": lambda n: b"](ccollections\nOrderedDict\nq\0)R" + b"h\0)R" * n + b"e",
    "sets": lambda n: b"](c__builtin__\nset\nq\0)R" + b"h\0)R" * n + b"e",
    "filled sets": lambda n: b"](c__builtin__\nset\nq\0](K\1K\2K\3K\4K\5K\6K\7e\x85q\1R" + b"h\0h\1R" * n + b"e",
    "encoded": lambda n: b"](c_codecs\nencode\nq\0X\x00\x10\0\0" + b"x" * 4096 + b"X\6\0\0\0latin1\x86q\1R" + b"h\0h\1R" * n + b"e",
    "sizes": lambda n: b"](ctorch\nSize\nq\0(" + b"K\1" * 200 + b"t\x85q\1R" + b"h\0h\1R" * n + b"e",
    "parameters": lambda n: (
        b"](ctorch._utils\n_rebuild_parameter\nq\2"
        + tensor_of()
        + b"q\3\x88N\x87q\4R"
        + b"h\2h\4R" * n
        + b"e"
    ),
    "tensors": lambda n: b"](" + tensor_of().replace(b"\n(", b"\nq\0(", 1)[:-1] + b"q\1R" + b"h\0h\1R" * n + b"e",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_the_budget_is_an_upper_bound_of_memory(name, monkeypatch):
    import gc
    import tracemalloc

    data = archive(b"\x80\x02" + BOMBS[name](20_000) + b".", {"data/0": bytes(16)})
    spent = []
    check = unpickler._check_complete
    monkeypatch.setattr(unpickler, "_check_complete", lambda result: None)
    load = unpickler.Unpickler.load

    def watched(self):
        try:
            return load(self)
        finally:
            spent.append(unpickler.BUDGET - self.budget)

    monkeypatch.setattr(unpickler.Unpickler, "load", watched)
    gc.collect()
    tracemalloc.start()
    try:
        try:
            result = loaded(data)
        except pickle.UnpicklingError:
            result = None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The archive and its pickle are held a few times while they are read.
    assert peak <= spent[0] + 5 * len(data) + 200_000, (peak, spent[0], len(data))
    if result is not None:
        check(result)
    monkeypatch.setattr(unpickler, "BUDGET", spent[0] // 2)
    with pytest.raises(pickle.UnpicklingError, match="MB of Python objects"):
        loaded(data)


def test_large_description_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr("nabi.serialization.archive.MAX_PICKLE", 10)
    with pytest.raises(pickle.UnpicklingError, match="description of"):
        run(b"N" * 100)


def test_equal_long_texts_as_keys_pay_for_their_comparison():
    text = b"X\x00\x00\x10\x00" + b"x" * (1 << 20)
    body = b"}" + text + b"q\0Ns" + text + b"q\1Ns" + b"h\1Ns" * 5000
    with pytest.raises(pickle.UnpicklingError, match="MB of Python objects"):
        run(body)


# Fuzzing: an equal result or a clean exception


def check_clean(data: bytes, good=None) -> None:
    try:
        result = loaded(data)
    except CLEAN as error:
        assert str(error).startswith("load: ")
    else:
        assert good is None or same(result, good)


@pytest.mark.parametrize("data", [golden_file(), saved(state_dict())], ids=["pytorch", "nabi"])
def test_truncated_at_every_byte(data):
    for size in range(len(data)):
        with pytest.raises(CLEAN):
            loaded(data[:size])


@pytest.mark.parametrize("data", [golden_file(), saved(state_dict())], ids=["pytorch", "nabi"])
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_every_byte_altered(data, mask):
    good = loaded(data)
    for place in range(len(data)):
        check_clean(data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :], good)


def test_bytes_removed_doubled_and_appended():
    data = saved(state_dict())
    good = loaded(data)
    for place in range(0, len(data), 3):
        check_clean(data[:place] + data[place + 1 :], good)
        check_clean(data[:place] + data[place : place + 1] + data[place:], good)
    for tail in (b"\0", b"PK\x05\x06", bytes(100)):
        check_clean(data + tail, good)


def test_every_byte_of_the_description_altered_under_a_right_checksum():
    source = zipfile.ZipFile(io.BytesIO(golden_file()))
    names = [name for name in source.namelist() if "/data/" in name]
    members = {name.removeprefix("archive/"): source.read(name) for name in names}
    description = source.read("archive/data.pkl")
    opcodes = sorted(unpickler._STEPS)
    random = np.random.default_rng(0)
    for place in range(len(description)):
        others = {
            description[place] ^ 1,
            description[place] ^ 0x80,
            0,
            255,
            *random.choice(opcodes, 2).tolist(),
        }
        for byte in others:
            check_clean(archive(description[:place] + bytes([byte]) + description[place + 1 :], members))


def test_random_programs():
    random = np.random.default_rng(1)
    pieces = [bytes([code]) for code in unpickler._STEPS if code not in b"cXhqrjK"] + [
        b"h\0", b"h\1", b"q\0", b"q\1", b"K\0", b"K\2", b"X\1\0\0\0a", b"X\1\0\0\0000", FLOATS, tensor_of(), b"tR", b")R",
        b"ccollections\nOrderedDict\n", b"ccollections\nCounter\n", b"ctorch\nSize\n", b"c__builtin__\nset\n",
        b"ctorch._utils\n_rebuild_parameter\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nfloat32\n",
        b"c_codecs\nencode\n", b"ctorch\ndevice\n", b"ctorch\nFloatStorage\n", b"c__builtin__\nbytearray\n",
    ]  # fmt: skip
    for _ in range(4000):
        chosen = random.integers(len(pieces), size=random.integers(1, 25))
        body = b"\x80\x02" + b"".join(pieces[index] for index in chosen) + b"."
        check_clean(archive(body, {"data/0": bytes(16)}))


def test_hypothesis_values_come_back():
    hypothesis = pytest.importorskip("hypothesis")
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays

    keys = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.text()
        | st.binary()
    )
    tensors = st.sampled_from(DTYPES).flatmap(
        lambda name: arrays.arrays(name, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
    )
    leaves = (
        keys | st.integers(-(2**2000), 2**2000) | st.floats() | tensors.map(from_array) | st.complex_numbers()
    )
    values = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner)
            | st.lists(inner).map(tuple)
            | st.dictionaries(keys | st.tuples(keys, keys), inner)
            | st.dictionaries(keys, inner).map(OrderedDict)
            | st.sets(keys)
        ),
        max_leaves=15,
    )

    @hypothesis.settings(max_examples=100, deadline=None, derandomize=True)
    @hypothesis.given(values)
    def comes_back(value):
        assert same(loaded(saved(value)), value)

    comes_back()


def test_hypothesis_bytes_are_refused_or_read():
    hypothesis = pytest.importorskip("hypothesis")
    from hypothesis import strategies as st

    @hypothesis.settings(max_examples=150, deadline=None, derandomize=True)
    @hypothesis.given(st.binary(max_size=80))
    def is_clean(data):
        check_clean(data)
        check_clean(b"PK\x03\x04" + data)
        check_clean(archive(data))
        check_clean(archive(b"\x80\x02" + data + b"."))

    is_clean()
