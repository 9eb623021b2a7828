"""From a dataset to batches: order, augmentation, workers."""
