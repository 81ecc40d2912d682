"""The pose estimator that settings name."""

from __future__ import annotations

from gaitproof.config import PoseSettings
from gaitproof.pose.estimator import PoseEstimator


def create_estimator(settings: PoseSettings) -> PoseEstimator:
    """Make the estimator that the settings name.

    Raises
    ------
    ConfigError
        If the settings do not fit together.
    DependencyError
        If a package or a system library is missing.
    """
    if settings.backend == "tasks":
        from gaitproof.pose.tasks import TasksEstimator

        return TasksEstimator(settings)
    from gaitproof.pose.mediapipe import MediaPipeEstimator

    return MediaPipeEstimator(settings)
