"""What joining walk and face is worth on made people who have both, filmed and read like real ones.

Nothing is simulated but the people: videos are written and decoded, poses estimated, faces found,
the face model is trained by the usual recipe on other made people, and every claim goes through the
verifier, the scan and the joint verdict.
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.errors import InputError
from gaitproof.evaluate.face.recipe import make_face_model
from gaitproof.evaluate.fusion import DRAWS, FusionResult, evaluate_fusion
from gaitproof.evaluate.fusion_trials import (
    GENUINE,
    REENACTED,
    STRANGER,
    SWAPPED,
    FusionTrials,
)
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import FaceScan, scan_video
from gaitproof.media.files import make_folder
from gaitproof.pose.cache import PoseCache
from gaitproof.synth.dataset import keep_recipe, subject_name
from gaitproof.synth.walking_faces.clips import FilmSettings
from gaitproof.synth.walking_faces.dataset import (
    COPIES,
    Clip,
    Plan,
    list_clips,
    make_walking_faces,
    partner,
)
from gaitproof.train.config import ScheduleSettings
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.data.prepare import PrepareSettings, prepare
from gaitproof.train.face.data.store import FaceStore
from gaitproof.verify.fusion import JointVerdict, Says, join
from gaitproof.verify.verifier import Verifier

KINDS: Final = (GENUINE, SWAPPED, REENACTED, STRANGER)

ENROLLED: Final = 2
"""Genuine clips that a person is enrolled with."""

KEPT: Final = "experiment.json"
"""What an experiment depends on, in its folder."""

TRAINING_RATE: Final = 5.0
"""Pictures per second of the clips that faces are learnt from: their walks are not looked at."""

PICTURES: Final = 12
"""Of each of those clips that are used."""

SHARES: Final = (0.65, 0.3, 0.05)
"""Of the people faces are learnt from: for weights, for threshold and calibration, unused."""

RECIPE: Final = FaceTrainSettings(
    architecture="compact",
    name="walkers",
    limits="Learnt on a few made people's drawn faces: worth nothing on anybody else's.",
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

ANSWER_COLUMNS: Final = (
    "path",
    "copy",
    "claimed",
    "kind",
    "group",
    "genuine",
    "gait",
    "face",
    "joint",
    "decision",
    "walk_says",
    "face_says",
    "reason",
)

Stage = Callable[[str], AbstractContextManager[Callable[..., None]]]
"""Opens a progress bar with a title; it takes the share that is done."""


@dataclass(frozen=True)
class WalkersSettings:
    """How large the experiment is.

    Parameters
    ----------
    people
        Who are enrolled and claimed, even.
    training_people
        Others, of whom the face model learns, even.
    film
        How all are filmed.
    seed
        Of everything.
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


@dataclass(frozen=True)
class Claim:
    """A video that is said to show somebody.

    Parameters
    ----------
    clip
        The video.
    claimed
        Number of the person.
    kind
        Of `KINDS`: what it really shows.
    """

    clip: Clip
    claimed: int
    kind: str


@dataclass(frozen=True)
class Answer:
    """What was said of a claim.

    Parameters
    ----------
    claim
        The claim.
    gait, face, joint
        log10 likelihood ratios of the walk, the face and both; None where there is none.
    decision
        The joint one.
    walk_says, face_says
        As `gaitproof.verify.fusion.Says`.
    reason
        Why nothing was decided; empty if something was.
    """

    claim: Claim
    gait: float | None
    face: float | None
    joint: float | None
    decision: str
    walk_says: str
    face_says: str
    reason: str

    @classmethod
    def of(cls, claim: Claim, gait: float | None, joint: JointVerdict) -> Answer:
        """Take what counts out of a joint verdict."""
        judged = joint.face is not None and joint.face_says is not Says.MISSING
        return cls(
            claim,
            gait,
            joint.face.log10_lr if joint.face is not None and judged else None,
            joint.log10_lr,
            joint.decision.value,
            joint.walk.value,
            joint.face_says.value,
            joint.reason,
        )


