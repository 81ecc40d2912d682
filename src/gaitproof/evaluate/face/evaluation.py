"""Scoring prepared faces with a face forgery detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.data.face.clips import Label
from gaitproof.data.face.faces import StoredFaces
from gaitproof.data.face.store import FaceStore, StoredClip
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.face.figures import FaceFigures, compute_figures
from gaitproof.evaluate.face.result import (
    UNTOUCHED,
    ClipAnswer,
    Condition,
    FaceEvaluation,
    StoreResult,
    SweepStep,
    clip_scores,
    image_scores,
)
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.align import align
from gaitproof.face.detect import takes_simple_crops
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.segments import score_segments
from gaitproof.face.verdict import FaceDecision, calibrated, decide

Float64 = NDArray[np.float64]

DECISIONS: Final = tuple(one.value for one in FaceDecision if one is not FaceDecision.NO_FACE)


def evaluate_faces(
    model: FaceForgeryModel,
    stores: Sequence[FaceStore],
    *,
    split: str = "test",
    conditions: Sequence[Condition] = (),
    draws: int = DRAWS,
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> FaceEvaluation:
    """Score the clips of one split of every store, and compute all figures.

    Parameters
    ----------
    model
        Its card's threshold and band decide; nothing is fitted here.
    stores
        Prepared faces, of one data set each.
    split
        Whose clips are scored; ``test`` for figures.
    conditions
        Of the sweep, such as `gaitproof.evaluate.face.result.CONDITIONS`; none for no sweep.
    draws, seed
        Of the bootstrap over people.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    InputError
        If a store has no clip of the split, is given twice, holds simple crops that the model did
        not learn from, or cannot be read.
    ModelError
        If the model cannot be run.
    """
    chosen = [store.of_split(split) for store in stores]
    for store, clips in zip(stores, chosen, strict=True):
        if not clips:
            raise InputError(
                f"{str(store.folder)!r} has no clip of the split {split!r}.",
                actual=", ".join(sorted({stored.clip.split for stored in store.clips})) or "none",
            )
        if takes_simple_crops(store.settings.detector) and not takes_simple_crops(
            model.card.detector
        ):
            raise InputError(
                f"{str(store.folder)!r} holds simple crops, and the model learnt from none.",
                expected=f"faces as found by {model.card.detector}",
                actual=store.settings.detector,
                hint="prepare the data set without --simple-crop",
            )
    names = _name(stores)
    total, done = sum(map(len, chosen)), 0
    results = []
    for name, store, clips in zip(names, stores, chosen, strict=True):
        scored: list[list[Float64]] = []
        for stored in clips:
            scored.append(list(score_clip(model, store.read(stored), (UNTOUCHED, *conditions))))
            done += 1
            progress(done / total)
        results.append(_summarise(model, name, store, clips, scored, conditions, draws, seed))
    card = model.card
    return FaceEvaluation(
        card.model_id,
        card.limits,
        split,
        card.operating_point.threshold,
        draws,
        seed,
        tuple(results),
    )


def _name(stores: Sequence[FaceStore]) -> list[str]:
    """Return the names of the stores' folders, or their paths where folders have one name."""
    paths = [store.folder.resolve() for store in stores]
    if len(set(paths)) < len(paths):
        raise InputError("A store is given twice.", actual=", ".join(map(str, paths)))
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def score_clip(
    model: FaceForgeryModel, faces: StoredFaces, conditions: Sequence[Condition]
) -> Iterator[Float64]:
    """Yield the scores of a clip's images, or segments, shape (T,), under every condition."""
    alignment, clip = model.card.alignment, model.card.clip
    for condition in conditions:
        crops = [
            align(condition.damage.apply(image), points.astype(np.float64), alignment)
            for image, points in zip(faces.images, faces.points, strict=True)
        ]
        if clip is None:
            yield model.score(np.stack(crops))
        else:
            segments = score_segments(model, np.stack(crops), clip.frames)
            yield np.array([judged.score for _, judged in segments])


def _summarise(
    model: FaceForgeryModel,
    name: str,
    store: FaceStore,
    clips: Sequence[StoredClip],
    scored: Sequence[Sequence[Float64]],
    conditions: Sequence[Condition],
    draws: int,
    seed: int,
) -> StoreResult:
    card = model.card

    def figures(scores: FaceScores) -> FaceFigures:
        return compute_figures(scores, card.operating_point.threshold, draws=draws, seed=seed)

    answers = tuple(
        _answer(model, stored, parts[0]) for stored, parts in zip(clips, scored, strict=True)
    )
    scores = clip_scores(answers)
    manipulations = np.array([stored.clip.manipulation for stored in clips])
    forged = sorted(set(manipulations[~scores.genuine].tolist()))
    return StoreResult(
        name=name,
        answers=answers,
        picture=figures(image_scores(answers)),
        video=figures(scores),
        manipulations={
            kind: figures(scores.select(scores.genuine | (manipulations == kind)))
            for kind in forged
        },
        decisions={label.value: _count(answers, label) for label in Label},
        cllr=_cllr(answers),
        sweep=tuple(
            SweepStep(
                condition,
                figures(
                    FaceScores.of_clips(
                        [card.summarise(parts[place]) for parts in scored],
                        [stored.clip for stored in clips],
                    )
                ),
            )
            for place, condition in enumerate(conditions, start=1)
        ),
        notes=tuple(_notes(model, store)),
        unit="pictures" if card.clip is None else "turns",
    )


def _answer(model: FaceForgeryModel, stored: StoredClip, scores: Float64) -> ClipAnswer:
    score = model.card.summarise(scores)
    decision, _ = decide(score, model.card, Counter(), stored.images)
    evidence = calibrated(score, model.card.calibration)
    return ClipAnswer(stored, scores, score, evidence, decision.value)


def _count(answers: Sequence[ClipAnswer], label: Label) -> dict[str, int]:
    decisions = Counter(answer.decision for answer in answers if answer.stored.clip.label is label)
    return {decision: decisions[decision] for decision in DECISIONS}


def _cllr(answers: Sequence[ClipAnswer]) -> float:
    known = [(one.log10_lr, one.stored.clip.label) for one in answers if one.log10_lr is not None]
    if {label for _, label in known} != set(Label):
        return float("nan")
    return metrics.cllr(
        [evidence for evidence, _ in known], [label is Label.REAL for _, label in known]
    )


def _notes(model: FaceForgeryModel, store: FaceStore) -> Iterator[str]:
    card = model.card
    if store.settings.detector.split(" ")[0] != card.detector.split(" ")[0]:
        yield (
            f"faces were found by {store.settings.detector}, but the model was trained on those of "
            f"{card.detector}"
        )
    room = store.settings.alignment.margin
    if room < card.alignment.margin:
        yield (
            f"the stored faces have less room around them ({room:g}) than the "
            f"model sees ({card.alignment.margin:g}): its crops have black edges"
        )
    if card.clip is not None and card.clip.rate != store.settings.rate:
        spaced = (
            "spread over the clip" if rate is None else f"{rate:g} per second"
            for rate in (store.settings.rate, card.clip.rate)
        )
        yield "the store's images are {}, the model was trained on {}".format(*spaced)
