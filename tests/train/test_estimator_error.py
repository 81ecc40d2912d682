"""The learnt error of the pose estimator."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sticks import walking_points
from typer.testing import CliRunner
from walking import make_walk

from gaitproof.cli.app import app
from gaitproof.errors import InputError, ModelError
from gaitproof.gait.features import mirror
from gaitproof.pose.formats.npz import save_npz
from gaitproof.train.augment import augment
from gaitproof.train.config import AugmentSettings
from gaitproof.train.estimator_error import (
    EstimatorError,
    Pair,
    fit_estimator_error,
    heading,
    in_torsos,
    load_pairs,
    shipped_error,
)
from gaitproof.types import GAIT_LANDMARKS, Landmark
from gaitproof.types.rotations import axis_rotations

TOE = GAIT_LANDMARKS.index(Landmark.LEFT_FOOT_INDEX)
HEEL = GAIT_LANDMARKS.index(Landmark.LEFT_HEEL)


def walks(count: int, seconds: float = 4.0) -> list[np.ndarray]:
    """Stick walkers in torso lengths, each seen from 30 to 90 degrees to either side."""
    rng = np.random.default_rng(0)
    shown = []
    for person in range(count):
        points = in_torsos(walking_points(person, 0, seconds=seconds)[1].astype(np.float64))
        view = rng.uniform(np.pi / 6, np.pi / 2) * rng.choice([-1, 1])
        turn = axis_rotations("y", np.degrees(view - heading(points[None])))[0]
        shown.append(points @ turn.T)
    return shown


def known_error(true: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Depth flattened by a third, a constant error of 0.05 and a changing one of 0.02."""
    seen = true * [1.0, 1.0, 2 / 3]
    seen += rng.normal(0, 0.05, true.shape[1:])
    phase = rng.uniform(0, 2 * np.pi, true.shape[1:])
    times = np.arange(len(true))[:, None, None] / 30
    return seen + 0.02 * np.sqrt(2) * np.sin(2 * np.pi * 1.5 * times + phase)


@pytest.fixture(scope="module")
def learnt() -> EstimatorError:
    rng = np.random.default_rng(1)
    return fit_estimator_error(
        [Pair(f"p{i}", true, known_error(true, rng)) for i, true in enumerate(walks(60))]
    )


def test_a_known_error_is_learnt_part_by_part(learnt: EstimatorError) -> None:
    true = np.stack(walks(60, 2.0))
    flattened = learnt.systematic(true)
    expected = -true[..., 2] / 3
    miss = flattened[..., 2] - expected
    assert np.sqrt((miss**2).mean()) < 0.25 * np.sqrt((expected**2).mean())
    assert np.sqrt((flattened[..., :2] ** 2).mean()) < 0.03
    size = learnt.size(list(true))
    assert size["constant"] == pytest.approx(0.05, rel=0.2)
    assert size["changing"] == pytest.approx(0.02, rel=0.1)
    low, high = np.degrees(learnt.headings)
    assert 28 < low < 40
    assert 80 < high < 92


@pytest.mark.slow
def test_random_errors_have_the_learnt_size_and_are_smooth(learnt: EstimatorError) -> None:
    drawn = learnt.random(np.random.default_rng(0), 2000)
    assert drawn.shape == (2000, 60, 12, 3)
    size = learnt.size(walks(2))
    constant = drawn.mean(axis=1)
    assert np.sqrt((constant**2).mean()) == pytest.approx(size["constant"], rel=0.05)
    changing = drawn - constant[:, None]
    assert np.sqrt((changing**2).mean()) == pytest.approx(size["changing"], rel=0.05)
    # all of it is at 1.5 Hz: it changes by 2 pi 1.5 times its size a second
    speed = np.gradient(changing, 1 / 30, axis=1)
    assert np.sqrt((speed**2).mean() / (changing**2).mean()) == pytest.approx(3 * np.pi, rel=0.1)


def test_walks_are_shown_from_the_views_that_were_learnt(learnt: EstimatorError) -> None:
    points = np.stack(walks(40, 2.0)) * 0.5 + [3.0, 1.0, -2.0]
    silent = replace(learnt, **{k: 0 * getattr(learnt, k) for k in ("weights", "bias", "spectra")})
    seen = silent.show(points, np.random.default_rng(3))
    view = heading(seen)
    low, high = learnt.headings
    assert (np.abs(view) >= low - 1e-9).all()
    assert (np.abs(view) <= high + 1e-9).all()
    assert (view > 0).any()
    assert (view < 0).any()
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(seen, axis=2), axis=-1),
        np.linalg.norm(np.diff(in_torsos(points), axis=2), axis=-1),
        atol=1e-9,
    )