@dataclass(frozen=True)
class Count:
    """Answers to the claims of one kind and one copy of the clips.

    Parameters
    ----------
    kind, copy
        Of `KINDS`; of `gaitproof.synth.walking_faces.dataset.COPIES`, or empty.
    claims
        Their number.
    no_walk, no_face
        How many had no likelihood ratio of the walk, and of the face.
    decisions, walk, face
        Joint decisions, and what walk and face say, by how many.
    unchanged
        Of those with one ratio only, how many have exactly that one as the joint ratio.
    """

    kind: str
    copy: str
    claims: int
    no_walk: int
    no_face: int
    decisions: dict[str, int]
    walk: dict[str, int]
    face: dict[str, int]
    unchanged: int


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
    """Film made people, learn faces of some, enrol the others, and put claims to them.

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
            left_out = _enrol(verifier, videos, settings.plan, progress)
        with stage("Putting claims") as progress:
            answers = _ask(verifier, model, videos, list_claims(settings.plan), left_out, progress)
        gait_id = verifier.encoder.card.model_id
    with stage("Learning to join walk and face") as progress:
        fusion = evaluate_fusion(
            make_trials(answers),
            gait_model=gait_id,
            face_model=model.card.model_id,
            source=f"{settings.people} made people with walk and face, seed {settings.seed}",
            limits="Learnt on made people with drawn faces: not for real ones.",
            draws=settings.draws,
            seed=settings.seed,
            progress=progress,
        )
    face_auc = model.card.figures["validation/clip/auc"]
    return FusionWalkers(fusion, count_answers(answers), answers, face_auc, left_out)


def list_claims(plan: Plan) -> list[Claim]:
    """List the claims: every clip is said to show whose face, and whose body, it could show.

    Genuine clips are claimed by who walks and by the partner; swaps by whose face it is; replaced
    lips by who walks.
    """
    claims = []
    for clip in list_clips(plan):
        if clip.walk < plan.plain:
            continue
        if clip.forgery == "swap":
            claims.append(Claim(clip, clip.face, SWAPPED))
        elif clip.forgery:
            claims.append(Claim(clip, clip.person, REENACTED))
        else:
            claims.append(Claim(clip, clip.person, GENUINE))
            claims.append(Claim(clip, partner(clip.person), STRANGER))
    return claims


def make_trials(answers: Sequence[Answer]) -> FusionTrials:
    """Return the answers on whole clips as trials; pairs who exchange faces are one group."""
    whole = [one for one in answers if not one.claim.clip.copy]

    def ratios(values: Sequence[float | None]) -> Any:
        return np.array([math.nan if value is None else value for value in values], np.float64)

    return FusionTrials(
        group=np.array([_pair(one.claim.clip.person) for one in whole]),
        genuine=np.array([one.claim.kind == GENUINE for one in whole]),
        gait=ratios([one.gait for one in whole]),
        face=ratios([one.face for one in whole]),
        kind=np.array([one.claim.kind for one in whole]),
    )


def count_answers(answers: Sequence[Answer]) -> tuple[Count, ...]:
    """Count the answers by copy and kind."""
    counts = []
    for copy in ("", *COPIES):
        for kind in KINDS:
            found = [a for a in answers if a.claim.clip.copy == copy and a.claim.kind == kind]
            single = [one for one in found if (one.gait is None) != (one.face is None)]
            counts.append(
                Count(
                    kind,
                    copy,
                    len(found),
                    sum(one.gait is None for one in found),
                    sum(one.face is None for one in found),
                    dict(Counter(one.decision for one in found)),
                    dict(Counter(one.walk_says for one in found)),
                    dict(Counter(one.face_says for one in found)),
                    sum(one.joint in (one.gait, one.face) for one in single),
                )
            )
    return tuple(counts)


def answers_csv(answers: Sequence[Answer]) -> bytes:
    """Return a table of all answers."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, ANSWER_COLUMNS, lineterminator="\n")
    rows.writeheader()
    for one in answers:
        clip = one.claim.clip
        rows.writerow(
            {
                "group": _pair(clip.person),
                "genuine": int(one.claim.kind == GENUINE),
                "gait": one.gait,
                "face": one.face,
                "kind": one.claim.kind,
                "joint": one.joint,
                "path": clip.path,
                "claimed": subject_name(one.claim.claimed),
                "copy": clip.copy,
                "decision": one.decision,
                "walk_says": one.walk_says,
                "face_says": one.face_says,
                "reason": one.reason,
            }
        )
    return text.getvalue().encode()


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
            PrepareSettings(layout="table", frames=PICTURES, shares=SHARES, seed=settings.seed),
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


def _enrol(
    verifier: Verifier, videos: Path, plan: Plan, progress: Callable[[float], None]
) -> dict[str, str]:
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
    progress: Callable[[float], None],
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
            found = verifier.examine(videos / path, claim=name)
            tracks = [track.sequence for track in found.tracks]
            joint = join(found.verdict, scans[path], model.card, tracks=tracks)
            answers.append(Answer.of(claim, found.verdict.log10_lr, joint))
        progress(number / len(claims))
    return tuple(answers)


def _pair(person: int) -> str:
    first, second = sorted((person, partner(person)))
    return f"{subject_name(first)}+{subject_name(second)}"
