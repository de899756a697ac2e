"""VGG-19 from Keras layers."""

import keras
from keras import layers


def build(sizes):
    """Return the model; takes (batch, side, side, 3), returns logits (batch, classes)."""
    model = keras.Sequential([keras.Input((sizes["side"], sizes["side"], 3))])
    for number in range(1, 6):
        width = sizes["width"] * 2 ** min(number - 1, 3)
        for index in range(1, sizes[f"convs{number}"] + 1):
            name = f"block{number}_conv{index}"
            model.add(layers.Conv2D(width, 3, padding="same", activation="relu", name=name))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(sizes["dense"], activation="relu", name="dense1"))
    model.add(layers.Dense(sizes["dense"], activation="relu", name="dense2"))
    model.add(layers.Dense(sizes["classes"], name="logits"))
    return model


def reference(sizes):
    """Return the VGG-19 of keras.applications without its softmax.

    Raise NotImplementedError for a reduced network, which keras.applications does not offer.
    """
    full = {"width": 64, "dense": 4096, "convs1": 2, "convs2": 2, "convs3": 4, "convs4": 4, "convs5": 4}
    if any(sizes[key] != value for key, value in full.items()):
        raise NotImplementedError(f"keras.applications' VGG-19 is of full size, not {dict(sizes)}; use a full preset")
    return keras.applications.VGG19(
        weights=None,
        input_shape=(sizes["side"], sizes["side"], 3),
        classes=sizes["classes"],
        classifier_activation=None,
    )
