# SPDX-License-Identifier: Apache-2.0
"""The pipeline a course teaches: data set, loader, model, loss, optimizer, training, evaluation on held-out images.

Only the four lines that import nabi differ from the PyTorch version: with `torch` in them it runs there too.
Run it as: python examples/notes_pipeline.py digits.csv.gz [epochs]
"""

import sys

import numpy as np

import nabi as torch
import nabi.nn as nn
import nabi.optim as optim
from nabi.utils.data import DataLoader, Dataset, TensorDataset


class HandwrittenDigits(Dataset):
    """8x8 digits from a table with 64 pixels (0 to 16) and the digit in each row; every fifth row is held out."""

    def __init__(self, path, train=True):
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        held_out = np.arange(len(table)) % 5 == 0
        self.table = table[~held_out if train else held_out]

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        row = self.table[index]
        image = torch.tensor(row[:64]).reshape(1, 8, 8) / 16
        return image, int(row[64])


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


def main(path, epochs=15):
    torch.manual_seed(1)
    train_set = HandwrittenDigits(path, train=True)
    test_set = HandwrittenDigits(path, train=False)
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
