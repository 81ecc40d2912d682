"""From a recipe to a model: fit, calibrate, write; ablate and tune."""
