"""Networks that compare lips and sound, in ONNX Runtime with their cards; torch is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError
from gaitproof.face.card import FaceDetectorCard
from gaitproof.face.model import load_card
from gaitproof.face.speech.sequences import Talk, hear, measure_shapes
from gaitproof.face.speech.watch import Watched
from gaitproof.media.sound import Sound
from gaitproof.models import PackagedModel, read_weights
from gaitproof.runtime import check_digest, open_session, run_session

INPUTS: Final = ("faces", "lips", "shapes", "sound")
OUTPUTS: Final = ("whole", "moments")


@dataclass(frozen=True, eq=False)
class TalkScore:
    """What a network says of a talk.

    Parameters
    ----------
    score
        0 (forged) to 1 (genuine).
    moments
        Shape (T,), likewise, of every moment.
    """

    score: float
    moments: NDArray[np.float64]


class TalkModel(PackagedModel):
    """A network that compares lips and sound, and its card, a `FaceDetectorCard` with `clip`.

    It takes `INPUTS`, see `gaitproof.face.speech.sequences.Talk.inputs`, each with one clip, and
    returns logits [forged, genuine] of shape (1, 2) and (1, T, 2).

    Parameters
    ----------
    weights
        The ONNX file's content.
    card
        Its card; the SHA-256 must match.

    Raises
    ------
    ModelError
        If weights and card do not belong together, the weights cannot be run, or they are no such
        network.
    """

    package = "gaitproof.face.speech"
    default = ""

    def __init__(self, weights: bytes, card: FaceDetectorCard) -> None:
        check_digest(weights, card.weights_sha256)
        self._session = open_session(weights)
        names = tuple(one.name for one in self._session.get_inputs())
        if names != INPUTS or card.clip is None or card.clip.rate is None:
            raise ModelError(
                "The model does not compare lips and sound.",
                expected=f"inputs {', '.join(INPUTS)}, and a rate in its card",
                actual=f"inputs {', '.join(names)}"[:200],
            )
        self.card = card
        self.frames, self.rate = card.clip.frames, card.clip.rate

    def score(self, talk: Talk) -> TalkScore:
        """Score a talk of as many moments as the card's `clip` says.

        Raises
        ------
        ModelError
            If the network's output is not one finite answer for all and each.
        """
        inputs = {name: part[None] for name, part in zip(INPUTS, talk.inputs(), strict=True)}
        whole, moments = (
            np.asarray(one, np.float64) for one in run_session(self._session, list(OUTPUTS), inputs)
        )
        if (
            whole.shape != (1, 2)
            or moments.shape != (1, len(talk), 2)
            or not (np.isfinite(whole).all() and np.isfinite(moments).all())
        ):
            raise ModelError(
                "The model does not answer as one of lips and sound does.",
                expected=f"finite logits of shapes (1, 2) and (1, {len(talk)}, 2)",
                actual=f"shapes {whole.shape} and {moments.shape}",
            )
        return TalkScore(float(_share(whole[0])), _share(moments[0]))

    def score_watched(self, watched: Watched, sound: Sound) -> float | None:
        """Return the mean score, 0 to 1, of windows of a mouth that was followed.

        They overlap by half, at the rate that the card says; where the mouth was away there is
        none. None if it was never seen for long enough.

        Raises
        ------
        ValueError
            If faces and mouths were not cut out.
        """
        if watched.cut is None:
            raise ValueError("faces and mouths were not cut out of the frames that were watched")
        faces, mouths = watched.cut
        seen, step = watched.lips.times, 1 / self.rate
        scores = []
        for start in np.arange(seen[0], seen[-1] - self.frames * step, self.frames * step / 2):
            times = start + step * np.arange(self.frames)
            after = np.clip(np.searchsorted(seen, times), 1, len(seen) - 1)
            nearest = after - (times - seen[after - 1] < seen[after] - times)
            if (np.abs(seen[nearest] - times) > step).any():
                continue
            shapes = measure_shapes(watched.lips)[nearest]
            images = faces[nearest], mouths[nearest]
            scores.append(self.score(Talk(*images, shapes, hear(sound, times))).score)
        return float(np.mean(scores)) if scores else None

    @classmethod
    def _read(cls, folder: Path) -> Self:
        return cls(read_weights(folder), load_card(folder))


def _share(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of genuine, 0 to 1, of logits (..., 2)."""
    # the logistic function through tanh does not overflow
    return np.asarray(0.5 * (1 + np.tanh((logits[..., 1] - logits[..., 0]) / 2)), np.float64)
