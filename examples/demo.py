# SPDX-License-Identifier: Apache-2.0
"""Trains a small network on real images, evaluates it, saves plots, and says how PyTorch does on the same.

python examples/demo.py [--data auto|fashion|digits] [--epochs N] [--seed N] [--out FOLDER] [--no-torch]

Fashion-MNIST is used where Debian's package dataset-fashion-mnist (or --root) provides it, the 1,797 digits that
come with nabi otherwise. PyTorch, where it is installed, runs the same functions in a process of its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FASHION = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
RECIPES = {
    "fashion": {"hidden": (256, 128), "dropout": 0.1, "lr": 0.03, "decay": 0.6, "batch": 64, "epochs": 5},
    "digits": {"hidden": (64, 32), "dropout": 0.1, "lr": 0.05, "decay": 0.95, "batch": 32, "epochs": 30},
}


def load_images(name: str, root: str) -> dict:
    """Real images as arrays: train_x (n, pixels) with mean 0 and deviation 1, train_y, test_x, test_y, and the image's height."""
    from nabi.vision.datasets import Digits, FashionMNIST

    if name in ("auto", "fashion"):
        try:
            train, test = FashionMNIST(root, train=True), FashionMNIST(root, train=False)
            name = "fashion"
        except (RuntimeError, OSError) as problem:
            if name == "fashion":
                raise SystemExit(
                    f"{problem}\nDebian and Ubuntu have it: apt-get install dataset-fashion-mnist"
                ) from None
            name = "digits"
    if name == "digits":
        train, test = Digits(train=True), Digits(train=False)
    arrays = {}
    for part, images in (("train", train), ("test", test)):
        pixels = images.data.numpy()
        arrays[part + "_x"] = (pixels.reshape(len(pixels), -1) / 255).astype(np.float32)
        arrays[part + "_y"] = images.targets.numpy().astype(np.int64)
    mean, deviation = arrays["train_x"].mean(), arrays["train_x"].std()
    for part in ("train_x", "test_x"):
        arrays[part] = (arrays[part] - mean) / deviation
    return {"name": name, "height": pixels.shape[1], **arrays}


def progress(steps, total: int, label: str):
    """A bar if tqdm is there; plain lines are printed by the caller either way."""
    try:
        from tqdm import tqdm
    except ImportError:
        return steps
    return tqdm(steps, total=total, desc=label, leave=False, disable=None)


def build(nn, inputs: int, hidden: tuple, classes: int, dropout: float):
    """inputs - hidden ... - classes, with ReLU and dropout after each hidden layer."""
    layers, width = [], inputs
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, classes))


def evaluate(torch, model, loader) -> np.ndarray:
    """The predicted class of every image, dropout switched off."""
    model.eval()
    with torch.no_grad():
        return np.concatenate([model(images).argmax(dim=1).numpy() for images, _ in loader])


