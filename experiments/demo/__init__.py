"""What joints and silhouettes of rendered walkers say together."""
