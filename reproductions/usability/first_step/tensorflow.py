"""The shortest way from nothing to one training step with TensorFlow's core API."""

import tensorflow as tf

w = tf.Variable(tf.random.normal([20, 1]))
b = tf.Variable(tf.zeros([1]))

with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(tf.ones([8, 20]) @ w + b - tf.zeros([8, 1])))
for variable, gradient in zip((w, b), tape.gradient(loss, (w, b))):
    variable.assign_sub(0.1 * gradient)
print(loss.numpy(), flush=True)
