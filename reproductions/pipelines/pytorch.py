"""PyTorch's side: ``Dataset`` and ``DataLoader`` as its documentation teaches them.

arrays       ``TensorDataset`` and ``DataLoader(shuffle=True)``: tutorial "What is torch.nn really?"
arrays_bulk  a ``BatchSampler`` as sampler and ``batch_size=None``: torch.utils.data, "Disable automatic batching",
             the way it names for data that are read faster in bulk
png          a map-style ``Dataset`` that decodes one example, then transforms: tutorial "Writing Custom Datasets,
             DataLoaders and Transforms". Pillow decodes, as torchvision's ImageFolder does unless told otherwise;
             torchvision itself is not needed

Images come channel-first, as PyTorch's layers take them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

PADDING = 4


class PngFiles(Dataset):
    """Decodes the example that is asked for."""

    def __init__(self, paths: list[str], labels: np.ndarray, transform):
        self.paths, self.labels, self.transform = paths, labels, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int):
        from PIL import Image

        with Image.open(self.paths[index]) as image:
            pixels = np.array(image.convert("RGB"))
        return self.transform(torch.from_numpy(pixels).permute(2, 0, 1).float().div(255)), self.labels[index]


def keep(image: torch.Tensor) -> torch.Tensor:
    """Leave an image as it is."""
    return image


def fixed(image: torch.Tensor) -> torch.Tensor:
    """Flip, pad, and cut at the same place always: the check that both sides' pixels are equal."""
    return cut(functional.pad(image.flip(-1), (PADDING,) * 4), 1, 2, image.shape)


def augment(image: torch.Tensor) -> torch.Tensor:
    """Pad and cut at random, then flip with probability one half, all with PyTorch's random numbers."""
    top, left = torch.randint(0, 2 * PADDING + 1, (2,)).tolist()
    image = cut(functional.pad(image, (PADDING,) * 4), top, left, image.shape)
    return image.flip(-1) if torch.rand(()) < 0.5 else image


def cut(image: torch.Tensor, top: int, left: int, shape) -> torch.Tensor:
    """Return the part of (channels, height, width) that begins at (top, left)."""
    return image[:, top : top + shape[-2], left : left + shape[-1]]


TRANSFORMS = {"none": keep, "fixed": fixed, "augment": augment}


class Pipeline:
    """One loader.

    data     (images, labels) for the pipelines over arrays, (paths, labels) for png
    workers  processes that decode; 0 decodes in the process that asks
    """

    def __init__(self, pipeline: str, transform: str, data, *, batch_size: int, workers: int, seed: int):
        torch.manual_seed(seed)
        if pipeline == "png":
            dataset = PngFiles(*data, TRANSFORMS[transform])
        else:
            images, labels = data
            # A channel of one: the same memory is channel-first as well.
            dataset = TensorDataset(
                torch.from_numpy(images.reshape(len(images), 1, *images.shape[1:3])), torch.from_numpy(labels)
            )
        if pipeline == "arrays_bulk":
            sampler = BatchSampler(RandomSampler(dataset), batch_size, drop_last=False)
            self.loader = DataLoader(dataset, sampler=sampler, batch_size=None, num_workers=workers)
        else:
            self.loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=workers)
        self.note = ""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(self.loader)


def configure(threads: int) -> None:
    """Set the compute threads of this process."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)


def numpy(batch) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, height, width, channels) and labels (n,)."""
    images, labels = batch
    return images.numpy().transpose(0, 2, 3, 1), np.asarray(labels)


def version() -> str:
    """Return PyTorch's version."""
    return torch.__version__
