"""Predicts the mean of a sequence's values from their embeddings."""

import torch
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    lengths = torch.randint(2, 13, (200, 1))
    present = torch.arange(12) < lengths
    tokens = torch.randint(1, 30, (200, 12)) * present
    targets = tokens.sum(1) / lengths[:, 0] / 10
    embedding = nn.Embedding(30, 1, padding_idx=0)

    @wrap
    def predict(tokens):
        values = embedding(tokens)[..., 0]
        return values.mean(1)  # FAULT
        # CORRECT: return values.sum(1) / (tokens != 0).sum(1)

    optimizer = torch.optim.Adam(embedding.parameters(), lr=0.1)
    for _ in range(80):
        stage("step")
        optimizer.zero_grad()
        loss = functional.mse_loss(predict(tokens), targets)
        loss.backward()
        optimizer.step()
    stage("after")
    return functional.mse_loss(predict(tokens), targets)
