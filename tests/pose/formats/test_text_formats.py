"""Round trips and refusals of the text formats."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.errors import PoseError
from gaitproof.pose.formats import (
    load_coco,
    load_mediapipe_csv,
    load_mediapipe_json,
    load_openpose,
    load_pose,
    mediapipe_json,
    save_coco,
    save_mediapipe_csv,
    save_mediapipe_json,
    save_npz,
    save_openpose,
)
from gaitproof.pose.formats.coco import COCO_17, ROWS
from gaitproof.pose.formats.openpose import BODY_25
from gaitproof.types import Landmark, PoseSequence

SIZE = (640, 360)


def make(frames=6, *, world=True, image=True, missing=0.2, seed=0):
    rng = np.random.default_rng(seed)
    seen = rng.uniform(0.05, 1, (frames, 33))
    gone = rng.uniform(size=(frames, 33)) < missing
    seen[gone] = 0
    picture = rng.uniform(10, 350, (frames, 33, 2))
    space = rng.normal(0, 0.5, (frames, 33, 3))
    picture[gone] = space[gone] = np.nan
    if frames > 3:  # a frame without the person, not at the ends
        picture[2] = space[2] = np.nan
        seen[2] = 0
    return PoseSequence(
        timestamps=np.arange(frames) / 25.0,
        image=picture if image else None,
        world=space if world else None,
        visibility=seen,
        frame_size=SIZE if image else None,
        estimator="some-1",
    )


def assert_points(expected, actual, rows, tolerance=1e-4):
    """Landmarks `rows` agree, missing ones are missing in both; all others are missing."""
    rows = sorted(rows)
    np.testing.assert_allclose(
        actual.image[:, rows], expected.image[:, rows], atol=tolerance, equal_nan=True
    )
    np.testing.assert_allclose(actual.visibility[:, rows], expected.visibility[:, rows], atol=1e-5)
    others = [k for k in range(33) if k not in rows]
    assert np.isnan(actual.image[:, others]).all()
    assert (actual.visibility[:, others] == 0).all()
    np.testing.assert_allclose(actual.timestamps, expected.timestamps, atol=1e-9)


class TestOpenPose:
    rows = frozenset(int(row) for row in BODY_25 if row is not None)

    @settings(max_examples=8, deadline=None)
    @given(seed=st.integers(0, 10**6), missing=st.sampled_from([0.0, 0.3]))
    def test_round_trip(self, tmp_path_factory, seed, missing):
        folder = tmp_path_factory.mktemp("openpose")
        sequence = make(4, seed=seed, missing=missing)
        save_openpose(folder, sequence)
        read = load_openpose(folder, frame_rate=25, frame_size=SIZE)
        assert_points(sequence, read, self.rows)
        assert read.world is None

    def test_neck_and_mid_hip_lie_between(self, tmp_path):
        sequence = make(1, missing=0)
        save_openpose(tmp_path, sequence)
        (file,) = tmp_path.iterdir()
        assert file.name == "pose_000000000000_keypoints.json"
        values = np.reshape(json.loads(file.read_text())["people"][0]["pose_keypoints_2d"], (25, 3))
        for row, pair in ((1, (11, 12)), (8, (23, 24))):
            np.testing.assert_allclose(
                values[row, :2], sequence.image[0, pair].mean(axis=0), atol=1e-4
            )
        assert (values[[20, 23]] == 0).all()

    def test_a_missing_file_is_a_frame_without_the_person(self, tmp_path):
        sequence = make(5, missing=0, seed=3)
        save_openpose(tmp_path, sequence)
        (tmp_path / "pose_000000000003_keypoints.json").unlink()
        read = load_openpose(tmp_path, frame_rate=25, frame_size=SIZE)
        assert len(read) == 5
        assert list(read.detected) == [True, True, False, False, True]

    def write(self, folder, people_by_frame):
        for t, people in enumerate(people_by_frame):
            entries = [{"pose_keypoints_2d": np.ravel(p).tolist()} for p in people]
            (folder / f"v_{t:012d}_keypoints.json").write_text(json.dumps({"people": entries}))

    @staticmethod
    def person(x, size):
        """25 keypoints in a column at x, `size` pixels tall."""
        return [[x, 10 + size * k / 24, 0.9] for k in range(25)]

    def test_the_tallest_person_is_followed_when_the_order_changes(self, tmp_path):
        big, small = self.person(100, 200), self.person(300, 80)
        self.write(tmp_path, [[small, big], [big, small], [small], [small, big]])
        read = load_openpose(tmp_path, frame_rate=25, frame_size=SIZE)
        assert read.image[:, 0, 0].tolist()[:2] == [100, 100]
        assert np.isnan(read.image[2, 0, 0])
        assert read.image[3, 0, 0] == 100

    def test_a_person_can_be_chosen_by_index(self, tmp_path):
        big, small = self.person(100, 200), self.person(300, 80)
        self.write(tmp_path, [[big, small], [big]])
        read = load_openpose(tmp_path, frame_rate=25, frame_size=SIZE, person=1)
        assert read.image[0, 0, 0] == 300
        assert list(read.detected) == [True, False]

    @pytest.mark.parametrize("person", [-1, "ann", 1.5])
    def test_a_person_that_cannot_be_is_refused(self, tmp_path, person):
        self.write(tmp_path, [[self.person(1, 50)]])
        with pytest.raises(PoseError, match="person"):
            load_openpose(tmp_path, frame_rate=25, frame_size=SIZE, person=person)

    @pytest.mark.parametrize("kwargs", [{"frame_rate": 25}, {"frame_size": SIZE}])
    def test_what_the_format_lacks_must_be_given(self, tmp_path, kwargs):
        save_openpose(tmp_path, make())
        with pytest.raises(PoseError, match="must be given"):
            load_openpose(tmp_path, **kwargs)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{}",
            '{"people": 3}',
            '{"people": [7]}',
            '{"people": [{"pose_keypoints_2d": [1, 2, 3]}]}',
            json.dumps({"people": [{"pose_keypoints_2d": ["a"] * 75}]}),
            "[" * 100_000,
        ],
    )
    def test_malformed_file_is_refused(self, tmp_path, text):
        file = tmp_path / "a_1_keypoints.json"
        file.write_text(text)
        for path in (file, tmp_path):
            with pytest.raises(PoseError):
                load_openpose(path, frame_rate=25, frame_size=SIZE)

    def test_absurd_frame_numbers_and_empty_folder_are_refused(self, tmp_path):
        with pytest.raises(PoseError, match="no OpenPose files"):
            load_openpose(tmp_path, frame_rate=25, frame_size=SIZE)
        for n in (1, 10**11):
            (tmp_path / f"a_{n:012d}_keypoints.json").write_text('{"people": []}')
        with pytest.raises(PoseError, match="too far apart"):
            load_openpose(tmp_path, frame_rate=25, frame_size=SIZE)


class TestCoco:
    @settings(max_examples=8, deadline=None)
    @given(
        seed=st.integers(0, 10**6),
        keypoints=st.sampled_from([17, 133]),
        missing=st.sampled_from([0.0, 0.3]),
    )
    def test_round_trip(self, tmp_path_factory, seed, keypoints, missing):
        path = tmp_path_factory.mktemp("coco") / "a.json"
        sequence = make(5, seed=seed, missing=missing)
        save_coco(path, sequence, keypoints=keypoints)
        read = load_coco(path)
        rows = {int(row) for row in ROWS[keypoints] if row is not None}
        assert len(rows) == (17 if keypoints == 17 else 33)
        assert_points(sequence, read, rows)
        assert read.frame_size == SIZE
        assert read.feet == (keypoints == 133)

    def test_wholebody_order_is_the_published_one(self):
        rows = ROWS[133]
        assert len(rows) == 133
        assert [r.name.lower() for r in rows[:17]] == list(COCO_17)
        assert rows[17:23] == (31, None, 29, 32, None, 30)

    def result_list(self, numbers, keypoints=17, score=0.7):
        values = [[10.0 * k, 5.0 * k, score] for k in range(keypoints)]
        return [
            {"image_id": n, "category_id": 1, "keypoints": np.ravel(values).tolist(), "score": 1}
            for n in numbers
        ]

    @pytest.mark.parametrize("keypoints", [17, 133])
    @pytest.mark.parametrize("names", [[3, 4, 6], ["0003.jpg", "0004.jpg", "0006.jpg"]])
    def test_result_list(self, tmp_path, keypoints, names):
        path = tmp_path / "r.json"
        path.write_text(json.dumps(self.result_list(names, keypoints)))
        read = load_coco(path, frame_rate=10, frame_size=SIZE)
        np.testing.assert_allclose(read.timestamps, [0, 0.1, 0.2, 0.3])
        assert list(read.detected) == [True, True, False, True]
        np.testing.assert_allclose(read.visibility[0, Landmark.LEFT_ANKLE], 0.7, atol=1e-6)
        np.testing.assert_allclose(read.image[0, Landmark.LEFT_ANKLE], [150, 75])

    def test_flags_of_a_data_set_without_scores(self, tmp_path):
        path = tmp_path / "a.json"
        save_coco(path, make(1, missing=0), keypoints=17)
        data = json.loads(path.read_text())
        del data["annotations"][0]["keypoint_scores"]
        data["annotations"][0]["keypoints"][2::3] = [0, 1, 2] + [2] * 14
        path.write_text(json.dumps(data))
        read = load_coco(path)
        names = [Landmark[n.upper()] for n in COCO_17[:3]]
        assert read.visibility[0, names].tolist() == [0.0, 0.5, 1.0]
        assert np.isnan(read.image[0, names[0]]).all()

    @pytest.mark.parametrize(
        "data",
        [
            3,
            {"images": []},
            {"images": 1, "annotations": []},
            {"images": [], "annotations": [4]},
            {"images": [{"id": 0}], "annotations": [{"image_id": 9, "keypoints": [0] * 51}]},
            [{"image_id": 0, "keypoints": [0] * 50}],
            [{"image_id": 0, "keypoints": "x"}],
            [{"image_id": "none", "keypoints": [0] * 51}],
            [{"image_id": 0}],
            [{"image_id": 0, "keypoints": [1] * 51}, {"image_id": 10**12, "keypoints": [1] * 51}],
            [{"image_id": 0, "keypoints": [1] * 51, "keypoint_scores": [1]}],
        ],
    )
    def test_malformed_file_is_refused(self, tmp_path, data):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(data))
        with pytest.raises(PoseError):
            load_coco(path, frame_rate=25, frame_size=SIZE)

    def test_other_numbers_of_keypoints_cannot_be_written(self, tmp_path):
        with pytest.raises(PoseError, match="17 or 133"):
            save_coco(tmp_path / "a.json", make(), keypoints=25)


MEDIAPIPE = {
    "json": (save_mediapipe_json, load_mediapipe_json),
    "csv": (save_mediapipe_csv, load_mediapipe_csv),
}


@pytest.mark.parametrize("kind", MEDIAPIPE)
class TestMediaPipe:
    @pytest.mark.parametrize(("image", "world"), [(True, True), (True, False), (False, True)])
    def test_round_trip(self, tmp_path, kind, image, world):
        save, load = MEDIAPIPE[kind]
        sequence = make(7, image=image, world=world)
        save(tmp_path / "a", sequence)
        read = load(tmp_path / "a")
        for name in ("image", "world"):
            left, right = getattr(sequence, name), getattr(read, name)
            assert (left is None) == (right is None)
            if left is not None:
                np.testing.assert_allclose(right, left, atol=1e-4, rtol=1e-6, equal_nan=True)
        np.testing.assert_allclose(read.visibility, sequence.visibility, atol=1e-6)
        np.testing.assert_array_equal(read.timestamps, sequence.timestamps)
        assert read.frame_size == sequence.frame_size

    def test_y_and_z_are_turned_to_mediapipe_axes(self, tmp_path, kind):
        save, _ = MEDIAPIPE[kind]
        sequence = make(1, missing=0)
        save(tmp_path / "a", sequence)
        text = (tmp_path / "a").read_text()
        if kind == "json":
            nose = json.loads(text)["frames"][0]["pose_world_landmarks"][0]
            point = [nose["x"], nose["y"], nose["z"]]
        else:
            header, row = (line.split(",") for line in text.splitlines())
            point = [float(row[header.index(f"nose_w{a}")]) for a in "xyz"]
        x, y, z = sequence.world[0, 0]
        np.testing.assert_allclose(point, [x, -y, -z], atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "mediapipe-pose", "version": 2, "frames": []}',
        '{"format": "mediapipe-pose", "version": 1}',
        '{"format": "mediapipe-pose", "version": 1, "frames": [{"timestamp": "x"}]}',
        '{"format": "mediapipe-pose", "version": 1, "frames": '
        '[{"timestamp": 0, "pose_world_landmarks": [1, 2]}]}',
        '{"format": "mediapipe-pose", "version": 1, "frames": '
        '[{"timestamp": 0, "pose_landmarks": []}]}',
        '{"format": "mediapipe-pose", "version": 1, "width": 1, "height": 1, "frames": '
        '[{"timestamp": 1, "pose_landmarks": []}, {"timestamp": 0, "pose_landmarks": []}]}',
    ],
)
def test_malformed_mediapipe_json_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(PoseError):
        load_mediapipe_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: "",
        lambda t: t.replace("timestamp", "time"),
        lambda t: t.replace("left_knee_wx", "left_knee"),
        lambda t: t.replace("\n0.04,", "\n0.04,,"),
        lambda t: t.replace("\n0.04,640", "\n0.04,641"),
        lambda t: t.replace("\n0.04,", "\nsoon,"),
        lambda t: t.replace("\n0.04,", "\n0.0,"),
    ],
)
def test_malformed_mediapipe_csv_is_refused(tmp_path, change):
    path = tmp_path / "a.csv"
    save_mediapipe_csv(path, make())
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))
    with pytest.raises(PoseError):
        load_mediapipe_csv(path)


class TestLoadPose:
    def save_all(self, folder):
        sequence = make()
        save_npz(folder / "a.npz", sequence)
        save_openpose(folder / "op", sequence)
        save_coco(folder / "coco.json", sequence)
        save_mediapipe_json(folder / "mp.json", sequence)
        save_mediapipe_csv(folder / "mp.csv", sequence)
        return sequence

    @pytest.mark.parametrize("name", ["a.npz", "op", "coco.json", "mp.json", "mp.csv"])
    def test_the_format_is_found(self, tmp_path, name):
        sequence = self.save_all(tmp_path)
        read = load_pose(tmp_path / name, frame_rate=25, frame_size=SIZE)
        ankle = Landmark.LEFT_ANKLE
        np.testing.assert_allclose(
            read.image[:, ankle], sequence.image[:, ankle], atol=1e-3, equal_nan=True
        )

    def test_one_openpose_file_is_one_frame(self, tmp_path):
        self.save_all(tmp_path)
        file = tmp_path / "op" / "pose_000000000001_keypoints.json"
        assert len(load_pose(file, frame_rate=25, frame_size=SIZE)) == 1

    def test_the_given_format_wins(self, tmp_path):
        sequence = self.save_all(tmp_path)
        (tmp_path / "a.npz").rename(tmp_path / "a.json")
        assert len(load_pose(tmp_path / "a.json", "npz")) == len(sequence)
        with pytest.raises(PoseError):
            load_pose(tmp_path / "mp.json", "coco")

    @pytest.mark.parametrize("name", ["a.txt", "a", "a.json"])
    def test_a_format_that_cannot_be_told(self, tmp_path, name):
        (tmp_path / name).write_text('{"x": 1}')
        with pytest.raises(PoseError, match="cannot be determined"):
            load_pose(tmp_path / name)

    def test_unknown_format_lists_the_known_ones(self, tmp_path):
        with pytest.raises(PoseError, match=r"mediapipe-csv.*'fbx'"):
            load_pose(tmp_path / "a.fbx", "fbx")

    @pytest.mark.parametrize("suffix", ["npz", "csv", "json"])
    def test_missing_and_binary_files(self, tmp_path, suffix):
        path = tmp_path / f"a.{suffix}"
        with pytest.raises(PoseError):
            load_pose(path)
        path.write_bytes(b"\xff\xfe\x00\x80" * 50)
        with pytest.raises(PoseError):
            load_pose(path)

    def test_too_large_text_is_refused(self, tmp_path, monkeypatch):
        self.save_all(tmp_path)
        small = replace(mediapipe_json._TABLE, max_bytes=100)
        monkeypatch.setattr(mediapipe_json, "_TABLE", small)
        with pytest.raises(PoseError, match="too large"):
            load_pose(tmp_path / "mp.csv")


@pytest.mark.parametrize("save", [save_openpose, save_coco])
def test_image_formats_refuse_a_source_without_an_image(tmp_path, save):
    with pytest.raises(PoseError, match="image coordinates"):
        save(tmp_path / "a", make(image=False))
