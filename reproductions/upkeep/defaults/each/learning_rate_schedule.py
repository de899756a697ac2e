"""Exponential decay: Keras' falls with every step, PyTorch's with every call, which its pages make once an epoch."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="learning_rate_schedule",
    title="Exponential decay of the learning rate",
    network="convolutional",
    setting="decay",
    asked={
        "pytorch": "optim.lr_scheduler.ExponentialLR, stepped once an epoch",
        "tensorflow": "optimizers.schedules.ExponentialDecay(staircase)",
    },
    common={"decay_rate": 0.5},
)


def pytorch():
    """Return how many learning rates two epochs of ten steps see where the scheduler is called once an epoch."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    seen = set()
    for _ in range(2):
        for _ in range(10):
            optimizer.step()
            seen.add(optimizer.param_groups[0]["lr"])
        schedule.step()
    return _name(len(seen))


def tensorflow():
    """Return how many learning rates two epochs of ten steps see where an epoch's steps are the decay steps."""
    import keras

    schedule = keras.optimizers.schedules.ExponentialDecay
    given = schedule(1.0, decay_steps=10, decay_rate=0.5, staircase=argument(schedule, "staircase"))
    return _name(len({round(float(given(step)), 6) for step in range(20)}))


def _name(rates):
    return {2: "falls once an epoch", 20: "falls every step"}[rates]
