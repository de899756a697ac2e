"""Points for a network with one hidden layer, which is exported as it is."""

from reproductions.usability import inputs


def make(rng, sizes):
    """Return points (examples, 20)."""
    x, _ = inputs.clusters(rng, sizes["examples"])
    return {"x": x}


def weights(rng):
    """Return the hidden layer's and the output layer's weights."""
    return [*inputs.dense(rng, 20, 64), *inputs.dense(rng, 64, 4)]


def compared(data, results, initial):
    """Return sixteen rows, and how far the loaded model is from others."""
    hidden = (data["x"] @ initial[0] + initial[1]).clip(0)
    exact = hidden @ initial[2] + initial[3]
    original, many, few = (results[name] for name in ("original", "many", "few"))
    return {
        "outputs": many[:16],
        "distance_from_original": abs(many - original).max(),
        "distance_at_another_batch_size": abs(few - original[:3]).max(),
        "distance_from_numpy": abs(many - exact).max(),
    }
