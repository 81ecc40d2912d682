"""From a folder of genuine and forged videos to an evaluated face model (face seed 3)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from gaitproof import __version__
from gaitproof.data.face.prepare import PrepareSettings, prepare
from gaitproof.data.face.store import FaceStore
from gaitproof.evaluate.face.evaluation import evaluate_faces
from gaitproof.face.model import FaceForgeryModel
from gaitproof.media.files import make_folder
from gaitproof.modelling.store import fingerprint
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.pipeline.state import read_result
from gaitproof.pipeline.steps import Done, Pipeline, Share, Step, StepProgress
from gaitproof.pipeline.summary import EVALUATION_FOLDER, MODEL_FOLDER, Summary
from gaitproof.train.config import OriginSettings, ScheduleSettings, StopSettings
from gaitproof.train.face.config import FaceTrainSettings

if TYPE_CHECKING:
    from gaitproof.train.hardware import TrainerSettings

FaceStep = Literal["prepare", "train", "evaluate"]

FACE_STEPS: Final[tuple[FaceStep, ...]] = get_args(FaceStep)

STORE_FOLDER: Final = "store"
RUN_FOLDER: Final = "run"
EVALUATION_FILE: Final = "evaluation.json"

HYBRID: Final = FaceTrainSettings(
    architecture="cnn-bilstm",
    name="hybrid",
    version="0.1.0",
    forgeries="labelled",
    frames=16,
    turn=15.0,
    epochs=50,
    batch=8,
    learning_rate=1e-3,
    weight_decay=0.0,
    schedule=ScheduleSettings(name="step", factor=0.1, stages=5),
    validation=StopSettings(patience=50, min_delta=0.0),
    precision="32",
)
"""Face seed 3's network and training: 16 images together, 50 epochs, batches of 8, Adam from
0.001, a tenth of it after every 10 epochs."""

SAMPLED: Final = PrepareSettings(frames=32, rate=5.0, set_aside=0.15)
"""Two turns of 16 images at 5 per second from the middle of every clip; the seed's folders have
no validation clips."""

_STATED: Final = "not stated"


@dataclass(frozen=True)
class FacePipelineOptions:
    """How a face pipeline is run.

    Parameters
    ----------
    recipe
        What to train.
    sampling
        How faces are cut out of the clips.
    workers
        Processes that cut faces; 0 for one per processor.
    trainer
        Devices; by default one, the fastest there is.
    """

    recipe: FaceTrainSettings = HYBRID
    sampling: PrepareSettings = SAMPLED
    workers: int = 0
    trainer: TrainerSettings | None = None


def run_face_pipeline(
    root: Path,
    folder: Path,
    options: FacePipelineOptions | None = None,
    *,
    progress: StepProgress | None = None,
    say: Callable[[str], None] | None = None,
) -> Summary:
    """Cut the faces of a data set, train a network on them and evaluate it on its test clips.

    An interrupted run resumes when called again. A step that cannot be done ends the
    run, and the summary says so; what was finished is kept.

    Parameters
    ----------
    root
        The data set, such as ``train|test/real|fake`` with videos or folders of images.
    folder
        For everything that is made: ``store``, ``run``, ``model``, ``evaluation``.
    options
        See `FacePipelineOptions`.
    progress, say
        Called with how far a step is, and with what the user must know.

    Returns
    -------
    Summary
        Also written as ``summary.json``; the page is the caller's.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    make_folder(folder)
    return _Run(root, folder, options or FacePipelineOptions(), progress, say).run()


