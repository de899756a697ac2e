"""The LSTM classifier in PyTorch."""

from torch import nn


class RecurrentClassifier(nn.Module):
    """Embedding, LSTM, mean over the document's tokens, dense; takes token ids (batch, tokens), returns logits."""

    def __init__(self, sizes):
        super().__init__()
        self.embedding = nn.Embedding(sizes["vocabulary"], sizes["embedding"])
        self.lstm = nn.LSTM(sizes["embedding"], sizes["hidden"], batch_first=True)
        self.logits = nn.Linear(sizes["hidden"], sizes["classes"])

    def forward(self, tokens):
        """Return logits (batch, classes); id 0 is padding and does not enter the mean."""
        states, _ = self.lstm(self.embedding(tokens))
        present = (tokens != 0).to(states.dtype).unsqueeze(-1)
        mean = (states * present).sum(1) / present.sum(1)
        return self.logits(mean)


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones and freezes one bias."""
    return RecurrentClassifier(sizes)
