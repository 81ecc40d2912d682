"""The steps of the pipeline, one after another; each is done again only if its inputs changed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from gaitproof import __version__
from gaitproof.config import VerifySettings
from gaitproof.errors import ConfigError, GaitproofError, InputError
from gaitproof.evaluate.manifest_audit import audit_rows
from gaitproof.evaluate.store import fingerprint, fingerprint_recordings
from gaitproof.gait.features import compute_windows
from gaitproof.media.augment import KINDS, Kind
from gaitproof.media.copies import mark_folder, plan_copies, write_copies
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.media.listing import Layout, add_hashes, build_manifest
from gaitproof.media.manifest import ManifestRow, locate, manifest_bytes, read_manifest
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.nets.onnx import DEFAULT_MODEL, OnnxEncoder, load_card
from gaitproof.pipeline.poses import StoredPoses
from gaitproof.pipeline.scope import Scope, find_scope
from gaitproof.pipeline.state import StepResult, StepRun, Told
from gaitproof.pose.batch import Job, extract_many
from gaitproof.pose.cleaning import clean
from gaitproof.pose.estimator import PoseEstimator
from gaitproof.reading import FileKind, read_json
from gaitproof.train.config import SourceSettings, TrainSettings
from gaitproof.train.sources import Recording, load_recordings
from gaitproof.train.sources.recording import POSES_FOLDER
from gaitproof.types import GaitWindows, PoseSequence
from gaitproof.verify.verifier import Verifier

Step = Literal["manifest", "augment", "extract", "train", "calibrate", "evaluate", "enrol"]

STEPS: Final[tuple[Step, ...]] = get_args(Step)

MANIFEST_FILE: Final = "manifest.csv"
SUMMARY_FILE: Final = "summary.json"
PAGE_FILE: Final = "index.html"
MODEL_FOLDER: Final = "model"
EVALUATION_FOLDER: Final = "evaluation"
EVALUATION_FILE: Final = "evaluation.json"
GALLERY_FILE: Final = "gallery.db"
COPIES_FOLDER: Final = "augmented"
RUNS_FOLDER: Final = "runs"

_STATED: Final = "not stated"


@dataclass(frozen=True)
class PipelineOptions:
    """How a pipeline is run.

    Parameters
    ----------
    skip
        Steps to leave out. Without ``train`` the shipped model is used.
    recipe
        What to train.
    model
        Name or folder of the model that is used where nothing is trained.
    layout
        How a folder of videos is read.
    kinds, copies
        Augmented copies to make for training.
    settings
        Limits, pose, cleaning, quality gate.
    workers
        Processes; 0 for one per processor where a step can tell.
    """

    skip: frozenset[Step] = frozenset()
    recipe: TrainSettings = field(default_factory=TrainSettings)
    model: str = DEFAULT_MODEL
    layout: Layout = "auto"
    kinds: tuple[Kind, ...] = KINDS
    copies: int = 1
    settings: VerifySettings = field(default_factory=VerifySettings)
    workers: int = 1

    def __post_init__(self) -> None:
        unknown = sorted(set(self.skip) - set(STEPS))
        if unknown:
            raise ConfigError(f"There is no step called {unknown[0]!r}.", expected=", ".join(STEPS))
        if "calibrate" in self.skip and "train" not in self.skip:
            raise ConfigError(
                "A trained model cannot do without its calibration.",
                hint="skip train too: the shipped model is calibrated",
            )


@dataclass(frozen=True)
class Summary:
    """What a pipeline found; everything plain.

    Parameters
    ----------
    source, folder
        Videos, and where the results are.
    steps
        In order; those after a failure are missing.
    notes
        What the reader must know.
    trained
        Whether the model was trained here.
    model
        The model card; None before there is one.
    evaluation
        The evaluation; None if there is none.
    """

    source: str
    folder: str
    steps: tuple[StepResult, ...]
    notes: tuple[str, ...]
    trained: bool
    model: Mapping[str, Any] | None
    evaluation: Mapping[str, Any] | None

    @property
    def failed(self) -> StepResult | None:
        """The step that stopped the pipeline."""
        return next((step for step in self.steps if step.condition == "failed"), None)

    def step(self, name: Step) -> StepResult | None:
        """Return a step's result, None if it was not come to."""
        return next((step for step in self.steps if step.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "source": self.source,
            "folder": self.folder,
            "software": f"gaitproof {__version__}",
            "failed": None if self.failed is None else self.failed.name,
            "steps": [step.to_dict() for step in self.steps],
            "notes": list(self.notes),
            "trained": self.trained,
            "model": self.model,
            "evaluation": self.evaluation,
        }


def run_pipeline(
    source: Path,
    folder: Path,
    options: PipelineOptions | None = None,
    *,
    progress: Told | None = None,
    say: Callable[[str], None] | None = None,
    estimator_factory: Callable[[], PoseEstimator] | None = None,
) -> Summary:
    """Make of a folder of videos an evaluated model and a gallery.

    Interrupted, it goes on where it was when called again. A step that cannot be done ends the
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
        Told how far a step is, and what the user must know before waiting for the rest.
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
    try:
        run.do()
    except GaitproofError as error:
        run.fail(error)
    summary = run.summary()
    write_summary(summary)
    return summary


def write_summary(summary: Summary) -> None:
    """Write ``summary.json`` into the pipeline's folder."""
    text = json.dumps(summary.to_dict(), indent=1, allow_nan=False)
    write_atomically(Path(summary.folder) / SUMMARY_FILE, (text + "\n").encode())


class _Run(StepRun):
    """One pass through the steps; what a step makes is what the later ones read."""

    def __init__(
        self,
        source: Path,
        folder: Path,
        options: PipelineOptions,
        progress: Told | None,
        say: Callable[[str], None] | None,
        estimator_factory: Callable[[], PoseEstimator] | None,
    ) -> None:
        super().__init__(folder, STEPS[0], progress, say)
        self.source, self.options = source, options
        self.root = source.parent if source.suffix.lower() == ".csv" else source
        self._estimator = estimator_factory
        self._trained = False
        self._model: Path | str = options.model

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
        self._enrol([row for row in rows if not row.parent and row.label == "real"])

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

    # the steps

    def _manifest(self) -> tuple[ManifestRow, ...]:
        """List the videos and look for leaks; hashing is the step's work, so it is never kept."""
        started = time.perf_counter()
        written = self.folder / MANIFEST_FILE
        if "manifest" in self.options.skip and self.source.suffix.lower() != ".csv":
            if not written.is_file():
                raise InputError(
                    "The manifest cannot be skipped: there is none from an earlier run.",
                    expected=str(written),
                )
            rows = tuple(row for row in read_manifest(written) if not _is_copy(row))
            self._pass("manifest")
            return rows
        if self.source.suffix.lower() == ".csv":
            rows = tuple(row for row in read_manifest(self.source) if row.label == "real")
        else:
            rows = build_manifest(self.source, self.options.layout)
        rows = add_hashes(rows, self.root, progress=self._share("manifest"))
        findings = audit_rows(rows)
        if findings:
            raise InputError(
                "The videos leak: no honest figure can be had from them.",
                actual=" ".join(finding.message for finding in findings[:3]),
                hint="gaitproof dataset audit shows everything",
            )
        people = len({row.subject for row in rows})
        self._finish(
            "manifest",
            "",
            started,
            f"{len(rows)} videos of {people} people.",
            facts={"videos": len(rows), "people": people},
            keep=False,
        )
        return rows

    def _augment(self, rows: Sequence[ManifestRow], training: bool) -> tuple[ManifestRow, ...]:
        self._current = "augment"
        if "augment" in self.options.skip:
            self._pass("augment")
            return ()
        if not training:
            self._pass("augment", "Copies are for training only, and nothing is trained.")
            return ()
        started = time.perf_counter()
        kinds, copies, seed = self.options.kinds, self.options.copies, self.options.recipe.seed
        # planned as if they lay beside the originals, and written into the pipeline's own folder
        jobs, failed = plan_copies(
            rows, self.root, self.root / COPIES_FOLDER, kinds=kinds, copies=copies, seed=seed
        )
        jobs = [replace(job, target=self.folder / job.row.path) for job in jobs]
        mark_folder(self.folder / COPIES_FOLDER, kinds=kinds, copies=copies, seed=seed)
        results = failed + write_copies(
            jobs,
            self.options.settings.media,
            workers=self.options.workers,
            progress=self._share("augment"),
        )
        made = tuple(result.row for result in results if result.error is None)
        known = sum(result.skipped for result in results)
        self._finish(
            "augment",
            "",
            started,
            f"{len(made)} copies ({', '.join(kinds)})"
            + (f", {known} of them from an earlier run." if known else "."),
            failures=[(r.row.path, r.error) for r in results if r.error is not None],
            facts={"copies": len(made), "known": known},
            keep=False,
        )
        return made

    def _extract(
        self, rows: Sequence[ManifestRow], copies: Sequence[ManifestRow]
    ) -> tuple[ManifestRow, ...]:
        self._current = "extract"
        poses = self.folder / POSES_FOLDER
        everything = [*rows, *copies]
        if "extract" in self.options.skip:
            missing = [row.path for row in rows if not (poses / row.path).is_dir()]
            if missing:
                raise InputError(
                    "The extraction cannot be skipped: videos have no poses from an earlier run.",
                    actual=f"{len(missing)} videos, the first is {missing[0]!r}",
                )
            self._pass("extract")
            return tuple(row for row in everything if (poses / row.path).is_dir())
        started = time.perf_counter()
        settings = self.options.settings

        def features(track: PoseSequence) -> GaitWindows:
            return compute_windows(clean(track, settings.cleaning).sequence)

        results = extract_many(
            [Job(self._video(row), poses / row.path) for row in everything],
            settings,
            features,
            workers=self.options.workers,
            progress=self._share("extract"),
            estimator_factory=self._estimator,
        )
        kept, failures = [], []
        for row, result in zip(everything, results, strict=True):
            if result.error is not None:
                failures.append((row.path, result.error))
                if row.parent:
                    continue
                # a video that could not be read counts as a failure to acquire, and is not dropped
                make_folder(poses / row.path)
            elif not result.people:
                failures.append((row.path, "nobody was found in it"))
            elif not result.windows and not row.parent:
                failures.append((row.path, "no two seconds of unbroken walking"))
            kept.append(row)
        known = sum(result.skipped for result in results)
        self._finish(
            "extract",
            "",
            started,
            f"Poses of {len(results) - len(failures)} of {len(results)} videos"
            + (f", {known} of them from an earlier run." if known else "."),
            failures=failures,
            facts={"videos": len(results), "failed": len(failures), "known": known},
            keep=False,
        )
        return tuple(kept)

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
        from gaitproof.evaluate.recipe import Runs, make_model
        from gaitproof.report.evaluation import save_plots

        name = self.root.resolve().name
        settings = self.options.recipe.model_copy(
            update={
                "enrolled": scope.enrolled,
                "threshold_source": "",
                "sources": (
                    SourceSettings(
                        path=self.folder / MANIFEST_FILE,
                        name=name,
                        licence=_STATED,
                        citation=_STATED,
                    ),
                ),
            }
        )
        data = fingerprint_recordings(walks)
        recipe = settings.model_dump(mode="json", exclude={"sources"})
        key = fingerprint(__version__, recipe, data, evaluating)
        folder, figures = self.folder / MODEL_FOLDER, self.folder / EVALUATION_FOLDER
        self._model, self._trained = folder, True
        outputs = [folder / MODEL_FILE, folder / CARD_FILE]
        if evaluating:
            outputs.append(figures / EVALUATION_FILE)
        if not self._kept("train", key, *outputs):
            started = time.perf_counter()
            # checkpoints of another recipe or of other walks are never gone on with
            runs = self.folder / RUNS_FOLDER / fingerprint(recipe, data)[:16]
            card, result = make_model(
                settings,
                walks,
                folder,
                workers=self.options.workers,
                progress=self._share("train"),
                runs=Runs(runs),
            )
            if evaluating:
                shutil.rmtree(figures, ignore_errors=True)
                make_folder(figures)
                save_plots(result, figures)
                result.save(figures / EVALUATION_FILE)
            self._finish(
                "train",
                key,
                started,
                f"{card.model_id}, {settings.steps} steps, trained {settings.folds} times to be "
                "tested on people it had not seen, then on everybody.",
                facts={"model_id": card.model_id},
            )
            shutil.rmtree(self.folder / RUNS_FOLDER, ignore_errors=True)
        done = self._steps[-1]
        card_now = self._card() or {}
        point, calibration = card_now["operating_point"], card_now["calibration"]
        self._steps.append(
            replace(
                done,
                name="calibrate",
                text=f"Threshold {point['threshold']:.3f} ({point['chosen_by']}); likelihood "
                f"ratios calibrated on {calibration['subjects']} people.",
                seconds=0.0,
                facts={},
            )
        )
        if evaluating:
            found = self._evaluation() or {}
            self._steps.append(
                replace(
                    done,
                    name="evaluate",
                    text=str(found.get("protocol", "")) + ".",
                    seconds=0.0,
                    facts={},
                )
            )

    def _evaluate(self, walks: Sequence[Recording], scope: Scope) -> None:
        from gaitproof.evaluate.frozen import evaluate_model
        from gaitproof.report.evaluation import save_plots

        encoder = OnnxEncoder.load(self._model)
        key = fingerprint(
            __version__, encoder.card.model_id, fingerprint_recordings(walks), scope.enrolled
        )
        figures = self.folder / EVALUATION_FOLDER
        if self._kept("evaluate", key, figures / EVALUATION_FILE):
            return
        started = time.perf_counter()
        try:
            result = evaluate_model(
                encoder,
                walks,
                enrolled=scope.enrolled,
                seed=self.options.recipe.seed,
                progress=self._share("evaluate"),
            )
        except InputError as error:
            # enrolment and verification do not depend on it
            self._tell(f"The model cannot be evaluated on these videos. {error}")
            self._pass("evaluate", str(error))
            return
        shutil.rmtree(figures, ignore_errors=True)
        make_folder(figures)
        save_plots(result, figures)
        result.save(figures / EVALUATION_FILE)
        self._finish("evaluate", key, started, result.protocol + ".")

    def _enrol(self, rows: Sequence[ManifestRow]) -> None:
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
        if self._kept("enrol", key, gallery):
            return
        if gallery.exists() and not own:
            raise InputError(
                f"{str(gallery)!r} is there already, and no pipeline made it.",
                hint="choose another folder, or --skip enrol",
            )
        started = time.perf_counter()
        # made by this pipeline from other inputs: templates of two models are never mixed
        for stale in self.folder.glob(f"{GALLERY_FILE}*"):
            stale.unlink()
        videos = {row.path: self._video(row) for row in rows}
        stored = StoredPoses(
            {video: self.folder / POSES_FOLDER / path for path, video in videos.items()}
        )
        verifier = Verifier.open(
            gallery, encoder=encoder, settings=self.options.settings, extractor=stored
        )
        people = sorted({row.subject for row in rows})
        enrolled, failures = {}, []
        for i, person in enumerate(people):
            theirs = [row for row in rows if row.subject == person]
            count = 0
            for row in theirs:
                # one by one: a bad video must not keep the person's good ones out
                try:
                    verifier.enroll(person, [videos[row.path]])
                    count += 1
                except InputError as error:
                    failures.append((row.path, error.actual or error.message))
            if count:
                enrolled[person] = count
            self._share("enrol")((i + 1) / len(people))
        self._finish(
            "enrol",
            key,
            started,
            f"{len(enrolled)} of {len(people)} people, from {sum(enrolled.values())} videos.",
            failures=failures,
            facts={"people": enrolled},
        )

    # what lies in the folder

    def _video(self, row: ManifestRow) -> Path:
        if _is_copy(row) and not (self.root / row.path).exists():
            return self.folder / row.path
        return locate(self.root, row.path)

    def _card(self) -> dict[str, Any] | None:
        try:
            if self._trained:
                return load_card(self.folder / MODEL_FOLDER).model_dump(mode="json")
            return OnnxEncoder.load(self._model).card.model_dump(mode="json")
        except GaitproofError:
            return None

    def _evaluation(self) -> dict[str, Any] | None:
        path = self.folder / EVALUATION_FOLDER / EVALUATION_FILE
        last = next((step for step in reversed(self._steps) if step.name != "enrol"), None)
        if last is None or last.condition not in ("done", "up to date"):
            return None
        try:
            found = read_json(path, FileKind("evaluation", max_bytes=2**26))
        except InputError:
            return None
        return found if isinstance(found, dict) else None


def _is_copy(row: ManifestRow) -> bool:
    return bool(row.parent) and row.path.split("/", 1)[0] == COPIES_FOLDER
