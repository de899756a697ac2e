"""A linear regression with a falling learning rate."""

import torch


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.randn(64, 5)
    targets = inputs @ torch.tensor([1.0, -2.0, 0.5, 0.0, 1.5])
    weights = torch.zeros(5)

    @wrap
    def train_step(weights, rate):
        gradient = 2 * inputs.T @ (inputs @ weights - targets) / 64
        return weights - rate * gradient

    for step in range(12):
        stage("step")
        rate = 0.1 / (step + 1)  # FAULT
        # CORRECT: rate = torch.tensor(0.1 / (step + 1))
        weights = train_step(weights, rate)
    stage("after")
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]
