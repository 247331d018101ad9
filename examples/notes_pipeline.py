# SPDX-License-Identifier: Apache-2.0
"""The pipeline a course teaches: data set, loader, model, loss, optimizer, training, evaluation on held-out images.

Only the four lines that import nabi differ from the PyTorch version: with `torch` in them it runs there too.
Run it as: python examples/notes_pipeline.py python/nabi/vision/data [epochs]
"""

import gzip
import sys
from pathlib import Path

import numpy as np

import nabi as torch
import nabi.nn as nn
import nabi.optim as optim
from nabi.utils.data import DataLoader, Dataset, TensorDataset


class HandwrittenDigits(Dataset):
    """8x8 digits with pixels from 0 to 16, from two IDX files in a folder; every fifth one is held out."""

    def __init__(self, folder, train=True):
        with gzip.open(Path(folder) / "digits-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 8, 8)
        with gzip.open(Path(folder) / "digits-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        held_out = np.arange(len(labels)) % 5 == 0
        self.images = images[~held_out if train else held_out]
        self.labels = labels[~held_out if train else held_out]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = torch.tensor(self.images[index], dtype=torch.float32).unsqueeze(0) / 16
        return image, int(self.labels[index])


class Net(nn.Module):
    """64 - 48 - 10 with dropout between."""

    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.hidden = nn.Linear(64, 48)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(0.25)
        self.output = nn.Linear(48, 10)

    def forward(self, x):
        x = self.flatten(x)
        x = self.dropout(self.activation(self.hidden(x)))
        return self.output(x)


def train_one_epoch(model, loader, loss_function, optimizer):
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


def accuracy(model, loader):
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in loader:
            correct += (model(images).argmax(dim=1) == labels).sum().item()
    return correct / len(loader.dataset)


def main(folder, epochs=15):
    torch.manual_seed(1)
    train_set = HandwrittenDigits(folder, train=True)
    test_set = HandwrittenDigits(folder, train=False)
    test_images = torch.stack([image for image, _ in test_set])
    test_labels = torch.tensor([label for _, label in test_set])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    test_loader = DataLoader(TensorDataset(test_images, test_labels), batch_size=256)

    loss_function = nn.CrossEntropyLoss()
    sequential = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Sigmoid(), nn.Linear(32, 10))
    for name, model in [("module", Net()), ("sequential", sequential)]:
        print(model)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for epoch in range(epochs):
            loss = train_one_epoch(model, train_loader, loss_function, optimizer)
            print(f"{name} epoch {epoch + 1} loss {loss:.6f}")
        print(f"{name} held-out accuracy {accuracy(model, test_loader):.4f}")

    model = Net()
    image = test_images[:1]
    model.train()
    noisy = [model(image).sum().item() for _ in range(4)]
    model.eval()
    steady = [model(image).sum().item() for _ in range(4)]
    print(f"with dropout {len(set(noisy))} different outputs, without {len(set(steady))}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
