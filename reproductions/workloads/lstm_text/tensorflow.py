"""The LSTM classifier in TensorFlow, from Keras layers."""

import keras
from keras import layers, ops


class MeanOverTokens(layers.Layer):
    """Mean of the states over the tokens of the document; id 0 is padding and does not enter it."""

    def call(self, states, tokens):
        """Return (batch, hidden)."""
        present = ops.expand_dims(ops.cast(ops.not_equal(tokens, 0), states.dtype), -1)
        return ops.sum(states * present, axis=1) / ops.sum(present, axis=1)


def build(sizes):
    """Return the model; takes token ids (batch, tokens), returns logits."""
    tokens = keras.Input((None,), dtype="int32")
    embedded = layers.Embedding(sizes["vocabulary"], sizes["embedding"], name="embedding")(tokens)
    states = layers.LSTM(sizes["hidden"], return_sequences=True, name="lstm")(embedded)
    mean = MeanOverTokens()(states, tokens)
    return keras.Model(tokens, layers.Dense(sizes["classes"], name="logits")(mean))
