"""The decoder in PyTorch."""

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-5


class Block(nn.Module):
    """Causal self-attention and a feed-forward net, each of its normalised input and added to it (pre-LN)."""

    def __init__(self, sizes):
        super().__init__()
        width = sizes["width"]
        self.heads = sizes["heads"]
        self.attention_norm = nn.LayerNorm(width, eps=EPSILON)
        self.qkv = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.inner_norm = nn.LayerNorm(width, eps=EPSILON)
        self.expand = nn.Linear(width, sizes["inner"])
        self.contract = nn.Linear(sizes["inner"], width)

    def forward(self, states, cache=None, places=None, visible=None):
        """Return states (batch, tokens, width).

        ``cache`` holds keys and values (batch, heads, all places, width of a head) and is written at ``places``;
        ``visible`` (1, all places) says which of them are attended to. Without it each token attends to the tokens
        given with it, up to itself.
        """
        batch, tokens, width = states.shape
        qkv = self.qkv(self.attention_norm(states)).view(batch, tokens, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        if cache is not None:
            keys, values = cache
            keys.index_copy_(2, places, key)
            values.index_copy_(2, places, value)
        if visible is None:
            attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        else:
            attended = functional.scaled_dot_product_attention(query, keys, values, attn_mask=visible)
        states = states + self.attended(attended.transpose(1, 2).reshape(batch, tokens, width))
        return states + self.contract(functional.gelu(self.expand(self.inner_norm(states))))


class Decoder(nn.Module):
    """Embeddings, blocks and the token table once more as the head; takes ids (batch, tokens), returns logits."""

    def __init__(self, sizes):
        super().__init__()
        width = sizes["width"]
        self.tokens = nn.Embedding(sizes["vocabulary"], width)
        self.positions = nn.Embedding(sizes["positions"], width)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes["blocks"]))
        self.final_norm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, tokens):
        """Return logits (batch, tokens, vocabulary) of the token after each."""
        states = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            states = block(states)
        return functional.linear(self.final_norm(states), self.tokens.weight)

    def following(self, tokens, places, caches, visible=None):
        """Return the likeliest next ids (batch,) after tokens (batch, tokens) at ``places``; writes the caches."""
        states = self.tokens(tokens) + self.positions(places)
        for block, cache in zip(self.blocks, caches, strict=True):
            states = block(states, cache, places, visible)
        return functional.linear(self.final_norm(states[:, -1]), self.tokens.weight).argmax(-1)


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return Decoder(sizes)


def generator(model, sizes, wrap):
    """Return a function from prompts (batch, prompt) to the ids that follow greedily (batch, generated).

    Keys and values of all blocks are kept in tensors of a fixed size; ``wrap`` compiles one step, for the whole prompt
    and for a single token.
    """
    prompt, generated = sizes["prompt"], sizes["generated"]
    everywhere = prompt + generated
    step = wrap(model.following)

    def generate(tokens):
        table = model.tokens.weight
        shape = (len(tokens), sizes["heads"], everywhere, sizes["width"] // sizes["heads"])
        caches = [(table.new_zeros(shape), table.new_zeros(shape)) for _ in model.blocks]
        places = torch.arange(everywhere, device=table.device)
        ids = [step(tokens, places[:prompt], caches)]
        place = torch.full((1,), prompt, device=table.device)
        for _ in range(generated - 1):
            ids.append(step(ids[-1].unsqueeze(1), place, caches, (places <= place).unsqueeze(0)))
            place = place + 1
        return torch.stack(ids, 1)

    return generate


def reference(sizes):
    """Return transformers' GPT-2 at the same sizes, with exact GELU and without dropout."""
    from transformers import GPT2Config, GPT2LMHeadModel

    class Logits(nn.Module):
        def __init__(self):
            super().__init__()
            config = GPT2Config(
                vocab_size=sizes["vocabulary"],
                n_positions=sizes["positions"],
                n_embd=sizes["width"],
                n_layer=sizes["blocks"],
                n_head=sizes["heads"],
                n_inner=sizes["inner"],
                activation_function="gelu",
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
                layer_norm_epsilon=EPSILON,
                use_cache=False,
                attn_implementation="sdpa",
            )
            self.gpt2 = GPT2LMHeadModel(config)

        def forward(self, tokens):
            return self.gpt2(tokens).logits

    return Logits()
