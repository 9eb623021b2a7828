"""From a dataset to batches: order, augmentation, worker processes."""
