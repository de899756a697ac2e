"""Input pipelines on their own: PyTorch's DataLoader against TensorFlow's tf.data, without a model."""
