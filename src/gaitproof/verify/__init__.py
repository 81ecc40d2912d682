"""Gallery, scoring, calibration and the verifier."""
