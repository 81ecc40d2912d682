"""What joints and silhouettes decide relative to reference footage; makes the evidence cards."""
