import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from drawn_faces import draw_face
from portrait_clips import FACES, place, portraits, write_clip
from pydantic import ValidationError
from scripted_faces import ScriptedDetector
from tiny_face_model import make_weights, write_model

from gaitproof.errors import MediaError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.card import FaceConditions
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import ScanSettings, scan_video
from gaitproof.face.verdict import FaceDecision

pytestmark = pytest.mark.slow

SIDE = 64


@pytest.fixture(scope="module")
def drawn_model(tmp_path_factory):
    weights = make_weights(centre=0.33)
    return FaceForgeryModel.load(write_model(tmp_path_factory.mktemp("model") / "large", weights))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    alignment = AlignmentSettings(size=SIDE, margin=0)
    return FaceForgeryModel.load(write_model(folder, make_weights(SIDE), alignment=alignment))


def textured(level):
    return np.clip(np.random.default_rng(1).normal(level, 12, (100, 100, 3)), 0, 255).astype(
        np.uint8
    )


def pictures(level, count=30, width=80, speed=2):
    face = textured(level)
    return [place([(face, 40 + speed * i, 60, width)], (320, 240), (0, 0, 0)) for i in range(count)]


@pytest.mark.parametrize(
    ("level", "answer"),
    [
        (220, FaceDecision.REAL),
        (90, FaceDecision.FAKE),
        (128, FaceDecision.INCONCLUSIVE),
    ],
)
def test_one_face_one_verdict(model, tmp_path, level, answer):
    clip = write_clip(tmp_path / "a.mp4", pictures(level))
    scan = scan_video(clip, model, detector=ScriptedDetector())
    assert scan.decision is answer
    (face,) = scan.faces
    assert face.decision is answer
    assert len(face.frames) == len(scan.images[0].crops) == 10
    times = [frame.time for frame in face.frames]
    assert times == sorted(set(times))
    assert times[0] == 0
    assert times[-1] > 2.5
    assert face.score == pytest.approx(np.mean([frame.score for frame in face.frames]))
    first = face.frames[0]
    assert first.probability_fake == pytest.approx(1 / (1 + 10**first.log10_lr))
    written = json.loads(json.dumps(scan.to_dict(), allow_nan=False))
    assert written["decision"] == answer.value
    assert written["faces"][0]["frames"][0]["quality"]["usable"]


def test_no_face_is_its_own_answer(model, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", pictures(0, 10))
    scan = scan_video(clip, model, detector=ScriptedDetector())
    assert scan.decision is FaceDecision.NO_FACE
    assert scan.faces == ()


def test_a_face_too_small_is_not_scored(model, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 20, width=20))
    (face,) = scan_video(clip, model, detector=ScriptedDetector()).faces
    assert face.decision is FaceDecision.INCONCLUSIVE
    assert face.score is None
    assert "too small" in face.reason
    assert face.unusable == {"the face is too small": face.seen}


def test_a_simple_crop_is_counted_apart_and_never_scored_by_a_model_of_aligned_faces(
    model, tmp_path
):
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 20))
    scan = scan_video(clip, model, detector=ScriptedDetector(landmarks="box"))
    (face,) = scan.faces
    assert face.score is None
    assert face.unusable == {"no landmarks were found, only a box": face.seen}
    assert scan.decision is FaceDecision.INCONCLUSIVE


def test_a_model_that_learnt_from_simple_crops_scores_them_marked(model, tmp_path, monkeypatch):
    card = model.card.model_copy(update={"detector": "test+mesh/1 simple-crop"})
    monkeypatch.setattr(model, "card", card)
    detector = ScriptedDetector(landmarks="box")
    detector.identifier = card.detector
    clip = write_clip(tmp_path / "a.mp4", pictures(220))
    scan = scan_video(clip, model, detector=detector)
    (face,) = scan.to_dict()["faces"]
    assert face["decision"] == "REAL"
    assert {frame["quality"]["landmarks"] for frame in face["frames"]} == {"box"}
    assert scan.detector.endswith("simple-crop")
    assert "10 of 10 scored frames of face 1 are simple crops" in " ".join(scan.notes)


