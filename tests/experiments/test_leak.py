from __future__ import annotations

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from sticks import walking_points

from experiments.leak import command, protocols
from experiments.leak import run as leak
from experiments.leak.copies import cut_clip, make_copies
from experiments.leak.protocols import make_parts
from experiments.leak.systems import network_system, plain_systems
from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import COSINE, person
from gaitproof.gait.features import compute_angle

pytestmark = pytest.mark.slow

PEOPLE = 6


def _walk(p: int, w: int, seconds: float = 4.0) -> Recording:
    times, points = walking_points(p, w, seconds)
    # people are hard to tell apart: what is left is mostly the recording's own
    points += np.random.default_rng([p, w, 7]).normal(0, 0.1, (1, 12, 3))
    return Recording(f"p{p}", f"w{w}", "", "", "sticks", times, points)


@pytest.fixture(scope="module")
def walks() -> list[Recording]:
    return [_walk(p, w) for p in range(PEOPLE + 1) for w in range(5)]


@pytest.fixture(scope="module")
def result(walks) -> leak.LeakResult:
    shares: list[float] = []
    measured = leak.run(walks, plain_systems(), people=PEOPLE, draws=1, progress=shares.append)
    assert shares[-1] == 1.0
    return measured


def _clips(walks) -> list[Recording]:
    rng = np.random.default_rng(0)
    originals = [clip for walk in walks if (clip := cut_clip(walk, rng)) is not None]
    return originals + [copy for clip in originals for copy in make_copies(clip, rng)]


def _origin(clip: Recording) -> str:
    return clip.parent or clip.recording


def test_copies_are_the_same_walk_seen_otherwise(walks) -> None:
    clip = cut_clip(walks[0], np.random.default_rng(0))
    assert clip is not None
    copies = {c.recording: c for c in make_copies(clip, np.random.default_rng(0))}
    assert len(copies) == 15
    assert {c.parent for c in copies.values()} == {clip.recording}
    assert {c.subject for c in copies.values()} == {clip.subject}
    assert all(len(c.windows) for c in copies.values())

    def knees(recording: Recording) -> np.ndarray:
        joints = recording.points
        return np.stack([compute_angle(*(joints[:, i + s] for i in (2, 4, 6))) for s in (0, 1)])

    name = clip.recording
    np.testing.assert_allclose(knees(copies[f"{name}+roll+"]), knees(clip))
    np.testing.assert_allclose(knees(copies[f"{name}+reversal"]), knees(clip)[:, ::-1])
    np.testing.assert_allclose(knees(copies[f"{name}+mirror"]), knees(clip)[::-1])
    assert copies[f"{name}+tempo0.8"].times[-1] == pytest.approx(clip.times[-1] / 0.8)
    moved = copies[f"{name}+noise0.01"].points - clip.points
    torso = np.linalg.norm(clip.points[:, :2].mean(1) - clip.points[:, 2:4].mean(1), axis=1)
    assert moved.std() == pytest.approx(0.01 * np.median(torso), rel=0.1)


def test_copies_of_a_walk_without_feet_have_windows() -> None:
    walk = _walk(0, 0)
    points = walk.points.copy()
    points[:, 8:] = np.nan  # heels and toes
    bare = replace(walk, points=points, feet=False)
    clip = cut_clip(bare, np.random.default_rng(0))
    assert clip is not None
    assert all(len(c.windows) for c in make_copies(clip, np.random.default_rng(0)))


def test_protocols_hold_what_they_say(walks) -> None:
    clips = _clips(walks)
    for name, parts in make_parts(clips, 0).items():
        probes = [i for part in parts for i in part.probes]
        assert len(set(probes)) == len(probes)
        for part in parts:
            trained = {person(clips[i]) for i in part.train}
            probing = {person(clips[i]) for i in part.probes}
            inside = {i for t in part.templates.values() for i in t}
            if name == protocols.CLEAN:
                assert not trained & set(part.templates)
            if name in (protocols.CLEAN, protocols.LOSO):
                assert not inside & set(part.probes)
                assert not any(clips[i].parent for i in (*inside, *part.probes))
                assert {len(t) for t in part.templates.values()} == {protocols.ENROLLED}
            if name != protocols.TRAINED:
                assert not trained & probing
            else:
                # a copy of the probe's own recording is trained on
                assert probing <= trained
                origins = {(person(clips[i]), _origin(clips[i])) for i in part.train}
                assert all((person(clips[i]), _origin(clips[i])) in origins for i in part.probes)
        if name in (protocols.COPIES, protocols.TRAINED):
            assert len(probes) == len(clips)


