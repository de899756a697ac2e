"""Fits the cube of a linear function, with a gradient written by hand."""

import torch


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(context, inputs):
        context.save_for_backward(inputs)
        return inputs**3

    @staticmethod
    def backward(context, gradient):
        (inputs,) = context.saved_tensors
        return gradient * inputs  # FAULT
        # CORRECT: return gradient * 3 * inputs**2


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.rand(64, 3)
    targets = (inputs @ torch.tensor([0.5, -1.0, 0.8])) ** 3
    weights = torch.tensor([0.3, -0.6, 0.3], requires_grad=True)
    predict = wrap(lambda inputs: Cube.apply(inputs @ weights))
    optimizer = torch.optim.Adam([weights], lr=0.05)
    for _ in range(60):
        stage("step")
        optimizer.zero_grad()
        loss = ((predict(inputs) - targets) ** 2).mean()
        loss.backward()
        optimizer.step()
    stage("after")
    stage.gradcheck(Cube.apply, torch.rand(4, dtype=torch.float64, requires_grad=True))
    return ((predict(inputs) - targets) ** 2).mean().detach()