def test_a_mesh_that_fails_shows_in_the_notes(model, tmp_path):
    detector = ScriptedDetector()
    detector.identifier = "test+mesh/1"
    clip = write_clip(tmp_path / "a.mp4", pictures(220))
    scan = scan_video(clip, model, detector=detector)
    assert "10 of 10 scored frames of face 1 were aligned by the detector's own" in str(scan.notes)


class HandAtFirst:
    """Sees something before half of the face in the first ten frames it is shown."""

    def __init__(self):
        self.seen = 0

    def covered(self, image, points):
        self.seen += 1
        return 0.5 if self.seen <= 10 else 0.01


def test_pictures_in_which_something_covers_the_face_are_passed_over(model, tmp_path, monkeypatch):
    watcher = HandAtFirst()
    monkeypatch.setattr("gaitproof.face.occlusion.load_occlusion", lambda: watcher)
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 60))
    scan = scan_video(clip, model, detector=ScriptedDetector(landmarks="mesh"))
    (face,) = scan.faces
    assert face.unusable == {"something covers part of the face": 10}
    assert face.frames[0].time > 2
    assert {frame.quality.covered for frame in face.frames} == {0.01}


def test_what_comes_before_a_face_is_told_by_what_usually_covers_it(model, tmp_path, monkeypatch):
    """A beard or a fringe is always there: 15 % of this face are covered, and more for a while."""
    shares = iter([0.15] * 7 + [0.19, 0.24, 0.23] + [0.16] * 60)
    monkeypatch.setattr(
        "gaitproof.face.occlusion.load_occlusion",
        lambda: SimpleNamespace(covered=lambda image, points: next(shares) - 0.04),
    )
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 40))
    scan = scan_video(clip, model, detector=ScriptedDetector(landmarks="mesh"))
    (face,) = scan.faces
    assert face.unusable == {"something covers part of the face": 2}
    assert max(frame.quality.covered for frame in face.frames) == pytest.approx(0.15)


def test_what_is_seen_once_is_no_face(model, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 1) + pictures(0, 19))
    assert scan_video(clip, model, detector=ScriptedDetector()).faces == ()


def test_a_face_that_leaves_keeps_its_verdict(model, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 15) + pictures(0, 15))
    (face,) = scan_video(clip, model, detector=ScriptedDetector()).faces
    assert face.decision is FaceDecision.REAL
    assert face.last < 1.6


def test_a_change_on_the_way_is_told(model, tmp_path):
    half = pictures(230, 40, speed=1)[:20] + pictures(60, 40, speed=1)[20:]
    clip = write_clip(tmp_path / "a.mp4", half)
    scan = scan_video(clip, model, detector=ScriptedDetector(level=30))
    steady = scan.faces[0].consistency
    assert steady.switches == 1
    assert steady.agreeing < 0.7
    assert any("disagree" in note for note in scan.notes)


@pytest.mark.parametrize(
    ("settings", "count"),
    [({"frames": 4}, 4), ({"every": 0.5}, 6), ({"every": 0.4}, 8), ({"every": 0}, 30)],
)
def test_how_many_pictures_are_scored(model, tmp_path, settings, count):
    clip = write_clip(tmp_path / "a.mp4", pictures(220))
    settings = ScanSettings.model_validate(settings)
    scan = scan_video(clip, model, settings, detector=ScriptedDetector())
    assert len(scan.faces[0].frames) == count


def test_long_clips_keep_few_crops_spread_over_all_their_time(model, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 120, speed=1), rate=4)
    settings = ScanSettings(frames=5)
    (face,) = scan_video(clip, model, settings, detector=ScriptedDetector()).faces
    gaps = np.diff([frame.time for frame in face.frames])
    assert len(gaps) == 4
    assert gaps.min() > 3
    assert gaps.max() < 9


