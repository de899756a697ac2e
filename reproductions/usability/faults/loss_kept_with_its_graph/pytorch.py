"""Measures the loss of a classifier on many batches."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    model = wrap(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)))
    total = 0.0
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        loss = functional.cross_entropy(model(images[batch]), labels[batch])
        total = total + loss  # FAULT
        # CORRECT: total = total + loss.item()
    stage("after")
    nodes, new = set(), [getattr(total, "grad_fn", None)]
    while new:
        node = new.pop()
        if node is not None and node not in nodes:
            nodes.add(node)
            new += [parent for parent, _ in node.next_functions]
    return len(nodes)
