"""A scripted PyTorch module."""

KIND = {
    "title": "TorchScript, .pt",
    "side": "pytorch",
    "documented": "https://docs.pytorch.org/docs/stable/generated/torch.jit.load.html",
    "ways": {"load": "torch.jit.load(path)"},
}


def save(network, folder):
    """Script and save it."""
    import pytorch
    import torch

    model = pytorch.model(network)
    torch.jit.script(model).save(folder + "/scripted.pt")
    return pytorch.outputs(model, network)


def load(way, network, folder):
    """Load it and ask it."""
    import pytorch
    import torch

    return pytorch.outputs(torch.jit.load(folder + "/scripted.pt"), network)
