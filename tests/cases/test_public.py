"""The interface for programs: complete, documented, and the same as the command line."""

import doctest
import inspect
import json
from functools import cached_property
from importlib import import_module
from types import FunctionType

import numpy as np
import pytest
from scripted import ScriptedEncoder, ScriptedExtractor
from tiny_face_model import write_model
from walking import make_walk

import gaitproof as gp
from gaitproof.media.encode import VideoWriter
from gaitproof.pose.formats import load_pose, save_pose
from gaitproof.types.preservation import Outcome

FUNCTIONS = [n for n in gp.__all__ if inspect.isfunction(getattr(gp, n))]
CLASSES = [n for n in gp.__all__ if inspect.isclass(getattr(gp, n))]


def test_the_functions_are_these():
    assert FUNCTIONS == ["convert", "examine", "extract", "measure_gait", "preserve", "scan_faces"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_tell_parameters_types_and_an_example(name):
    function = getattr(gp, name)
    text = inspect.getdoc(function)
    assert f"gp.{name}(" in text.partition("Examples\n--------")[2]
    parameters = text.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
    documented = {
        n for line in parameters.splitlines() if line[:1] != " " for n in line.split(", ")
    }
    signature = inspect.signature(function)
    assert documented == set(signature.parameters)
    assert all(p.annotation is not p.empty for p in signature.parameters.values())
    assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", CLASSES)
def test_classes_tell_what_they_offer_and_an_example(name):
    own = getattr(gp, name)
    assert f"gp.{name}" in (inspect.getdoc(own) or "").partition("Examples\n--------")[2]
    offered = {
        key: value
        for base in own.__mro__
        if base.__module__.startswith("gaitproof")
        for key, value in vars(base).items()
        if not key.startswith("_")
        and isinstance(value, FunctionType | property | cached_property | classmethod)
    }
    assert [key for key in offered if not inspect.getdoc(offered[key])] == []


@pytest.mark.parametrize("name", sorted({home.partition(":")[0] for home in gp._HOMES.values()}))
def test_examples_are_so(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(import_module(name)).failed == 0


@pytest.fixture
def clip(tmp_path):
    def make(name, *tracks):
        (tmp_path / name).write_text(json.dumps(tracks))
        return tmp_path / name

    return make


@pytest.fixture
def gallery(tmp_path, clip, monkeypatch):
    real = gp.Verifier.open.__func__
    monkeypatch.setattr(
        gp.Verifier,
        "open",
        classmethod(lambda *a, **o: real(*a, **{**o, "extractor": ScriptedExtractor()})),
    )
    opened = gp.Verifier.open(tmp_path / "g.db", encoder=ScriptedEncoder())
    opened.enroll("ann", [clip(f"{t}.mp4", {"person": 0, "take": t}) for t in (0, 1)])
    return tmp_path / "g.db"


def test_a_case_is_examined_and_reported(gallery, clip, tmp_path):
    shares = []
    case = gp.examine(
        clip("p.mp4", {"person": 0, "take": 2}),
        "ann",
        gallery,
        model=ScriptedEncoder(),
        progress=shares.append,
    )
    assert case.decision is gp.Decision.AUTHENTIC
    assert case.to_dict()["headline"] == case.headline == "AUTHENTIC — Verified as ann"
    assert case.joint is None
    assert shares == sorted(shares)


def test_what_was_not_compared_is_not_explained(gallery, clip, tmp_path):
    case = gp.examine(clip("empty.mp4"), "ann", gallery, model=ScriptedEncoder())
    assert case.decision is gp.Decision.INCONCLUSIVE
    with pytest.raises(gp.GaitproofError, match="no score to explain"):
        case.explain(tmp_path / "why")
    assert not (tmp_path / "why").exists()


@pytest.mark.parametrize("name", ["r.txt", "missing/r.html"])
def test_reports_that_cannot_be_written(gallery, clip, tmp_path, name):
    case = gp.examine(clip("empty.mp4"), "ann", gallery, model=ScriptedEncoder())
    with pytest.raises(gp.GaitproofError):
        case.report(tmp_path / name)


def test_a_report_is_returned_and_written(gallery, clip, tmp_path):
    case = gp.examine(clip("empty.mp4"), "ann", gallery, model=ScriptedEncoder())
    sealed = case.report(tmp_path / "r.json", command=["gaitproof", "verify", "a b.mp4"])
    assert sealed.content.command == "gaitproof verify 'a b.mp4'"
    assert isinstance(sealed.content, gp.CaseReport)
    assert json.loads((tmp_path / "r.json").read_text())


@pytest.mark.slow
def test_poses_are_converted_measured_and_compared(tmp_path):
    save_pose(tmp_path / "a.npz", make_walk(stride_rate=0.9), "npz")
    sequence, notes = gp.convert(tmp_path / "a.npz", tmp_path / "made" / "a.json")
    assert notes == ()
    assert len(load_pose(tmp_path / "made" / "a.json")) == len(sequence)
    assert gp.measure_gait(sequence).cadence == pytest.approx(108, rel=0.02)
    comparison = gp.preserve(tmp_path / "a.npz", tmp_path / "a.npz", floor=False)
    assert comparison.outcome is Outcome.PRESERVED


def test_faces_are_scanned_by_a_model_of_a_folder(tmp_path):
    write_model(tmp_path / "m")
    faceless_video = tmp_path / "clip.mp4"
    with VideoWriter(faceless_video, 12.0, (128, 96)) as writer:
        for _ in range(12):
            writer.write(np.full((96, 128, 3), 90, np.uint8))
    scan = gp.scan_faces(faceless_video, tmp_path / "m")
    assert isinstance(scan, gp.FaceScan)
    assert scan.faces == ()
