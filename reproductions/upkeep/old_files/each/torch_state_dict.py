"""The weights of a PyTorch module."""

KIND = {
    "title": "PyTorch state_dict, .pt",
    "side": "pytorch",
    "documented": "https://docs.pytorch.org/docs/stable/notes/serialization.html",
    "ways": {"load": "model.load_state_dict(torch.load(path))"},
}


def save(network, folder):
    """Save it."""
    import pytorch
    import torch

    model = pytorch.model(network)
    torch.save(model.state_dict(), folder + "/weights.pt")
    return pytorch.outputs(model, network)


def load(way, network, folder):
    """Load it into the module built by code and ask that."""
    import pytorch
    import torch

    model = pytorch.empty(network)
    model.load_state_dict(torch.load(folder + "/weights.pt"))
    return pytorch.outputs(model, network)
