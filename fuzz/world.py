"""A folder in which every command of gaitproof finds what it needs, and finds it quickly."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
from scripted import make_card, walk

from fuzz import seeds

WALKS: Final[dict[str, dict[str, Any]]] = {
    "a.mp4": {"person": 0, "take": 0},
    "b.mp4": {"person": 0, "take": 1},
    "genuine.mp4": {"person": 0, "take": 2},
    "other.mp4": {"person": 5, "take": 0},
    "short.mp4": {"person": 0, "take": 3, "seconds": 1.0},
}
"""Videos whose poses lie in the cache, so that no estimator has to run."""


PEOPLE: Final = ("ann", "bob", "cleo", "dov")
"""Folders of the data set of videos."""


def build(folder: Path) -> None:
    """Fill an empty folder.

    The videos are of a few frames; what was found in them is scripted and lies in the pose cache.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("home", "tmp", "out", *(f"videos/{person}" for person in PEOPLE)):
        (folder / name).mkdir(parents=True)
    _write_model(folder / "model", threshold=0.93)
    from tiny_face_model import write_model as write_face_model

    write_face_model(folder / "face-model")
    for place, (name, how) in enumerate(WALKS.items()):
        # another number of frames makes another file
        (folder / name).write_bytes(seeds.video("mp4", 12 + place))
        _keep_poses(folder / "cache", folder / name, how)
    for name, data in seeds.poses(".npz").items():
        (folder / name).write_bytes(data)
    _enrol(folder)
    report, private, public = seeds.case_report()
    (folder / "report.json").write_bytes(report)
    (folder / "key.pem").write_bytes(private)
    (folder / "key.pub").write_bytes(public)
    _write_texts(folder)
    for person in PEOPLE:
        shutil.copy(folder / "a.mp4", folder / f"videos/{person}/1.mp4")
    for label in ("real", "fake"):
        for name in ("ann", "bob"):
            path = folder / f"faces/test/{label}/{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(seeds.still("PNG"))
    (folder / "skeletons.npz").write_bytes(seeds.skeletons(4))
    for name, data in seeds.face_store(8, forged=True).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _keep_poses(cache: Path, video: Path, how: dict[str, Any]) -> None:
    from gaitproof.config import PoseSettings
    from gaitproof.media.files import compute_sha256
    from gaitproof.pose.cache import Entry, PoseCache, cache_key
    from gaitproof.pose.estimator import estimator_identifier
    from gaitproof.pose.tracking import TrackingSettings

    name, settings = estimator_identifier(PoseSettings()), PoseSettings()
    sequence = walk(**{"estimator": name, **how})
    key = cache_key(compute_sha256(video), name, settings, TrackingSettings())
    PoseCache(cache).save(key, Entry((sequence,)))


def _write_model(folder: Path, threshold: float, slope: float = 20.0) -> None:
    """Write the smallest model that knows all vectors: the mean of the features, moved a little."""
    from onnx import TensorProto, helper

    windows = helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["n", 60, 78])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 78])
    nodes = [
        helper.make_node("ReduceMean", ["windows"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Add", ["mean", "little"], ["embedding"]),
    ]
    little = helper.make_tensor("little", TensorProto.FLOAT, [78], [0.01] * 78)
    graph = helper.make_graph(nodes, "mean", [windows], [embedding], [little])
    opset = helper.make_opsetid("", 13)
    weights = helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
    card = make_card(embedding_size=78, weights_sha256=hashlib.sha256(weights).hexdigest())
    fields = json.loads(card.model_dump_json())
    fields["operating_point"]["threshold"] = threshold
    fields["calibration"] |= {"slope": slope, "intercept": -slope * threshold}
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(weights)
    (folder / "card.json").write_text(json.dumps(fields), encoding="utf-8")


def _enrol(folder: Path) -> None:
    """Enrol two people, and put the threshold between the genuine walk and the other one."""
    from gaitproof.pose.cache import PoseCache
    from gaitproof.verify.verifier import Verifier

    verifier = Verifier.open(
        folder / "gallery.db", encoder=str(folder / "model"), cache=PoseCache(folder / "cache")
    )
    verifier.enroll("ann", [folder / "a.mp4", folder / "b.mp4"])
    verifier.enroll("bob", [folder / "other.mp4"])
    verifier.gallery.export(folder / "people.gaitproof")
    genuine, other = (
        verifier.verify(folder / name, claim="ann").similarity or 0.0
        for name in ("genuine.mp4", "other.mp4")
    )
    _write_model(folder / "model", (genuine + other) / 2, 4 / (genuine - other))


def _write_texts(folder: Path) -> None:
    import yaml

    from gaitproof.config import VerifySettings

    settings = VerifySettings().model_dump(mode="json")
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    recipes = Path(__file__).parent.parent / "recipes"
    for name in ("hybrid-small.yaml", "faces-sbi.yaml"):
        shutil.copy(recipes / name, folder / name)
    (folder / "space.yaml").write_text("{}\n", encoding="utf-8")
    header = "path,subject,recording,session,view,condition,parent,label\n"
    rows = "".join(f"{person}/1.mp4,{person},1,1,v30,nm,,real\n" for person in PEOPLE)
    (folder / "videos/manifest.csv").write_text(header + rows, encoding="utf-8")
    rng = np.random.default_rng(0)
    lines = ["group,genuine,gait,face,kind"]
    lines += [
        f"p{i % 12},{int(i % 2)},{rng.normal(1 if i % 2 else -1):.3f},{rng.normal():.3f},"
        for i in range(60)
    ]
    (folder / "trials.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "notes.json").write_text(json.dumps({"a": 1}), encoding="utf-8")
