"""Pictures on which Pillow's operations have something to decide: noise, gradients, few levels and one level alone."""

import numpy as np


def pictures(count, channels, height, width, seed=0):
    """Uint8 pictures (count, channels, height, width), of all kinds in turn."""
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 256, (count, channels, height, width)).astype(float)
    made[1::4] = 128 + 9 * np.cumsum(np.cumsum(rng.normal(size=made[1::4].shape), 2), 3) / (height * width) ** 0.5
    made[2::4] = rng.integers(90, 97, made[2::4].shape)
    for index in range(3, count, 4):
        made[index] = rng.integers(0, 256)
    made[3::8, :, 0, 0] = rng.integers(0, 256)  # one pixel that differs from all others
    return np.clip(made, 0, 255).astype(np.uint8)


def same_bits(tensor, array):
    """Whether a tensor has the values of a NumPy array, and its bits, so that -0.0 is not 0.0."""
    values = tensor.numpy()
    return values.dtype == array.dtype and np.ascontiguousarray(values).tobytes() == array.tobytes()
