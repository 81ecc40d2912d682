import base64

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.media.encode import VideoWriter
from gaitproof.report.images import (
    contact_sheet,
    frames_at,
    overlay_images,
    pick_times,
    shrink,
    to_data_uri,
)
from gaitproof.types import PoseSequence, SilhouetteSequence


def track(n: int, seen: range | None = None) -> PoseSequence:
    seen = range(n) if seen is None else seen
    image = np.full((n, 33, 2), np.nan, np.float32)
    visibility = np.zeros((n, 33), np.float32)
    for i in seen:
        image[i] = np.random.default_rng(i).uniform(20, 100, (33, 2))
        visibility[i] = 1
    return PoseSequence(np.arange(n) / 25, image, None, visibility, (160, 120))


def decode(uri: str):
    data = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def test_data_uri_keeps_the_colours():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:] = (200, 100, 30)
    back = decode(to_data_uri(image))
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() <= 6


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((360, 640), (225, 400)), ((1920, 1080), (711, 400)), ((100, 100), (100, 100))],
)
def test_shrink_keeps_proportions(shape, wanted):
    assert shrink(np.zeros((*shape, 3), np.uint8)).shape[:2] == wanted


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 8))
def test_moments_increase_and_show_the_person(first, length, count):
    sequence = track(60, range(first, first + length))
    times = pick_times(sequence, count)
    assert times == sorted(set(times))
    assert len(times) == (min(count, length) if length else min(count, 60))
    if length:
        assert all(sequence.detected[round(time * 25)] for time in times)


def test_no_moments_in_an_empty_track():
    assert pick_times(track(0), 3) == []


def test_overlays_come_from_the_right_frames(tmp_path):
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 25, (160, 120)) as video:
        for i in range(25):
            video.write(np.full((120, 160, 3), 10 * i, np.uint8))
    pictures = overlay_images(path, track(25), count=3, what="Ann", caption="This video")
    assert [p.caption for p in pictures] == [
        "This video, 0.2 s",
        "This video, 0.5 s",
        "This video, 0.8 s",
    ]
    assert all("Ann" in p.alt and (p.width, p.height) == (160, 120) for p in pictures)
    for picture, frame in zip(pictures, (4, 12, 20), strict=True):
        corner = decode(picture.data_uri)[110:, 140:]
        assert abs(float(corner.mean()) - 10 * frame) < 12


def test_a_track_without_a_picture_gives_none(tmp_path):
    world = np.zeros((3, 33, 3), np.float32)
    sequence = PoseSequence(np.arange(3.0), None, world, np.ones((3, 33), np.float32))
    assert overlay_images(tmp_path / "none.mp4", sequence) == ()


def masks(n: int, present: range) -> SilhouetteSequence:
    full = np.zeros((n, 64, 44), bool)
    full[list(present)] = True
    return SilhouetteSequence.from_masks(
        np.arange(n) / 25, full, height=np.full(n, 64.0), corner=np.full((n, 2), 10.0)
    )


def test_masks_are_drawn_where_they_are(tmp_path):
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 25, (160, 120), crf=5) as video:
        for _ in range(25):
            video.write(np.full((120, 160, 3), 200, np.uint8))
    poses = track(25)
    # a pose in one corner, so that only the mask is drawn over the rest
    away = PoseSequence(poses.timestamps, poses.image * 0 + 150, None, poses.visibility, (160, 120))
    (overlay,) = overlay_images(path, away, count=1, silhouettes=masks(25, range(25)))
    image = decode(overlay.data_uri).astype(int)
    inside, outside = image[20:60, 20:45], image[85:, :100]
    assert np.ptp(outside.mean(axis=(0, 1))) < 8
    assert inside[..., 1].mean() - inside[..., 0].mean() > 30


def test_a_contact_sheet_shows_the_masks_there_are():
    sheet = contact_sheet(masks(60, range(10, 40)))
    assert sheet is not None
    assert (sheet.width, sheet.height) == (12 * 48, 2 * 68)
    assert "24 silhouettes of the person" in sheet.alt
    assert sheet.caption == "Silhouettes, 0.4 to 1.6 s"
    bright = decode(sheet.data_uri)[..., 0] > 128
    assert bright.mean() == pytest.approx(64 * 44 / (68 * 48), abs=0.02)


@pytest.mark.parametrize(("present", "size"), [(5, (5 * 48, 68)), (13, (12 * 48, 2 * 68))])
def test_a_contact_sheet_of_few_masks_is_smaller(present, size):
    sheet = contact_sheet(masks(20, range(present)))
    assert sheet is not None
    assert (sheet.width, sheet.height) == size


def test_there_is_no_contact_sheet_without_masks():
    assert contact_sheet(masks(5, range(0))) is None


def test_frames_far_apart_are_sought_and_not_read_up_to(tmp_path, monkeypatch):
    from gaitproof.report import images

    path, starts, read = tmp_path / "grey.mp4", [], images.read_frames

    def noted(path, limits, start):
        starts.append(start)
        return read(path, limits, start)

    monkeypatch.setattr(images, "read_frames", noted)
    with VideoWriter(path, 5, (64, 48)) as video:
        for number in range(150):
            video.write(np.full((48, 64, 3), number, np.uint8))
    times = [0.2, 0.2, 1.0, 25.0, 25.4]
    seen = list(frames_at(path, times))
    assert [time for time, _ in seen] == times
    assert [image.mean() for _, image in seen] == pytest.approx([5 * t for t in times], abs=2)
    assert starts == [None, pytest.approx(25.0)]
    assert not list(frames_at(path, [40.0]))
