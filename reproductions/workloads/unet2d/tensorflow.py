"""The 2D U-Net from Keras layers."""

import keras
from keras import layers, ops

EPSILON = 1e-5
#: 0.01 as float32 holds it: TensorFlow rounds the slope to float32 also where it computes in float64.
SLOPE = 0.009999999776482582


class InstanceNormalization(layers.Layer):
    """Normalise each channel of each image over its pixels, then scale and shift.

    ``GroupNormalization(groups=-1)`` computes the same through reshapes to five dimensions.
    """

    def build(self, shape):
        """Create scale and shift, one a channel."""
        self.gamma = self.add_weight(shape=(shape[-1],), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(shape[-1],), initializer="zeros", name="beta")

    def call(self, features):
        """Return features of the same shape (batch, height, width, channels)."""
        mean, variance = ops.moments(features, axes=(1, 2), keepdims=True)
        scale = self.gamma * ops.rsqrt(variance + EPSILON)
        return features * scale + (self.beta - mean * scale)

    def compute_output_shape(self, shape):
        """Return the shape unchanged."""
        return shape


def _convolutions(features, width, stride, name):
    """Two 3x3 convolutions, each with instance norm and leaky ReLU; the first carries the stride."""
    # With stride 2, padding="same" would add a row and a column on one side only; PyTorch pads both.
    padded, padding = (layers.ZeroPadding2D(1)(features), "valid") if stride == 2 else (features, "same")
    hidden = layers.Conv2D(width, 3, stride, padding=padding, use_bias=False, name=f"{name}_conv1")(padded)
    hidden = layers.LeakyReLU(SLOPE)(InstanceNormalization(name=f"{name}_norm1")(hidden))
    hidden = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_conv2")(hidden)
    return layers.LeakyReLU(SLOPE)(InstanceNormalization(name=f"{name}_norm2")(hidden))


def build(sizes):
    """Return the model; takes (batch, height, width, channels), returns logits (batch, height, width, classes)."""
    images = keras.Input((sizes["height"], sizes["width"], sizes["channels"]))
    widths = [min(sizes["filters"] * 2**level, sizes["most"]) for level in range(sizes["levels"])]
    skips, hidden = [], images
    for level, width in enumerate(widths):
        hidden = _convolutions(hidden, width, 2 if level else 1, f"down{level}")
        skips.append(hidden)
    for level in reversed(range(sizes["levels"] - 1)):
        hidden = layers.Conv2DTranspose(widths[level], 2, 2, use_bias=False, name=f"widen{level}")(hidden)
        hidden = layers.Concatenate()([skips[level], hidden])
        hidden = _convolutions(hidden, widths[level], 1, f"up{level}")
    return keras.Model(images, layers.Conv2D(sizes["classes"], 1, name="logits")(hidden))
