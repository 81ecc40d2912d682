"""Training face forgery detectors."""
