"""What readers are given, and what is done with it: as much as a command would do next."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

from fuzz import seeds
from fuzz.seeds import Files


def each(failed: list[Exception], *calls: Callable[[], object]) -> None:
    """Call all, even if one refuses; then raise the first refusal."""
    from gaitproof.errors import GaitproofError

    for call in calls:
        try:
            call()
        except GaitproofError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def manifest_tree() -> list[Files]:
    header = "path,subject,recording,session,view,condition,parent,label\n"
    text = header + "ann/a.mp4,ann,a,1,v30,nm,,real\nann/b.mp4,ann,b,1,v30,nm,ann/a.mp4,real\n"
    poses = seeds.poses(".npz")["x.npz"]
    files = {f"poses/ann/{name}.mp4/person-0.npz": poses for name in "ab"}
    return [{"manifest.csv": text.encode(), **files}]


def manifest(folder: Path) -> None:
    from gaitproof.data.manifest import find_parents, locate, read_manifest

    rows = read_manifest(folder / "manifest.csv")
    find_parents(rows)
    for row in rows:
        locate(folder, row.path)


def paired_tree() -> list[Files]:
    (files,) = manifest_tree()
    masks = {f"poses/ann/{name}.mp4/person-0.silhouettes.npz": seeds.silhouettes() for name in "ab"}
    return [{**files, **masks}]


def paired(folder: Path) -> None:
    from gaitproof.evaluate.frozen import load_both

    for walk in load_both(folder / "manifest.csv"):
        walk.windows  # noqa: B018


def recipes(begins: str) -> list[bytes]:
    folder = Path(__file__).parent.parent / "recipes"
    return [path.read_bytes() for path in sorted(folder.glob("*.yaml")) if begins in path.name]


def verify_settings() -> list[bytes]:
    import yaml

    from gaitproof.config import VerifySettings

    return [yaml.safe_dump(VerifySettings().model_dump(mode="json")).encode()]


def search_space() -> list[bytes]:
    import yaml

    from gaitproof.modelling.search_space import SearchSpace

    return [yaml.safe_dump(SearchSpace().model_dump(mode="json")).encode()]


def fix_card(files: Files, rng: random.Random) -> Files:
    """Make the card fit the changed weights, most of the time."""
    if rng.random() < 0.2:
        return files
    try:
        card = json.loads(files["model/card.json"])
        card["weights_sha256"] = hashlib.sha256(files["model/model.onnx"]).hexdigest()
        if card.get("cohort") and "model/cohort.safetensors" in files:
            digest = hashlib.sha256(files["model/cohort.safetensors"]).hexdigest()
            card["cohort"]["sha256"] = digest
        return {**files, "model/card.json": json.dumps(card).encode()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return files


def gait_model(folder: Path) -> None:
    from scripted import walk

    from gaitproof.gait.features import compute_windows
    from gaitproof.nets.onnx import OnnxEncoder, load_encoder

    load_encoder(folder / "model")
    OnnxEncoder.load(folder / "model").embed(compute_windows(walk(1, seconds=2.5)))


def face_model(folder: Path) -> None:
    import numpy as np

    from gaitproof.face.model import FaceForgeryModel

    model = FaceForgeryModel.load(folder / "model")
    size = model.card.alignment.size
    model.score(np.zeros((2, min(int(size), 512), min(int(size), 512), 3), np.uint8))


def face_store(folder: Path) -> None:
    from gaitproof.data.face.store import FaceStore

    store = FaceStore.open(folder / "store")
    for stored in store.clips:
        store.read(stored)


def gallery(folder: Path) -> None:
    from gaitproof.verify.gallery import Gallery

    failed: list[Exception] = []
    shown = Gallery.open(folder / "x.db", create=False)

    def everybody() -> None:
        for name in shown.names():
            each(
                failed,
                lambda name=name: shown.history(name).to_dict(),
                lambda name=name: shown.template(name, "model-1", "pose-1"),
                lambda name=name: shown.profile(name, "model-1", "pose-1"),
            )

    each(
        failed,
        everybody,
        shown.list,
        lambda: shown.templates("model-1", "pose-1"),
        lambda: shown.resolve("ann"),
        lambda: shown.check_model("ann", "model-1"),
        lambda: shown.export(folder / "out.gaitproof"),
        lambda: shown.remove("ann"),
    )


def import_people(folder: Path) -> None:
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.transfer import unpack

    unpack(folder / "x.gaitproof")
    into = Gallery.open(folder / "y.db")
    into.import_(folder / "x.gaitproof")
    for one in into.list():
        into.history(one.name)


def report(folder: Path) -> None:
    from gaitproof.report.casefile.check import check_report, load_report
    from gaitproof.report.casefile.write import render

    path = folder / "x.json"
    check_report(path, key=folder / "a.pem")
    report, _ = load_report(path)
    render(report, Path("x.html"))


def keys(folder: Path) -> None:
    from gaitproof.report.signature import load_private_key, load_public_key

    failed: list[Exception] = []
    each(
        failed,
        lambda: load_private_key(folder / "private.pem"),
        lambda: load_public_key(folder / "public.pem"),
    )


def report_files() -> list[Files]:
    report, _, public = seeds.case_report()
    return [{"x.json": report, "a.pem": public}]


def key_files() -> list[Files]:
    _, private, public = seeds.case_report()
    return [{"private.pem": private, "public.pem": public}]


def weights_files() -> list[Files]:
    from gaitproof.verify.fusion import rule

    spread = {"value": 0.5, "low": 0.1, "high": 0.9}
    learnt = {
        "limits": "tests only",
        **dict.fromkeys(("intercept", "gait", "face", "least"), spread),
        "log10_lr_bound": 1.5,
        "groups": 20,
        "trials": {"genuine": 40},
        "gait_model": "a",
        "face_model": "b",
        "source": "tests",
        "source_sha256": "ab" * 32,
        "figures": {"eer": 0.1},
        "fitted_on": "2026-01-01",
    }
    return [{"x.json": rule.FusionWeights.model_validate(learnt).model_dump_json().encode()}]


def signal_files() -> list[Files]:
    rate = {"value": 0.1, "low": 0.0, "high": 0.2}
    rates = {
        f"{answer}_{trial}": rate
        for answer in ("wrong", "undecided")
        for trial in ("mated", "nonmated")
    }
    calibration = {
        "slope": 2.0,
        "intercept": -1.8,
        "log10_lr_bound": 1.0,
        "subjects": 10,
        "mated_trials": 10,
        "nonmated_trials": 90,
    }
    learnt = {
        "joints_model": "joints",
        "silhouettes": {
            "model_id": "silhouettes",
            "calibration": calibration,
            "domains": {"synthetic": 10},
        },
        "accepts_from": 0.5,
        "rates": {**rates, "measured_on": "tests"},
        "figures": {"eer": 0.1},
        "average": {"sha256": "ab" * 32, "people": 10, "source": "tests"},
        "limits": "tests only",
        "fitted_on": "2026-01-01",
    }
    return [{"x.json": json.dumps(learnt).encode()}]


def signals(folder: Path) -> None:
    from gaitproof.types import SignalEvidence
    from gaitproof.verify.signals import join_signals, load_signal_weights

    learnt = load_signal_weights(folder / "x.json")
    assert learnt is not None
    evidence = [
        SignalEvidence(
            signal=name, similarity=0.9, log10_lr=0.1, log10_lr_bound=1.0, threshold=0.5,
            windows=2, model_id=model_id, template_id="", template_recordings=1, reason="",
        )
        for name, model_id in (
            ("joints", learnt.joints_model), ("silhouettes", learnt.silhouettes.model_id),
        )
    ]  # fmt: skip
    join_signals(learnt, evidence)


def weights(folder: Path) -> None:
    from gaitproof.verify.fusion.rule import fuse, load_weights

    fuse([1.0], [0.5], load_weights(folder / "x.json"))


def cache(folder: Path) -> None:
    from gaitproof.pose.cache import PoseCache

    PoseCache(folder).load("ab" * 32)


def directions(folder: Path) -> None:
    from gaitproof.verify.directions import Directions

    Directions.open(folder / "x.npy").vectors.sum()


def silhouettes(folder: Path) -> None:
    from gaitproof.pose.formats.silhouette_npz import load_silhouettes

    load_silhouettes(folder / "x.npz")


def state(folder: Path) -> None:
    from gaitproof.pipeline.state import State

    state = State(folder)
    state.finished("poses", "k", [])
    state.knows("poses")


def state_files() -> list[Files]:
    step = {"key": "k", "text": "done", "seconds": 1.0, "failures": [["a", "b"]], "facts": {}}
    return [{"pipeline.json": json.dumps({"version": 1, "steps": {"poses": step}}).encode()}]


def checkpoint(folder: Path) -> None:
    from torch import nn

    from gaitproof.train.checkpoint import Identity, load_checkpoint, load_start, read_start

    failed: list[Exception] = []
    network = nn.Module()
    import torch

    network.register_parameter("bias", nn.Parameter(torch.zeros(3)))
    each(
        failed,
        lambda: load_checkpoint(folder / "checkpoint.safetensors", Identity("r", "d")),
        lambda: read_start(folder),
        lambda: load_start(folder, network),
    )


def trials(folder: Path) -> None:
    from gaitproof.modelling.store import TrialStore

    TrialStore(folder).load("x", "key")


def tables(folder: Path) -> None:
    from gaitproof.cases.answers import read_answers
    from gaitproof.cases.questions import read_claims
    from gaitproof.evaluate.fusion_trials import read_single, read_trials

    failed: list[Exception] = []
    each(
        failed,
        lambda: list(read_claims(folder / "claims.csv")),
        lambda: read_answers(folder / "answers.csv"),
        lambda: read_answers(folder / "answers.jsonl"),
        lambda: read_trials(folder / "joint.csv"),
        lambda: read_single(folder / "one.csv"),
    )


def table_files() -> list[Files]:
    from gaitproof.cases.answers import COLUMNS

    joint, one = io.StringIO(), io.StringIO()
    csv.writer(joint).writerows(
        [
            ("group", "genuine", "gait", "face", "kind"),
            ("a", 1, 1.5, 0.5, ""),
            ("b", 0, -1, "", "x"),
        ]
    )
    csv.writer(one).writerows([("group", "genuine", "log10_lr"), ("a", 1, 1.5), ("b", 0, -1)])
    answer = {**dict.fromkeys(COLUMNS, "x"), "error": "", "case": None}
    answers = io.StringIO()
    csv.writer(answers).writerows([COLUMNS, [answer[name] for name in COLUMNS]])
    return [
        {
            "joint.csv": joint.getvalue().encode(),
            "one.csv": one.getvalue().encode(),
            "claims.csv": b"path,claim,person\na.mp4,ann,auto\nb.mp4,bob,2\n",
            "answers.csv": answers.getvalue().encode(),
            "answers.jsonl": json.dumps(answer).encode() + b"\n",
        }
    ]


def plots(folder: Path) -> None:
    from gaitproof.pipeline.page import read_plots

    list(read_plots(folder, {"x": "title"}))


def estimator_error(folder: Path) -> None:
    from gaitproof.train.estimator_error import EstimatorError

    EstimatorError.load(folder / "x.safetensors")


def estimator_files() -> list[Files]:
    from gaitproof.train.estimator_error import ASSET

    return [{"x.safetensors": ASSET.read_bytes()}]


def casia() -> list[Files]:
    return [{"x.csv": seeds.casia_table()}]


def bvh() -> list[Files]:
    return [{"07_01.bvh": seeds.bvh(), "people.csv": b"subject,person\n07,ann\n"}]


def openpose_tree() -> list[Files]:
    return [seeds.poses("", "openpose")]
