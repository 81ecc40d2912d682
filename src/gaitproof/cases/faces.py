"""What looking at faces takes, and the face alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from gaitproof.config import MediaLimits
    from gaitproof.face.model import FaceForgeryModel
    from gaitproof.face.scan import FaceScan
    from gaitproof.verify.fusion.rule import FusionWeights
    from gaitproof.verify.scene import Progress


@dataclass(frozen=True)
class FaceTools:
    """What it takes to look at the face as well.

    Parameters
    ----------
    model
        Scores aligned faces.
    weights
        Learnt weights of gait and face; None to join them by rule.
    """

    model: FaceForgeryModel
    weights: FusionWeights | None = None

    @classmethod
    def load(cls, model: str | Path | None = None, fusion: Path | None = None) -> Self:
        """Load a face model, the shipped one if None, and the weights of a file.

        Raises
        ------
        ModelError
            If a model or weights cannot be used.
        """
        from gaitproof.face.model import FaceForgeryModel
        from gaitproof.verify.fusion.rule import load_weights

        return cls(FaceForgeryModel.load(model), load_weights(fusion))


def scan_faces(
    video: str | Path,
    model: str | Path | None = None,
    *,
    limits: MediaLimits | None = None,
    progress: Progress | None = None,
) -> FaceScan:
    """Find the faces of a video and say of each whether it is manipulated.

    Parameters
    ----------
    video
        Path of the video.
    model
        Name or folder of the face model; the shipped one if None.
    limits
        Bounds on the video.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    MediaError
        If the video cannot be read.
    ModelError
        If the model cannot be used.

    Examples
    --------
    >>> import gaitproof as gp
    >>> gp.scan_faces("clip.mp4").decision  # doctest: +SKIP
    <FaceDecision.INCONCLUSIVE: 'INCONCLUSIVE'>
    """
    from gaitproof.face.scan import scan_video

    return scan_video(video, FaceTools.load(model).model, limits=limits, progress=progress)
