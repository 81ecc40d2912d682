"""Finding faces in one frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gaitproof.closing import Closing
from gaitproof.config import Settings
from gaitproof.errors import DependencyError, ModelError
from gaitproof.face.track import cut, is_cut, merge, plan_tiles
from gaitproof.face.types import MESH_POINTS, Face
from gaitproof.pose.mediapipe import importing_mediapipe, quiet_start

Image = NDArray[np.uint8]
Float64 = NDArray[np.float64]


MESH_SIZE: Final = 32.0
"""Pixels: in smaller faces the mesh is a guess, and the detector's own points are used."""

FACE_SIZE: Final = 40.0
"""Pixels: from here on a head without a mesh is no face but seen from behind. The detector finds
heads: 10 backs of heads in one film had no mesh, 20 portraits at 40 to 100 pixels all had one."""

MOUTH_WIDTH: Final = 0.83
"""Mouth width as a share of the distance of the eyes in the ArcFace template; used where a detector
gives the middle of the mouth only."""

SMALL_FACE_SCORE: Final = 0.15
"""Added to the least score of faces too small for a mesh, which confirms larger ones: without it,
noise and foliage hold faces of 10 pixels."""

_BOX_POINTS: Final = np.array(
    [(0.31, 0.30), (0.69, 0.30), (0.50, 0.54), (0.345, 0.72), (0.655, 0.72)]
)
"""Where the five points lie in MediaPipe's box: medians over 23 genuine videos of talking people,
made symmetric."""

SIMPLE_CROP: Final = "simple-crop"
"""Word in the identifier of a detector that falls back on simple crops."""

_MESH_EYES: Final = ((33, 133), (362, 263))
_MESH_NOSE: Final = 1
_MESH_MOUTH: Final = (61, 291)
"""Vertices of MediaPipe's canonical face: corners of the eyes, tip of the nose, mouth corners."""


class FaceDetector(Closing, Protocol):
    """Finds the faces of single frames."""

    @property
    def identifier(self) -> str:
        """Name with the version of everything that decides boxes and points."""

    def detect(self, image: Image, smallest: float | None = None) -> tuple[Face, ...]:
        """Return the faces of one frame, the surest first.

        Parameters
        ----------
        image
            Shape (H, W, 3), RGB, upright.
        smallest
            Pixels: smaller faces need not be found, which may cost less; None for what the
            detector is set to.
        """


@runtime_checkable
class MeshDetector(FaceDetector, Protocol):
    """A detector that lays a mesh on faces."""

    def fit_mesh(self, image: Image, face: Face) -> Float64 | None:
        """Lay the mesh on a face whose place is known, which costs a third of looking for it.

        Parameters
        ----------
        image
            As for `detect`.
        face
            About where it is, and how large.

        Returns
        -------
        ndarray or None
            Shape (468, 2), pixels; None if there is no face, or it is too small for a mesh.
        """


class DetectorSettings(Settings):
    """How faces are looked for."""

    backend: Literal["mediapipe", "yunet", "dlib"] = "mediapipe"
    """``mediapipe``: inside the package. ``yunet``, ``dlib``: with a model file of the user's."""
    model_file: Path | None = None
    min_score: float = Field(default=0.6, ge=0, le=1)
    smallest: float = Field(default=12.0, ge=8)
    """Smallest face looked for, pixels; the cost of one frame grows with its inverse square."""
    simple_crop: bool = False
    """Whether a face on which no mesh can be laid is found all the same, placed by its box alone
    (`Face.landmarks` is then ``box``); else it counts as a head seen from behind. Only
    ``mediapipe`` lays a mesh."""


def create_detector(settings: DetectorSettings | None = None) -> FaceDetector:
    """Make the detector that the settings name.

    Raises
    ------
    DependencyError
        If a package is missing.
    ModelError
        If a model file is missing or cannot be used.
    """
    settings = settings or DetectorSettings()
    if settings.backend == "mediapipe":
        return MediaPipeFaceDetector(settings)
    if settings.model_file is None:
        raise ModelError(
            f"The face detector {settings.backend!r} needs a model file.",
            hint="name the file, or use the detector 'mediapipe', which needs none",
        )
    if settings.backend == "yunet":
        return YuNetDetector(settings.model_file, settings.min_score)
    return DlibDetector(settings.model_file)


