"""The encoder-decoder in TensorFlow, from Keras layers and operations alone."""

import keras
import numpy as np
from keras import layers, ops

EPSILON = 1e-5


class Table(layers.Layer):
    """Learned vectors, one an id; also the head, which tells how well each of them fits a state."""

    def __init__(self, entries, width, **options):
        super().__init__(**options)
        self.embeddings = self.add_weight(shape=(entries, width), name="embeddings")

    def call(self, ids, reverse=False):
        """Return the vectors of ids (..., width), or in reverse the logits of states (..., entries)."""
        return ops.matmul(ids, ops.transpose(self.embeddings)) if reverse else ops.take(self.embeddings, ids, axis=0)


class Places(layers.Layer):
    """The positions 0, 1, ... of ids (batch, tokens)."""

    def call(self, tokens):
        """Return (tokens,)."""
        return ops.arange(ops.shape(tokens)[1], dtype="int32")

    def compute_output_spec(self, tokens):
        """Return (tokens,) of int32."""
        return keras.KerasTensor((tokens.shape[1],), dtype="int32")


class EncoderBlock(layers.Layer):
    """Self-attention and a feed-forward net, each added to its input and normalised (post-LN)."""

    def __init__(self, sizes, **options):
        super().__init__(**options)
        width = sizes["width"]
        self.heads, self.width = sizes["heads"], width
        # TensorFlow rounds its default, and any float of Python, to float32, also where everything is float64.
        self.scale = np.float64(width // sizes["heads"]) ** -0.5
        self.qkv = layers.Dense(3 * width, name="qkv")
        self.attended = layers.Dense(width, name="attended")
        self.attention_norm = layers.LayerNormalization(epsilon=EPSILON, name="attention_norm")
        self.expand = layers.Dense(sizes["inner"], activation="relu", name="expand")
        self.contract = layers.Dense(width, name="contract")
        self.output_norm = layers.LayerNormalization(epsilon=EPSILON, name="output_norm")

    def split(self, states, parts):
        """Return ``parts`` tensors (batch, tokens, heads, width of a head) that lie side by side in ``states``."""
        batch, tokens, _ = ops.shape(states)
        return [ops.reshape(part, (batch, tokens, self.heads, -1)) for part in ops.split(states, parts, axis=-1)]

    def join(self, attended):
        """Return (batch, tokens, width)."""
        batch, tokens, _, _ = ops.shape(attended)
        return ops.reshape(attended, (batch, tokens, self.width))

    def attend(self, states, causal):
        """Return states after self-attention, added and normalised."""
        attended = ops.dot_product_attention(*self.split(self.qkv(states), 3), scale=self.scale, is_causal=causal)
        return self.attention_norm(states + self.attended(self.join(attended)))

    def feed(self, states):
        """Return states after the feed-forward net, added and normalised."""
        return self.output_norm(states + self.contract(self.expand(states)))

    def call(self, states):
        """Return states (batch, tokens, width)."""
        return self.feed(self.attend(states, causal=False))


class DecoderBlock(EncoderBlock):
    """Causal self-attention, attention to the source and a feed-forward net, each added and normalised (post-LN)."""

    def __init__(self, sizes, **options):
        super().__init__(sizes, **options)
        width = sizes["width"]
        self.query = layers.Dense(width, name="query")
        self.source = layers.Dense(2 * width, name="source")
        self.crossed = layers.Dense(width, name="crossed")
        self.crossing_norm = layers.LayerNormalization(epsilon=EPSILON, name="crossing_norm")

    def call(self, states, source):
        """Return states (batch, target tokens, width); ``source`` is (batch, source tokens, width)."""
        states = self.attend(states, causal=True)
        (query,), (key, value) = self.split(self.query(states), 1), self.split(self.source(source), 2)
        crossed = ops.dot_product_attention(query, key, value, scale=self.scale)
        return self.feed(self.crossing_norm(states + self.crossed(self.join(crossed))))


def build(sizes):
    """Return the model; takes ids of source and of target so far (batch, tokens), returns logits (..., vocabulary)."""
    width = sizes["width"]
    inputs = [keras.Input((None,), dtype="int32", name=name) for name in ("source", "target")]
    table = Table(sizes["vocabulary"], width, name="tokens")
    positions = Table(sizes["positions"], width, name="positions")
    source, states = (table(ids) * width**0.5 + positions(Places()(ids)) for ids in inputs)
    for number in range(sizes["blocks"]):
        source = EncoderBlock(sizes, name=f"encoder{number}")(source)
    for number in range(sizes["blocks"]):
        states = DecoderBlock(sizes, name=f"decoder{number}")(states, source)
    return keras.Model(inputs, table(states, reverse=True))


def reference(sizes):
    """Return the same network from KerasHub's transformer layers, without dropout."""
    from keras_hub.layers import TransformerDecoder, TransformerEncoder

    width = sizes["width"]
    options = {
        "intermediate_dim": sizes["inner"],
        "num_heads": sizes["heads"],
        "activation": "relu",
        "layer_norm_epsilon": EPSILON,
    }
    inputs = [keras.Input((None,), dtype="int32", name=name) for name in ("source", "target")]
    table = Table(sizes["vocabulary"], width, name="tokens")
    positions = Table(sizes["positions"], width, name="positions")
    source, states = (table(ids) * width**0.5 + positions(Places()(ids)) for ids in inputs)
    for _ in range(sizes["blocks"]):
        source = TransformerEncoder(**options)(source)
    for _ in range(sizes["blocks"]):
        states = TransformerDecoder(**options)(states, source)
    return keras.Model(inputs, table(states, reverse=True))
