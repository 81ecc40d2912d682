"""The registry: every function that reads what a stranger may have made, and how to call it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzz import calls, mutate, seeds
from fuzz.archives import change_npz
from fuzz.seeds import Files
from fuzz.sqlite import change_gallery

Repair = Callable[[Files, random.Random], Files]

MUTATORS: Final[Mapping[str, mutate.Mutator]] = {
    ".json": mutate.change_json,
    ".yaml": mutate.change_yaml,
    ".csv": mutate.change_text,
    ".txt": mutate.change_text,
    ".trc": mutate.change_text,
    ".bvh": mutate.change_text,
    ".asf": mutate.change_text,
    ".amc": mutate.change_text,
    ".pem": mutate.change_text,
    ".npz": change_npz,
    ".zip": change_npz,
    ".mp4": mutate.change_boxes,
    ".mov": mutate.change_boxes,
    ".pkl": mutate.change_pickle,
    ".safetensors": mutate.change_safetensors,
    ".gaitproof": mutate.change_safetensors,
    ".db": change_gallery,
}
"""How files are changed, by ending; others as bytes."""


@dataclass(frozen=True)
class Reader:
    """One reader.

    Parameters
    ----------
    name
        For people; also seeds the changes.
    make
        Returns good inputs.
    call
        Reads what lies in a folder and does with it what a command would do next.
    covers
        Functions of the package that it calls, as ``module.function``.
    repair
        What a forger would put right after a change, e.g. a digest.
    cost
        About how many times slower than reading a small JSON file; decides its share of inputs.
    """

    name: str
    make: Callable[[], list[Files]]
    call: Callable[[Path], object]
    covers: tuple[str, ...]
    repair: Repair | None = None
    cost: float = 1.0


def _video(suffix: str) -> Reader:
    def call(folder: Path) -> None:
        from gaitproof.media.decode import read_frames
        from gaitproof.media.info import bits_per_pixel, inspect_video
        from gaitproof.media.sound import read_sound

        path = folder / f"x.{suffix}"
        failed: list[Exception] = []
        calls.each(
            failed,
            lambda: inspect_video(path),
            lambda: [frame.image.sum() for frame in read_frames(path)],
            lambda: [frame.image.sum() for frame in read_frames(path, start=0.2)],
            lambda: bits_per_pixel(path),
            lambda: read_sound(path),
        )

    return Reader(
        f"video {suffix}",
        lambda: [{f"x.{suffix}": seeds.video(suffix)}],
        call,
        (
            "gaitproof.media.info.inspect_video",
            "gaitproof.media.info.bits_per_pixel",
            "gaitproof.media.decode.read_frames",
            "gaitproof.media.sound.read_sound",
            "gaitproof.media.files.open_regular",
            "gaitproof.media.files.compute_sha256",
        ),
        cost=8,
    )


def _still(form: str) -> Reader:
    def call(folder: Path) -> None:
        from gaitproof.media.decode import read_still

        read_still(folder / "x.img")

    return Reader(
        f"still {form}",
        lambda: [{"x.img": seeds.still(form)}],
        call,
        ("gaitproof.media.decode.read_still",),
    )


def _pose(suffix: str, form: str, module: str | None = None) -> Reader:
    def call(folder: Path) -> None:
        from gaitproof.pose.cleaning import clean
        from gaitproof.pose.formats import load_pose

        path = folder / f"x{suffix}"
        clean(load_pose(path, frame_rate=30.0, frame_size=(640, 480)))

    name = form.replace("-", "_") if module is None else module
    module = "mediapipe_json" if name == "mediapipe_csv" else name
    return Reader(
        f"poses {form}",
        lambda: [seeds.poses(suffix, form)],
        call,
        (
            "gaitproof.pose.formats.load_pose",
            "gaitproof.pose.formats.bvh.parse_bvh",
            "gaitproof.pose.formats.npz.from_bytes",
            f"gaitproof.pose.formats.{module}.load_{name}",
        ),
        cost=2,
    )


def _data(name: str, make: Callable[[], list[Files]], place: str, *covers: str) -> Reader:
    def call(folder: Path) -> None:
        from gaitproof.evaluate.frozen import load_data

        for walk in load_data(folder / place if place else folder):
            walk.windows  # noqa: B018
            walk.bones  # noqa: B018

    return Reader(
        f"data {name}",
        make,
        call,
        (
            "gaitproof.data.gait.load.load_recordings",
            "gaitproof.evaluate.frozen.load_data",
            "gaitproof.modelling.recipe.load_sources",
            *(f"gaitproof.data.gait.{one}" for one in covers),
        ),
        cost=4,
    )


def _masks(form: str) -> Reader:
    def call(folder: Path) -> None:
        from gaitproof.data.gait.silhouettes import load_silhouette_data
        from gaitproof.evaluate.frozen import load_masks

        place = folder / "x.npz" if form == "archive" else folder
        for load in (load_masks, lambda path: load_silhouette_data(path, "x")):
            for walk in load(place):
                walk.windows  # noqa: B018

    return Reader(
        f"silhouette {form}",
        lambda: [seeds.mask_data(form)],
        call,
        (
            "gaitproof.evaluate.frozen.load_masks",
            "gaitproof.data.gait.silhouettes.load_silhouettes",
            "gaitproof.data.gait.silhouettes.load_silhouette_data",
            "gaitproof.data.gait.silhouettes.load_silhouette_images",
            "gaitproof.data.gait.silhouettes.load_silhouette_pickles",
        ),
        cost=4,
    )


def _settings(name: str, module: str, kind: str, files: Callable[[], list[bytes]]) -> Reader:
    def call(folder: Path) -> None:
        from importlib import import_module

        getattr(import_module(module), kind).load(folder / "x.yaml")

    return Reader(
        name,
        lambda: [{"x.yaml": data} for data in files()],
        call,
        ("gaitproof.config.Settings.load", "gaitproof.cli.experiments.load_settings"),
        cost=2,
    )


def _faces_tree(name: str) -> Reader:
    def make() -> list[Files]:
        import face_trees

        tree = seeds.made(lambda folder: getattr(face_trees, name)(folder))
        return [tree]

    def call(folder: Path) -> None:
        from gaitproof.data.face.layouts import read_layout

        for layout in ("auto", _LAYOUTS[name]):
            read_layout(folder, layout)

    module = _LAYOUTS[name].replace("-", "_")
    return Reader(
        f"faces {name}",
        make,
        call,
        (
            "gaitproof.data.face.layouts.read_layout",
            "gaitproof.data.face.layouts.files.read_lines",
            "gaitproof.data.face.layouts.files.read_json",
            f"gaitproof.data.face.layouts.{module}.read",
            "gaitproof.data.face.layouts.plain.read_numbered",
        ),
        cost=2,
    )


_LAYOUTS: Final = {
    "faceforensics": "faceforensics",
    "celeb_df": "celeb-df",
    "dfdc": "dfdc",
    "preview": "dfdc",
    "wild": "wild-deepfake",
    "plain": "plain",
    "portraits": "table",
}


def readers() -> tuple[Reader, ...]:
    """Return all readers."""
    return (*_recordings(), *_texts(), *_results())


def _recordings() -> tuple[Reader, ...]:
    """Return the readers of videos, images, poses and data sets."""
    return (
        *(_video(suffix) for suffix in seeds.VIDEOS),
        *(_still(form) for form in ("PNG", "JPEG", "BMP", "WEBP")),
        _pose(".npz", "npz"),
        _pose("", "openpose"),
        _pose(".json", "coco"),
        _pose(".json", "mediapipe-json"),
        _pose(".csv", "mediapipe-csv"),
        _pose(".trc", "trc"),
        _pose(".c3d", "c3d"),
        _pose(".bvh", "bvh"),
        Reader("silhouettes", lambda: [{"x.npz": seeds.silhouettes()}],
               calls.silhouettes,
               ("gaitproof.pose.formats.silhouette_npz.load_silhouettes",
                "gaitproof.pose.formats.silhouette_npz.from_bytes"), cost=2),
        _data("skeletons", lambda: [{"x.npz": seeds.skeletons()}], "x.npz",
              "skeletons.load_skeletons", "skeletons.read_domains"),
        _data("shards", lambda: [{"x.safetensors": seeds.shard()}], "x.safetensors",
              "shards.load_shard"),
        *(_masks(form) for form in ("archive", "images", "pickles")),
        _data("GaitGraph table", calls.casia, "x.csv", "casia_csv.load_casia_csv"),
        _data("tracklets", seeds.tracklets, "", "tracklets.load_tracklets"),
        _data("OpenGait pickles", seeds.pickles, "", "opengait.load_opengait",
              "safe_pickle.load_array"),
        _data("ASF/AMC", lambda: [seeds.asf_amc()], "", "asf_amc.load_amc", "asf_amc.parse_asf",
              "asf_amc.parse_amc"),
        _data("BVH", calls.bvh, "", "mocap.load_bvh"),
        _data("manifest", calls.manifest_tree, "", "load.load_manifest",
              "load.read_tracks"),
        Reader("data both signals", calls.paired_tree, calls.paired,
               ("gaitproof.evaluate.frozen.load_both",
                "gaitproof.data.gait.load.load_paired"), cost=4),
        *(_faces_tree(name) for name in _LAYOUTS),
    )  # fmt: skip


def _texts() -> tuple[Reader, ...]:
    """Return the readers of tables, settings and recipes."""
    return (
        Reader("manifest", calls.manifest_tree, calls.manifest,
               ("gaitproof.data.manifest.read_manifest",)),
        Reader("trial tables", calls.table_files, calls.tables,
               ("gaitproof.evaluate.fusion_trials.read_trials",
                "gaitproof.evaluate.fusion_trials.read_single",
                "gaitproof.cases.questions.read_claims",
                "gaitproof.cases.answers.read_answers")),
        _settings("settings", "gaitproof.config", "VerifySettings", calls.verify_settings),
        _settings("search space", "gaitproof.modelling.search_space", "SearchSpace",
                  calls.search_space),
        _settings("recipe", "gaitproof.train.config", "TrainSettings",
                  lambda: calls.recipes("hybrid-small")),
        _settings("face recipe", "gaitproof.train.face.config", "FaceTrainSettings",
                  lambda: calls.recipes("faces-")),
    )  # fmt: skip


def _results() -> tuple[Reader, ...]:
    """Return the readers of what gaitproof makes and others may have changed."""
    return (
        Reader("gait model", lambda: [seeds.gait_model()], calls.gait_model,
               ("gaitproof.models.PackagedModel.load", "gaitproof.nets.onnx.load_encoder",
                "gaitproof.nets.onnx.load_card",
                "gaitproof.nets.cohort.read_cohort", "gaitproof.models.read_card",
                "gaitproof.models.read_weights", "gaitproof.runtime.open_session"),
               repair=calls.fix_card, cost=4),
        Reader("face model", lambda: [seeds.face_model()], calls.face_model,
               ("gaitproof.models.PackagedModel.load", "gaitproof.face.model.load_card"),
               repair=calls.fix_card, cost=6),
        Reader("fusion weights", calls.weights_files, calls.weights,
               ("gaitproof.verify.fusion.rule.load_weights",)),
        Reader("signal weights", calls.signal_files, calls.signals,
               ("gaitproof.verify.signals.load_signal_weights",)),
        Reader("estimator error", calls.estimator_files, calls.estimator_error,
               ("gaitproof.train.estimator_error.EstimatorError.load",), cost=2),
        Reader("face store", lambda: [seeds.face_store()], calls.face_store,
               ("gaitproof.data.face.store.FaceStore.open",
                "gaitproof.data.face.store.FaceStore.read"), cost=2),
        Reader("checkpoint",
               lambda: [{"checkpoint.safetensors": seeds.checkpoint()}], calls.checkpoint,
               ("gaitproof.train.checkpoint.load_checkpoint",
                "gaitproof.train.checkpoint.load_start",
                "gaitproof.train.checkpoint.read_start")),
        Reader("finished trials", lambda: [seeds.trial_store()], calls.trials,
               ("gaitproof.modelling.store.TrialStore.load",)),
        Reader("pipeline state", calls.state_files, calls.state, ()),
        Reader("plots", lambda: [{"x.png": seeds.still("PNG")}], calls.plots,
               ("gaitproof.pipeline.page.read_plots",)),
        Reader("pose cache", lambda: [seeds.pose_cache()], calls.cache,
               ("gaitproof.pose.cache.PoseCache.load",), cost=2),
        Reader("gallery", lambda: [seeds.gallery()], calls.gallery,
               ("gaitproof.verify.gallery.Gallery.open",), cost=12),
        Reader("directions", lambda: [seeds.directions()], calls.directions,
               ("gaitproof.verify.directions.Directions.open",)),
        Reader("gallery import", lambda: [seeds.gallery(".gaitproof")],
               calls.import_people,
               ("gaitproof.verify.transfer.unpack",), cost=6),
        Reader("report", calls.report_files, calls.report,
               ("gaitproof.report.casefile.check.load_report",
                "gaitproof.report.casefile.check.check_report",
                "gaitproof.report.casefile.seal.parse_report"), cost=4),
        Reader("keys", calls.key_files, calls.keys,
               ("gaitproof.report.signature.load_private_key",
                "gaitproof.report.signature.load_public_key")),
    )  # fmt: skip
