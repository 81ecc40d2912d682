"""The steps of the pipeline, one after another; each is done again only if its inputs changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from gaitproof import __version__
from gaitproof.cases.enrolment import enroll_people
from gaitproof.data.gait import Recording, load_recordings
from gaitproof.data.gait.recording import POSES_FOLDER
from gaitproof.data.manifest import ManifestRow, manifest_bytes
from gaitproof.errors import GaitproofError, InputError
from gaitproof.evaluate.result import EvaluationResult
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.modelling.store import fingerprint, fingerprint_recordings
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.nets.onnx import OnnxEncoder, load_card
from gaitproof.pipeline.data import DataSteps, StoredPoses
from gaitproof.pipeline.scope import Scope, find_scope
from gaitproof.pipeline.state import read_result
from gaitproof.pipeline.steps import Done, Share, Step, StepProgress
from gaitproof.pipeline.summary import (
    EVALUATION_FILE,
    EVALUATION_FOLDER,
    GALLERY_FILE,
    MANIFEST_FILE,
    MODEL_FOLDER,
    RUNS_FOLDER,
    PipelineOptions,
    Summary,
)
from gaitproof.pose.estimator import PoseEstimator
from gaitproof.train.config import SourceSettings
from gaitproof.verify.verifier import Verifier

_STATED: Final = "not stated"


def run_pipeline(
    source: Path,
    folder: Path,
    options: PipelineOptions | None = None,
    *,
    progress: StepProgress | None = None,
    say: Callable[[str], None] | None = None,
    estimator_factory: Callable[[], PoseEstimator] | None = None,
) -> Summary:
    """Make of a folder of videos an evaluated model and a gallery.

    An interrupted run resumes when called again. A step that cannot be done ends the
    run, and the summary says so; what was finished is kept.

    Parameters
    ----------
    source
        Folder of videos, or a manifest beside them.
    folder
        For everything that is made.
    options
        See `PipelineOptions`.
    progress, say
        Called with how far a step is, and with what the user must know before waiting for the rest.
    estimator_factory
        As for `gaitproof.pose.extract.extract`.

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
    run = _Run(source, folder, options or PipelineOptions(), progress, say, estimator_factory)
    return run.run()


