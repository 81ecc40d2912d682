"""Networks that tell forged faces from genuine ones."""
