import math

import av
import cv2
import numpy as np
import pytest
from drawn_faces import draw_face
from portrait_clips import write_clip
from scripted_faces import face_at

from gaitproof.closing import Closing
from gaitproof.data.face.sampling import extract_faces, measure, sample_images
from gaitproof.data.face.spacing import Footage, Spacing
from gaitproof.errors import InputError, MediaError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.detect import create_detector
from gaitproof.face.quality import FaceGate

SMALL = AlignmentSettings(size=32)


def grey(number):
    return np.full((64, 64, 3), 8 * number, np.uint8)


def sample(path, count, **spacing):
    return list(sample_images(path, measure(path), Spacing(count, **spacing)))


def extract(path, detector, count=4, **options):
    return extract_faces(path, measure(path), Spacing(count), detector, **options)


def numbers(pictures):
    return [round(float(image.mean()) / 8) for _, image in pictures]


@pytest.mark.parametrize("rate", [10, 1])
def test_frames_of_a_video(tmp_path, rate):
    video = write_clip(tmp_path / "a.mp4", [grey(i) for i in range(24)], rate=rate, crf=4)
    frames = sample(video, 4)
    assert numbers(frames) == [3, 9, 15, 21]
    assert [time for time, _ in frames] == pytest.approx([3 / rate, 9 / rate, 15 / rate, 21 / rate])


def test_far_apart_frames_are_jumped_to_and_are_the_same(tmp_path, monkeypatch):
    video = write_clip(tmp_path / "a.mp4", [grey(i) for i in range(30)], rate=1, crf=4)
    jumped = numbers(sample(video, 2))
    monkeypatch.setattr("gaitproof.data.face.sampling.SEEKING", math.inf)
    assert jumped == numbers(sample(video, 2)) == [7, 22]


@pytest.mark.parametrize("seeking", [10, math.inf])
def test_a_frame_that_stands_long_is_taken_once(tmp_path, monkeypatch, seeking):
    monkeypatch.setattr("gaitproof.data.face.sampling.SEEKING", seeking)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"crf": "4"})
        stream.width = stream.height = 64
        for number, time in enumerate([0, 1, 2, 200]):
            frame = av.VideoFrame.from_ndarray(grey(4 * number), format="rgb24")
            frame.pts = time
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert numbers(sample(tmp_path / "a.mp4", 3)) == [0, 12]


def test_a_short_video_gives_every_frame_once(tmp_path):
    video = write_clip(tmp_path / "a.mp4", [grey(i) for i in range(1, 4)], crf=4)
    assert numbers(sample(video, 6)) == [1, 2, 3]


def test_pictures_in_natural_order_and_alone(tmp_path):
    for number in range(1, 13):
        cv2.imwrite(str(tmp_path / f"{number}.png"), grey(number))
    (tmp_path / "notes.txt").touch()
    images = sample(tmp_path, 3)
    assert numbers(images) == [3, 7, 11]
    assert [time for time, _ in images] == [2, 6, 10]
    assert numbers(sample(tmp_path / "5.png", 6)) == [5]


def test_a_picture_that_is_a_link_out_of_its_folder(tmp_path):
    cv2.imwrite(str(tmp_path / "secret.png"), grey(1))
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip/1.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match="leads out"):
        sample(tmp_path / "clip", 3)


def test_a_rate_takes_pictures_about_the_middle(tmp_path):
    video = write_clip(tmp_path / "a.mp4", [grey(i) for i in range(24)], rate=10, crf=4)
    images = sample(video, 4, rate=5.0)
    assert numbers(images) == [8, 10, 12, 14]
    assert [time for time, _ in images] == pytest.approx([0.8, 1.0, 1.2, 1.4])
    # as many as there are, and none twice
    assert numbers(sample(video, 10, rate=2.0)) == [1, 6, 11, 16, 21]
    assert numbers(sample(video, 4, rate=25.0)) == [10, 11, 12, 13]
    assert numbers(sample(video, 4, stride=7)) == [1, 8, 15, 22]


def test_the_middle_of_a_long_video_is_jumped_to(tmp_path, monkeypatch):
    video = write_clip(tmp_path / "a.mp4", [grey(i) for i in range(30)], rate=1, crf=4)
    jumped = sample(video, 3, rate=1.0)
    monkeypatch.setattr("gaitproof.data.face.sampling.SEEKING", math.inf)
    through = sample(video, 3, rate=1.0)
    assert numbers(jumped) == numbers(through) == [13, 14, 15]
    assert [time for time, _ in jumped] == [time for time, _ in through] == [13, 14, 15]


