"""From a face recipe to a face model."""
