"""The encoder in TensorFlow, from Keras layers and operations alone."""

import keras
import numpy as np
from keras import layers, ops

EPSILON = 1e-12


class Places(layers.Layer):
    """A learned vector for each position; takes token ids (batch, tokens), returns (tokens, width)."""

    def __init__(self, positions, width, **options):
        super().__init__(**options)
        self.width = width
        self.table = self.add_weight(shape=(positions, width), name="embeddings")

    def call(self, tokens):
        """Return the vectors of the first positions."""
        return self.table[: ops.shape(tokens)[1]]

    def compute_output_shape(self, shape):
        """Return (tokens, width)."""
        return (shape[1], self.width)


class Segment(layers.Layer):
    """BERT's vectors of the two segments; every token is of segment 0, whose vector is added."""

    def __init__(self, width, **options):
        super().__init__(**options)
        self.table = self.add_weight(shape=(2, width), name="embeddings")

    def call(self, states):
        """Return the states, moved."""
        return states + self.table[0]


class SelfAttention(layers.Layer):
    """Scaled dot-product attention; takes query, key and value side by side (batch, tokens, 3 width)."""

    def __init__(self, sizes, **options):
        super().__init__(**options)
        self.heads, self.width = sizes["heads"], sizes["width"]
        # TensorFlow rounds its default, and any float of Python, to float32, also where everything is float64.
        self.scale = np.float64(self.width // self.heads) ** -0.5

    def call(self, qkv):
        """Return what is attended to (batch, tokens, width)."""
        batch, tokens, _ = ops.shape(qkv)
        parts = (ops.reshape(part, (batch, tokens, self.heads, -1)) for part in ops.split(qkv, 3, axis=-1))
        attended = ops.dot_product_attention(*parts, scale=self.scale)
        return ops.reshape(attended, (batch, tokens, self.width))


class Block(layers.Layer):
    """Self-attention and a feed-forward net, each added to its input and normalised (post-LN)."""

    def __init__(self, sizes, **options):
        super().__init__(**options)
        width = sizes["width"]
        self.qkv = layers.Dense(3 * width, name="qkv")
        self.attention = SelfAttention(sizes, name="attention")
        self.attended = layers.Dense(width, name="attended")
        self.attention_norm = layers.LayerNormalization(epsilon=EPSILON, name="attention_norm")
        self.expand = layers.Dense(sizes["inner"], name="expand")
        self.contract = layers.Dense(width, name="contract")
        self.output_norm = layers.LayerNormalization(epsilon=EPSILON, name="output_norm")

    def call(self, states):
        """Return states (batch, tokens, width)."""
        states = self.attention_norm(states + self.attended(self.attention(self.qkv(states))))
        expanded = ops.gelu(self.expand(states), approximate=False)
        return self.output_norm(states + self.contract(expanded))


def build(sizes):
    """Return the model; takes token ids (batch, tokens), returns logits."""
    width = sizes["width"]
    tokens = keras.Input((None,), dtype="int32")
    states = layers.Embedding(sizes["vocabulary"], width, name="tokens")(tokens)
    states = states + Places(sizes["positions"], width, name="positions")(tokens)
    states = Segment(width, name="segments")(states)
    states = layers.LayerNormalization(epsilon=EPSILON, name="embedding_norm")(states)
    for block in range(sizes["blocks"]):
        states = Block(sizes, name=f"block{block}")(states)
    pooled = layers.Dense(width, activation="tanh", name="pooler")(states[:, 0])
    return keras.Model(tokens, layers.Dense(sizes["classes"], name="logits")(pooled))


def reference(sizes):
    """Return KerasHub's BERT with a classifier at the same sizes, without dropout; it always takes a padding mask."""
    from keras_hub.models import BertBackbone

    backbone = BertBackbone(
        vocabulary_size=sizes["vocabulary"],
        num_layers=sizes["blocks"],
        num_heads=sizes["heads"],
        hidden_dim=sizes["width"],
        intermediate_dim=sizes["inner"],
        dropout=0.0,
        max_sequence_length=sizes["positions"],
        num_segments=2,
    )
    tokens = keras.Input((None,), dtype="int32")
    pooled = backbone(
        {"token_ids": tokens, "segment_ids": ops.zeros_like(tokens), "padding_mask": ops.ones_like(tokens)}
    )["pooled_output"]
    return keras.Model(tokens, layers.Dense(sizes["classes"], name="logits")(pooled))