def test_pictures_of_a_folder_count_as_taken_at_the_rate(clip):
    images = sample(clip, 3, rate=5.0)
    assert [time for time, _ in images] == pytest.approx([0, 0.2, 0.4])
    assert measure(clip) == Footage(4)


def test_broken_clips(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    (tmp_path / "a.png").write_text("no image")
    for name in ("a.mp4", "a.png", "none.mp4", "none.png"):
        with pytest.raises(MediaError):
            sample(tmp_path / name, 3)


class ListedDetector(Closing):
    """Returns the faces it was given, one list per image."""

    identifier = "listed"

    def __init__(self, *faces):
        self._faces = iter(faces)

    def detect(self, image, smallest=None):
        return tuple(next(self._faces))


ROUGH = np.random.default_rng(0).integers(-20, 20, (400, 600, 3))


@pytest.fixture
def clip(tmp_path):
    folder = tmp_path / "clip"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), 40 + 50 * number + ROUGH)
    return folder


def test_the_main_face_is_followed_whatever_the_order(clip):
    ann = [face_at(150 + 10 * i, 200, 100) for i in range(4)]
    bob = [face_at(450, 200 - 10 * i, 80) for i in range(4)]
    detector = ListedDetector(
        [ann[0], bob[0]], [bob[1], ann[1]], [bob[2], ann[2]], [ann[3], bob[3]]
    )
    faces = extract(clip, detector, 4, alignment=SMALL)
    assert faces.images.shape == (4, 32, 32, 3)
    assert faces.images.mean(axis=(1, 2, 3)) == pytest.approx([40, 90, 140, 190], abs=2)
    assert list(faces.times) == [0, 1, 2, 3]
    # a face that is seen more often is the main one, though it is smaller
    detector = ListedDetector([bob[0]], [bob[1], ann[1]], [bob[2]], [bob[3]])
    assert len(extract(clip, detector, 4, alignment=SMALL).times) == 4


def test_pictures_without_the_face_are_left_out(clip):
    here = face_at(200, 200, 100)
    faces = extract(clip, ListedDetector([], [here], [face_at(500, 90, 40)], [here]), 4)
    assert list(faces.times) == [1, 3]
    assert np.isnan(faces.meshes).all()


def test_crops_of_different_sizes_are_not_followed(clip):
    detections = [[face_at(100, 100, 60)], [face_at(300, 300, 200), face_at(90, 90, 50)], [], []]
    assert len(extract(clip, ListedDetector(*detections), 4).times) == 1
    faces = extract(clip, ListedDetector(*detections), 4, cropped=True)
    assert list(faces.times) == [0, 1]


def test_nobody(clip):
    with pytest.raises(InputError, match="No face was found"):
        extract(clip, ListedDetector([], [], [], []), 4)


def test_faces_that_a_scan_would_not_judge_are_left_out(clip):
    small, outside, good = face_at(200, 200, 39), face_at(0, 200, 100), face_at(300, 200, 100)
    detections = [[small], [outside], [small], []]
    with pytest.raises(InputError) as refused:
        extract(clip, ListedDetector(*detections), 4)
    assert refused.value.message == "No face can be used."
    assert refused.value.actual == (
        "the face is too small (2 of 3 faces), part of the face is outside the frame (1 of 3 faces)"
    )
    assert list(extract(clip, ListedDetector(*detections[:3], [good]), 4).times) == [3]
    # a crop may cut its face
    assert list(extract(clip, ListedDetector(*detections), 4, cropped=True).times) == [1]
    assert len(extract(clip, ListedDetector(*detections), 4, gate=FaceGate(min_size=0)).times) == 2


def test_points_and_mesh_lie_on_the_stored_face(tmp_path):
    picture, _ = draw_face(1)
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., ::-1])
    with create_detector() as detector:
        faces = extract(tmp_path / "a.png", detector, 6)
    assert faces.images.shape == (1, 320, 320, 3)
    dark = np.argwhere(faces.images[0].max(axis=2) < 60)[:, ::-1]
    for eye in faces.points[0, :2]:
        # the detector finds a drawn eye within its own size; the canvas shows it there, dark
        assert np.linalg.norm(dark - eye, axis=1).min() < 12
    assert np.isfinite(faces.meshes).all()
    inside = (faces.meshes[0] > 80) & (faces.meshes[0] < 240)
    assert inside.all(axis=1).mean() > 0.95
