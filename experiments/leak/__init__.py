"""How much augmented copies on both sides flatter the figures."""
