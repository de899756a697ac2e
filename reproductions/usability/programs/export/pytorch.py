"""Export a model for any batch size and run it again, with torch.export."""

import torch
from torch import nn


def build():
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 4))


def main(model, data):
    x = torch.from_numpy(data["x"])
    model.eval()
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, (x,), dynamic_shapes=({0: batch},))
    torch.export.save(program, "classifier.pt2")

    loaded = torch.export.load("classifier.pt2").module()
    with torch.no_grad():
        return {
            "original": model(x).numpy(),
            "many": loaded(x).numpy(),
            "few": loaded(x[:3]).numpy(),
        }
