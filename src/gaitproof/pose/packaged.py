"""A model file for MediaPipe Tasks made of the two models inside the MediaPipe package.

Tasks take several people at once but want a ``.task`` file: a ZIP, nothing compressed, of the
person detector and the landmark model, each saying how it wants its pixels. The package has both
models without that; it is written into them here, so that nothing is downloaded.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Final

_MODELS: Final = (
    # file in the package, name in the ZIP, mean and deviation of the pixels it wants
    ("pose_detection/pose_detection.tflite", "pose_detector.tflite", 127.5, 127.5),
    ("pose_landmark/pose_landmark_full.tflite", "pose_landmarks_detector.tflite", 0.0, 255.0),
)


@cache
def packaged_task() -> bytes:
    """Return the ``.task`` file; the same bytes every time.

    Raises
    ------
    ImportError
        If MediaPipe or a system library is missing.
    OSError
        If a model is not in the package.
    """
    import mediapipe
    from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

    folder = Path(mediapipe.__file__).parent / "modules"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for source, name, mean, deviation in _MODELS:
            writer: Any = MetadataWriter.create(bytearray((folder / source).read_bytes()))
            with warnings.catch_warnings():
                # MediaPipe leaves its temporary files to the garbage collector
                warnings.simplefilter("ignore", ResourceWarning)
                model, _ = writer.add_image_input([mean], [deviation]).populate()
            archive.writestr(zipfile.ZipInfo(name), bytes(model))
    return buffer.getvalue()
