# SPDX-License-Identifier: Apache-2.0
"""The data sets of images: reading IDX files whole or damaged, samples, transforms, batches."""

import gzip
import os
import pathlib
import pickle
import sys
import tracemalloc

import numpy as np
import pytest

import nabi
from nabi.utils.data import ConcatDataset, DataLoader, Subset, default_collate, random_split
from nabi.utils.data.dataset import batch_reader
from nabi.vision import datasets, transforms
from nabi.vision.datasets import MNIST, Digits, FashionMNIST, base
from nabi.vision.datasets.idx import read_idx, read_labels
from nabi.vision.transforms import Compose, Lambda, Normalize, ToTensor

SYSTEM = FashionMNIST._system_folders[0]


def idx_bytes(array, code=8):
    sizes = b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.tobytes()


def sample(n=12, size=(28, 28), seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, *size), dtype=np.uint8), rng.integers(0, 10, n, dtype=np.uint8)


def write_pair(folder, split="train", compressed=False, **options):
    images, labels = sample(**options)
    folder.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        data = idx_bytes(array)
        name = f"{split}-{kind}-ubyte" + (".gz" if compressed else "")
        (folder / name).write_bytes(gzip.compress(data) if compressed else data)
    return images, labels


@pytest.fixture
def no_pillow(monkeypatch):
    monkeypatch.setattr(base, "_pillow", [None])


# Finding and reading the files


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("where", ["MNIST/raw", "raw", "."])
def test_where_files_are_looked_for(tmp_path, where, compressed, no_pillow):
    images, labels = write_pair(tmp_path / where, compressed=compressed)
    write_pair(tmp_path / where, "t10k", compressed=not compressed, n=5, seed=1)
    data = MNIST(str(tmp_path))
    assert len(data) == 12 and len(MNIST(tmp_path, train=False)) == 5
    assert data.data.dtype is nabi.uint8 and data.data.shape == (12, 28, 28)
    assert data.targets.dtype is nabi.int64 and data.targets.shape == (12,)
    np.testing.assert_array_equal(data.data.numpy(), images)
    np.testing.assert_array_equal(data.targets.numpy(), labels)
    image, label = data[3]
    np.testing.assert_array_equal(image, images[3])
    assert label == labels[3] and type(label) is int
    data.data[0] = 0  # the array can be written
    assert [label for _, label in data] == labels.tolist()
    assert data[-1][1] == labels[-1]
    with pytest.raises(IndexError):
        data[12]