def train(framework: str, images: dict, recipe: dict, epochs: int, seed: int, quiet: bool = False) -> dict:
    """The whole pipeline on nabi or on PyTorch: only the imported module differs."""
    torch = importlib.import_module(framework)
    nn = importlib.import_module(framework + ".nn")
    optim = importlib.import_module(framework + ".optim")
    data = importlib.import_module(framework + ".utils.data")

    torch.manual_seed(seed)
    part = {name: torch.from_numpy(images[name]) for name in ("train_x", "train_y", "test_x", "test_y")}
    train_loader = data.DataLoader(
        data.TensorDataset(part["train_x"], part["train_y"]), recipe["batch"], shuffle=True
    )
    test_loader = data.DataLoader(data.TensorDataset(part["test_x"], part["test_y"]), 1000)
    model = build(nn, images["train_x"].shape[1], recipe["hidden"], 10, recipe["dropout"])
    loss_function = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=recipe["lr"], momentum=0.9)
    if not quiet:
        print(model)

    losses, accuracies, seconds = [], [], 0.0
    for epoch in range(epochs):
        start = time.perf_counter()
        model.train()
        batches = (
            train_loader
            if quiet
            else progress(train_loader, len(train_loader), f"epoch {epoch + 1}/{epochs}")
        )
        for inputs, labels in batches:
            optimizer.zero_grad()
            loss = loss_function(model(inputs), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        for group in optimizer.param_groups:
            group["lr"] *= recipe["decay"]
        seconds += time.perf_counter() - start
        predicted = evaluate(torch, model, test_loader)
        accuracies.append(float((predicted == images["test_y"]).mean()))
        if not quiet:
            mean = float(np.mean(losses[-len(train_loader) :]))
            print(f"epoch {epoch + 1:2}: training loss {mean:.4f}, held-out accuracy {accuracies[-1]:.2%}")
    return {
        "framework": framework,
        "version": torch.__version__,
        "seconds": seconds,
        "accuracy": accuracies[-1],
        "losses": losses,
        "accuracies": accuracies,
        "predicted": predicted.tolist(),
    }


def pytorch_python() -> str | None:
    """An interpreter that has PyTorch: this one, or the one that this virtual environment was made from."""
    for python in dict.fromkeys([sys.executable, getattr(sys, "_base_executable", sys.executable)]):
        look = (
            "import importlib.util as u, sys; sys.exit(not (u.find_spec('torch') and u.find_spec('numpy')))"
        )
        if python and subprocess.run([python, "-c", look], capture_output=True).returncode == 0:
            return python
    return None


def compare(images: dict, recipe: dict, epochs: int, seed: int) -> dict | None:
    """The same training with PyTorch in a process of its own, so that neither slows the other."""
    python = pytorch_python()
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savez(folder + "/images.npz", **{k: v for k, v in images.items() if k != "name"})
        job = json.dumps({"folder": folder, "recipe": recipe, "epochs": epochs, "seed": seed})
        done = subprocess.run(
            [python, os.path.abspath(__file__), "--torch-job", job], capture_output=True, text=True
        )
        if done.returncode:
            print(
                "PyTorch is installed but could not run the comparison:",
                done.stderr.strip().splitlines()[-1:],
            )
            return None
        return json.loads(Path(folder, "result.json").read_text())


def torch_job(job: str) -> None:
    """What the process started by compare() does."""
    job = json.loads(job)
    images = dict(np.load(job["folder"] + "/images.npz"))
    result = train("torch", images, job["recipe"], job["epochs"], job["seed"], quiet=True)
    Path(job["folder"], "result.json").write_text(json.dumps(result))


def save_plots(folder: Path, images: dict, result: dict, other: dict | None) -> list[Path]:
    """The loss curve, predictions beside the images, the confusion matrix. None of them without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    labels = FASHION if images["name"] == "fashion" else [str(digit) for digit in range(10)]
    truth, predicted = images["test_y"], np.array(result["predicted"])
    saved = []

    def save(figure, name: str) -> None:
        figure.savefig(folder / name, dpi=120)
        plt.close(figure)
        saved.append(folder / name)

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    window = max(1, len(result["losses"]) // 100)
    for run, style in ((result, "-"), (other, "--")):
        if run is not None:
            smooth = np.convolve(run["losses"], np.ones(window) / window, mode="valid")
            name = "PyTorch" if run["framework"] == "torch" else run["framework"]
            left.plot(np.arange(len(smooth)) + window, smooth, style, label=name)
            right.plot(range(1, len(run["accuracies"]) + 1), run["accuracies"], style, marker="o", label=name)
    left.set(
        title=f"Training loss (mean of {window} steps)", xlabel="step", ylabel="cross entropy", yscale="log"
    )
    right.set(title="Held-out accuracy", xlabel="epoch", ylabel="accuracy")
    right.xaxis.get_major_locator().set_params(integer=True)
    left.legend()
    right.legend()
    save(figure, "loss.png")

    wrong, right_ones = np.flatnonzero(predicted != truth), np.flatnonzero(predicted == truth)
    chosen = np.concatenate([right_ones[:10], wrong[:10]])
    figure, axes = plt.subplots(2, 10, figsize=(14, 3.8), layout="constrained")
    figure.suptitle("Above: predicted correctly. Below: mistakes (predicted / true)")
    for axis in axes.flat:
        axis.axis("off")
    for axis, i in zip(axes.flat, chosen, strict=False):
        axis.imshow(images["test_x"][i].reshape(images["height"], -1), cmap="gray_r")
        good = predicted[i] == truth[i]
        title = labels[predicted[i]] if good else f"{labels[predicted[i]]} /\n{labels[truth[i]]}"
        axis.set_title(title, fontsize=9, color="darkgreen" if good else "darkred")
    save(figure, "predictions.png")

    matrix = np.zeros((10, 10), dtype=int)
    np.add.at(matrix, (truth, predicted), 1)
    figure, axis = plt.subplots(figsize=(7, 6.4), layout="constrained")
    axis.imshow(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for row in range(10):
        for column in range(10):
            if matrix[row, column]:
                colour = "white" if matrix[row, column] > matrix[row].sum() / 2 else "black"
                axis.text(
                    column, row, matrix[row, column], ha="center", va="center", fontsize=8, color=colour
                )
    axis.set_xticks(range(10), labels, rotation=45, ha="right")
    axis.set_yticks(range(10), labels)
    axis.set(title=f"Confusion matrix, {result['accuracy']:.2%} correct", xlabel="predicted", ylabel="true")
    save(figure, "confusion.png")
    return saved


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description="nabi's demo")
    parser.add_argument("--data", choices=["auto", "fashion", "digits"], default="auto")
    parser.add_argument(
        "--root", default="data", help="folder with Fashion-MNIST's IDX files (default: data)"
    )
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo-output"))
    parser.add_argument("--no-torch", action="store_true", help="do not compare with PyTorch")
    parser.add_argument("--torch-job", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.torch_job:
        return torch_job(options.torch_job)

    images = load_images(options.data, options.root)
    recipe = RECIPES[images["name"]]
    epochs = options.epochs or recipe["epochs"]
    print(
        f"{images['name']}: {len(images['train_y']):,} training and {len(images['test_y']):,} held-out images"
    )
    result = train("nabi", images, recipe, epochs, options.seed)
    print(
        f"\nnabi:    {result['accuracy']:.2%} of the held-out images, {result['seconds']:.1f} s of training"
    )
    if not options.no_torch and pytorch_python():
        print("PyTorch: the same training, in a process of its own ...", flush=True)
    other = None if options.no_torch else compare(images, recipe, epochs, options.seed)
    if other is not None:
        print(
            f"PyTorch: {other['accuracy']:.2%} of the held-out images, {other['seconds']:.1f} s of training (",
            end="",
        )
        print(
            f"version {other['version']}, same seed, own process; nabi took {result['seconds'] / other['seconds']:.2f} of its time)"
        )
    elif not options.no_torch:
        print("PyTorch: not installed here, so nothing to compare with")
    saved = save_plots(options.out, images, result, other)
    print("plots:  ", ", ".join(map(str, saved)) if saved else "none (pip install matplotlib to get them)")
    return {"result": result, "torch": other, "plots": saved}


if __name__ == "__main__":
    main()