@pytest.mark.parametrize("settings", [{"frames": 100}, {"every": 0.0}])
def test_memory_changes_no_answer(model, tmp_path, settings):
    shades = [*range(200, 80, -2), *range(80, 200, 2)]
    shots = [picture for level in shades for picture in pictures(level, 1)]
    clip = write_clip(tmp_path / "a.mp4", shots, rate=25)
    held = 40 * 3 * SIDE**2 / 2**20
    scans = [
        scan_video(
            clip,
            model,
            ScanSettings.model_validate(settings | given),
            detector=ScriptedDetector(level=30),
        )
        for given in ({}, {"held_mib": held})
    ]
    roomy, tight = (scan.to_dict()["faces"] for scan in scans)
    if "every" in settings:
        assert roomy == tight
    assert tight[0]["score"] == pytest.approx(roomy[0]["score"], abs=0.01)
    (shown,) = scans[1].images
    (face,) = scans[1].faces
    assert len(shown.places) == len(shown.crops) == 10
    assert list(shown.places) == sorted(set(shown.places))
    scores = [frame.score for frame in face.frames]
    assert min(scores) in [scores[place] for place in shown.places]
    times = [face.frames[place].time for place in shown.places]
    assert sum(time > 0.75 * face.last for time in times) <= 4
    # the crops are those of the frames they are shown with
    again = model.score(shown.crops)
    assert again == pytest.approx([scores[place] for place in shown.places])


def test_a_face_with_very_many_pictures_is_thinned_and_this_is_told(model, tmp_path, monkeypatch):
    monkeypatch.setattr("gaitproof.face.pace.MOST_FRAMES", 12)
    clip = write_clip(tmp_path / "a.mp4", pictures(220))
    scan = scan_video(clip, model, ScanSettings(every=0), detector=ScriptedDetector())
    assert len(scan.faces[0].frames) == 8
    assert any("only one in 4 frames" in note for note in scan.notes)


def test_when_a_face_could_not_be_judged_is_told(model, tmp_path):
    shots = pictures(220, 15) + pictures(70, 15)
    clip = write_clip(tmp_path / "a.mp4", shots)
    settings = ScanSettings.model_validate({"gate": {"max_dark": 120}})
    (face,) = scan_video(clip, model, settings, detector=ScriptedDetector(level=30)).faces
    ((first, last),) = face.unusable_spans
    assert 1.4 < first < last < 3.1
    assert last == face.last


def test_a_detector_of_the_callers_stays_open(model, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 5))
    detector, shares = ScriptedDetector(), []
    scan_video(clip, model, detector=detector, progress=shares.append)
    assert not detector.closed
    assert shares == sorted(shares)
    assert shares[-1] <= 1