class _Run(Pipeline):
    """One pass through the steps."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        options: FacePipelineOptions,
        progress: StepProgress | None,
        say: Callable[[str], None] | None,
    ) -> None:
        super().__init__(folder, FACE_STEPS[0], progress, say)
        self.root, self.options = root, options
        self._model = folder / MODEL_FOLDER
        self._figures = folder / EVALUATION_FOLDER

    def do(self) -> None:
        """Do all steps."""
        self._do(Step("prepare", self._prepare))
        store = FaceStore.open(self.folder / STORE_FOLDER)
        self._train(store)
        self._evaluate(store)

    def summary(self) -> Summary:
        """Return what was found so far."""
        done = {step.name for step in self._steps if step.condition in ("done", "up to date")}
        return Summary(
            source=str(self.root),
            folder=str(self.folder),
            steps=tuple(self._steps),
            notes=tuple(self._notes),
            trained="train" in done,
            model=read_result(self._model / CARD_FILE) if "train" in done else None,
            evaluation=read_result(self._figures / EVALUATION_FILE) if "evaluate" in done else None,
        )

    def _prepare(self, share: Share) -> Done:
        """Cut faces; the store itself knows what is done, so that nothing is kept here."""
        prepared = prepare(
            self.root,
            self.folder / STORE_FOLDER,
            self.options.sampling,
            workers=self.options.workers,
            progress=share,
        )
        self._tell(*(f"Warning: {warning}." for warning in prepared.warnings()))
        clips = {
            side: sum(one.clips for one in prepared.counts() if one.split == side)
            for side in ("train", "validation", "test")
        }
        counted = ", ".join(f"{number} {side}" for side, number in clips.items())
        return Done(
            f"Faces of {len(prepared.clips)} clips ({counted})"
            + (f", {prepared.kept} of them from an earlier run." if prepared.kept else "."),
            failures=[(one.clip, one.reason) for one in prepared.failures],
            facts={"clips": clips, "giveaways": prepared.giveaways().to_dict()},
        )

    def _train(self, store: FaceStore) -> None:
        from gaitproof.modelling.face.recipe import make_face_model

        origin = OriginSettings(
            path=store.folder, name=self.root.resolve().name, licence=_STATED, citation=_STATED
        )
        settings = self.options.recipe.model_copy(update={"sources": (origin,)})
        recipe = settings.model_dump(mode="json", exclude={"sources"})
        data = _clips(store, "train", "validation")

        def work(share: Share) -> Done:
            card = make_face_model(
                settings,
                [store],
                self._model,
                share,
                # checkpoints of another recipe or of other clips are never resumed from
                run_folder=self.folder / RUN_FOLDER / fingerprint(recipe, data)[:16],
                trainer_options=self.options.trainer,
            )
            return Done(
                f"{card.model_id}: {settings.architecture}, {settings.epochs} epochs. On the "
                f"validation people: AUC of clips {card.figures['validation/clip/auc']:.1%}.",
                facts={"model_id": card.model_id},
            )

        outputs = self._model / MODEL_FILE, self._model / CARD_FILE
        self._do(Step("train", work, fingerprint(__version__, recipe, data), outputs))

    def _evaluate(self, store: FaceStore) -> None:
        from gaitproof.report.face_evaluation import save_face_evaluation

        self._current = "evaluate"
        if not store.of_split("test"):
            self._pass("evaluate", "The data set has no test clips.")
            return
        model = FaceForgeryModel.load(str(self._model))

        def work(share: Share) -> Done:
            result = evaluate_faces(model, [store], progress=share)
            shutil.rmtree(self._figures, ignore_errors=True)
            save_face_evaluation(result, self._figures)
            figures = result.stores[0].video
            accuracy = figures.values["accuracy"].value
            return Done(
                f"Accuracy {accuracy:.1%} on {figures.genuine} genuine and {figures.forged} forged "
                "test clips.",
                facts={"accuracy": accuracy},
            )

        key = fingerprint(__version__, model.card.model_id, _clips(store, "test"))
        self._do(Step("evaluate", work, key, (self._figures / EVALUATION_FILE,)))


def _clips(store: FaceStore, *sides: str) -> list[list[str]]:
    """Return what tells whether the clips of some sides are the same."""
    chosen: Sequence[Any] = [stored for side in sides for stored in store.of_split(side)]
    return [[stored.clip.path, stored.clip.label, stored.sha256] for stored in chosen]
