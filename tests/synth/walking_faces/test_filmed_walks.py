import csv

import numpy as np
import pytest

from gaitproof.data.face.layouts import read_layout
from gaitproof.data.face.splits import assign_splits, find_leaks
from gaitproof.errors import ConfigError
from gaitproof.face.align import align
from gaitproof.face.detect import DetectorSettings, create_detector
from gaitproof.face.quality import assess
from gaitproof.media.decode import read_frames
from gaitproof.synth.walking_faces.clips import (
    FORGERIES,
    FilmSettings,
    Version,
    film_walk,
    make_faced_walker,
)
from gaitproof.synth.walking_faces.dataset import (
    UNUSED,
    Plan,
    list_clips,
    make_walking_faces,
    partner,
)

pytestmark = pytest.mark.slow

ANN, BOB = make_faced_walker(5, 0), make_faced_walker(5, 1)
SMALL = FilmSettings(seconds=0.8, frame_rate=10, size=(216, 384))


def pictures(path):
    return np.stack([frame.image for frame in read_frames(path)]).astype(int)


class Reel:
    """Keeps frames as they are, in place of a video."""

    def __init__(self, path, rate, size, crf):
        self.shots = REELS[path] = []
        self.size = size

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def write(self, image):
        assert image.shape == (self.size[1], self.size[0], 3)
        self.shots.append(image.astype(int))


REELS = {}


