"""What joining gait and face is worth on synthetic people who have both, filmed like real ones.

Nothing is simulated but the people: videos are written and decoded, poses estimated, faces found,
the face model is trained by the usual recipe on other synthetic people, every claim goes through
the verifier, the scan and the joint verdict.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from experiments.fusion_walkers.answers import (
    Answer,
    Claim,
    Count,
    count_answers,
    list_claims,
    make_trials,
)
from experiments.shared import Progress
from gaitproof.data.face.prepare import PrepareSettings, prepare
from gaitproof.data.face.store import FaceStore
from gaitproof.errors import InputError
from gaitproof.evaluate.fusion import DRAWS, FusionResult, evaluate_fusion
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import FaceScan, scan_video
from gaitproof.media.files import make_folder
from gaitproof.modelling.face.recipe import make_face_model
from gaitproof.pose.cache import PoseCache
from gaitproof.synth.walking_faces.clips import FilmSettings
from gaitproof.synth.walking_faces.dataset import (
    COPIES,
    Plan,
    make_walking_faces,
)
from gaitproof.synth.writer import keep_recipe, subject_name
from gaitproof.train.config import ScheduleSettings
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.verify.fusion.joint import join
from gaitproof.verify.verifier import Verifier

ENROLLED: Final = 2
"""Genuine clips that a person is enrolled with."""

KEPT: Final = "experiment.json"
"""What an experiment depends on, in its folder."""

TRAINING_RATE: Final = 5.0
"""Frames per second of the clips that faces are learnt from: their walks are not looked at."""

IMAGES: Final = 12
"""Of each of those clips that are used."""

SHARES: Final = (0.65, 0.3, 0.05)
"""Of the people faces are learnt from: for weights, for threshold and calibration, unused."""

RECIPE: Final = FaceTrainSettings(
    architecture="compact",
    name="walkers",
    limits="Learnt on a few synthetic people's drawn faces: worth nothing on anybody else's.",
    forgeries="labelled",
    alignment=AlignmentSettings(size=96, margin=0.1),
    epochs=8,
    pictures_per_epoch=1280,
    batch=32,
    learning_rate=0.002,
    weight_decay=0.01,
    schedule=ScheduleSettings(name="one-cycle"),
)
"""Of the face model, unless another is given."""

Stage = Callable[[str], AbstractContextManager[Callable[..., None]]]
"""Opens a progress bar with a title; it takes the share that is done."""


@dataclass(frozen=True)
class WalkersSettings:
    """How large the experiment is.

    Parameters
    ----------
    people
        Number of enrolled people (even).
    training_people
        Others, of whom the face model learns, even.
    film
        How all are filmed.
    seed
        Random seed.
    draws
        Bootstrap draws.
    workers
        Processes that film and cut; 0 for one per processor.
    """

    people: int = 16
    training_people: int = 24
    film: FilmSettings = field(default_factory=FilmSettings)
    seed: int = 0
    draws: int = DRAWS
    workers: int = 0

    @property
    def plan(self) -> Plan:
        """The clips of those who are claimed."""
        return Plan(self.people, ENROLLED + 1, ENROLLED, copies=tuple(COPIES))


@dataclass(frozen=True, eq=False)
class FusionWalkers:
    """What came out.

    Parameters
    ----------
    fusion
        Figures of the whole clips; groups are pairs of people who exchange faces.
    counts
        Answers by kind and copy.
    answers
        All of them.
    face_auc
        AUC of the face model on its own validation people.
    left_out
        People who could not be enrolled, and why.
    """

    fusion: FusionResult
    counts: tuple[Count, ...]
    answers: tuple[Answer, ...]
    face_auc: float
    left_out: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the single answers."""
        return {
            "fusion": self.fusion.to_dict(),
            "counts": [asdict(count) for count in self.counts],
            "face_auc": self.face_auc,
            "left_out": self.left_out,
        }


