"""The shortest way from nothing to one training step in PyTorch."""

import torch

model = torch.nn.Linear(20, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

loss = torch.nn.functional.mse_loss(model(torch.ones(8, 20)), torch.zeros(8, 1))
loss.backward()
optimizer.step()
print(loss.item(), flush=True)
