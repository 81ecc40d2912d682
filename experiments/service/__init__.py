"""Whether the service holds under twice its load, and under kills."""