def run(
    folder: Path,
    settings: WalkersSettings,
    stage: Stage,
    recipe: FaceTrainSettings = RECIPE,
    gait_model: str | None = None,
) -> FusionWalkers:
    """Film synthetic people, learn faces of some, enrol the others, and verify claims about them.

    Parameters
    ----------
    folder
        Keeps clips, faces, model and poses: interrupted, the same call goes on.
    settings
        How large it is.
    stage
        Opens a progress bar.
    recipe
        Of the face model.
    gait_model
        Name or folder; None for the shipped default.

    Raises
    ------
    ConfigError
        If a number is out of range, or the folder holds an experiment with other settings.
    InputError
        If too few people can be enrolled.
    DependencyError
        If the renderer is missing.
    """
    model = FaceForgeryModel.load(_learn_faces(folder, settings, recipe, stage))
    videos = folder / "people"
    with stage("Filming people") as progress:
        make_walking_faces(
            videos,
            settings.plan,
            settings.film,
            seed=settings.seed,
            workers=settings.workers,
            progress=lambda done, total: progress(done / total),
        )
    with tempfile.TemporaryDirectory() as scratch:
        verifier = Verifier.open(
            Path(scratch) / "gallery.db", encoder=gait_model, cache=PoseCache(folder / "poses")
        )
        with stage("Enrolling") as progress:
            left_out = _enroll(verifier, videos, settings.plan, progress)
        with stage("Verifying claims") as progress:
            answers = _ask(verifier, model, videos, list_claims(settings.plan), left_out, progress)
        gait_id = verifier.encoder.card.model_id
    with stage("Learning to join walk and face") as progress:
        fusion = evaluate_fusion(
            make_trials(answers),
            gait_model=gait_id,
            face_model=model.card.model_id,
            source=f"{settings.people} synthetic people with gait and face, seed {settings.seed}",
            limits="Learnt on synthetic people with drawn faces: not for real ones.",
            draws=settings.draws,
            seed=settings.seed,
            progress=progress,
        )
    face_auc = model.card.figures["validation/clip/auc"]
    return FusionWalkers(fusion, count_answers(answers), answers, face_auc, left_out)


def _learn_faces(
    folder: Path, settings: WalkersSettings, recipe: FaceTrainSettings, stage: Stage
) -> Path:
    """Train a face model on other people, unless the folder has it; return its folder."""
    others, store, model = folder / "others", folder / "faces", folder / "model"
    keep_recipe(make_folder(folder) / KEPT, _describe(settings, recipe))
    with stage("Filming others to learn faces of") as progress:
        make_walking_faces(
            others,
            Plan(settings.training_people, walks=1),
            replace(settings.film, frame_rate=TRAINING_RATE),
            seed=settings.seed + 1,
            workers=settings.workers,
            progress=lambda done, total: progress(done / total),
        )
    if (model / "card.json").exists():
        return model
    with stage("Cutting their faces") as progress:
        prepare(
            others,
            store,
            PrepareSettings(layout="table", frames=IMAGES, shares=SHARES, seed=settings.seed),
            workers=settings.workers,
            progress=progress,
        )
    with stage("Learning faces") as progress:
        make_face_model(recipe, [FaceStore.open(store)], model, progress, run_folder=folder / "run")
    return model


def _describe(settings: WalkersSettings, recipe: FaceTrainSettings) -> dict[str, Any]:
    # more people to be claimed only add to what is there
    return {
        "training_people": settings.training_people,
        "film": {**asdict(settings.film), "size": list(settings.film.size)},
        "seed": settings.seed,
        "recipe": recipe.model_dump(mode="json"),
    }


def _enroll(verifier: Verifier, videos: Path, plan: Plan, progress: Progress) -> dict[str, str]:
    """Enrol everybody; return who cannot be, and why."""
    left_out = {}
    for person in range(plan.people):
        name = subject_name(person)
        clips = [videos / name / f"{walk:02d}.mp4" for walk in range(plan.plain)]
        try:
            verifier.enroll(name, clips)
        except InputError as error:
            left_out[name] = str(error)
        progress((person + 1) / plan.people)
    return left_out


def _ask(
    verifier: Verifier,
    model: FaceForgeryModel,
    videos: Path,
    claims: Sequence[Claim],
    left_out: dict[str, str],
    progress: Progress,
) -> tuple[Answer, ...]:
    """Put the claims, those on people who are enrolled."""
    answers = []
    scans: dict[str, FaceScan] = {}
    for number, claim in enumerate(claims, start=1):
        name = subject_name(claim.claimed)
        if name not in left_out:
            path = claim.clip.path
            if path not in scans:
                scans = {path: scan_video(videos / path, model)}  # claims on a clip stand together
            examination = verifier.examine(videos / path, claim=name)
            tracks = [track.sequence for track in examination.tracks]
            joint = join(examination.verdict, scans[path], model.card, tracks=tracks)
            answers.append(Answer.of(claim, examination.verdict.log10_lr, joint))
        progress(number / len(claims))
    return tuple(answers)