@pytest.mark.slow
def test_an_estimator_knows_no_better_side(learnt: EstimatorError) -> None:
    true = np.stack(walks(10, 2.0))
    np.testing.assert_allclose(
        learnt.systematic(mirror(true)), mirror(learnt.systematic(true)), atol=1e-6
    )


def test_joints_that_a_sensor_lacks_stay_unknown() -> None:
    points = np.stack(walks(4, 2.0))
    points[:, :, HEEL] = np.nan
    seen = shipped_error().show(points, np.random.default_rng(0))
    unknown = np.isnan(seen).any(axis=(0, 1, 3))
    assert np.flatnonzero(unknown).tolist() == [HEEL]


def test_the_recipe_shows_it() -> None:
    settings = AugmentSettings(
        estimator_error=True, white_noise=0, bias_noise=0, smooth_noise=0, tilt=0, depth=0
    )
    settings = settings.model_copy(update={"heel_dropout": 0.0})
    points = np.stack(walks(6, 2.0))
    shown = augment(points, settings, np.random.default_rng(5))
    np.testing.assert_allclose(shown, shipped_error().show(points, np.random.default_rng(5)))


def test_the_shipped_error_is_one_of_a_video_estimator() -> None:
    error = shipped_error()
    assert "80 made people" in error.provenance
    true = walks(20)
    size = error.size(true)
    # a tenth to a fifth of a torso, some 5 to 10 cm: docs/guide/data.md
    assert 0.05 < size["systematic"] < 0.3
    assert 0.02 < size["constant"] < 0.1
    assert 0.03 < size["changing"] < 0.15


def test_files(tmp_path: Path, learnt: EstimatorError) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(learnt.to_bytes())
    again = EstimatorError.load(path)
    np.testing.assert_allclose(again.weights, learnt.weights, rtol=1e-6, atol=1e-7)
    assert again.to_bytes() == learnt.to_bytes()
    path.write_bytes(b"no such thing")
    with pytest.raises(ModelError, match="not a valid estimator error"):
        EstimatorError.load(path)
    with pytest.raises(ModelError, match="does not exist"):
        EstimatorError.load(tmp_path / "missing")


def test_what_cannot_be_learnt_from_is_refused() -> None:
    pairs = [Pair("p", true, true) for true in walks(8)]
    with pytest.raises(InputError, match="Too few recordings"):
        fit_estimator_error(pairs[:7])
    unknown = pairs[0].true.copy()
    unknown[0, TOE] = np.nan
    with pytest.raises(InputError, match="all joints are known"):
        fit_estimator_error([*pairs[1:], Pair("p", unknown, unknown)])


def ensured_folder(folder: Path, people: int) -> Path:
    """A folder as ``dataset make`` and ``extract`` leave it, of stick walkers; no video."""
    rows = ["path,subject,recording,session,view,condition,parent,label"]
    for i in range(people):
        true = make_walk(3, yaw=0.2 + 0.1 * i, stride_rate=0.8 + 0.02 * i)
        seen = replace(true, world=true.world * np.float32([1, 1, 0.7]))
        for path, parent in ((f"p{i}/w.mp4", ""), (f"far/p{i}/w~distance1.mp4", f"p{i}/w.mp4")):
            rows.append(f"{path},p{i},{Path(path).stem},,45,walk,{parent},real")
            (folder / "poses" / path).mkdir(parents=True)
            save_npz(folder / "poses" / path / "person-0.npz", seen)
        (folder / f"p{i}").mkdir()
        save_npz(folder / f"p{i}" / "w.npz", true)
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(rows) + "\n")
    return manifest


@pytest.mark.slow
def test_the_command_learns_from_made_walks(tmp_path: Path) -> None:
    manifest = ensured_folder(tmp_path, 5)
    out = tmp_path / "error.safetensors"
    command = ["dataset", "estimator-error", str(manifest), "-o", str(out), "--json"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    answer = json.loads(done.stdout)
    assert (answer["runs"], answer["people"]) == (10, 5)
    error = EstimatorError.load(out)
    assert "10 unbroken runs" in error.provenance
    true = np.stack([pair.true[:60] for pair in load_pairs(manifest)])
    lost = error.systematic(true)[..., 2] + 0.3 * true[..., 2]
    assert np.sqrt((lost**2).mean()) < 0.3 * np.sqrt(((0.3 * true[..., 2]) ** 2).mean())


def test_a_copy_that_moves_otherwise_has_no_truth(tmp_path: Path) -> None:
    manifest = ensured_folder(tmp_path, 4)
    manifest.write_text(manifest.read_text().replace("~distance1", "~slow1"))
    for path in sorted((tmp_path / "poses" / "far").rglob("*~distance1.mp4")):
        path.rename(path.with_name("w~slow1.mp4"))
    with pytest.raises(InputError, match="are not those of"):
        load_pairs(manifest)
