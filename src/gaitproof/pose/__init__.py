"""Pose estimation: estimators, extraction, tracking, cleaning, cache."""