def test_the_first_complete_folder_wins(tmp_path, no_pillow):
    write_pair(tmp_path, seed=1)
    images, _ = write_pair(tmp_path / "MNIST" / "raw", seed=2)
    np.testing.assert_array_equal(MNIST(tmp_path).data.numpy(), images)
    os.remove(tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte")
    np.testing.assert_array_equal(MNIST(tmp_path).data.numpy(), sample(seed=1)[0])


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_missing_files_name_every_folder(tmp_path, name, monkeypatch):
    kind = getattr(datasets, name)
    monkeypatch.setattr(kind, "_system_folders", ("/nowhere/at/all",))
    with pytest.raises(RuntimeError) as caught:
        kind(tmp_path, train=False)
    text = str(caught.value)
    assert text.startswith(f"{name}: Dataset not found.") and "t10k-images-idx3-ubyte" in text
    for folder in (tmp_path / name / "raw", tmp_path / "raw", tmp_path, "/nowhere/at/all"):
        assert f"{folder}" in text
    with pytest.raises(NotImplementedError, match="download=True.*put the four files"):
        kind(tmp_path, download=True)
    write_pair(tmp_path)
    assert len(kind(tmp_path, download=True)) == 12


def test_fashion_says_which_package_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr(FashionMNIST, "_system_folders", ())
    with pytest.raises(RuntimeError, match="apt-get install dataset-fashion-mnist"):
        FashionMNIST(tmp_path)


def test_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_pair(tmp_path / "data" / "MNIST" / "raw")
    data = MNIST("~/data")
    assert data.root == str(tmp_path / "data") and data.raw_folder == str(tmp_path / "data" / "MNIST" / "raw")


@pytest.mark.skipif(not os.path.isdir(SYSTEM), reason="Debian's dataset-fashion-mnist is not installed")
def test_real_fashion_mnist(tmp_path):
    train, test = FashionMNIST(tmp_path), FashionMNIST(tmp_path, train=False)
    assert (len(train), len(test)) == (60000, 10000)
    assert np.bincount(train.targets.numpy()).tolist() == [6000] * 10
    assert np.bincount(test.targets.numpy()).tolist() == [1000] * 10
    # Published statistics of the training pixels: mean 0.2860, standard deviation 0.3530.
    pixels = train.data.numpy().reshape(60, -1)
    mean = pixels.sum(dtype=np.int64) / pixels.size
    square = sum(int((row.astype(np.uint32) ** 2).sum()) for row in pixels) / pixels.size
    assert abs(mean / 255 - 0.2860) < 1e-4 and abs((square - mean**2) ** 0.5 / 255 - 0.3530) < 1e-4
    assert train.classes[train[0][1]] == "Ankle boot" and train.class_to_idx["Bag"] == 8


# Damaged files

IMAGES, LABELS = sample(6)
GOOD = idx_bytes(IMAGES)
DAMAGED = [
    ("empty", b"", "first bytes 00 00.*got no bytes"),
    ("text", b"<!DOCTYPE html>", "first bytes 00 00.*got 3c 21 44 4f"),
    ("bad magic", b"\1" + GOOD[1:], "got 01 00 08 03"),
    ("three bytes", GOOD[:3], "got 00 00 08"),
    ("float values", GOOD[:2] + b"\x0d" + GOOD[3:], r"uint8 values \(code 8\).*got float32 \(code 13\)"),
    ("unknown type", GOOD[:2] + b"\x07" + GOOD[3:], r"got an unknown type \(code 7\)"),
    ("labels for images", idx_bytes(LABELS), "expected 3 dimensions.*got 1"),
    ("255 dimensions", GOOD[:3] + b"\xff" + GOOD[4:], "expected 3 dimensions.*got 255"),
    ("half a header", GOOD[:10], "16 bytes of header.*got 10 bytes"),
    ("no values", GOOD[:16], r"expected 4704 values for shape \(6, 28, 28\).*got 0"),
    ("short", GOOD[:-1], "expected 4704 values.*got 4703"),
    ("long", GOOD + b"\0", "expected 4704 values.*got more"),
    ("huge", GOOD[:4] + b"\xff" * 12 + GOOD[16:], "at most 1073741824 values"),
    ("large", GOOD[:4] + b"\0\x10\0\0" + GOOD[8:], r"expected 822083584 values.*got 4704"),
    ("zero times huge", GOOD[:4] + b"\0\0\0\0" + b"\xff" * 8 + GOOD[16:], "expected 0 values.*got more"),
]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("data, words", [case[1:] for case in DAMAGED], ids=[case[0] for case in DAMAGED])
def test_damaged_files(tmp_path, data, words, compressed):
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(data) if compressed else data)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=words) as caught:
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value) and "expected" in str(caught.value)


PACKED = gzip.compress(GOOD)


@pytest.mark.parametrize(
    "data",
    [
        PACKED[: len(PACKED) // 2],
        PACKED[:-4],
        PACKED[:5],
        PACKED[:100] + b"\x55" * 50 + PACKED[150:],
        PACKED + b"tail",
    ],
    ids=["torn", "without checksum", "half a gzip header", "corrupt", "rubbish behind"],
)
def test_damaged_gzip(tmp_path, data):
    path = tmp_path / "images.gz"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="images.gz") as caught:
        read_idx(path, 3)
    assert "expected" in str(caught.value)


def test_a_small_file_that_unpacks_to_much_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros((1, 28, 28), np.uint8)) + bytes(50_000_000)))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="expected 784 values.*got more"):
            read_idx(path, 3)
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()


def test_good_files(tmp_path):
    path = tmp_path / "x"
    for array in (IMAGES, np.zeros((0, 28, 28), np.uint8), np.arange(24, dtype=np.uint8).reshape(2, 3, 4)):
        for name, data in (("plain.gz", idx_bytes(array)), ("packed", gzip.compress(idx_bytes(array)))):
            path = tmp_path / name
            path.write_bytes(data)
            out = read_idx(path, 3)
            np.testing.assert_array_equal(out, array)
            assert out.shape == array.shape and out.flags.writeable
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none", 3)


