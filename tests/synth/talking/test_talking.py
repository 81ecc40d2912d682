import csv
import itertools
from dataclasses import replace

import av
import numpy as np
import pytest

from gaitproof.data.face.layouts import read_layout
from gaitproof.data.face.splits import assign_splits, find_leaks
from gaitproof.errors import ConfigError
from gaitproof.face.detect import DetectorSettings, create_detector
from gaitproof.synth.talking.clips import FORGERIES, TalkSettings, film_talker, swap_face, talk
from gaitproof.synth.talking.dataset import make_talkers, plan
from gaitproof.synth.talking.drawing import SIDE, Expression, draw_head, skin_pattern
from gaitproof.synth.talking.person import make_talker

pytestmark = pytest.mark.slow

SHORT = TalkSettings(seconds=0.8, frame_rate=10, side=160)


def head_of(name, **expression):
    talker = make_talker(name)
    return draw_head(talker, skin_pattern(talker), Expression(**expression))


def pictures(forgery="", name="ann", seed=3):
    other = make_talker("bob") if forgery.endswith("swap") else None
    return np.stack(list(talk(make_talker(name), seed, SHORT, forgery, other))).astype(int)


def test_a_name_is_a_person_and_another_is_another():
    assert make_talker("ann") == make_talker("ann")
    assert make_talker("ann") != make_talker("bob") != make_talker("ann", 1)


def test_an_open_mouth_and_closed_eyes_change_their_places_only():
    rest = head_of("ann").image.astype(int)
    for expression, rows in (
        ({"mouth": 1.0}, slice(SIDE // 2, None)),
        ({"lids": 1.0}, slice(0, SIDE // 2)),
    ):
        changed = np.abs(head_of("ann", **expression).image - rest).max(axis=2) > 20
        inside = changed[rows].sum()
        assert inside > 100
        assert inside == changed.sum()


def test_the_detector_finds_the_face_with_its_mesh():
    with create_detector(DetectorSettings()) as detector:
        for name in ("ann", "bob", "cleo"):
            head = head_of(name, mouth=0.4)
            cover = head.cover[..., None]
            shown = head.image * cover + 120 * (1 - cover)
            (face,) = detector.detect(shown.astype(np.uint8))
            assert face.mesh is not None


def test_a_swap_changes_the_inner_face_and_nothing_else():
    own, other = head_of("ann"), head_of("bob")
    swapped = swap_face(own, other)
    changed = np.abs(swapped.image.astype(int) - own.image).max(axis=2)
    assert changed[own.face == 0].max() == 0
    assert np.median(changed[own.face == 1]) > 3


def test_twins_share_everything_but_the_forgery():
    genuine = pictures()
    np.testing.assert_array_equal(genuine, pictures())
    for forgery in FORGERIES:
        forged = pictures(forgery)
        assert forged.shape == genuine.shape == (8, 160, 160, 3)
        # the corner shows the place alone
        np.testing.assert_array_equal(forged[:, :12, :12], genuine[:, :12, :12])
    late = np.abs(pictures("late-swap") - genuine).max(axis=(1, 2, 3))
    assert (late[:4] == 0).all()
    assert (late[4:] > 10).all()


def test_single_pictures_of_temporal_forgeries_are_drawn_as_genuine_ones():
    """The first frame of each is the genuine clip of the same chance; later ones differ."""
    firsts, changes = [], []
    for forgery in ("warp", "flicker"):
        apart = np.abs(pictures(forgery) - pictures())
        firsts.append(apart[0].mean())
        changes.append(apart[1:].mean())
    assert max(changes) > 0.05
    assert min(changes) > 0.02
    # over many clips the amount of retouching is the same: its scale is one constant
    spread = [pictures(name=f"p{k}")[0].std() for k in range(6)]
    other = [pictures("warp", name=f"p{k}")[0].std() for k in range(6)]
    np.testing.assert_allclose(spread, other, rtol=0.1)


def test_forgeries_flicker_and_genuine_clips_do_not():
    def unrest(clip):
        return np.abs(np.diff(clip, 2, axis=0)).mean()

    for name in ("ann", "cleo"):
        still = unrest(pictures(name=name))
        assert unrest(pictures("warp", name=name)) > 1.01 * still
        assert unrest(pictures("flicker", name=name)) > 1.01 * still


@pytest.mark.parametrize(("forgery", "other"), [("nose", None), ("swap", None)])
def test_impossible_forgeries(forgery, other):
    with pytest.raises(ValueError, match=r"no forgery|another face"):
        next(talk(make_talker("ann"), 0, SHORT, forgery, other))


def test_a_clip_is_a_video(tmp_path):
    film_talker(make_talker("ann"), tmp_path / "a.mp4", 1, SHORT)
    with av.open(str(tmp_path / "a.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 8


def test_a_data_set_is_read_without_a_leak_and_resumed(tmp_path):
    options = {"people": 4, "takes": 1, "workers": 1}
    settings = TalkSettings(seconds=0.4, frame_rate=5, side=96)
    table = make_talkers(tmp_path, settings, **options)
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(plan(4, 1, FORGERIES)) == 20
    clips = assign_splits(read_layout(tmp_path))
    assert find_leaks(clips) == ()
    assert {clip.manipulation for clip in clips} == {"original", *FORGERIES}
    sides = {clip.keys: clip.split for clip in clips}
    assert sides[("t000", "t001")] == sides[("t001",)]
    untouched = (tmp_path / "t000/00.mp4").stat().st_mtime_ns
    (tmp_path / "t001/00_warp.mp4").unlink()
    seen = []
    make_talkers(
        tmp_path, settings, **options, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(19, 20), (20, 20)]
    assert (tmp_path / "t000/00.mp4").stat().st_mtime_ns == untouched
    with pytest.raises(ConfigError, match="other settings"):
        make_talkers(tmp_path, replace(settings, side=128), **options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"people": 1},
        {"takes": 0},
        {"forgeries": ("nose",)},
        {"forgeries": ("warp", "warp")},
        {"side": 97},
        {"crf": 60},
        {"seconds": 0.0},
        {"frame_rate": float("nan")},
        {"seed": -1},
    ],
)
def test_impossible_data_sets(tmp_path, wrong):
    filmed = {name: value for name, value in wrong.items() if hasattr(SHORT, name)}
    others = {name: value for name, value in wrong.items() if name not in filmed}
    with pytest.raises(ConfigError, match=next(iter(wrong)).replace("_", " ")):
        make_talkers(tmp_path / "out", replace(SHORT, **filmed), **others)
    assert not (tmp_path / "out").exists()


def test_pairs_exchange_faces():
    swaps = [job for job in plan(4, 1, ("swap",)) if job.forgery]
    pairs = {frozenset((job.person, job.other)) for job in swaps}
    assert pairs == {frozenset(("t000", "t001")), frozenset(("t002", "t003"))}
    for one, two in itertools.combinations(pairs, 2):
        assert not one & two
