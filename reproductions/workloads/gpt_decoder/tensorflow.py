"""The decoder in TensorFlow, from Keras layers and operations alone."""

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


class Block(layers.Layer):
    """Causal self-attention and a feed-forward net, each of its normalised input and added to it (pre-LN)."""

    def __init__(self, sizes, **options):
        super().__init__(**options)
        width = sizes["width"]
        self.heads, self.width = sizes["heads"], width
        # TensorFlow rounds its default, and any float of Python, to float32, also where everything is float64.
        self.scale = np.float64(width // sizes["heads"]) ** -0.5
        self.attention_norm = layers.LayerNormalization(epsilon=EPSILON, name="attention_norm")
        self.qkv = layers.Dense(3 * width, name="qkv")
        self.attended = layers.Dense(width, name="attended")
        self.inner_norm = layers.LayerNormalization(epsilon=EPSILON, name="inner_norm")
        self.expand = layers.Dense(sizes["inner"], name="expand")
        self.contract = layers.Dense(width, name="contract")

    def call(self, states):
        """Return states (batch, tokens, width); each token attends to those up to itself."""
        query, key, value = self._parts(states)
        attended = ops.dot_product_attention(query, key, value, scale=self.scale, is_causal=True)
        return self._finish(states, attended)

    def cached(self, states, cache, place, visible=None):
        """Return states and the cache of keys and values (batch, all places, heads, width of a head) from ``place`` on.

        ``visible`` (1, 1, 1, all places) says which places are attended to. Without it each token attends to the tokens
        given with it, up to itself.
        """
        query, key, value = self._parts(states)
        keys, values = (
            ops.slice_update(kept, [0, place, 0, 0], new) for kept, new in zip(cache, (key, value), strict=True)
        )
        if visible is None:
            attended = ops.dot_product_attention(query, key, value, scale=self.scale, is_causal=True)
        else:
            attended = ops.dot_product_attention(query, keys, values, scale=self.scale, mask=visible)
        return self._finish(states, attended), (keys, values)

    def _parts(self, states):
        batch, tokens, _ = ops.shape(states)
        qkv = self.qkv(self.attention_norm(states))
        return [ops.reshape(part, (batch, tokens, self.heads, -1)) for part in ops.split(qkv, 3, axis=-1)]

    def _finish(self, states, attended):
        batch, tokens, _ = ops.shape(states)
        states = states + self.attended(ops.reshape(attended, (batch, tokens, self.width)))
        return states + self.contract(ops.gelu(self.expand(self.inner_norm(states)), approximate=False))


class Places(layers.Layer):
    """The positions 0, 1, ... of ids (batch, tokens)."""

    def call(self, tokens):
        """Return (tokens,)."""
        return ops.arange(ops.shape(tokens)[1], dtype="int32")

    def compute_output_spec(self, tokens):
        """Return (tokens,) of int32."""
        return keras.KerasTensor((tokens.shape[1],), dtype="int32")


def build(sizes):
    """Return the model; takes token ids (batch, tokens), returns logits (batch, tokens, vocabulary)."""
    width = sizes["width"]
    tokens = keras.Input((None,), dtype="int32")
    table = Table(sizes["vocabulary"], width, name="tokens")
    positions = Table(sizes["positions"], width, name="positions")
    states = table(tokens) + positions(Places()(tokens))
    for block in range(sizes["blocks"]):
        states = Block(sizes, name=f"block{block}")(states)
    states = layers.LayerNormalization(epsilon=EPSILON, name="final_norm")(states)
    return keras.Model(tokens, table(states, reverse=True))


def generator(model, sizes, wrap):
    """Return a function from prompts (batch, prompt) to the ids that follow greedily (batch, generated).

    Keys and values of all blocks are kept in tensors of a fixed size; ``wrap`` compiles the whole loop.
    """
    prompt, generated = sizes["prompt"], sizes["generated"]
    everywhere, width_of_head = prompt + generated, sizes["width"] // sizes["heads"]
    table, positions, final_norm = (model.get_layer(name) for name in ("tokens", "positions", "final_norm"))
    blocks = [model.get_layer(f"block{number}") for number in range(sizes["blocks"])]

    def following(tokens, places, caches, visible=None):
        states, written = table(tokens) + positions(places), []
        for block, cache in zip(blocks, caches, strict=True):
            states, renewed = block.cached(states, cache, places[0], visible)
            written.append(renewed)
        logits = table(final_norm(states[:, -1]), reverse=True)
        return ops.cast(ops.argmax(logits, axis=-1), "int32"), tuple(written)

    def generate(tokens):
        batch = ops.shape(tokens)[0]
        empty = ops.zeros((batch, everywhere, sizes["heads"], width_of_head), model.compute_dtype)
        caches = tuple((empty, empty) for _ in blocks)
        token, caches = following(tokens, ops.arange(prompt, dtype="int32"), caches)
        ids = ops.slice_update(ops.zeros((batch, generated), "int32"), [0, 0], token[:, None])

        def step(done, token, ids, caches):
            place = ops.reshape(done + (prompt - 1), (1,))
            visible = ops.reshape(ops.arange(everywhere, dtype="int32") <= place, (1, 1, 1, everywhere))
            token, caches = following(token[:, None], place, caches, visible)
            return done + 1, token, ops.slice_update(ids, [0, done], token[:, None]), caches

        start = (ops.convert_to_tensor(1, "int32"), token, ids, caches)
        return ops.while_loop(lambda done, *_: done < generated, step, start)[2]

    return wrap(generate)


def reference(sizes):
    """Return KerasHub's GPT-2 at the same sizes, without dropout; its GELU is the tanh approximation."""
    from keras_hub.models import GPT2Backbone, GPT2CausalLM

    backbone = GPT2Backbone(
        vocabulary_size=sizes["vocabulary"],
        num_layers=sizes["blocks"],
        num_heads=sizes["heads"],
        hidden_dim=sizes["width"],
        intermediate_dim=sizes["inner"],
        dropout=0.0,
        max_sequence_length=sizes["positions"],
    )
    tokens = keras.Input((None,), dtype="int32")
    language = GPT2CausalLM(backbone=backbone, preprocessor=None)
    return keras.Model(tokens, language({"token_ids": tokens, "padding_mask": ops.ones_like(tokens)}))