def test_labels_out_of_range(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(idx_bytes(np.array([1, 9, 10, 77], np.uint8)))
    with pytest.raises(ValueError, match=r"labels in \[0, 10\) in .*labels, got 10 at position 2"):
        read_labels(path, 10)


def test_images_and_labels_must_fit(tmp_path):
    write_pair(tmp_path, n=12)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    with pytest.raises(ValueError, match=r"as many labels in .* as images in .* \(12\), got 6"):
        MNIST(tmp_path)
    write_pair(tmp_path, size=(28, 32))
    with pytest.raises(ValueError, match="images of 28 x 28 in .*, got 28 x 32"):
        MNIST(tmp_path)


# Digits


def test_digits():
    train, test = Digits(), Digits(train=False)
    assert (len(train), len(test)) == (1497, 300) and train.classes == list("0123456789")
    assert train.data.shape == (1497, 8, 8) and train.data.dtype is nabi.uint8
    values = sorted({*train.data.numpy().ravel().tolist(), *test.data.numpy().ravel().tolist()})
    assert values == [(255 * v + 8) // 16 for v in range(17)] and values[0] == 0 and values[-1] == 255
    # Counts of scikit-learn's load_digits().target.
    counts = np.bincount(train.targets.numpy()) + np.bincount(test.targets.numpy())
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    # The first digit of the file, a 0, is the first of the test part; the next five are for training.
    zero = (test.data.numpy()[0].astype(int) * 16 + 127) // 255
    assert zero.tolist()[:2] == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]
    assert test[0][1] == 0 and train.targets.tolist()[:6] == [1, 2, 3, 4, 5, 7]


def test_digits_against_scikit_learn():
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    images, target = sklearn_datasets.load_digits(return_X_y=True)
    rows = np.arange(1797)
    for train in (True, False):
        data, part = Digits(train=train), (rows % 6 != 0) == train
        np.testing.assert_array_equal(data.targets.numpy(), target[part])
        np.testing.assert_array_equal(
            (data.data.numpy().reshape(-1, 64).astype(int) * 16 + 127) // 255, images[part]
        )


def test_the_licence_is_beside_the_digits():
    folder = pathlib.Path(datasets.__file__).parent.parent / "data"
    text = (folder / "LICENSE-digits.txt").read_text()
    assert "CC BY 4.0" in text and "BSD 3-Clause" in text and "scikit-learn developers" in text
    assert sum(file.stat().st_size for file in folder.glob("digits-*")) < 57_000


# Transforms


def test_to_tensor():
    rng = np.random.default_rng(0)
    gray, colour = (
        rng.integers(0, 256, (4, 5), dtype=np.uint8),
        rng.integers(0, 256, (4, 5, 3), dtype=np.uint8),
    )
    for image, expected in (
        (gray, gray[None]),
        (colour, colour.transpose(2, 0, 1)),
        (colour[::2, ::-1], colour[::2, ::-1].transpose(2, 0, 1)),
    ):
        out = ToTensor()(image)
        assert out.dtype is nabi.float32 and out.is_contiguous()
        np.testing.assert_array_equal(out.numpy(), expected.astype(np.float32) / np.float32(255))
    for dtype in (np.int16, np.int32, np.int64, np.float32, np.float64, np.bool_):
        out = ToTensor()(gray.astype(dtype))
        assert out.numpy().dtype == dtype and out.shape == (1, 4, 5)
        np.testing.assert_array_equal(out.numpy()[0], gray.astype(dtype))
    nabi.set_default_dtype(nabi.float64)
    try:
        out = ToTensor()(gray)
        np.testing.assert_array_equal(out.numpy()[0], gray / 255.0)
    finally:
        nabi.set_default_dtype(nabi.float32)
    assert ToTensor()(gray).numpy().max() <= 1 and repr(ToTensor()) == "ToTensor()"


def test_normalize():
    rng = np.random.default_rng(0)
    x = rng.random((2, 3, 4, 5)).astype(np.float32)
    mean, std = (0.1307, 0.2, 0.3), (0.3081, 0.5, 2.0)
    m, s = (np.array(v, np.float32).reshape(3, 1, 1) for v in (mean, std))
    for image in (x, x[0]):
        kept = image.copy()
        out = Normalize(mean, std)(nabi.from_numpy(image))
        np.testing.assert_array_equal(out.numpy(), (image - m) / s)
        np.testing.assert_array_equal(image, kept)
    t = nabi.from_numpy(x.copy())
    version = t._version
    assert Normalize(mean, std, inplace=True)(t) is t and t._version > version
    np.testing.assert_array_equal(t.numpy(), (x - m) / s)
    one = Normalize([0.5], nabi.tensor([0.25]))(nabi.from_numpy(x))
    np.testing.assert_array_equal(one.numpy(), (x - np.float32(0.5)) / np.float32(0.25))
    assert repr(Normalize((0.1307,), (0.3081,))) == "Normalize(mean=(0.1307,), std=(0.3081,))"
    assert isinstance(Normalize(0.5, 0.5), nabi.nn.Module)


def test_normalize_passes_gradients_on():
    x = nabi.ones(1, 2, 2, requires_grad=True)
    Normalize([0.5], [0.25])(x).sum().backward()
    assert x.grad.tolist() == [[[4.0, 4.0], [4.0, 4.0]]]


BAD = [
    (TypeError, "a PIL image or a numpy array, got int", lambda: ToTensor()(3)),
    (TypeError, "a PIL image or a numpy array, got Tensor", lambda: ToTensor()(nabi.zeros(2, 2))),
    (ValueError, r"got shape \(1, 2, 3, 4\)", lambda: ToTensor()(np.zeros((1, 2, 3, 4), np.uint8))),
    (ValueError, r"got shape \(4,\)", lambda: ToTensor()(np.zeros(4, np.uint8))),
    (TypeError, "put ToTensor before it", lambda: Normalize(0.5, 0.5)(np.zeros((1, 2, 2)))),
    (
        TypeError,
        "floating-point tensor, got torch.uint8",
        lambda: Normalize(0, 1)(nabi.zeros(1, 2, 2, dtype=nabi.uint8)),
    ),
    (ValueError, r"\(..., C, H, W\), got shape \(2, 2\)", lambda: Normalize(0.5, 0.5)(nabi.zeros(2, 2))),
    (ValueError, "std without a zero", lambda: Normalize((0.5,), (0.0,))(nabi.zeros(1, 2, 2))),
    (ValueError, "std without a zero", lambda: Normalize((0.5,), (1e-60,))(nabi.zeros(1, 2, 2))),
    (RuntimeError, "mean with 3 values.*got 2", lambda: Normalize((0.5, 0.5), (1, 1))(nabi.zeros(3, 2, 2))),
    (RuntimeError, "std with 1 values.*got 2", lambda: Normalize((0.5,), (1, 1))(nabi.zeros(1, 2, 2))),
    (TypeError, "a callable, got int", lambda: Lambda(3)),
]


@pytest.mark.parametrize("kind, words, call", BAD)
def test_bad_transforms(kind, words, call):
    with pytest.raises(kind, match=words):
        call()


def test_representations(no_pillow):
    steps = Compose([ToTensor(), Normalize((0.5,), (0.5,)), Lambda(nabi.relu)])
    assert repr(steps) == "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n    Lambda()\n)"
    assert repr(Digits(train=False)) == "Dataset Digits\n    Number of datapoints: 300\n    Split: Test"
    data = Digits(transform=steps, target_transform=Lambda(float))
    assert repr(data) == (
        "Dataset Digits\n    Number of datapoints: 1497\n    Split: Train\n    StandardTransform\n"
        "Transform: Compose(\n               ToTensor()\n               Normalize(mean=(0.5,), std=(0.5,))\n"
        "               Lambda()\n           )\nTarget transform: Lambda()"
    )
    image, label = data[0]
    assert image.shape == (1, 8, 8) and label == 1.0 and type(label) is float


def test_representation_names_the_root(tmp_path):
    write_pair(tmp_path)
    assert repr(MNIST(tmp_path)) == (
        f"Dataset MNIST\n    Number of datapoints: 12\n    Root location: {tmp_path}\n    Split: Train"
    )


def test_base_class():
    data = datasets.VisionDataset(transforms=lambda x, y: (y, x))
    assert data.transforms(1, 2) == (2, 1) and data.transform is None
    with pytest.raises(ValueError, match="either transforms or"):
        datasets.VisionDataset(transforms=len, transform=len)


# Batches

TRANSFORMS = {
    "none": None,
    "to tensor": ToTensor(),
    "normalized": Compose([ToTensor(), Normalize((0.1307,), (0.3081,))]),
    "nested": Compose(
        [Compose([ToTensor()]), Compose([]), Normalize(0.5, 0.5), Normalize((0.1,), (3.0,), True)]
    ),
}


def batches(dataset, **options):
    nabi.manual_seed(4)
    return list(DataLoader(dataset, 64, shuffle=True, **options))


def assert_same(fast, slow):
    assert len(fast) == len(slow) > 0
    for a, b in zip(fast, slow):
        assert type(a) is type(b) is list and len(a) == len(b) == 2
        for x, y in zip(a, b):
            assert x.dtype is y.dtype and x.is_contiguous()
            np.testing.assert_array_equal(x.numpy(), y.numpy())


@pytest.mark.parametrize("target_transform", [None, float])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_gathered_batch_is_the_collated_one(name, target_transform, no_pillow):
    whole = Digits(transform=TRANSFORMS[name], target_transform=target_transform)
    for data in (whole, Subset(whole, range(5, 500, 3)), random_split(whole, [0.1, 0.9])[0]):
        assert batch_reader(data) is not None
        assert_same(batches(data), batches(data, collate_fn=lambda batch: default_collate(batch)))


def test_the_fast_path_reads_no_single_sample(monkeypatch):
    def refuse(self, index):
        raise AssertionError("a single sample was read")

    monkeypatch.setattr(base.GrayImages, "__getitem__", refuse)
    data = Digits(transform=TRANSFORMS["normalized"])
    assert len(batches(data)) == 24
    assert batches(Digits())[0][0].dtype is nabi.uint8
    with pytest.raises(AssertionError, match="a single sample was read"):
        batches(data, collate_fn=lambda batch: batch)


@pytest.mark.parametrize(
    "transform",
    [
        Lambda(ToTensor()),
        Compose([ToTensor(), nabi.relu]),
        type("Own", (ToTensor,), {})(),
        Compose([ToTensor(), Lambda(lambda x: x)]),
    ],
)
def test_other_transforms_are_called_one_by_one(transform):
    data = Digits(transform=transform)
    assert batch_reader(data) is None
    assert_same(batches(Digits(transform=ToTensor())), batches(data))


def test_subclasses_and_changed_fields(no_pillow):
    class Inverted(Digits):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return 255 - image, label

    assert batch_reader(Inverted()) is None
    expected = 255 - batches(Digits())[0][0].numpy()
    np.testing.assert_array_equal(batches(Inverted())[0][0].numpy(), expected)
    data = Digits(transform=ToTensor())
    data.targets = [int(t) % 2 for t in data.targets]
    assert batch_reader(data) is None and set(batches(data)[0][1].tolist()) == {0, 1}
    data = Digits(transform=ToTensor())
    kept = np.flatnonzero(data.targets.numpy() < 2)
    data.data, data.targets = data.data[nabi.from_numpy(kept)], data.targets[nabi.from_numpy(kept)]
    assert len(data) == len(kept) and batch_reader(data) is not None
    assert sorted({int(t) for batch in batches(data) for t in batch[1]}) == [0, 1]
    joined = ConcatDataset([data, Digits(train=False, transform=ToTensor())])
    assert sum(len(batch[1]) for batch in batches(joined)) == len(kept) + 300


def test_bad_transform_options_in_a_batch():
    with pytest.raises(RuntimeError, match="mean with 1 values"):
        batches(Digits(transform=Compose([ToTensor(), Normalize((0.5, 0.5), (1, 1))])))
    with pytest.raises(TypeError, match="put ToTensor before it"):
        batches(Digits(transform=Normalize(0.5, 0.5)))


def test_pickle(no_pillow):
    data = pickle.loads(pickle.dumps(Digits(train=False, transform=TRANSFORMS["normalized"])))
    np.testing.assert_array_equal(
        data[7][0].numpy(), Digits(train=False, transform=TRANSFORMS["normalized"])[7][0].numpy()
    )


# Pillow


def test_without_pillow_nothing_imports_it():
    import subprocess

    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "from nabi.vision.datasets import Digits\n"
        "from nabi.vision.transforms import ToTensor\n"
        "import numpy as np\n"
        "assert type(Digits()[0][0]) is np.ndarray\n"
        "assert Digits(transform=ToTensor())[0][0].shape == (1, 8, 8)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_with_pillow():
    image_module = pytest.importorskip("PIL.Image")
    data = Digits()
    image = data[5][0]
    assert isinstance(image, image_module.Image) and image.mode == "L" and image.size == (8, 8)
    np.testing.assert_array_equal(np.array(image), data.data.numpy()[5])
    np.testing.assert_array_equal(ToTensor()(image).numpy(), ToTensor()(data.data.numpy()[5]).numpy())
    data = Digits(transform=TRANSFORMS["normalized"])
    assert_same(batches(data), batches(data, collate_fn=lambda batch: default_collate(batch)))


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "I;16", "F"]
)
def test_modes_of_pillow(mode):
    image_module = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    gray = image_module.fromarray(rng.integers(0, 256, (3, 5), dtype=np.uint8))
    image = gray.convert("I").convert("I;16") if mode == "I;16" else gray.convert(mode)
    out = transforms.functional.to_tensor(image)
    values = np.asarray(image).astype(np.float64)
    values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    kept = {"I": nabi.int32, "I;16": nabi.int16, "F": nabi.float32}
    assert out.dtype is kept.get(mode, nabi.float32) and out.shape == values.shape and out.is_contiguous()
    scale = 1 if mode in kept or mode == "1" else np.float32(255)
    np.testing.assert_array_equal(out.numpy(), (values / scale).astype(out.numpy().dtype))
