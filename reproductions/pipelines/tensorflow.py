"""TensorFlow's side: ``tf.data`` as its documentation teaches it.

arrays       ``from_tensor_slices().shuffle(10000).batch()``: "TensorFlow 2 quickstart for experts". Above ten thousand
             examples that is no full shuffle; a row says so
arrays_bulk  numbers are shuffled in full, batched, and a whole batch is gathered at a time: tf.data performance guide,
             "Vectorizing mapping"
png          paths are shuffled, then read, decoded and transformed in ``map``: guide "tf.data: Build TensorFlow input
             pipelines", tutorial "Data augmentation"

With workers, ``map`` runs that many calls at a time on as many threads and ``prefetch`` keeps batches ready;
``auto`` leaves both to ``tf.data.AUTOTUNE``, which is what the guides recommend. Images come channel-last.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

PADDING = 4
BUFFER = 10_000


def keep(image: tf.Tensor) -> tf.Tensor:
    """Leave an image as it is."""
    return image


def fixed(image: tf.Tensor) -> tf.Tensor:
    """Flip, pad, and cut at the same place always: the check that both sides' pixels are equal."""
    return tf.image.crop_to_bounding_box(padded(tf.image.flip_left_right(image)), 1, 2, *image.shape[:2])


def augment(image: tf.Tensor) -> tf.Tensor:
    """Pad and cut at random, then flip with probability one half, all with TensorFlow's random numbers."""
    return tf.image.random_flip_left_right(tf.image.random_crop(padded(image), image.shape))


def padded(image: tf.Tensor) -> tf.Tensor:
    """Return the image with black edges."""
    height, width = image.shape[:2]
    return tf.image.resize_with_crop_or_pad(image, height + 2 * PADDING, width + 2 * PADDING)


TRANSFORMS = {"none": keep, "fixed": fixed, "augment": augment}


class Pipeline:
    """One data set.

    data     (images, labels) for the pipelines over arrays, (paths, labels) for png
    workers  parallel calls of ``map``; 0 does everything in the asking thread, ``auto`` lets TensorFlow choose
    """

    def __init__(self, pipeline: str, transform: str, data, *, batch_size: int, workers: int | str, seed: int):
        tf.random.set_seed(seed)
        calls = tf.data.AUTOTUNE if workers == "auto" else workers or None
        size, self.note = len(data[1]), ""
        if pipeline == "arrays_bulk":
            images, labels = (tf.constant(values) for values in data)
            dataset = tf.data.Dataset.range(size).shuffle(size).batch(batch_size)
            dataset = dataset.map(
                lambda rows: (tf.gather(images, rows), tf.gather(labels, rows)), num_parallel_calls=calls
            )
        else:
            buffer = min(size, BUFFER)
            if buffer < size:
                self.note = f"shuffled within a buffer of {buffer} of {size} examples"
            dataset = tf.data.Dataset.from_tensor_slices(data).shuffle(buffer)
            if pipeline == "png":
                change = TRANSFORMS[transform]
                side = tf.io.decode_png(tf.io.read_file(data[0][0]), channels=3).shape

                def example(path, label):
                    image = tf.ensure_shape(tf.io.decode_png(tf.io.read_file(path), channels=3), side)
                    return change(tf.cast(image, tf.float32) / 255.0), label

                dataset = dataset.map(example, num_parallel_calls=calls)
            dataset = dataset.batch(batch_size)
        if workers:
            dataset = dataset.prefetch(tf.data.AUTOTUNE)
        if workers and workers != "auto":
            options = tf.data.Options()
            options.threading.private_threadpool_size = workers
            dataset = dataset.with_options(options)
        self.dataset = dataset

    def __iter__(self) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        return iter(self.dataset)


def configure(threads: int) -> None:
    """Set the compute threads of this process and keep it on the CPU: an input pipeline runs there."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.set_visible_devices([], "GPU")


def numpy(batch) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, height, width, channels) and labels (n,)."""
    return batch[0].numpy(), batch[1].numpy()


def version() -> str:
    """Return TensorFlow's version."""
    return tf.__version__