class _Run(DataSteps):
    """One pass through the steps."""

    _trained = False

    @property
    def _model(self) -> Path | str:
        """The trained model, or the one to be used as it is."""
        return self.folder / MODEL_FOLDER if self._trained else self.options.model

    @property
    def _figures(self) -> Path:
        """The evaluation's file, which is written last."""
        return self.folder / EVALUATION_FOLDER / EVALUATION_FILE

    def do(self) -> None:
        """Do all steps."""
        rows = self._manifest()
        scope = find_scope(
            rows, folds=self.options.recipe.folds, enrolled=self.options.recipe.enrolled
        )
        self._tell(*scope.notes)
        training = "train" not in self.options.skip and not scope.no_training
        if scope.no_training and "train" not in self.options.skip:
            self._tell(scope.no_training)
        if scope.no_evaluation and "evaluate" not in self.options.skip:
            self._tell(scope.no_evaluation)
        copies = self._augment(rows, training)
        rows = self._extract(rows, copies)
        write_atomically(self.folder / MANIFEST_FILE, manifest_bytes(rows))
        self._train_and_evaluate(scope, training)
        self._enroll([row for row in rows if not row.parent and row.label == "real"])

    def summary(self) -> Summary:
        """Return what was found so far."""
        return Summary(
            source=str(self.source),
            folder=str(self.folder),
            steps=tuple(self._steps),
            notes=tuple(self._notes),
            trained=self._trained,
            model=self._card(),
            evaluation=self._evaluation(),
        )

    def _train_and_evaluate(self, scope: Scope, training: bool) -> None:
        skip = self.options.skip
        self._current = "train" if training else "evaluate"
        evaluating = "evaluate" not in skip and not scope.no_evaluation
        walks: list[Recording] = []
        if training or evaluating:
            walks = load_recordings(self.folder / MANIFEST_FILE, self.root.resolve().name)
        if training:
            self._train(walks, scope, evaluating)
        elif "train" in skip:
            self._pass("train")
        else:
            self._pass("train", scope.no_training)
        if not self._trained:
            self._pass("calibrate", f"The calibration of {self.options.model} is used as it is.")
        if not evaluating:
            self._pass("evaluate", "" if "evaluate" in skip else scope.no_evaluation)
        elif not self._trained:
            self._evaluate(walks, scope)

    def _train(self, walks: Sequence[Recording], scope: Scope, evaluating: bool) -> None:
        from gaitproof.modelling.recipe import Runs, make_model

        origin = SourceSettings(
            path=self.folder / MANIFEST_FILE,
            name=self.root.resolve().name,
            licence=_STATED,
            citation=_STATED,
        )
        settings = self.options.recipe.model_copy(
            update={"enrolled": scope.enrolled, "threshold_source": "", "sources": (origin,)}
        )
        data = fingerprint_recordings(walks)
        recipe = settings.model_dump(mode="json", exclude={"sources"})
        folder, runs = self.folder / MODEL_FOLDER, self.folder / RUNS_FOLDER

        def work(share: Share) -> Done:
            card, result = make_model(
                settings,
                walks,
                folder,
                workers=self.options.workers,
                progress=share,
                # checkpoints of another recipe or of other walks are never resumed from
                runs=Runs(runs / fingerprint(recipe, data)[:16]),
            )
            if evaluating:
                self._write_figures(result)
            return Done(
                f"{card.model_id}, {settings.steps} steps, trained {settings.folds} times to be "
                "tested on people it had not seen, then on everybody.",
                facts={"model_id": card.model_id},
            )

        self._trained = True
        outputs = (
            folder / MODEL_FILE,
            folder / CARD_FILE,
            *([self._figures] if evaluating else ()),
        )
        self._do(Step("train", work, fingerprint(__version__, recipe, data, evaluating), outputs))
        shutil.rmtree(runs, ignore_errors=True)
        card = self._card() or {}
        point, calibration = card["operating_point"], card["calibration"]
        self._note(
            "calibrate",
            f"Threshold {point['threshold']:.3f} ({point['chosen_by']}); likelihood ratios "
            f"calibrated on {calibration['subjects']} people.",
        )
        if evaluating:
            self._note("evaluate", f"{(self._evaluation() or {}).get('protocol', '')}.")

    def _note(self, step: str, text: str) -> None:
        """Note a step that was done together with the last one."""
        self._steps.append(replace(self._steps[-1], name=step, text=text, seconds=0.0, facts={}))

    def _evaluate(self, walks: Sequence[Recording], scope: Scope) -> None:
        from gaitproof.evaluate.frozen import evaluate_model

        encoder = OnnxEncoder.load(self._model)
        key = fingerprint(
            __version__, encoder.card.model_id, fingerprint_recordings(walks), scope.enrolled
        )

        def work(share: Share) -> Done:
            seed = self.options.recipe.seed
            result = evaluate_model(
                encoder, walks, enrolled=scope.enrolled, seed=seed, progress=share
            )
            self._write_figures(result)
            return Done(result.protocol + ".")

        try:
            self._do(Step("evaluate", work, key, (self._figures,)))
        except InputError as error:
            # enrolment and verification do not depend on it
            self._tell(f"The model cannot be evaluated on these videos. {error}")
            self._pass("evaluate", str(error))

    def _write_figures(self, result: EvaluationResult) -> None:
        from gaitproof.report.evaluation import save_plots

        folder = self._figures.parent
        shutil.rmtree(folder, ignore_errors=True)
        save_plots(result, make_folder(folder))
        result.save(self._figures)

    def _enroll(self, rows: Sequence[ManifestRow]) -> None:
        self._current = "enrol"
        if "enrol" in self.options.skip:
            self._pass("enrol")
            return
        encoder = OnnxEncoder.load(self._model)
        gallery = self.folder / GALLERY_FILE
        key = fingerprint(
            __version__,
            encoder.card.model_id,
            [[row.path, row.subject, row.sha256] for row in rows],
            self.options.settings.model_dump(mode="json"),
        )
        own = self._state.knows("enrol")

        def work(share: Share) -> Done:
            if gallery.exists() and not own:
                raise InputError(
                    f"{str(gallery)!r} is there already, and no pipeline made it.",
                    hint="choose another folder, or --skip enrol",
                )
            # made by this pipeline from other inputs: templates of two models are never mixed
            for stale in self.folder.glob(f"{GALLERY_FILE}*"):
                stale.unlink()
            videos = {row.path: self._video(row) for row in rows}
            poses = self.folder / POSES_FOLDER
            stored = StoredPoses({video: poses / path for path, video in videos.items()})
            verifier = Verifier.open(
                gallery, encoder=encoder, settings=self.options.settings, extractor=stored
            )
            enrolled = enroll_people(verifier, rows, lambda row: videos[row.path], share)
            return Done(
                f"{len(enrolled.enrolled)} of {len({row.subject for row in rows})} people, from "
                f"{sum(enrolled.enrolled.values())} videos.",
                failures=enrolled.failures,
                facts={"people": enrolled.enrolled},
            )

        self._do(Step("enrol", work, key, (gallery,)))

    # what lies in the folder

    def _card(self) -> dict[str, Any] | None:
        try:
            if self._trained:
                return load_card(self.folder / MODEL_FOLDER).model_dump(mode="json")
            return OnnxEncoder.load(self._model).card.model_dump(mode="json")
        except GaitproofError:
            return None

    def _evaluation(self) -> dict[str, Any] | None:
        last = next((step for step in reversed(self._steps) if step.name != "enrol"), None)
        if last is None or last.condition not in ("done", "up to date"):
            return None
        return read_result(self._figures)
