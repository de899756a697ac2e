"""The LSTM classifier in PyTorch, its cell written by hand and repeated by a loop of Python."""

import torch
from torch import nn


class LoopLSTM(nn.Module):
    """An LSTM of one layer as a loop over time; gates in the order input, forget, candidate, output."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.hidden = hidden
        self.inputs = nn.Linear(inputs, 4 * hidden)
        self.recurrent = nn.Linear(hidden, 4 * hidden, bias=False)

    def forward(self, sequence):
        """Return the states (batch, time, hidden) for a sequence (batch, time, inputs)."""
        state = memory = sequence.new_zeros(len(sequence), self.hidden)
        states = []
        for moment in sequence.unbind(1):
            gates = self.inputs(moment) + self.recurrent(state)
            take, forget, candidate, give = gates.chunk(4, 1)
            memory = forget.sigmoid() * memory + take.sigmoid() * candidate.tanh()
            state = give.sigmoid() * memory.tanh()
            states.append(state)
        return torch.stack(states, 1)


class RecurrentClassifier(nn.Module):
    """Embedding, LSTM, mean over the document's tokens, dense; takes token ids (batch, tokens), returns logits."""

    def __init__(self, sizes):
        super().__init__()
        self.embedding = nn.Embedding(sizes["vocabulary"], sizes["embedding"])
        self.lstm = LoopLSTM(sizes["embedding"], sizes["hidden"])
        self.logits = nn.Linear(sizes["hidden"], sizes["classes"])

    def forward(self, tokens):
        """Return logits (batch, classes); id 0 is padding and does not enter the mean."""
        states = self.lstm(self.embedding(tokens))
        present = (tokens != 0).to(states.dtype).unsqueeze(-1)
        mean = (states * present).sum(1) / present.sum(1)
        return self.logits(mean)


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return RecurrentClassifier(sizes)
