"""Train a recurrent network on sequences of different lengths in PyTorch."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.rnn = nn.RNN(16, 32, bias=False, batch_first=True)
        self.logits = nn.Linear(32, 2)

    def forward(self, padded, lengths):
        packed = pack_padded_sequence(
            self.embedding(padded), lengths, batch_first=True, enforce_sorted=False
        )
        _, last = self.rnn(packed)
        return self.logits(last[-1])


def collate(batch):
    sequences, labels = zip(*batch)
    sequences = [torch.from_numpy(sequence) for sequence in sequences]
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return pad_sequence(sequences, batch_first=True), lengths, torch.tensor(labels)


def build():
    return Reader()


def main(model, data):
    examples = list(zip(data["sequences"], data["labels"]))
    loader = DataLoader(examples, batch_size=32, collate_fn=collate)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    model.train()
    for _ in range(2):
        for padded, lengths, y in loader:
            loss = loss_fn(model(padded, lengths), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    with torch.no_grad():
        logits = [model(padded, lengths) for padded, lengths, _ in loader]
    return {"logits": torch.cat(logits).numpy()}
