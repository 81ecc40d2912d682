"""BlazePose's graph with the person's mask taken out before it is blown up to the frame.

MediaPipe computes a mask of 256 × 256 around the person and then draws it into a frame of the
frame's size, which at 720p costs nearly as much as the landmarks. The part of the graph that does
so is left out here; the landmarks are those of ``mediapipe.solutions.pose`` to the bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from gaitproof.config import PoseSettings

MASK_STREAM: Final = "poselandmarkbyroicpu__roi_segmentation_mask"
"""Shape (256, 256), the mask of the region."""

REGION_STREAM: Final = "pose_rect"
"""The region of the frame, in shares of its width and height."""

_GRAPH: Final = "mediapipe/modules/pose_landmark/pose_landmark_cpu.binarypb"
_LANDMARK_MODEL: Final = "poselandmarkbyroicpu__"
_FRAME_MASK: Final = (
    "posesegmentationfiltering__",
    f"{_LANDMARK_MODEL}poselandmarksandsegmentationinverseprojection__InverseMatrixCalculator",
    f"{_LANDMARK_MODEL}poselandmarksandsegmentationinverseprojection__WarpAffineCalculator",
)
"""Beginnings of the names of what makes the mask of the frame's size."""

_DETECTOR: Final = "posedetectioncpu__"
_DETECTOR_INPUT: Final = "image_for_pose_detection"
DETECTIONS_STREAM: Final = "pose_detections"
"""Boxes of people with the middle of the hips and a point of the circle around the body."""


def open_pose_graph(settings: PoseSettings) -> Any:
    """Start BlazePose in video mode; the result is used and closed like MediaPipe's ``Pose``.

    Parameters
    ----------
    settings
        Complexity, confidence thresholds, and whether masks are wanted.

    Raises
    ------
    ImportError
        If MediaPipe or a system library is missing.
    """
    from mediapipe.python.solution_base import SolutionBase

    outputs = ["pose_landmarks", "pose_world_landmarks"]
    if settings.silhouettes:
        outputs += [MASK_STREAM, REGION_STREAM]
    return SolutionBase(
        graph_config=_graph_without_frame_mask(),
        side_inputs={
            "model_complexity": settings.complexity,
            "smooth_landmarks": True,
            "enable_segmentation": settings.silhouettes,
            "use_prev_landmarks": True,
        },
        calculator_params={
            "posedetectioncpu__TensorsToDetectionsCalculator.min_score_thresh": (
                settings.min_detection_confidence
            ),
            f"{_LANDMARK_MODEL}tensorstoposelandmarksandsegmentation__ThresholdingCalculator"
            ".threshold": settings.min_tracking_confidence,
        },
        outputs=outputs,
    )


def open_detector_graph(confidence: float) -> Any:
    """Start BlazePose's person detector alone; used and closed like MediaPipe's solutions.

    Parameters
    ----------
    confidence
        Least score of a detection, 0 to 1.

    Raises
    ------
    ImportError
        If MediaPipe or a system library is missing.
    """
    from mediapipe.python.solution_base import SolutionBase

    whole = _whole_graph()
    graph = type(whole)()
    graph.node.extend(node for node in whole.node if node.name.startswith(_DETECTOR))
    graph.input_stream.append(_DETECTOR_INPUT)
    graph.output_stream.append(DETECTIONS_STREAM)
    return SolutionBase(
        graph_config=graph,
        calculator_params={
            f"{_DETECTOR}TensorsToDetectionsCalculator.min_score_thresh": confidence
        },
        outputs=[DETECTIONS_STREAM],
    )


def _whole_graph() -> Any:
    import mediapipe
    from mediapipe.framework import calculator_pb2
    from mediapipe.python._framework_bindings import resource_util, validated_graph_config

    root = Path(mediapipe.__file__).parents[1]
    resource_util.set_resource_dir(str(root))
    whole = validated_graph_config.ValidatedGraphConfig()
    whole.initialize(binary_graph_path=str(root / _GRAPH))
    graph = calculator_pb2.CalculatorGraphConfig()
    graph.ParseFromString(whole.binary_config)
    return graph


def _graph_without_frame_mask() -> Any:
    graph = _whole_graph()
    kept = [
        node
        for node in graph.node
        if not node.name.startswith(_FRAME_MASK)
        and "IMAGE_CPU:segmentation_mask" not in node.output_stream
    ]
    del graph.node[:]
    graph.node.extend(kept)
    graph.output_stream.remove("SEGMENTATION_MASK:segmentation_mask")
    graph.input_side_packet.remove("SMOOTH_SEGMENTATION:smooth_segmentation")
    return graph
