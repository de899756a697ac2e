"""The encoder in PyTorch."""

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-12


class Block(nn.Module):
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

    def forward(self, states):
        """Return states (batch, tokens, width)."""
        batch, tokens, width = states.shape
        query, key, value = self.qkv(states).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        attended = self.attended(attended.transpose(1, 2).reshape(batch, tokens, width))
        states = self.attention_norm(states + attended)
        return self.output_norm(states + self.contract(functional.gelu(self.expand(states))))


class Encoder(nn.Module):
    """Embeddings, blocks, the pooled first token, dense; takes token ids (batch, tokens), returns logits."""

    def __init__(self, sizes):
        super().__init__()
        width = sizes["width"]
        self.tokens = nn.Embedding(sizes["vocabulary"], width)
        self.positions = nn.Embedding(sizes["positions"], width)
        self.segments = nn.Embedding(2, width)
        self.embedding_norm = nn.LayerNorm(width, eps=EPSILON)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes["blocks"]))
        self.pooler = nn.Linear(width, width)
        self.logits = nn.Linear(width, sizes["classes"])

    def forward(self, tokens):
        """Return logits (batch, classes); every token is attended to, padding too, and all are of segment 0."""
        placed = self.positions.weight[: tokens.shape[1]] + self.segments.weight[0]
        states = self.embedding_norm(self.tokens(tokens) + placed)
        for block in self.blocks:
            states = block(states)
        return self.logits(torch.tanh(self.pooler(states[:, 0])))


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return Encoder(sizes)


def reference(sizes):
    """Return transformers' BERT for sequence classification at the same sizes, without dropout."""
    from transformers import BertConfig, BertForSequenceClassification

    class Logits(nn.Module):
        def __init__(self):
            super().__init__()
            config = BertConfig(
                vocab_size=sizes["vocabulary"],
                hidden_size=sizes["width"],
                num_hidden_layers=sizes["blocks"],
                num_attention_heads=sizes["heads"],
                intermediate_size=sizes["inner"],
                max_position_embeddings=sizes["positions"],
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
                layer_norm_eps=EPSILON,
                num_labels=sizes["classes"],
                attn_implementation="sdpa",
            )
            self.bert = BertForSequenceClassification(config)

        def forward(self, tokens):
            return self.bert(tokens).logits

    return Logits()
