"""Train and evaluate a classifier in PyTorch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(20, 64),
            nn.ReLU(),
            nn.Linear(64, 4),
        )

    def forward(self, x):
        return self.layers(x)


def build():
    return Classifier()


def main(model, data):
    train = TensorDataset(
        torch.from_numpy(data["x_train"]), torch.from_numpy(data["y_train"])
    )
    loader = DataLoader(train, batch_size=32)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    model.train()
    for _ in range(3):
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    with torch.no_grad():
        logits = model(torch.from_numpy(data["x_test"]))
    correct = logits.argmax(1) == torch.from_numpy(data["y_test"])
    return {"logits": logits.numpy(), "accuracy": correct.float().mean().numpy()}
