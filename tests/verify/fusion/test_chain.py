"""Real decoding, face detection and ONNX Runtime on one film; only the pose is scripted."""

from functools import cache, partial

import pytest
from portrait_clips import FACES, place, portraits, write_clip
from scripted import walk, write_model
from scripted_estimator import ScriptedEstimator
from tiny_face_model import make_weights as make_network
from tiny_face_model import write_model as write_face_model

from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import scan_video
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.pose.extract import extract
from gaitproof.types import Decision
from gaitproof.verify.fusion.joint import join
from gaitproof.verify.fusion.verdict import Answers
from gaitproof.verify.verifier import Verifier

pytestmark = [
    pytest.mark.slow,
    pytest.mark.realdata,
    pytest.mark.skipif(not FACES.is_dir(), reason="no portraits"),
]

CALIBRATION = {"slope": 0.4, "intercept": 0.0, "log10_lr_bound": 1.3, "people": 20}
WIDTH = 220
"""Of a portrait in the film, pixels; the face takes half of it."""


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films: a portrait where the walker's head is, and one elsewhere, in either alone."""
    folder = tmp_path_factory.mktemp("films")
    own, other = portraits(2)
    head_x, head_y = (int(v) for v in walk(0).image[:, :11].mean(axis=(0, 1)))
    at_head = (own, head_x - WIDTH // 2, head_y - WIDTH // 2, WIDTH)
    away = (other, 60, 420, WIDTH)
    for name, shown in {
        "enrolled": [],
        "head": [at_head],
        "both": [away, at_head],
        "away": [away],
    }.items():
        # one frame in three would do for the face, the walk needs them all
        write_clip(folder / f"{name}.mp4", [place(shown)] * 90, rate=30, crf=30)
    return folder


@pytest.fixture(scope="module")
def walked(films, tmp_path_factory):
    """Return a function that says what the walk of a film says, which it finds out once."""
    folder = tmp_path_factory.mktemp("walked")
    write_model(folder / "gait")
    encoder = OnnxEncoder.load(folder / "gait")

    def verifier(take):
        factory = partial(ScriptedEstimator.from_sequence, walk(0, take=take))
        return Verifier.open(
            folder / "g.db",
            encoder=encoder,
            extractor=partial(extract, estimator_factory=factory),
        )

    verifier(0).enroll("ann", [films / "enrolled.mp4"])
    return cache(lambda name: verifier(1).examine(films / f"{name}.mp4", claim="ann"))


@pytest.fixture
def examine(films, walked, tmp_path):
    def do(name, centre):
        folder = write_face_model(tmp_path / "f", make_network(centre=centre),
                                  calibration=CALIBRATION)  # fmt: skip
        model = FaceForgeryModel.load(folder)
        own = walked(name)
        scan = scan_video(films / f"{name}.mp4", model)
        tracks = [track.sequence for track in own.tracks]
        return own.verdict, scan, join(own.verdict, scan, model.card, tracks=tracks)

    return do


@pytest.mark.parametrize(
    ("centre", "answer"), [(0.0, Decision.AUTHENTIC), (1.0, Decision.DEEPFAKE)]
)
def test_a_walk_with_a_face(examine, centre, answer):
    walk_verdict, scan, joint = examine("head", centre)
    assert walk_verdict.decision is Decision.AUTHENTIC
    assert len(scan.faces) == 1
    assert joint.decision is answer
    assert joint.answers is Answers.BOTH
    assert joint.notes == ()


def test_of_two_faces_that_of_the_walker_counts(examine):
    _, scan, joint = examine("both", 0.0)
    assert len(scan.faces) == 2
    x0, y0, x1, y1 = scan.faces[joint.face.number - 1].frames[0].box
    head = walk(0).image[0, 0]
    assert x0 < head[0] < x1
    assert y0 < head[1] < y1
    assert any("1 other face" in note for note in joint.notes)


def test_a_face_that_is_not_the_walkers_changes_nothing(examine):
    walk_verdict, scan, joint = examine("away", 1.0)
    assert len(scan.faces) == 1
    assert joint.face is None
    assert (joint.decision, joint.log10_lr) == (walk_verdict.decision, walk_verdict.log10_lr)
    _, empty, alone = examine("enrolled", 1.0)
    assert empty.faces == ()
    assert alone.log10_lr is None or alone.answers is Answers.WALK
