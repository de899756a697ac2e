"""Initial vectors of an embedding, recognised from what a new one drew."""

from reproductions.upkeep.defaults import Default, laws

DEFAULT = Default(
    id="embedding_initialiser",
    title="Initial embedding",
    network="recurrent",
    setting="embedding",
    asked={"pytorch": "nn.Embedding as made", "tensorflow": "layers.Embedding as made"},
)
WORDS, WIDTH = 500, 40


def pytorch():
    """Return the law of a new embedding."""
    from torch import nn

    return laws.recognise(nn.Embedding(WORDS, WIDTH).weight.detach().numpy(), WORDS, WIDTH)


def tensorflow():
    """Return the law of a new embedding."""
    from keras import layers

    layer = layers.Embedding(WORDS, WIDTH)
    layer.build((None, None))
    return laws.recognise(layer.get_weights()[0], WORDS, WIDTH)
