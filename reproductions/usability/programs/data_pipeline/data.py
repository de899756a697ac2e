"""Numbered images; compared is what must hold of any random draw."""

import numpy as np


def make(rng, sizes):
    """Return uint8 images (examples, 28, 28, 1) and, as labels, their numbers."""
    images = rng.integers(0, 256, (sizes["examples"], 28, 28, 1), np.uint8)
    return {"images": images, "labels": np.arange(sizes["examples"])}


def compared(data, results, initial):
    """Return what must hold of two epochs of scaled and perhaps mirrored images."""
    images = np.concatenate([images for images, _ in results["epochs"]])
    numbers = np.concatenate([labels for _, labels in results["epochs"]])
    as_is = data["images"][numbers] / np.float32(255)
    mirrored = as_is[:, :, ::-1]
    is_mirrored = np.isclose(images, mirrored, atol=1e-6).all((1, 2, 3))
    is_as_is = np.isclose(images, as_is, atol=1e-6).all((1, 2, 3))
    first, second = (labels for _, labels in results["epochs"])
    once = [np.array_equal(np.sort(order), data["labels"]) for order in (first, second)]
    orders = {tuple(data["labels"]), tuple(first), tuple(second)}
    before = is_mirrored[: len(first)][np.argsort(first)]
    after = is_mirrored[len(first) :][np.argsort(second)]
    return {
        "each_image_once_an_epoch": all(once),
        "in_another_order": len(orders) == 3,
        "as_it_is_or_mirrored": (is_as_is | is_mirrored).all(),
        "share_mirrored": is_mirrored.mean(),
        "drawn_anew_each_epoch": (before != after).any(),
    }
