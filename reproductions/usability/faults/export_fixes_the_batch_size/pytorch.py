"""Exports a classifier of digits and serves ten digits with it."""

import torch
from sklearn.datasets import load_digits
from torch import nn


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    images = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).eval()
    exported = torch.export.export(model, (images[:1],))  # FAULT
    # CORRECT: dynamic = [{0: torch.export.Dim.DYNAMIC}]
    # CORRECT: example = (images[:2],)
    # CORRECT: exported = torch.export.export(model, example, dynamic_shapes=dynamic)
    torch.export.save(exported, "model.pt2")
    served = torch.export.load("model.pt2").module()
    stage("step")
    served(images[:1])
    stage("step")
    return len(served(images[:10]))
