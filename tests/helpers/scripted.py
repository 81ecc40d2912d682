"""Scripted walkers, extractor and encoder: everything but pixels and a network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gaitproof.config import VerifySettings
from gaitproof.gait.features import compute_windows
from gaitproof.nets.card import DataSource, LogisticCalibration, ModelCard, OperatingPoint
from gaitproof.types import (
    ErrorRate,
    GaitWindows,
    InconclusiveBand,
    Landmark,
    PoseSequence,
    SilhouetteSequence,
)
from gaitproof.verify.templates import Recording, ReferencePerson

FRAME_SIZE = (1280, 720)
RATE = 30.0


@lru_cache(maxsize=256)  # nothing of it can be changed
def walk(
    person: int,
    *,
    take: int = 0,
    seconds: float = 4.0,
    start: float = 0.0,
    height: float = 400.0,
    frame_rate: float = RATE,
    estimator: str = "scripted/1",
) -> PoseSequence:
    """A person is the amplitudes and proportions; a take is phase and a little noise."""
    who = np.random.default_rng(1000 + person)
    hip_swing, knee_bend = who.uniform(0.25, 0.6), who.uniform(0.3, 1.1)
    lean, stance = who.uniform(-0.15, 0.15), who.uniform(0.05, 0.16)
    thigh, shank, torso = who.uniform(0.38, 0.5), who.uniform(0.36, 0.46), who.uniform(0.45, 0.56)
    rate, lag = who.uniform(0.8, 1.1), who.uniform(0.6, 1.6)
    once = np.random.default_rng([person, take])
    times = start + np.arange(int(seconds * frame_rate)) / frame_rate
    phase = 2 * np.pi * rate * times + once.uniform(0, 2 * np.pi)
    world = np.zeros((len(times), 33, 3))
    across = {"LEFT": 1.0, "RIGHT": -1.0}
    for side, sign in across.items():
        swing = hip_swing * np.sin(phase + (0 if sign > 0 else np.pi))
        knee = knee_bend * np.clip(np.sin(phase + (0 if sign > 0 else np.pi) + lag), 0, None)
        hip = np.stack([np.zeros_like(times), np.zeros_like(times), sign * stance + 0 * times], 1)
        down = np.stack([np.sin(swing), -np.cos(swing), 0 * times], 1)
        lower = np.stack([np.sin(swing - knee), -np.cos(swing - knee), 0 * times], 1)
        joints = {"HIP": hip, "KNEE": hip + thigh * down}
        joints["ANKLE"] = joints["KNEE"] + shank * lower
        joints["HEEL"] = joints["ANKLE"] + [-0.05, -0.05, 0]
        joints["FOOT_INDEX"] = joints["ANKLE"] + [0.17, -0.06, 0]
        joints["SHOULDER"] = hip + np.array([torso * np.sin(lean), torso * np.cos(lean), 0])
        for joint, path in joints.items():
            world[:, Landmark[f"{side}_{joint}"]] = path
    head = [torso * np.sin(lean), torso + 0.25, 0]
    world[:, :11] = head
    world[:, 13:23] = [0.1, 0.2, 0]
    world += once.normal(0, 0.002, world.shape)
    scale = height / 1.75
    image = np.stack([640 + scale * world[..., 0], 330 - scale * world[..., 1]], axis=2)
    return PoseSequence(
        timestamps=times,
        image=image,
        world=world,
        visibility=np.ones(world.shape[:2]),
        frame_size=FRAME_SIZE,
        estimator=estimator,
        camera_motion=np.zeros(len(times)),
    )


@dataclass(frozen=True)
class FakeVideo:
    sha256: str
    notes: tuple[str, ...] = ()
    frame_rate: float = 0.0


@dataclass(frozen=True)
class FakeExtraction:
    video: FakeVideo
    tracks: tuple[PoseSequence, ...]
    silhouettes: tuple[SilhouetteSequence, ...] = ()


class ScriptedExtractor:
    """Reads a "video" that is a JSON list of keyword arguments for `walk`, one per track."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(
        self, path: str | Path, settings: VerifySettings, *, cache: Any, progress: Any
    ) -> FakeExtraction:
        self.calls += 1
        data = Path(path).read_bytes()
        if progress is not None:
            progress(1.0)
        tracks = tuple(walk(**track) for track in json.loads(data))
        return FakeExtraction(FakeVideo(hashlib.sha256(data).hexdigest()), tracks)


