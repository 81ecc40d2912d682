"""All networks and baselines on the same trials."""
