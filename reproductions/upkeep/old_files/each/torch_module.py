"""A whole PyTorch module, pickled."""

KIND = {
    "title": "PyTorch module, pickled, .pt",
    "side": "pytorch",
    "documented": "https://docs.pytorch.org/docs/stable/notes/serialization.html",
    "ways": {"load": "torch.load(path)", "load_all": "torch.load(path, weights_only=False)"},
}


def save(network, folder):
    """Save it."""
    import pytorch
    import torch

    model = pytorch.model(network)
    torch.save(model, folder + "/model.pt")
    return pytorch.outputs(model, network)


def load(way, network, folder):
    """Load it and ask it; the class lies where the pickle says."""
    import pytorch
    import torch

    path = folder + "/model.pt"
    made = torch.load(path) if way == "load" else torch.load(path, weights_only=False)
    return pytorch.outputs(made, network)
