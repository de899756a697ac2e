"""Does a sequence hold more of the unknown word than one in four?"""

import torch
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    tokens = torch.randint(0, 50, (600, 12))
    unknown = torch.rand(600, 12) < 0.25
    tokens[unknown] = 50
    labels = (unknown.sum(1) > 3).float()
    embedding = nn.Embedding(50, 8)  # FAULT
    # CORRECT: embedding = nn.Embedding(51, 8)
    model = wrap(nn.Sequential(embedding, nn.Flatten(), nn.Linear(96, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(40):
        stage("step")
        optimizer.zero_grad()
        scores = model(tokens[:500])[:, 0]
        loss = functional.binary_cross_entropy_with_logits(scores, labels[:500])
        loss.backward()
        optimizer.step()
    stage("after")
    return ((model(tokens[500:])[:, 0] > 0) == labels[500:]).float().mean()
