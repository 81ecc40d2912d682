"""An estimator that answers from a script, for tests and for ground truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.pose.estimator import Detection
from gaitproof.types import PoseSequence


class ScriptedEstimator(Closing):
    """Answers every frame by a function of its time; the frame is not looked at.

    Parameters
    ----------
    script
        From seconds to the people at that moment.
    identifier
        Name under which the landmarks go.
    """

    def __init__(
        self, script: Callable[[float], list[Detection]], identifier: str = "scripted"
    ) -> None:
        self.identifier = identifier
        self.closed = False
        self._script = script

    @classmethod
    def from_sequence(cls, *sequences: PoseSequence) -> ScriptedEstimator:
        """Answer with the nearest frame of each sequence that covers the time.

        Each sequence needs image and world coordinates.
        """

        def script(time: float) -> list[Detection]:
            poses = []
            for sequence in sequences:
                times = sequence.timestamps
                tolerance = 0.51 / max(sequence.frame_rate, 1.0)
                nearest = int(np.argmin(np.abs(times - time)))
                if abs(times[nearest] - time) > tolerance or not sequence.detected[nearest]:
                    continue
                assert sequence.image is not None
                assert sequence.world is not None
                poses.append(
                    Detection(
                        sequence.image[nearest],
                        sequence.world[nearest],
                        sequence.visibility[nearest],
                    )
                )
            return poses

        return cls(script, identifier=f"scripted/{sequences[0].estimator}")

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Return what the script says for `time`."""
        if self.closed:
            raise ValueError("the estimator is closed")
        return self._script(time)

    def close(self) -> None:
        """Remember that the estimator was closed."""
        self.closed = True