class MediaPipeFaceDetector(Closing):
    """MediaPipe's full-range detector over tiles of several sizes, five points from its face mesh.

    Parameters
    ----------
    settings
        Least score and smallest face.

    Raises
    ------
    DependencyError
        If MediaPipe or a system library is missing.
    """

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self._settings = settings or DetectorSettings()
        with importing_mediapipe():
            from mediapipe.python.solutions.face_detection import FaceDetection
            from mediapipe.python.solutions.face_mesh import FaceMesh
        self.identifier = (
            f"mediapipe-{metadata.version('mediapipe')}/full-range+mesh/1"
            f" score={self._settings.min_score:g} smallest={self._settings.smallest:g}"
            + f" {SIMPLE_CROP}"
            * self._settings.simple_crop
        )
        with quiet_start():
            self._finder: Any = FaceDetection(
                min_detection_confidence=self._settings.min_score, model_selection=1
            )
            self._mesh: Any = FaceMesh(
                static_image_mode=True, max_num_faces=1, min_detection_confidence=0.3
            )
            # the graphs open in threads of their own and load their models at the first frame
            blank = np.zeros((192, 192, 3), np.uint8)
            self._finder.process(blank)
            self._mesh.process(blank)
        self._meshed = False

    def detect(self, image: Image, smallest: float | None = None) -> tuple[Face, ...]:
        """Find the faces of one frame; see `FaceDetector.detect`."""
        if self._finder is None:
            raise ValueError("the detector is closed")
        height, width = image.shape[:2]
        faces: list[Face] = []
        for x0, y0, side in plan_tiles(width, height, smallest or self._settings.smallest):
            tile = cut(image, x0, y0, side)
            for face in self._find(tile):
                if not is_cut(face.box, side, (x0, y0), (width, height)):
                    faces.append(face.mapped(1.0, (x0, y0)))
        small_score = min(0.9, self._settings.min_score + SMALL_FACE_SCORE)
        faces = [face for face in faces if face.size >= MESH_SIZE or face.score >= small_score]
        refined = (self._refine(image, face) for face in merge(faces))
        return tuple(face for face in refined if face is not None)

    def fit_mesh(self, image: Image, face: Face) -> Float64 | None:
        """Lay the mesh on a face whose place is known; see `MeshDetector`."""
        if self._mesh is None:
            raise ValueError("the detector is closed")
        mesh = self._refine(image, face) if face.size >= MESH_SIZE else None
        return None if mesh is None or mesh is face else mesh.mesh

    def _find(self, tile: Image) -> Iterator[Face]:
        side = tile.shape[0]
        for one in self._finder.process(np.ascontiguousarray(tile)).detections or ():
            place = one.location_data
            box = place.relative_bounding_box
            if box.width <= 0 or box.height <= 0:
                continue
            points = np.array([(p.x, p.y) for p in place.relative_keypoints], np.float64) * side
            low = np.array((box.xmin, box.ymin), np.float64)
            high = low + np.array((box.width, box.height), np.float64)
            # seen from the front: eye, eye, nose, middle of the mouth, ears
            yield Face(
                np.concatenate((low, high)) * side,
                five_points(*points[:4]),
                float(np.clip(one.score[0], 0, 1)),
            )

    def _refine(self, image: Image, face: Face) -> Face | None:
        """Return the face with the mesh and its five points, if it is large enough for one.

        If it is large enough and shows no face: None, or the face as its box places it.
        """
        if face.size < MESH_SIZE:
            return face
        side = max(8, round(2 * face.size))
        x0, y0 = (round(float(c) - side / 2) for c in face.centre)
        # the first mesh makes MediaPipe write a notice
        with quiet_start(not self._meshed):
            result = self._mesh.process(np.ascontiguousarray(cut(image, x0, y0, side)))
        self._meshed = True
        if not result.multi_face_landmarks:
            if face.size < FACE_SIZE:
                return face
            return place_by_box(face) if self._settings.simple_crop else None
        flat = [(p.x, p.y) for p in result.multi_face_landmarks[0].landmark[:MESH_POINTS]]
        mesh = np.array(flat, np.float64) * side + np.array((x0, y0), np.float64)
        points = mesh_points(mesh)
        # of two heads that touch, the mesh may take the other one
        if np.linalg.norm(points.mean(axis=0) - face.points.mean(axis=0)) > 0.25 * face.size:
            return face
        return Face(face.box, points, face.score, mesh, "mesh")

    def close(self) -> None:
        """Free both graphs."""
        for name in ("_finder", "_mesh"):
            graph = getattr(self, name, None)
            setattr(self, name, None)
            if graph is not None:
                graph.close()


def five_points(left_eye: Float64, right_eye: Float64, nose: Float64, mouth: Float64) -> Float64:
    """Return five points (5, 2) where only the middle of the mouth is known."""
    half = (right_eye - left_eye) * MOUTH_WIDTH / 2
    return np.stack((left_eye, right_eye, nose, mouth - half, mouth + half))


