"""A model file for MediaPipe Tasks made of the two models inside the MediaPipe package.

Tasks take several people at once but want a ``.task`` file: a ZIP, nothing compressed, of the
person detector and the landmark model, each saying how it wants its pixels. The package has both
models without that; it is written into them here, so that nothing is downloaded.
"""

from __future__ import annotations

import io
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final

from gaitproof.errors import DependencyError

_MODELS: Final = (
    # file in the package, name in the ZIP, mean and deviation of the pixels it wants
    ("pose_detection/pose_detection.tflite", "pose_detector.tflite", 127.5, 127.5),
    ("pose_landmark/pose_landmark_full.tflite", "pose_landmarks_detector.tflite", 0.0, 255.0),
)


_MAKING: Final = Lock()


def packaged_task() -> bytes:
    """Return the ``.task`` file; the same bytes every time.

    Raises
    ------
    ImportError
        If MediaPipe or a system library is missing.
    DependencyError
        If a model is not in the package, or there is no room for temporary files.
    """
    with _MAKING:  # several threads may want it at once, and one is enough to make it
        return _assemble()


@cache
def _assemble() -> bytes:
    import mediapipe

    folder = Path(mediapipe.__file__).parent / "modules"
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive, _own_folder():
            for source, name, mean, deviation in _MODELS:
                model = (folder / source).read_bytes()
                archive.writestr(zipfile.ZipInfo(name), _described(model, mean, deviation))
    except OSError as error:
        raise DependencyError(
            "The model for several people cannot be put together.",
            actual=str(error),
            hint="make room in the folder for temporary files (TMPDIR), or install mediapipe again",
        ) from error
    return buffer.getvalue()


def _described(model: bytes, mean: float, deviation: float) -> bytes:
    from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

    writer: Any = MetadataWriter.create(bytearray(model))
    with warnings.catch_warnings():
        # MediaPipe leaves its temporary files to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        return bytes(writer.add_image_input([mean], [deviation]).populate()[0])


@contextmanager
def _own_folder() -> Iterator[None]:
    """Give MediaPipe a private folder for its temporary files, and remove it.

    It asks for the name of a temporary file, lets the file go and writes to the name: where others
    may write too, the name could by then lead elsewhere. If that fails, or it is killed, it cleans
    nothing up.
    """
    from mediapipe.tasks.python.metadata import metadata

    with tempfile.TemporaryDirectory(prefix="gaitproof-") as private:
        metadata.tempfile = SimpleNamespace(
            NamedTemporaryFile=partial(tempfile.NamedTemporaryFile, dir=private),
            SpooledTemporaryFile=partial(tempfile.SpooledTemporaryFile, dir=private),
        )
        try:
            yield
        finally:
            metadata.tempfile = tempfile