def make_card(model_id: str = "scripted-1", **changes: Any) -> ModelCard:
    fields: dict[str, Any] = {
        "model_id": model_id,
        "architecture": "scripted",
        "embedding_size": 42,
        "weights_sha256": "0" * 64,
        "mean": (0.0,) * 78,
        "std": (1.0,) * 78,
        "operating_point": OperatingPoint(
            threshold=0.93,
            chosen_by="test",
            fmr=ErrorRate(0.05, 0.02, 0.1),
            fnmr=ErrorRate(0.06, 0.03, 0.12),
        ),
        "calibration": LogisticCalibration(
            slope=20.0,
            intercept=-18.6,
            log10_lr_bound=2.0,
            subjects=100,
            mated_trials=300,
            nonmated_trials=3000,
        ),
        "data": (DataSource(name="n", subjects=1, recordings=1, licence="l", citation="c"),),
        "protocol": "none",
        "figures": {},
        "licence": "Apache-2.0",
        "trained_on": "2026-01-01",
        "limits": "tests only",
    }
    return ModelCard(**(fields | changes))


def make_band(low: float, high: float, **changes: Any) -> InconclusiveBand:
    fields: dict[str, Any] = {
        "low": low,
        "high": high,
        "min_log10_lr": 0.30103,
        "target": 0.05,
        "wrong_nonmated": ErrorRate(0.031, 0.01, 0.05),
        "wrong_mated": ErrorRate(0.032, 0.01, 0.05),
        "fmr": ErrorRate(0.033, 0.01, 0.06),
        "fnmr": ErrorRate(0.034, 0.01, 0.06),
        "undecided_nonmated": ErrorRate(0.21, 0.1, 0.3),
        "undecided_mated": ErrorRate(0.22, 0.1, 0.3),
    }
    return InconclusiveBand(**(fields | changes))


def _describe(windows: GaitWindows) -> np.ndarray:
    moved = windows.features[:, :, :36].std(axis=1)
    return np.concatenate([moved, windows.features[:, :, 36:42].mean(axis=1)], axis=1)


@cache
def _average() -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of twenty walkers."""
    values = np.concatenate([_describe(compute_windows(walk(p))) for p in range(100, 120)])
    return values.mean(axis=0), values.std(axis=0) + 1e-3


class ScriptedEncoder:
    """Mean angles and movement of the joints, against an average walker."""

    def __init__(self, card: ModelCard | None = None) -> None:
        self.card = card or make_card()
        self._centre, self._scale = _average()

    def embed(self, windows: GaitWindows) -> np.ndarray:
        values = (_describe(windows) - self._centre) / self._scale
        return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def make_recording(seed: int = 0, **changes: Any) -> Recording:
    rng = np.random.default_rng(seed)
    n, size = int(rng.integers(2, 6)), 32
    vectors = rng.normal(size=(n, size))
    fields: dict[str, Any] = {
        "sha256": hashlib.sha256(str(seed).encode()).hexdigest(),
        "path": f"video-{seed}.mp4",
        "model_id": "model-1",
        "estimator": "pose-1",
        "embeddings": vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        "starts": np.arange(n) / 2,
        "quality": {"frame_rate": 30.0},
    }
    return Recording(**(fields | changes))


def make_reference(seed: int = 0, **changes: Any) -> ReferencePerson:
    vector = np.random.default_rng(seed).normal(size=32)
    fields: dict[str, Any] = {
        "footage": "street",
        "sha256": hashlib.sha256(f"reference {seed}".encode()).hexdigest(),
        "person": 0,
        "model_id": "model-1",
        "estimator": "pose-1",
        "windows": 4,
        "vector": vector / np.linalg.norm(vector),
    }
    return ReferencePerson(**(fields | changes))


def write_model(folder: Path) -> ModelCard:
    """Write the smallest model that ONNX Runtime runs: the mean of the windows' features."""
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["windows"], ["embedding"], axes=[1], keepdims=0)],
        "mean",
        [helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["n", 60, 78])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 78])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    weights = onnx.load_from_string(model.SerializeToString()).SerializeToString()
    card = make_card(embedding_size=78, weights_sha256=hashlib.sha256(weights).hexdigest())
    folder.mkdir()
    (folder / "model.onnx").write_bytes(weights)
    (folder / "card.json").write_text(card.model_dump_json())
    return card