def test_another_detector_than_in_training_is_told(model, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", pictures(220, 10))
    detector = ScriptedDetector()
    detector.identifier = "other"
    scan = scan_video(clip, model, detector=detector)
    assert any("trained on" in note for note in scan.notes)
    assert scan_video(clip, model, detector=ScriptedDetector()).notes == ()


def test_bad_input_is_one_error(model, tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(MediaError):
        scan_video(tmp_path / "a.mp4", model, detector=ScriptedDetector())
    with pytest.raises(MediaError):
        scan_video(tmp_path / "none.mp4", model, detector=ScriptedDetector())


def test_a_step_longer_than_a_gap_is_refused():
    with pytest.raises(ValidationError, match="shorter than the longest gap"):
        ScanSettings(step=2)


def drawn_people(count, size=240, darken=()):
    """Return drawn faces, some of them darkened, which the tiny model calls manipulated."""
    faces = [draw_face(seed, size)[0] for seed in range(count)]
    return [
        (face * (0.4 if place in darken else 1.0)).astype(np.uint8)
        for place, face in enumerate(faces)
    ]


def box_of(face):
    x0, y0, x1, y1 = np.median([frame.box for frame in face.frames], axis=0)
    return (x0 + x1) / 2, (y0 + y1) / 2


@pytest.mark.parametrize("swapped", [0, 1, 2])
def test_of_three_people_the_swapped_one_is_named(drawn_model, tmp_path, swapped):
    # two of them cross the frame, so that places alone do not tell who is who
    people = drawn_people(3, darken=(swapped,))
    shots = [
        place(
            [
                (people[0], 60 + 6 * i, 60, 240),
                (people[1], 500, 60 + 4 * i, 240),
                (people[2], 980 - 5 * i, 400, 240),
            ],
            (1280, 720),
        )
        for i in range(30)
    ]
    scan = scan_video(write_clip(tmp_path / "a.mp4", shots), drawn_model)
    assert scan.decision is FaceDecision.FAKE
    assert len(scan.faces) == 3
    (fake,) = [face for face in scan.faces if face.decision is FaceDecision.FAKE]
    middles = [(60 + 120 + 87, 180), (620, 60 + 120 + 58), (980 + 120 - 72, 520)]
    gaps = [np.hypot(x - box_of(fake)[0], y - box_of(fake)[1]) for x, y in middles]
    assert int(np.argmin(gaps)) == swapped
    # what is shown of it is what was scored, and dark
    shown = scan.images[fake.number - 1].crops
    others = [p.crops for p, f in zip(scan.images, scan.faces, strict=True) if f is not fake]
    assert shown.mean() < min(crops.mean() for crops in others)


def test_thirty_faces_at_once(drawn_model, tmp_path):
    people = drawn_people(30, 150, darken=(7,))
    spots = [(face, 10 + 210 * (k % 6), 142 * (k // 6), 140) for k, face in enumerate(people)]
    clip = write_clip(tmp_path / "a.mp4", [place(spots, (1280, 720))] * 6)
    settings = ScanSettings.model_validate({"held_mib": 8, "every": 0})
    scan = scan_video(clip, drawn_model, settings)
    assert 28 <= len(scan.faces) <= 31
    fakes = [face for face in scan.faces if face.decision is FaceDecision.FAKE]
    assert len(fakes) == 1
    assert box_of(fakes[0]) == pytest.approx((10 + 210 + 70, 142 + 70), abs=25)
    # the suspicious one keeps its frames when there is no room for those of all
    assert len(scan.images[fakes[0].number - 1].crops) > 1
    assert sum(len(shown.crops) for shown in scan.images) * 3 * 224**2 < 8 * 2**20


real = pytest.mark.skipif(not FACES.is_dir(), reason="no portraits")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return FaceForgeryModel.load(write_model(tmp_path_factory.mktemp("model") / "large"))


@pytest.mark.realdata
@real
def test_two_people_of_whom_one_leaves(large, tmp_path):
    a, b = portraits(2)
    shots = [place([(a, 50, 60, 250), (b, 330 + 20 * i, 60, 250)], (640, 360)) for i in range(24)]
    scan = scan_video(write_clip(tmp_path / "a.mp4", shots), large)
    assert len(scan.faces) == 2
    stays, leaves = scan.faces
    if stays.last < leaves.last:
        stays, leaves = leaves, stays
    assert stays.last > 2
    assert leaves.last < 1.7


@pytest.mark.realdata
@real
@pytest.mark.parametrize("swapped", [0, 2])
def test_of_three_portraits_the_darkened_one_is_named(tmp_path, swapped):
    weights = make_weights(centre=0.4)
    model = FaceForgeryModel.load(write_model(tmp_path / "m", weights))
    people = portraits(3)
    people[swapped] = people[swapped] // 3
    shots = [
        place([(face, 20 + 420 * k + 2 * i, 60, 380) for k, face in enumerate(people)])
        for i in range(15)
    ]
    scan = scan_video(write_clip(tmp_path / "a.mp4", shots), model)
    (fake,) = [face for face in scan.faces if face.decision is FaceDecision.FAKE]
    assert len(scan.faces) == 3
    assert box_of(fake)[0] == pytest.approx(20 + 420 * swapped + 190 + 14, abs=60)


@pytest.mark.realdata
@real
def test_an_upside_down_video_is_turned(large, tmp_path):
    shot = np.ascontiguousarray(place([(portraits(1)[0], 200, 40, 250)], (640, 360))[::-1, ::-1])
    scan = scan_video(write_clip(tmp_path / "a.mp4", [shot] * 10), large)
    assert scan.turned == 180
    assert any("turned by 180" in note for note in scan.notes)
    assert abs(scan.faces[0].frames[0].quality.roll) < 15


@pytest.mark.realdata
@real
def test_an_empty_room_and_a_face_of_12_pixels(large, tmp_path):
    empty = scan_video(write_clip(tmp_path / "a.mp4", [place([], (640, 360))] * 8), large)
    assert empty.decision is FaceDecision.NO_FACE
    # the box is about 0.37 of a portrait's width
    tiny = [place([(portraits(1)[0], 300, 150, 34)], (640, 360))] * 8
    scan = scan_video(write_clip(tmp_path / "b.mp4", tiny), large)
    assert scan.decision is FaceDecision.INCONCLUSIVE
    assert "too small" in scan.faces[0].reason


def test_pictures_blurred_by_motion_are_passed_over(model, tmp_path):
    sharp = pictures(220, 30)
    smeared = [cv2.blur(one, (3, 3)) if 10 <= i < 20 else one for i, one in enumerate(sharp)]
    scan = scan_video(write_clip(tmp_path / "a.mp4", smeared), model, detector=ScriptedDetector())
    (face,) = scan.faces
    assert face.unusable["the face is blurred by motion"] >= 2
    assert not any(1.0 <= frame.time < 1.9 for frame in face.frames)


def test_two_dark_seconds_of_twelve_are_not_hidden_by_the_mean(model, tmp_path):
    """The mean of the whole video alone would answer REAL."""
    shown = [
        one
        for level, count in ((220, 50), (150, 20), (220, 50))
        for one in pictures(level, count, speed=1)
    ]
    clip = write_clip(tmp_path / "a.mp4", shown)
    alone = scan_video(clip, model, detector=ScriptedDetector())
    assert alone.decision is FaceDecision.REAL
    assert alone.faces[0].drop is None
    measured = FaceForgeryModel(
        make_weights(SIDE), model.card.model_copy(update={"largest_drop": 1.0})
    )
    scan = scan_video(clip, measured, detector=ScriptedDetector())
    (face,) = scan.faces
    assert scan.decision is FaceDecision.INCONCLUSIVE
    assert 4.5 < face.drop.first < face.drop.last < 7.5
    assert "looks less genuine than in the rest" in face.reason
    assert face.score == alone.faces[0].score
    assert json.loads(json.dumps(scan.to_dict()))["faces"][0]["drop"]["depth"] > 1


@pytest.mark.parametrize(
    ("light", "seen", "reason"),
    [
        (220, {"light": (230, 235, 240)}, "darker than any"),
        (220, {"light": (40, 60, 80)}, "brighter than any"),
        (60, {"contrast": (100, 120, 140)}, "lower in contrast than any"),
        (220, {"contrast": (2, 5, 10)}, "higher in contrast than any"),
        (220, {"noise": (0.0, 0.0, 0.0)}, "noisier than any"),
        (220, {"contrast": (100, 120, 140)}, ""),
    ],
)
def test_a_face_unlike_all_that_was_evaluated_is_not_judged(model, tmp_path, light, seen, reason):
    wide = (0.0, 100.0, 1e6)
    known = {"light": (40, 120, 240), "sharpness": wide, "size": wide, "flicker": wide}
    conditions = FaceConditions(**known | seen)
    card = model.card.model_copy(update={"conditions": conditions})
    clip = write_clip(tmp_path / "a.mp4", pictures(light))
    measured = FaceForgeryModel(make_weights(SIDE), card)
    scan = scan_video(clip, measured, detector=ScriptedDetector())
    (face,) = scan.faces
    assert (face.decision is FaceDecision.INCONCLUSIVE) == bool(reason)
    assert reason in face.reason
