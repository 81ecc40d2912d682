"""AUC, EER and undecided claims of gait and face under every change of a video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.face_networks.comparison import auc_gain
from experiments.kth.claims import Pass, enroll, join_clips, judge
from experiments.kth.run import (
    NOBODY,
    cached_extractor,
    embed,
    find_clips,
    joint_walks,
    mask_walks,
)
from experiments.robustness.changes import Footage, Step
from experiments.shared import Progress, no_progress
from gaitproof.config import VerifySettings
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Difference, Interval, compare
from gaitproof.evaluate.face.figures import compute_figures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.align import align
from gaitproof.face.judge import judge as judge_face
from gaitproof.face.pace import set_pace
from gaitproof.face.sightings import FaceSightings
from gaitproof.face.types import Face, FaceTrack
from gaitproof.face.verdict import FaceDecision
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.files import make_folder
from gaitproof.types import GaitWindows

if TYPE_CHECKING:
    from gaitproof.data.face.store import FaceStore, StoredClip
    from gaitproof.evaluate.trials import Trials
    from gaitproof.face.model import FaceForgeryModel
    from gaitproof.nets.encoder import WindowEncoder

GATE: Final = "gate without height limit"
"""Of `experiments.kth.run.GATES`: the walkers are smaller than the shipped gate lets through."""

_MIRRORED: Final = (1, 0, 2, 4, 3)
"""The five points of a face: eyes, nose, corners of the mouth."""

_CRF: Final = 10.0
"""At which changed videos are written: nearly without loss, the same for all."""


@dataclass(frozen=True)
class Outcome:
    """What is decided under one step.

    Parameters
    ----------
    step
        Factor and setting.
    auc, eer
        With 95 % intervals over people; claims without a score count as rejected. None where
        nothing was scored.
    own_undecided, other_undecided
        Share of genuine claims or faces, and of the others, that stay undecided.
    own_wrong, other_wrong
        Share of them that get the wrong answer.
    own, other
        How many there were.
    change
        Of the AUC against the first step, on the same draws of people; None for that step itself,
        and where nothing was scored.
    """

    step: Step
    auc: Interval | None
    eer: Interval | None
    own_undecided: float
    other_undecided: float
    own_wrong: float
    other_wrong: float
    own: int
    other: int
    change: Difference | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def sweep_gait(
    folder: Path,
    output: Path,
    steps: Sequence[Step],
    *,
    encoder: WindowEncoder,
    people: int = 0,
    seconds: float = 8.0,
    enrolled_from: str = "d1",
    probed_in: str = "d4",
    cache: Path | None = None,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> list[Outcome]:
    """Let everybody's changed clip of one KTH condition claim everybody enrolled from another.

    Parameters
    ----------
    folder
        See `experiments.kth.run.find_clips`.
    output
        Changed videos go there, one at a time, and what was seen in them, so that an interrupted
        sweep goes on.
    steps
        Of `plan_steps`.
    encoder
        Of joints or silhouettes.
    people
        So many people, the first ones; 0 for all.
    seconds
        Beginning of a probe that is used.
    enrolled_from, probed_in
        Conditions.
    cache
        Of the unchanged clips' poses and silhouettes; None for the user's.
    draws
        Bootstrap draws over people.
    progress
        Called with the share done.
    """
    settings = VerifySettings()
    clips = {(person, condition): path for person, condition, path in find_clips(folder)}
    both = [p for p, c in clips if c == enrolled_from and (p, probed_in) in clips]
    chosen = sorted(both)[: people or None]
    if len(chosen) < 3:
        raise InputError(
            "A sweep needs three people with both conditions.", actual=str(len(chosen))
        )
    known, damaged = cached_extractor(cache, settings), cached_extractor(output / "seen", settings)

    def passes(person: str, condition: str, extraction: Any) -> Iterable[Pass]:
        masks = encoder.card.signal == "silhouettes"
        parts = (mask_walks(extraction) if masks else joint_walks(extraction, settings))[GATE]
        for place, (windows, reasons) in enumerate(parts or [(GaitWindows.empty(), (NOBODY,))]):
            yield Pass(person, condition, place, embed(encoder, windows), reasons)

    enrolled = [
        one
        for person in chosen
        for one in passes(person, enrolled_from, known(clips[person, enrolled_from]))
    ]
    templates = enroll(enrolled, 1)
    outcomes: list[Outcome] = []
    first: Trials | None = None
    for place, step in enumerate(steps):
        probes: list[Pass] = []
        for number, person in enumerate(chosen):
            path = make_folder(output / "videos") / f"{person}-{probed_in}.mp4"
            write_changed(clips[person, probed_in], path, step, seconds)
            probes += passes(person, probed_in, damaged(path))
            path.unlink()
            progress((place + (number + 1) / len(chosen)) / len(steps))
        judged = judge(templates, join_clips(probes), encoder, draws)
        trials, change = judged.trials, None
        if first is not None and trials.failures < len(trials):
            change = compare(trials, first, draws=draws)["auc"]
        first = first or trials
        result = judged.parts["all"]
        own, other = result.counts["mated"], result.counts["non-mated"]
        outcomes.append(
            Outcome(
                step,
                result.figures.get("auc"),
                result.figures.get("eer"),
                own.inconclusive / own.claims,
                other.inconclusive / other.claims,
                own.deepfake / own.claims,
                other.authentic / other.claims,
                own.claims,
                other.claims,
                change,
            )
        )
    return outcomes


def write_changed(source: Path, path: Path, step: Step, seconds: float) -> None:
    """Write the beginning of a video after a step."""
    frames = list(read_frames(source, stop=seconds))
    footage = step.apply(
        Footage(
            np.stack([one.image for one in frames]),
            np.array([one.time for one in frames]),
            np.zeros((len(frames), 0, 2)),
        )
    )
    height, width = footage.frames.shape[1:3]
    rate = (len(footage.times) - 1) / max(float(np.ptp(footage.times)), 1e-3)
    with VideoWriter(path, rate, (width, height), crf=_CRF, timed=True) as writer:
        for image, time in zip(footage.frames, footage.times, strict=True):
            writer.write(image, float(time))


def sweep_faces(
    store: FaceStore,
    steps: Sequence[Step],
    *,
    model: FaceForgeryModel,
    splits: Sequence[str] = ("test",),
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[Outcome]:
    """Answer the changed faces of a store by a model of single images, as a scan does.

    The change is done to the stored face with the room around it, then it is aligned anew and
    judged with all gates, but for its size: how large it was in its video is not in the store.

    Parameters
    ----------
    store
        Prepared faces.
    steps
        Of `plan_steps`.
    model
        Its card's threshold and band decide.
    splits
        Of the clips.
    draws, seed
        Of the bootstrap over people.
    progress
        Called with the share done.
    """
    clips: list[StoredClip] = [one for split in splits for one in store.of_split(split)]
    if not clips:
        raise InputError("The store holds no such clips.", actual=", ".join(splits))
    if model.card.clip is not None:
        raise InputError("The sweep is for models of single images.")
    scores = np.zeros((len(steps), len(clips)))
    answers = [[FaceDecision.INCONCLUSIVE] * len(clips) for _ in steps]
    for column, stored in enumerate(clips):
        faces = store.read(stored)
        points = faces.points.astype(np.float64)
        footage = Footage(faces.images, faces.times, points, mirrored=_MIRRORED)
        for row, step in enumerate(steps):
            answers[row][column], scores[row, column] = answer(step.apply(footage), model)
        progress((column + 1) / len(clips))
    threshold = model.card.operating_point.threshold
    outcomes: list[Outcome] = []
    for step, row_scores, row_answers in zip(steps, scores, answers, strict=True):
        measured, first = (
            FaceScores.of_clips(row, [stored.clip for stored in clips])
            for row in (row_scores, scores[0])
        )
        values = compute_figures(measured, threshold, draws=draws, seed=seed).values
        own, other = (
            Counter(a for a, g in zip(row_answers, measured.genuine, strict=True) if g == kind)
            for kind in (True, False)
        )
        many, few = max(own.total(), 1), max(other.total(), 1)
        outcomes.append(
            Outcome(
                step,
                values.get("auc"),
                values.get("eer"),
                own[FaceDecision.INCONCLUSIVE] / many,
                other[FaceDecision.INCONCLUSIVE] / few,
                own[FaceDecision.FAKE] / many,
                other[FaceDecision.REAL] / few,
                own.total(),
                other.total(),
                auc_gain(measured, first, draws=draws, seed=seed) if outcomes else None,
            )
        )
    return outcomes


def answer(footage: Footage, model: FaceForgeryModel) -> tuple[FaceDecision, float]:
    """Return what a scan answers to the face in cut-out frames, and its score.

    A face of which no frame can be judged still has the score of all, so that the AUC is that of
    the network, whatever the gates refuse.

    Parameters
    ----------
    footage
        Frames that the face fills, and its five points in them.
    model
        Of single images.
    """
    height, width = footage.frames.shape[1:3]
    card = model.card
    pace = set_pace(None, float(footage.times[-1]))
    kept = FaceSightings(pace.most)
    times = footage.times.tolist()
    box = np.array((0.0, 0.0, width, height))
    faces = [Face(box, points, 1.0, landmarks="mesh") for points in footage.points]
    for place, (face, image) in enumerate(zip(faces, footage.frames, strict=True)):
        kept.take(place, times[place], face, image, None, card.alignment)
    track = FaceTrack(tuple(times), tuple(faces), tuple(range(len(times))))
    verdict, _ = judge_face(1, track, kept, model, pace)
    if verdict.score is None:
        pairs = zip(footage.frames, footage.points, strict=True)
        crops = [align(image, points, card.alignment) for image, points in pairs]
        return verdict.decision, card.summarise(model.score(np.stack(crops)))
    return verdict.decision, verdict.score
