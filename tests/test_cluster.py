"""Work on a small Ray cluster of this machine: the same results, whoever is killed."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import cluster_work
import numpy as np
import psutil
import pytest
from cluster_work import Mortal, die, die_once, scripted
from drawn_faces import draw_face
from one_process import prepare_here
from portrait_clips import write_clip

from gaitproof.bench.verify_speed import CLAIM, enroll_random
from gaitproof.cases.ahead import extract_ahead
from gaitproof.cluster import LOCAL, cluster, current_pool
from gaitproof.config import PoseSettings, QualityGate, VerifySettings
from gaitproof.data.extraction import extract_many, find_videos
from gaitproof.data.face.prepare import prepare
from gaitproof.errors import DependencyError, GaitproofError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.pose.cache import PoseCache
from gaitproof.processes import run_all, run_apart, worker_pool
from gaitproof.verify.verifier import Verifier

DIED = GaitproofError("A process died.")


def test_without_ray_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DependencyError, match="not installed"), cluster(LOCAL):
        pass


def test_no_address_is_no_cluster():
    with cluster(None):
        assert current_pool() is None


@pytest.fixture(scope="module")
def two():
    """A cluster of two processors, and no process of it afterwards."""
    pytest.importorskip("ray", reason="NOT TESTED ON A CLUSTER: ray is not installed (scale)")
    helpers = str(Path(cluster_work.__file__).parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", helpers, prepend=os.pathsep)
        with cluster(LOCAL, 2):
            yield
    left = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            left += [process] if "ray" in process.name() else []
    assert not psutil.wait_procs(left, timeout=120)[1]


def contents(folder):
    """Return a hash of every file below a folder, by its place."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_each_item_is_done_and_what_it_raises_is_raised(two):
    assert current_pool().processors == 2
    assert sorted(run_apart([3, -1, 2, -5], abs, 1)) == [(-5, 5), (-1, 1), (2, 2), (3, 3)]
    assert run_all([3, -4], abs, 2, DIED, lambda done: None) == [3, 4]
    with pytest.raises(TypeError, match="bad operand"):
        list(run_apart(["no number"], abs, 1))


@pytest.mark.slow
def test_what_a_killed_process_did_is_done_again_once(two, tmp_path):
    done = dict(run_apart([1, 2], partial(die_once, tmp_path), 1))
    assert done == {1: -1, 2: -2}
    assert {path.stat().st_size for path in tmp_path.iterdir()} == {2}
    with pytest.raises(GaitproofError) as caught, worker_pool(2, DIED) as pool:
        pool.submit(die, 1).result()  # dies twice, and is given up
    assert caught.value is DIED


@pytest.mark.slow
def test_extraction_on_a_cluster_with_two_deaths_is_that_of_this_machine(
    two, tmp_path, make_clip, monkeypatch
):
    (tmp_path / "videos").mkdir()
    for number in range(4):
        make_clip(tmp_path / "videos" / f"{number}.mp4", 15 + number)
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "deaths").mkdir()

    def run(name, factory):
        jobs = find_videos([tmp_path / "videos"], tmp_path / name)
        return extract_many(jobs, VerifySettings(), workers=1, estimator_factory=factory)

    shared = run("cluster", Mortal(tmp_path / "deaths", 2))
    monkeypatch.setattr("gaitproof.data.extraction.current_pool", lambda: None)
    alone = run("alone", scripted)
    assert len(list((tmp_path / "deaths").iterdir())) == 2
    assert [(r.people, r.error) for r in shared] == [(r.people, r.error) for r in alone]
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")


KTH = Path(__file__).parents[2] / "shared" / "data" / "kth"
real = pytest.mark.skipif(not KTH.exists(), reason="no KTH clips at hand")


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """Two real walks of three seconds."""
    folder = tmp_path_factory.mktemp("walks")
    for number in (1, 2):
        with VideoWriter(folder / f"{number}.mp4", 25, (160, 120)) as writer:
            source = KTH / f"person0{number}_walking_d1.mp4"
            for frame in read_frames(source, stop=3.0):
                writer.write(frame.image)
    return folder


@pytest.mark.slow
@pytest.mark.realdata
@real
def test_real_poses_and_verdicts_on_a_cluster_are_those_of_this_machine(two, tmp_path, walks):
    settings = VerifySettings(
        pose=PoseSettings(workers=1),
        quality=QualityGate(min_person_height=40, min_gait_cycles=0),
    )
    videos = sorted(walks.iterdir())
    enroll_random(tmp_path / "gallery.db")

    def answers(name, ahead):
        cache = PoseCache(tmp_path / name)
        verifier = Verifier.open(str(tmp_path / "gallery.db"), settings=settings, cache=cache)
        assert not ahead or extract_ahead(videos, verifier) == len(videos)
        return [replace(verifier.verify(one, claim=CLAIM), seconds=0.0) for one in videos]

    shared, alone = answers("cluster", True), answers("alone", False)
    assert shared == alone
    assert any(one.quality.windows for one in shared)
    files = sorted((tmp_path / "alone").rglob("*.zip"))
    assert len(files) == len(videos)
    for file in files:
        ours, its = (PoseCache(tmp_path / name).load(file.stem) for name in ("cluster", "alone"))
        assert len(ours.tracks) == len(its.tracks) == len(ours.silhouettes) > 0
        for a, b in zip(ours.tracks, its.tracks, strict=True):
            for name in ("timestamps", "image", "world", "visibility", "camera_motion"):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(ours.silhouettes, its.silhouettes, strict=True):
            np.testing.assert_array_equal(a.bits, b.bits)


@pytest.mark.slow
def test_faces_prepared_on_a_cluster_are_those_of_this_machine(two, tmp_path, monkeypatch):
    for label in ("real", "fake"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for seed in range(2):
            face, _ = draw_face(seed + 10 * (label == "fake"))
            write_clip(
                tmp_path / "data" / label / f"{seed}.mp4", [np.roll(face, i, 1) for i in (0, 1)]
            )
    (tmp_path / "data" / "real" / "broken.mp4").write_text("no video")
    shared = prepare(tmp_path / "data", tmp_path / "cluster")
    prepare_here(monkeypatch)
    alone = prepare(tmp_path / "data", tmp_path / "alone")
    assert shared.clips == alone.clips
    assert shared.failures == alone.failures
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")
