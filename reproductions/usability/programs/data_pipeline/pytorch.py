"""Shuffle, mirror at random, scale and batch images in PyTorch."""

import torch
from torch.utils.data import DataLoader, Dataset


class AugmentedImages(Dataset):
    def __init__(self, images, labels):
        self.images = torch.from_numpy(images)
        self.labels = torch.from_numpy(labels)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index].permute(2, 0, 1) / 255
        if torch.rand(()) < 0.5:
            image = image.flip(-1)
        return image, self.labels[index]


def build():
    return None


def main(model, data):
    dataset = AugmentedImages(data["images"], data["labels"])
    loader = DataLoader(dataset, batch_size=32, shuffle=True)

    epochs = []
    for _ in range(2):
        images, labels = zip(*loader)
        images = torch.cat(images).permute(0, 2, 3, 1)
        epochs.append((images.numpy(), torch.cat(labels).numpy()))
    return {"epochs": epochs}
