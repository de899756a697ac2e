"""What the pipelines are fed: synthetic images, as arrays in memory or as PNG files. No framework."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

CLASSES = 10
#: Distinct PNG files; a larger data set lists them again. They stay in the system's cache, so disks are not compared.
FILES = 1000


def describe(pipeline: str, side: int) -> str:
    """Return the data in words, for wherever a number stands."""
    if pipeline == "png":
        return f"synthetic {side}x{side}x3 images, PNG files"
    return f"synthetic {side}x{side}x1 images, float32 in memory"


def arrays(size: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (size, side, side, 1) as float32 in 0..1 and labels (size,) as int64."""
    rng = np.random.default_rng(seed)
    images = np.empty((size, side, side, 1), np.float32)
    for start in range(0, size, 100_000):  # piecewise: the uint8 array beside it stays small
        piece = images[start : start + 100_000]
        np.divide(rng.integers(0, 256, piece.shape, np.uint8), np.float32(255), out=piece)
    return images, labels(size)


def labels(size: int) -> np.ndarray:
    """Return the labels (size,) as int64: each example's number modulo the number of classes."""
    return np.arange(size, dtype=np.int64) % CLASSES


def write_png(folder: Path, side: int, seed: int, count: int = FILES) -> list[str]:
    """Write ``count`` PNG files (side, side, 3) and return their paths; existing ones of the same plan are kept.

    The pictures are smooth with a little noise, so that they compress about as photographs do.
    """
    from PIL import Image

    plan = folder / "plan.json"
    wanted = {"side": side, "seed": seed, "count": count}
    paths = [folder / f"{number:05d}.png" for number in range(count)]
    if not plan.is_file() or json.loads(plan.read_text(encoding="utf-8")) != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        for path in paths:
            coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
            smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).astype(np.int16)
            noisy = np.clip(smooth + rng.integers(-6, 7, smooth.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(path)
        plan.write_text(json.dumps(wanted), encoding="utf-8")
    return [str(path) for path in paths]


def listed(files: list[str], size: int) -> list[str]:
    """Return ``size`` paths: the files in order, again and again."""
    return (files * (-(-size // len(files))))[:size]
