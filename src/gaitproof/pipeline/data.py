"""The steps that make data of videos: list them, write copies, extract poses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gaitproof.config import VerifySettings
from gaitproof.data.audit import audit_rows
from gaitproof.data.copies import mark_folder, plan_copies, write_copies
from gaitproof.data.extraction import MARKER, MARKER_FILE, Job, extract_many
from gaitproof.data.gait.recording import POSES_FOLDER
from gaitproof.data.listing import add_hashes, build_manifest
from gaitproof.data.manifest import ManifestRow, locate, read_manifest
from gaitproof.errors import InputError, MediaError
from gaitproof.media.files import make_folder
from gaitproof.media.info import PassedOver, VideoInfo
from gaitproof.pipeline.steps import Done, Pipeline, Share, Step, StepProgress
from gaitproof.pipeline.summary import COPIES_FOLDER, MANIFEST_FILE, STEPS, PipelineOptions
from gaitproof.pose.estimator import PoseEstimator
from gaitproof.pose.extract import Extraction
from gaitproof.pose.formats.npz import load_npz
from gaitproof.pose.formats.silhouette_npz import load_silhouettes
from gaitproof.reading import guarded, read_json


class StoredPoses:
    """Reads what `gaitproof.data.extraction.extract_many` wrote; fits `Verifier`'s `extractor`.

    Parameters
    ----------
    folders
        Result folder of every video, by the video's path.
    """

    def __init__(self, folders: Mapping[Path, Path]) -> None:
        self._folders = dict(folders)

    def __call__(
        self,
        path: str | Path,
        settings: VerifySettings | None = None,
        *,
        cache: Any = None,
        progress: Callable[[float], None] | None = None,
    ) -> Extraction:
        """Return the stored extraction of a video.

        Raises
        ------
        MediaError
            If there is none.
        """
        folder = self._folders.get(Path(path))
        if folder is None:
            raise MediaError(f"The video {str(path)!r} has no extracted poses.")
        marker = read_json(folder / MARKER, MARKER_FILE)
        with guarded(folder / MARKER, MARKER_FILE):
            facts = marker["video"]
            passed = tuple(PassedOver(**one) for one in facts.get("passed_over", ()))
            video = VideoInfo(**{**facts, "path": Path(path), "passed_over": passed})
            names = [str(person["poses"]) for person in marker["people"]]
            masks = [
                str(person["silhouettes"]) for person in marker["people"] if "silhouettes" in person
            ]
        if progress is not None:
            progress(1.0)
        return Extraction(
            video,
            tuple(load_npz(folder / name) for name in names),
            tuple(load_silhouettes(folder / name) for name in masks),
        )


class DataSteps(Pipeline):
    """The steps before any model; what a step makes is what the later ones read."""

    def __init__(
        self,
        source: Path,
        folder: Path,
        options: PipelineOptions,
        progress: StepProgress | None,
        say: Callable[[str], None] | None,
        estimator_factory: Callable[[], PoseEstimator] | None,
    ) -> None:
        super().__init__(folder, STEPS[0], progress, say)
        self.source, self.options = source, options
        self.root = source.parent if source.suffix.lower() == ".csv" else source
        self._estimator = estimator_factory

    def _manifest(self) -> tuple[ManifestRow, ...]:
        """List the videos and look for leaks; hashing is the step's work, so it is never kept."""
        table = self.source.suffix.lower() == ".csv"
        if "manifest" in self.options.skip and not table:
            written = self.folder / MANIFEST_FILE
            if not written.is_file():
                raise InputError(
                    "The manifest cannot be skipped: there is none from an earlier run.",
                    expected=str(written),
                )
            self._pass("manifest")
            return tuple(row for row in read_manifest(written) if not _is_copy(row))
        listed: list[ManifestRow] = []

        def work(share: Share) -> Done:
            rows = (
                tuple(row for row in read_manifest(self.source) if row.label == "real")
                if table
                else build_manifest(self.source, self.options.layout)
            )
            listed.extend(add_hashes(rows, self.root, progress=share))
            findings = audit_rows(listed)
            if findings:
                raise InputError(
                    "The videos leak: results would be invalid.",
                    actual=" ".join(finding.message for finding in findings[:3]),
                    hint="gaitproof dataset audit shows everything",
                )
            people = len({row.subject for row in listed})
            return Done(
                f"{len(listed)} videos of {people} people.",
                facts={"videos": len(listed), "people": people},
            )

        self._do(Step("manifest", work))
        return tuple(listed)

    def _augment(self, rows: Sequence[ManifestRow], training: bool) -> tuple[ManifestRow, ...]:
        self._current = "augment"
        if "augment" in self.options.skip:
            self._pass("augment")
            return ()
        if not training:
            self._pass("augment", "Copies are for training only, and nothing is trained.")
            return ()
        kinds, copies, seed = self.options.kinds, self.options.copies, self.options.recipe.seed
        written: list[ManifestRow] = []

        def work(share: Share) -> Done:
            # planned as if they lay beside the originals, and written into the pipeline's own
            # folder
            jobs, failed = plan_copies(
                rows, self.root, self.root / COPIES_FOLDER, kinds=kinds, copies=copies, seed=seed
            )
            jobs = [replace(job, target=self.folder / job.row.path) for job in jobs]
            mark_folder(self.folder / COPIES_FOLDER, kinds=kinds, copies=copies, seed=seed)
            media, workers = self.options.settings.media, self.options.workers
            results = failed + write_copies(jobs, media, workers=workers, progress=share)
            written.extend(result.row for result in results if result.error is None)
            known = sum(result.skipped for result in results)
            return Done(
                f"{len(written)} copies ({', '.join(kinds)})" + _earlier(known),
                failures=[(r.row.path, r.error) for r in results if r.error is not None],
                facts={"copies": len(written), "known": known},
            )

        self._do(Step("augment", work))
        return tuple(written)

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
        kept: list[ManifestRow] = []

        def work(share: Share) -> Done:
            results = extract_many(
                [Job(self._video(row), poses / row.path) for row in everything],
                self.options.settings,
                workers=self.options.workers,
                progress=share,
                estimator_factory=self._estimator,
            )
            failures = []
            for row, result in zip(everything, results, strict=True):
                if result.error is not None:
                    failures.append((row.path, result.error))
                    if row.parent:
                        continue
                    # a video that could not be read counts as a failure to acquire, and is not
                    # dropped
                    make_folder(poses / row.path)
                elif not result.people:
                    failures.append((row.path, "nobody was found in it"))
                elif not result.windows and not row.parent:
                    failures.append((row.path, "no two seconds of unbroken walking"))
                kept.append(row)
            known = sum(result.skipped for result in results)
            return Done(
                f"Poses of {len(results) - len(failures)} of {len(results)} videos"
                + _earlier(known),
                failures=failures,
                facts={"videos": len(results), "failed": len(failures), "known": known},
            )

        self._do(Step("extract", work))
        return tuple(kept)

    def _video(self, row: ManifestRow) -> Path:
        if _is_copy(row) and not (self.root / row.path).exists():
            return self.folder / row.path
        return locate(self.root, row.path)


def _is_copy(row: ManifestRow) -> bool:
    return bool(row.parent) and row.path.split("/", 1)[0] == COPIES_FOLDER


def _earlier(known: int) -> str:
    """End a sentence about several things, `known` of which an earlier run had made."""
    return f", {known} of them from an earlier run." if known else "."
