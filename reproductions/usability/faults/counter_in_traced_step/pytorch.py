"""A linear regression whose learning rate warms up."""

import torch


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.randn(64, 5)
    targets = inputs @ torch.tensor([1.0, -2.0, 0.5, 0.0, 1.5])
    weights = torch.zeros(5)
    state = {"count": 0}

    @wrap
    def train_step(weights):
        state["count"] += 1  # FAULT
        # CORRECT: state["count"] = torch.as_tensor(state["count"]) + 1
        rate = 0.001 * state["count"]
        gradient = 2 * inputs.T @ (inputs @ weights - targets) / 64
        return weights - rate * gradient

    for _ in range(40):
        stage("step")
        weights = train_step(weights)
    stage("after")
    return ((inputs @ weights - targets) ** 2).mean()
