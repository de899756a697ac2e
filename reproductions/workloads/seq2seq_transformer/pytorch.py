"""The encoder-decoder in PyTorch."""

from torch import nn
from torch.nn import functional

EPSILON = 1e-5


class EncoderBlock(nn.Module):
    """Self-attention and a feed-forward net, each added to its input and normalised (post-LN)."""

    def __init__(self, sizes):
        super().__init__()
        width = sizes["width"]
        self.heads = sizes["heads"]
        self.qkv = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, eps=EPSILON)
        self.expand = nn.Linear(width, sizes["inner"])
        self.contract = nn.Linear(sizes["inner"], width)
        self.output_norm = nn.LayerNorm(width, eps=EPSILON)

    def split(self, states, parts):
        """Return ``parts`` tensors (batch, heads, tokens, width of a head) that lie side by side in ``states``."""
        batch, tokens, _ = states.shape
        return states.view(batch, tokens, parts, self.heads, -1).permute(2, 0, 3, 1, 4)

    def attend(self, states, causal):
        """Return states after self-attention, added and normalised."""
        query, key, value = self.split(self.qkv(states), 3)
        attended = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        return self.attention_norm(states + self.attended(attended.transpose(1, 2).reshape(states.shape)))

    def feed(self, states):
        """Return states after the feed-forward net, added and normalised."""
        return self.output_norm(states + self.contract(functional.relu(self.expand(states))))

    def forward(self, states):
        """Return states (batch, tokens, width)."""
        return self.feed(self.attend(states, causal=False))


class DecoderBlock(EncoderBlock):
    """Causal self-attention, attention to the source and a feed-forward net, each added and normalised (post-LN)."""

    def __init__(self, sizes):
        super().__init__(sizes)
        width = sizes["width"]
        self.query = nn.Linear(width, width)
        self.source = nn.Linear(width, 2 * width)
        self.crossed = nn.Linear(width, width)
        self.crossing_norm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, states, source):
        """Return states (batch, target tokens, width); ``source`` is (batch, source tokens, width)."""
        states = self.attend(states, causal=True)
        (query,), (key, value) = self.split(self.query(states), 1), self.split(self.source(source), 2)
        crossed = functional.scaled_dot_product_attention(query, key, value)
        states = self.crossing_norm(states + self.crossed(crossed.transpose(1, 2).reshape(states.shape)))
        return self.feed(states)


class Translator(nn.Module):
    """Encoder and decoder over one token table, which is the head too; takes ids (batch, tokens) twice."""

    def __init__(self, sizes):
        super().__init__()
        width = sizes["width"]
        self.scale = width**0.5
        self.tokens = nn.Embedding(sizes["vocabulary"], width)
        self.positions = nn.Embedding(sizes["positions"], width)
        self.encoders = nn.ModuleList(EncoderBlock(sizes) for _ in range(sizes["blocks"]))
        self.decoders = nn.ModuleList(DecoderBlock(sizes) for _ in range(sizes["blocks"]))

    def embed(self, tokens):
        """Return vectors (batch, tokens, width) of ids and their places."""
        return self.tokens(tokens) * self.scale + self.positions.weight[: tokens.shape[1]]

    def forward(self, source, target):
        """Return logits (batch, target tokens, vocabulary) of the token after each of the target so far."""
        source, states = self.embed(source), self.embed(target)
        for block in self.encoders:
            source = block(source)
        for block in self.decoders:
            states = block(states, source)
        return functional.linear(states, self.tokens.weight)


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return Translator(sizes)


def reference(sizes):
    """Return the same network from PyTorch's own transformer layers, without dropout."""

    class Reference(nn.Module):
        def __init__(self):
            super().__init__()
            options = {"dropout": 0.0, "layer_norm_eps": EPSILON, "batch_first": True}
            shape = (sizes["width"], sizes["heads"], sizes["inner"])
            self.scale = sizes["width"] ** 0.5
            self.tokens = nn.Embedding(sizes["vocabulary"], sizes["width"])
            self.positions = nn.Embedding(sizes["positions"], sizes["width"])
            encoder, decoder = (
                nn.TransformerEncoderLayer(*shape, **options),
                nn.TransformerDecoderLayer(*shape, **options),
            )
            self.encoder = nn.TransformerEncoder(encoder, sizes["blocks"])
            self.decoder = nn.TransformerDecoder(decoder, sizes["blocks"])

        def forward(self, source, target):
            source, states = (
                self.tokens(ids) * self.scale + self.positions.weight[: ids.shape[1]] for ids in (source, target)
            )
            mask = nn.Transformer.generate_square_subsequent_mask(
                target.shape[1], device=target.device, dtype=states.dtype
            )
            states = self.decoder(states, self.encoder(source), tgt_mask=mask, tgt_is_causal=True)
            return functional.linear(states, self.tokens.weight)

    return Reference()
