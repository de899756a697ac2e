"""The LSTM classifier in TensorFlow, its cell written by hand and repeated by ``keras.layers.RNN``.

That loop is ``tf.while_loop`` in TensorFlow and a loop of Python on Keras' PyTorch back end.
"""

import keras
from keras import layers, ops


class Cell(layers.Layer):
    """One step of an LSTM; gates in the order input, forget, candidate, output."""

    def __init__(self, hidden, **options):
        super().__init__(**options)
        self.hidden = self.output_size = hidden
        self.state_size = (hidden, hidden)

    def build(self, shape):
        """Make the parameters for inputs (batch, features)."""
        self.kernel = self.add_weight(shape=(shape[-1], 4 * self.hidden), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.hidden, 4 * self.hidden), name="recurrent_kernel")
        self.bias = self.add_weight(shape=(4 * self.hidden,), name="bias")

    def call(self, moment, carried):
        """Return the state (batch, hidden) and what is carried on: the state and the memory."""
        state, memory = carried
        gates = ops.matmul(moment, self.kernel) + self.bias + ops.matmul(state, self.recurrent_kernel)
        take, forget, candidate, give = ops.split(gates, 4, axis=1)
        memory = ops.sigmoid(forget) * memory + ops.sigmoid(take) * ops.tanh(candidate)
        state = ops.sigmoid(give) * ops.tanh(memory)
        return state, (state, memory)


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
    states = layers.RNN(Cell(sizes["hidden"], name="cell"), return_sequences=True, name="lstm")(embedded)
    mean = MeanOverTokens()(states, tokens)
    return keras.Model(tokens, layers.Dense(sizes["classes"], name="logits")(mean))
