"""``gaitproof explain`` from the video to the page, with scripted poses and network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scripted import FakeExtraction, FakeVideo, ScriptedEncoder, walk
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import GalleryError, InputError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import inspect_video
from gaitproof.report.evidence import draw_explanation
from gaitproof.types import GaitWindows
from gaitproof.verify.verifier import Verifier

FILES = {"index.html", "explanation.json", "overlay.mp4"} | {
    f"{name}.png" for name in ("joints", "moments", "cycles", "features", "map")
}


class OpenEncoder(ScriptedEncoder):
    """The scripted encoder in two halves, as explanations need it."""

    cohort = None

    def normalise(self, windows):
        return windows.features

    def embed_inputs(self, inputs):
        inputs = np.asarray(inputs, np.float32)
        return self.embed(
            GaitWindows(inputs, np.ones((len(inputs), 78), bool), np.zeros(len(inputs)))
        )


def extract_scripted(path, settings, *, cache, progress):
    """The walk that a file is named after: person and take, as ``0-2.mp4``."""
    data = Path(path).read_bytes()
    numbers = Path(path).stem.split("-")
    tracks = (walk(int(numbers[0]), take=int(numbers[1])),) if len(numbers) == 2 else ()
    return FakeExtraction(FakeVideo(hashlib.sha256(data).hexdigest()), tracks)


@pytest.fixture(scope="module")
def encoder():
    return OpenEncoder()


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for number, name in enumerate(("0-0", "0-1", "0-2", "5-0", "nobody")):
        with VideoWriter(folder / f"{name}.mp4", 30, (160, 90)) as writer:
            for _ in range(30):
                writer.write(np.full((90, 160, 3), 40 + 30 * number, np.uint8))
    return folder


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory, videos, encoder):
    """A folder with a gallery of two people."""
    folder = tmp_path_factory.mktemp("enrolled")
    verifier = Verifier.open(folder / "g.db", encoder=encoder, extractor=extract_scripted)
    verifier.enroll("ann", [videos / "0-0.mp4", videos / "0-1.mp4"])
    verifier.enroll("bob", [videos / "5-0.mp4"])
    return folder


def command(patch, gallery, encoder):
    """Return a function that runs the command on a gallery."""
    real = Verifier.open.__func__

    def open_scripted(cls, gallery, **options):
        return real(cls, gallery, **options | {"encoder": encoder}, extractor=extract_scripted)

    patch.setattr(Verifier, "open", classmethod(open_scripted))
    patch.setenv("GAITPROOF_GALLERY", str(gallery))
    patch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def run(monkeypatch, tmp_path, enrolled, encoder):
    shutil.copytree(enrolled, tmp_path, dirs_exist_ok=True)
    return command(monkeypatch, tmp_path / "g.db", encoder)


@pytest.fixture(scope="module")
def explained(tmp_path_factory, enrolled, videos, encoder):
    """Return a function that explains a video, each once: its answer and the folder of files."""
    folder = tmp_path_factory.mktemp("explained")

    @cache
    def explain(video, claim):
        out = folder / f"{video}-{claim}" / "new"
        with pytest.MonkeyPatch.context() as patch:
            run = command(patch, enrolled / "g.db", encoder)
            done = run("explain", videos / f"{video}.mp4", "--claim", claim, "-o", out, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout), out

    return explain


@pytest.mark.slow
def test_everything_is_written(explained):
    answer, out = explained("0-2", "Ann")
    assert answer == json.loads((out / "explanation.json").read_text())
    assert {path.name for path in out.iterdir()} == FILES == set(answer["files"])
    assert answer["importance"]["score"] == pytest.approx(answer["verdict"]["similarity"], abs=1e-5)
    assert len(answer["importance"]["joints"]) == 12
    cycles = answer["gait_cycles"]
    assert cycles["probe"]["left_cycles"] >= 2
    assert len(cycles["template"]["angles"]["left knee"]["mean"]) == 101
    assert 0 <= cycles["share_inside_band"]["left knee"] <= 1
    for name in FILES:
        if name.endswith(".png"):
            assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert inspect_video(out / "overlay.mp4").width == 640
    page = (out / "index.html").read_text()
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("data:image/png") == 5
    assert answer["verdict"]["headline"] in page


@pytest.mark.slow
def test_a_file_name_that_is_no_text_is_shown_escaped(run, videos, tmp_path):
    odd = tmp_path / os.fsdecode(b"0-2.\xff\x1b[2Jmp4")
    shutil.copy(videos / "0-2.mp4", odd)
    done = run("explain", odd, "-c", "ann", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert r"0-2.\udcff\x1b[2Jmp4" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.slow
def test_an_explanation_is_written_altogether_or_not_at_all(run, videos, tmp_path, monkeypatch):
    def fail(template, **values):
        raise InputError("no page")

    monkeypatch.setattr("gaitproof.report.evidence.render", fail)
    for folder in (tmp_path / "new" / "folder", tmp_path / "old"):
        (tmp_path / "old").mkdir(exist_ok=True)
        (tmp_path / "old" / "index.html").write_text("earlier")
        done = run("explain", videos / "0-2.mp4", "-c", "ann", "-o", folder)
        assert isinstance(done.exception, InputError)
    assert not (tmp_path / "new").exists()
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["index.html"]
    assert (tmp_path / "old" / "index.html").read_text() == "earlier"


@pytest.mark.slow
def test_an_impostor_walks_outside_the_band(explained):
    shares = {}
    for claim in ("Ann", "bob"):
        inside = explained("0-2", claim)[0]["gait_cycles"]["share_inside_band"].values()
        shares[claim] = np.mean([share for share in inside if share is not None])
    assert shares["Ann"] > shares["bob"] + 0.2


@pytest.mark.slow
def test_the_same_inputs_give_the_same_files(run, explained, videos, tmp_path):
    _, out = explained("0-2", "Ann")
    assert run("explain", videos / "0-2.mp4", "-c", "Ann", "-o", tmp_path / "b").exit_code == 0
    for name in FILES:
        first, second = out / name, tmp_path / "b" / name
        if name.endswith(".png"):
            assert first.read_bytes() == second.read_bytes()
        elif name.endswith(".mp4"):  # the encoder promises no bits, only frames
            a, b = (np.stack([f.image for f in read_frames(film)]) for film in (first, second))
            assert np.abs(a.astype(int) - b).mean((1, 2, 3)).max() < 0.5


def test_nobody_to_compare_writes_nothing(run, videos, tmp_path):
    done = run("explain", videos / "nobody.mp4", "-c", "ann", "-o", tmp_path / "out")
    assert done.exit_code == 3
    assert done.stdout.startswith("INCONCLUSIVE")
    assert not (tmp_path / "out").exists()
    as_json = run("explain", videos / "nobody.mp4", "-c", "ann", "-o", tmp_path / "out", "--json")
    assert json.loads(as_json.stdout)["importance"] is None


def test_an_unknown_method_is_refused_at_once(run, videos, tmp_path):
    done = run("explain", videos / "0-2.mp4", "-c", "ann", "-o", tmp_path, "--method", "guess")
    assert done.exit_code == 2
    assert "occlusion" in done.output


def test_unknown_claims_and_files_as_folders(run, videos, tmp_path):
    done = run("explain", videos / "0-2.mp4", "-c", "eve", "-o", tmp_path / "out")
    assert isinstance(done.exception, GalleryError)
    (tmp_path / "file").write_text("")
    done = run("explain", videos / "0-2.mp4", "-c", "ann", "-o", tmp_path / "file")
    assert "cannot be made" in str(done.exception)


@pytest.mark.slow
def test_a_gallery_without_profiles_says_so(run, videos, tmp_path):
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection:
        connection.execute("UPDATE recordings SET profile = NULL")
        connection.commit()
    out = tmp_path / "out"
    done = run("explain", videos / "0-2.mp4", "-c", "ann", "-o", out, "--json")
    assert json.loads(done.stdout)["gait_cycles"]["template"] is None
    assert "keeps no joint angles of ann" in (out / "index.html").read_text()


@pytest.mark.slow
def test_an_enrolled_file_is_not_compared_with_itself(explained):
    one, both = (explained(video, "Ann")[0]["gait_cycles"] for video in ("0-1", "0-2"))
    assert one["template"]["left_cycles"] < both["template"]["left_cycles"]


@pytest.mark.slow
def test_drawings_are_there_for_reports(run, videos, encoder, tmp_path):
    from gaitproof.explain.methods import explain_score

    verifier = Verifier.open(tmp_path / "g.db")
    examination = verifier.examine(videos / "0-2.mp4", claim="ann")
    importance = explain_score(encoder, examination.windows, examination.template.vector)
    drawings = draw_explanation(examination, importance, verifier.gallery)
    assert [d.name for d in drawings] == ["joints", "moments", "cycles", "features", "map"]
    assert all(d.title and d.alt and d.caption for d in drawings)
