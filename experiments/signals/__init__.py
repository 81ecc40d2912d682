"""What joints and silhouettes are worth together, and the weights that are shipped."""
