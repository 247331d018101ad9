# SPDX-License-Identifier: Apache-2.0
"""Networks that learn: real images, small problems with a known answer, and what training mode changes."""

from __future__ import annotations

import numpy as np
import pytest

import nabi
import nabi.nn as nn
import nabi.optim as optim
from nabi.utils.data import DataLoader, TensorDataset
from nabi.vision import datasets


def fit(model, x, y, *, epochs, lr, batch=32, momentum=0.9, decay=1.0, loss_function=None) -> list[float]:
    """Mean loss of each epoch."""
    loss_function = loss_function or nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(nabi.from_numpy(x), nabi.from_numpy(y)), batch_size=batch, shuffle=True)
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    curve = []
    for _ in range(epochs):
        model.train()
        losses = []
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = loss_function(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        curve.append(float(np.mean(losses)))
        for group in optimizer.param_groups:
            group["lr"] *= decay
    return curve


def accuracy(model, x, y) -> float:
    model.eval()
    with nabi.no_grad():
        return float((model(nabi.from_numpy(x)).numpy().argmax(axis=1) == y).mean())


def arrays(images) -> tuple[np.ndarray, np.ndarray]:
    pixels = images.data.numpy().reshape(len(images), -1)
    return (pixels / 255).astype(np.float32), images.targets.numpy().astype(np.int64)


@pytest.fixture(scope="module")
def digits():
    return (*arrays(datasets.Digits(train=True)), *arrays(datasets.Digits(train=False)))


def test_digits(digits):
    train_x, train_y, test_x, test_y = digits
    nabi.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    )
    before = accuracy(model, test_x, test_y)
    fit(model, train_x, train_y, epochs=20, lr=0.05)
    assert before < 0.3
    assert accuracy(model, test_x, test_y) >= 0.95


@pytest.mark.slow
def test_fashion_mnist():
    try:
        train, test = datasets.FashionMNIST("data", train=True), datasets.FashionMNIST("data", train=False)
    except (RuntimeError, OSError):
        pytest.skip("Fashion-MNIST is not installed (Debian's package dataset-fashion-mnist)")
    (train_x, train_y), (test_x, test_y) = arrays(train), arrays(test)
    mean, deviation = train_x.mean(), train_x.std()
    nabi.manual_seed(0)
    layers = [
        nn.Linear(784, 256),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Dropout(0.1),
    ]
    model = nn.Sequential(*layers, nn.Linear(128, 10))
    fit(model, (train_x - mean) / deviation, train_y, epochs=5, lr=0.03, decay=0.6, batch=64)
    assert accuracy(model, (test_x - mean) / deviation, test_y) >= 0.87


def test_xor_needs_the_hidden_layer():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    y = np.array([[0], [1], [1], [0]], dtype=np.float32)
    reached = {}
    for name, layers in {
        "linear": [nn.Linear(2, 1)],
        "hidden": [nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)],
    }.items():
        nabi.manual_seed(1)
        model = nn.Sequential(*layers, nn.Sigmoid())
        curve = fit(model, x, y, epochs=600, lr=0.2, batch=4, loss_function=nn.BCELoss())
        reached[name] = curve[-1]
    assert reached["hidden"] < 0.02
    assert reached["linear"] == pytest.approx(np.log(2), abs=0.05)


def test_a_small_network_learns_a_batch_by_heart():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((16, 20)).astype(np.float32), rng.integers(0, 5, 16)
    nabi.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
    curve = fit(model, x, y, epochs=200, lr=0.1, batch=16)
    assert curve[-1] < 1e-2
    assert accuracy(model, x, y) == 1.0


def test_a_deep_sigmoid_network_does_not_learn(digits):
    """What the course shows: every sigmoid layer divides the gradient by at least four; ReLU does not."""
    train_x, train_y = digits[0][:512], digits[1][:512]
    falls = {}
    first_gradient = {}
    for activation in (nn.Sigmoid, nn.ReLU):
        nabi.manual_seed(0)
        layers = [nn.Linear(64, 32), activation()]
        for _ in range(3):
            layers += [nn.Linear(32, 32), activation()]
        model = nn.Sequential(*layers, nn.Linear(32, 10))
        loss = nn.CrossEntropyLoss()(model(nabi.from_numpy(train_x)), nabi.from_numpy(train_y))
        loss.backward()
        first_gradient[activation] = float(np.abs(model[0].weight.grad.numpy()).mean())
        last_gradient = float(np.abs(model[-1].weight.grad.numpy()).mean())
        if activation is nn.Sigmoid:
            assert first_gradient[activation] < 1e-3 * last_gradient
        curve = fit(model, train_x, train_y, epochs=15, lr=0.05)
        falls[activation] = curve[0] - curve[-1]
    assert first_gradient[nn.ReLU] > 20 * first_gradient[nn.Sigmoid]
    assert falls[nn.Sigmoid] < 0.1
    assert falls[nn.ReLU] > 1.0


def test_dropout_only_in_training():
    nabi.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 100), nn.Dropout(0.5), nn.Linear(100, 3))
    x = nabi.ones(4, 10)
    model.train()
    noisy = [model(x).detach().numpy() for _ in range(3)]
    assert not np.array_equal(noisy[0], noisy[1]) and not np.array_equal(noisy[1], noisy[2])
    model.eval()
    state = nabi.get_rng_state()
    steady = [model(x).detach().numpy() for _ in range(3)]
    np.testing.assert_array_equal(steady[0], steady[1])
    np.testing.assert_array_equal(steady[1], steady[2])
    np.testing.assert_array_equal(nabi.get_rng_state().numpy(), state.numpy())
    model.train()
    mean = np.mean([model(x).detach().numpy() for _ in range(2000)], axis=0)
    np.testing.assert_allclose(mean, steady[0], atol=0.05)


def test_one_seed_one_result(digits):
    curves = []
    for seed in (7, 7, 8):
        nabi.manual_seed(seed)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10))
        curves.append(fit(model, digits[0][:256], digits[1][:256], epochs=2, lr=0.05))
    assert curves[0] == curves[1] != curves[2]


def test_evaluation_leaves_no_graph():
    model = nn.Linear(3, 2)
    with nabi.no_grad():
        output = model(nabi.ones(1, 3))
    assert output.grad_fn is None and not output.requires_grad
    assert model(nabi.ones(1, 3)).requires_grad
