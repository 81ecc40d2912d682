"""How well face forgery detectors do on people and forgeries they were not trained on."""