def place_by_box(face: Face) -> Face:
    """Return a face with its five points where they usually lie in a box."""
    low, high = face.box[:2], face.box[2:]
    return replace(face, points=low + _BOX_POINTS * (high - low), landmarks="box")


def takes_simple_crops(detector: str) -> bool:
    """Tell by a detector's identifier whether it falls back on simple crops."""
    return SIMPLE_CROP in detector.split()


def mesh_points(mesh: Float64) -> Float64:
    """Return the five points (5, 2) of a mesh (468, 2)."""
    eyes = [mesh[list(corners)].mean(axis=0) for corners in _MESH_EYES]
    return np.stack((*eyes, mesh[_MESH_NOSE], *mesh[list(_MESH_MOUTH)]))


class YuNetDetector(Closing):
    """OpenCV's YuNet with a model file.

    Parameters
    ----------
    model_file
        ``face_detection_yunet_2023mar.onnx`` of the OpenCV zoo.
    min_score
        Least score, 0 to 1.

    Raises
    ------
    ModelError
        If the file is missing or no YuNet model.
    """

    def __init__(self, model_file: Path, min_score: float = 0.6) -> None:
        _check_file(model_file)
        try:
            self._net: Any = cv2.FaceDetectorYN.create(
                str(model_file), "", (320, 320), min_score, 0.3, 5000
            )
            # another network is taken without a word, and fails at its first frame
            self._net.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise ModelError(
                f"The face detector {str(model_file)!r} cannot be used.",
                expected="a YuNet model of the OpenCV zoo",
            ) from error
        self.identifier = f"yunet/{model_file.stem} score={min_score:g} opencv-{cv2.__version__}"

    def detect(self, image: Image, smallest: float | None = None) -> tuple[Face, ...]:
        """Find the faces of one frame; see `FaceDetector.detect`."""
        if self._net is None:
            raise ValueError("the detector is closed")
        self._net.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._net.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        faces = [
            Face(
                np.array((row[0], row[1], row[0] + row[2], row[1] + row[3])),
                row[4:14].reshape(5, 2),
                float(np.clip(row[14], 0, 1)),
            )
            for row in (rows if rows is not None else ())
            if row[2] > 0 and row[3] > 0
        ]
        return tuple(merge(faces))

    def close(self) -> None:
        """Free the network."""
        self._net = None


class DlibDetector(Closing):
    """dlib's frontal face detector with a 68-point shape predictor.

    Parameters
    ----------
    model_file
        ``shape_predictor_68_face_landmarks.dat``.

    Raises
    ------
    DependencyError
        If dlib is not installed.
    ModelError
        If the file is missing or no shape predictor.
    """

    def __init__(self, model_file: Path) -> None:
        _check_file(model_file)
        try:
            import dlib  # type: ignore[import-not-found,unused-ignore]
        except ImportError as error:
            raise DependencyError(
                "The face detector 'dlib' needs the package dlib.", hint="pip install dlib"
            ) from error
        self._rectangles: Any = dlib.get_frontal_face_detector()
        try:
            self._shape: Any = dlib.shape_predictor(str(model_file))
        except RuntimeError as error:
            raise ModelError(
                f"The file {str(model_file)!r} is no shape predictor of dlib."
            ) from error
        self.identifier = f"dlib-{dlib.__version__}/{model_file.stem}"

    def detect(self, image: Image, smallest: float | None = None) -> tuple[Face, ...]:
        """Find the faces of one frame; see `FaceDetector.detect`."""
        if self._rectangles is None:
            raise ValueError("the detector is closed")
        boxes, scores, _ = self._rectangles.run(image, 1, 0.0)
        faces = []
        for place, score in zip(boxes, scores, strict=True):
            parts = self._shape(image, place).parts()
            marks = np.array([(part.x, part.y) for part in parts], np.float64)
            box = np.array((place.left(), place.top(), place.right() + 1, place.bottom() + 1))
            faces.append(Face(box, points_of_68(marks), float(1 / (1 + np.exp(-score)))))
        return tuple(merge(faces))

    def close(self) -> None:
        """Free the models."""
        self._rectangles = self._shape = None


def points_of_68(marks: Float64) -> Float64:
    """Return the five points (5, 2) of the 68 landmarks (68, 2) of the iBUG scheme."""
    return np.stack(
        (
            marks[36:42].mean(axis=0),
            marks[42:48].mean(axis=0),
            marks[30],
            marks[48],
            marks[54],
        )
    )


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ModelError(
            f"There is no face detector {str(path)!r}.",
            expected="a model file",
            hint="use the detector 'mediapipe', which needs none",
        )