@pytest.fixture(scope="module")
def filmed():
    versions = {name or "real": Version(name) for name in ("", *FORGERIES)}
    versions |= {"far": Version(scale=0.5), "short": Version("swap", seconds=0.3)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gaitproof.synth.walking_faces.clips.VideoWriter", Reel)
        film_walk(ANN, versions, 4, SMALL, BOB)
    return {name: np.stack(REELS[name]) for name in versions}


def change(filmed, name):
    """Difference to the genuine clip where there is one, frame by frame."""
    return [
        (rows, columns, forged[rows, columns] - real[rows, columns])
        for forged, real in zip(filmed[name], filmed["real"], strict=True)
        for rows, columns in [np.nonzero((forged != real).any(axis=2))]
    ]


def test_the_same_person_has_the_same_walk_and_face_and_skin():
    again = make_faced_walker(5, 0)
    assert again == ANN != BOB
    np.testing.assert_allclose(np.array(ANN.walker.head.skin) * 255, ANN.talker.skin)


def test_forgeries_change_the_face_and_nothing_else(filmed):
    for forgery in FORGERIES:
        for rows, columns, _ in change(filmed, forgery):
            assert len(rows) > 20, forgery
            assert np.ptp(rows) < 30, forgery
            assert np.ptp(columns) < 30, forgery


def test_replaced_lips_leave_the_eyes_alone(filmed):
    for (lips, _, _), (swap, _, _) in zip(
        change(filmed, "lips"), change(filmed, "swap"), strict=True
    ):
        assert lips.min() > swap.min() + 5


def test_flicker_changes_its_colour_from_picture_to_picture_and_a_swap_does_not(filmed):
    def spread(name):
        return np.std([values.mean(axis=0) for _, _, values in change(filmed, name)], axis=0).mean()

    assert spread("flicker") > 3 * spread("swap")


def test_copies_are_smaller_or_shorter(filmed):
    assert filmed["far"].shape == (8, 192, 108, 3)
    np.testing.assert_array_equal(filmed["short"], filmed["swap"][:3])


def test_from_behind_no_face_is_drawn(tmp_path):
    settings = FilmSettings(view=180, gaze=0, seconds=0.2, frame_rate=10, size=(108, 192))
    files = {tmp_path / "real.mp4": Version(), tmp_path / "swap.mp4": Version("swap")}
    film_walk(ANN, files, 4, settings, BOB)
    np.testing.assert_array_equal(pictures(tmp_path / "real.mp4"), pictures(tmp_path / "swap.mp4"))


def test_unknown_forgeries_and_swaps_without_a_face_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no forgery 'tears'"):
        film_walk(ANN, {tmp_path / "a.mp4": Version("tears")}, 4, SMALL)
    with pytest.raises(ValueError, match="needs another face"):
        film_walk(ANN, {tmp_path / "a.mp4": Version("swap")}, 4, SMALL)
    assert not list(tmp_path.iterdir())


def test_the_detector_finds_the_face_and_a_far_one_is_too_small(tmp_path):
    files = {tmp_path / "near.mp4": Version(), tmp_path / "far.mp4": Version(scale=0.35)}
    film_walk(ANN, files, 4, FilmSettings(seconds=0.2, frame_rate=10, size=(540, 960)))
    with create_detector(DetectorSettings()) as detector:
        qualities = []
        for path in files:
            image = next(iter(read_frames(path))).image
            face = max(detector.detect(image), key=lambda one: one.score)
            size = (image.shape[1], image.shape[0])
            qualities.append(assess(face, align(image, face.points), size))
    near, far = qualities
    assert near.usable
    assert near.size_px > 45
    assert far.reasons[0].startswith("the face is too small")


def test_clips_of_a_plan():
    clips = list_clips(Plan(4, 3, 2, ("swap", "lips"), ("short",)))
    assert len(clips) == 4 * (2 + 3 * 2)
    assert [one.path for one in clips if one.person == 1][1:6] == [
        "p001/01.mp4",
        "p001/02.mp4",
        "p001/02_short.mp4",
        "p001/02_swap.mp4",
        "p001/02_swap_short.mp4",
    ]
    assert {one.face for one in clips if one.forgery == "swap" and one.person == 2} == {3}
    assert all(partner(partner(person)) == person != partner(person) for person in range(9))


def test_a_set_is_finished_after_an_interruption_and_can_be_prepared(tmp_path):
    plan = Plan(2, 1, copies=("far",))
    settings = FilmSettings(seconds=0.2, frame_rate=10, size=(144, 256))
    progress: list[tuple[int, int]] = []
    table = make_walking_faces(
        tmp_path, plan, settings, workers=1, progress=lambda *done: progress.append(done)
    )
    assert progress == [(0, 2), (1, 2), (2, 2)]
    kept, lost = tmp_path / "p000/00.mp4", tmp_path / "p000/00_lips_far.mp4"
    before, seen = kept.stat().st_mtime_ns, pictures(lost)
    lost.unlink()
    make_walking_faces(tmp_path, plan, settings, workers=1)
    assert kept.stat().st_mtime_ns == before
    np.testing.assert_array_equal(pictures(lost), seen)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == len(list_clips(plan)) == 12
    assert {row["split"] for row in rows if row["path"].endswith("_far.mp4")} == {UNUSED}
    swap = next(row for row in rows if row["path"] == "p000/00_swap.mp4")
    assert (swap["label"], swap["keys"], swap["manipulation"]) == ("fake", "p000;p001", "swap")
    assert find_leaks(assign_splits(read_layout(tmp_path))) == ()
    with pytest.raises(ConfigError, match="other settings"):
        make_walking_faces(tmp_path, plan, settings, seed=1)


@pytest.mark.parametrize(
    "plan",
    [
        Plan(people=3),
        Plan(walks=0),
        Plan(plain=3),
        Plan(forgeries=("tears",)),
        Plan(copies=("far", "far")),
    ],
)
def test_plans_that_cannot_be_filmed_are_refused(tmp_path, plan):
    with pytest.raises(ConfigError, match="walkers cannot be made"):
        make_walking_faces(tmp_path / "new", plan)
    assert not (tmp_path / "new").exists()


def test_settings_that_cannot_be_filmed_are_refused(tmp_path):
    for settings in (FilmSettings(seconds=0), FilmSettings(frame_rate=0), FilmSettings(gaze=2)):
        with pytest.raises(ConfigError, match="walkers cannot be made"):
            make_walking_faces(tmp_path / "new", settings=settings)