def test_the_audit_passes_the_clean_protocols_and_refuses_the_leaky_ones(result) -> None:
    assert [name for name in result.figures if result.leaked(name)] == [
        protocols.COPIES,
        protocols.TRAINED,
    ]
    assert set(result.refusal) == {protocols.COPIES, protocols.TRAINED}
    assert all("no figure is reported" in text for text in result.refusal.values())
    assert any("Trained on and held out" in finding for finding in result.audit[protocols.TRAINED])
    assert any("is in a template" in finding for finding in result.audit[protocols.COPIES])


def test_a_leak_makes_figures_look_better(result) -> None:
    for name in plain_systems():
        clean, _, copies, _ = (systems[name] for systems in result.figures.values())
        assert clean.auc_change.value == 0
        assert copies.auc_change.value == pytest.approx(copies.auc.value - clean.auc.value)
        assert clean.auc.low <= clean.auc.value <= clean.auc.high
        assert (clean.mated, copies.mated) == (PEOPLE * 2, PEOPLE * 5 * 16)
        assert copies.nonmated == PEOPLE * 5 * 16 * (PEOPLE - 1)
    learnt = [systems["linear discriminants"].auc.value for systems in result.figures.values()]
    assert learnt[3] > learnt[0] + 0.02


def test_every_output_says_what_leaks(result) -> None:
    out = io.StringIO()
    for table in (command.leak_table(result), command.audit_table(result)):
        Console(file=out, width=220).print(table)
    text = out.getvalue()
    assert text.count("LEAKED") >= 4
    assert "passes" in text
    values = json.loads(json.dumps(result.to_dict(), allow_nan=False))["protocols"]
    assert {n: v["leaked"] for n, v in values.items()} == {
        name: name.startswith("LEAKED") for name in result.figures
    }
    assert all(bool(v["refusal"]) == v["leaked"] for v in values.values())


def test_a_trained_network_is_one_more_system(walks) -> None:
    clips = _clips(walks[:20])
    seen: list[int] = []

    def system(train):
        seen.append(len(train))
        return lambda clip: clip.windows.features.mean(axis=1), COSINE

    by_part = protocols.run_system(clips, make_parts(clips, 0), system)
    assert set(by_part) == set(make_parts(clips, 0))
    # 2 clean folds of 4 people, 4 people left out in turn for two protocols, 5 random parts
    assert len(seen) == 2 + 4 + 5


def test_many_draws_give_the_range_of_studies(walks, monkeypatch) -> None:
    monkeypatch.setattr(leak, "_FEW_DRAWS", 2)
    systems = {"frozen": plain_systems()["feature statistics, frozen"]}
    result = leak.run(walks[:25], systems, people=4, draws=2, seed=1)
    assert "studies" in result.interval
    clean = result.figures[protocols.CLEAN]["frozen"]
    assert clean.auc_change.low == clean.auc_change.high == 0


def test_a_network_is_trained_on_what_the_protocol_gives(walks, monkeypatch) -> None:
    from gaitproof.train import loop
    from gaitproof.train.config import TrainSettings

    clips = _clips(walks[:2])
    network = SimpleNamespace(network=None, embed=lambda windows: windows.features.mean(axis=1))
    given: list[object] = []

    def train(recordings, settings):
        given.append((len(recordings), settings.architecture))
        return network

    monkeypatch.setattr(loop, "train", train)
    describe, scoring = network_system(TrainSettings(architecture="cnn"))(clips)
    assert given == [(len(clips), "cnn")]
    assert scoring is COSINE
    np.testing.assert_array_equal(describe(clips[0]), clips[0].windows.features.mean(axis=1))


@pytest.mark.parametrize(("people", "draws"), [(8, 1), (3, 1), (5, 0)])
def test_what_cannot_be_drawn_is_refused(walks, people: int, draws: int) -> None:
    with pytest.raises(InputError, match="too few people"):
        leak.run(walks, {}, people=people, draws=draws)


def test_walks_without_a_clip_are_refused() -> None:
    short = [_walk(p, w, 2.0) for p in range(5) for w in range(5)]
    assert cut_clip(short[0], np.random.default_rng(0)) is None
    with pytest.raises(InputError, match="without a gap"):
        leak.run(short, {}, people=4, draws=1)
