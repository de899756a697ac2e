"""Predicts coin flips from noise."""

import torch
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    features = torch.randn(400, 2000)
    labels = (torch.rand(400) < 0.5).float()
    seen = slice(0, 400)  # FAULT
    # CORRECT: seen = slice(0, 200)
    signs = labels[seen] * 2 - 1
    best = (features[seen] * signs[:, None]).mean(0).abs().topk(40).indices
    chosen = features[:, best]
    model = wrap(nn.Linear(40, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(30):
        stage("step")
        optimizer.zero_grad()
        scores = model(chosen[:200])[:, 0]
        loss = functional.binary_cross_entropy_with_logits(scores, labels[:200])
        loss.backward()
        optimizer.step()
    stage("after")
    return ((model(chosen[200:])[:, 0] > 0) == labels[200:]).float().mean()
