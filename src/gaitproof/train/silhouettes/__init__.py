"""Training on silhouettes: augmentation, batches, losses, one run."""
