"""TRC, C3D and BVH: round trips, other people's readers, and files that are damaged or hostile."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from walking import make_walk

from gaitproof.data.gait.mocap import load_bvh as load_recording
from gaitproof.errors import PoseError
from gaitproof.pose.formats import bvh as bvh_format
from gaitproof.pose.formats import load_pose, save_pose
from gaitproof.pose.formats.markers import even_frames, landmark_named, upright
from gaitproof.pose.formats.skeleton import build_skeleton
from gaitproof.types import Landmark, PoseSequence

MARKERS = ("trc", "c3d")
LEGS = [
    Landmark[f"{side}_{part}"]
    for side in ("LEFT", "RIGHT")
    for part in ("SHOULDER", "HIP", "KNEE", "ANKLE", "HEEL", "FOOT_INDEX")
]


def with_gaps(walk: PoseSequence) -> PoseSequence:
    """Take out a landmark for a while, another throughout, and the person in one frame."""
    world, seen = np.array(walk.world), np.array(walk.visibility)
    for rows, marks in ((slice(10, 20), 16), (slice(None), 17), (slice(30, 31), slice(None))):
        world[rows, marks] = np.nan
        seen[rows, marks] = 0
    return replace(walk, world=world, visibility=seen, image=None, frame_size=None)


def fixed_bones(seconds: float = 2.0, rate: float = 50.0, seed: int = 0) -> PoseSequence:
    """A walker whose bones keep their lengths: every joint turns by sines about all axes."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    joints, _ = build_skeleton(np.array(make_walk(seconds=1.0).world, np.float64))
    width = sum(len(joint.channels) for joint in joints)
    phase, size = rng.uniform(0, 6, width), rng.uniform(5, 25, width)
    channels = size * np.sin(2 * np.pi * times[:, None] + phase)
    channels[:, :3] = np.array([0, 0.9, 0]) + np.outer(times, [0.3, 0.0, 1.2])
    points = bvh_format.positions(joints, channels)
    columns = bvh_format.name_joints(
        [joint.name for joint in joints], {**bvh_format.JOINTS, **bvh_format.MORE_JOINTS}
    )
    world = np.full((len(times), 33, 3), np.nan)
    for landmark, column in columns.items():
        world[:, landmark] = points[:, column]
    return PoseSequence(
        timestamps=times, image=None, world=world, visibility=np.isfinite(world).all(2)
    )


class TestMarkers:
    @pytest.mark.parametrize("suffix", MARKERS)
    def test_round_trip_keeps_points_gaps_and_times(self, tmp_path: Path, suffix: str) -> None:
        walk = with_gaps(make_walk(rate=29.97, yaw=0.4))
        path = tmp_path / f"a.{suffix}"
        save_pose(path, walk)
        back = load_pose(path)
        np.testing.assert_allclose(back.world, walk.world, atol=2e-6, equal_nan=True)
        np.testing.assert_allclose(back.timestamps, walk.timestamps, atol=1e-5)
        assert back.estimator == suffix
        assert back.image is None

    def test_c3d_is_read_alike_by_ezc3d(self, tmp_path: Path) -> None:
        ezc3d = pytest.importorskip("ezc3d")
        walk = with_gaps(make_walk(rate=25.0, yaw=0.4))
        save_pose(tmp_path / "a.c3d", walk)
        read = ezc3d.c3d(str(tmp_path / "a.c3d"))
        labels = read["parameters"]["POINT"]["LABELS"]["value"]
        assert read["parameters"]["POINT"]["RATE"]["value"][0] == pytest.approx(25)
        assert read["parameters"]["POINT"]["UNITS"]["value"][0].strip() == "mm"
        points = read["data"]["points"]
        assert points.shape == (4, 32, len(walk))
        for i, label in enumerate(labels):
            np.testing.assert_allclose(
                points[:3, i].T, 1000 * walk.world[:, Landmark[label]], atol=1e-3, equal_nan=True
            )

    def test_c3d_written_by_ezc3d_is_read_z_up_in_metres(self, tmp_path: Path) -> None:
        ezc3d = pytest.importorskip("ezc3d")
        walk = make_walk(rate=100.0, seconds=1.0, yaw=0.4)
        names = {"LSHO_unknown": Landmark.NOSE, "LShoulder": 11, "RShoulder": 12, "LAnkle": 27}
        made = ezc3d.c3d()
        made["parameters"]["POINT"]["RATE"]["value"] = [100.0]
        made["parameters"]["POINT"]["UNITS"]["value"] = ["m"]
        made["parameters"]["POINT"]["LABELS"]["value"] = list(names)
        points = np.ones((4, len(names), len(walk)))
        for i, mark in enumerate(names.values()):
            x, y, z = walk.world[:, mark].T
            points[:3, i] = x, -z, y
        made["data"]["points"] = points
        made.write(str(tmp_path / "a.c3d"))
        back = load_pose(tmp_path / "a.c3d")
        assert len(back) == len(walk)
        assert back.frame_rate == pytest.approx(100)
        np.testing.assert_allclose(
            back.world[:, [11, 12, 27]], walk.world[:, [11, 12, 27]], atol=1e-5
        )
        assert np.isnan(back.world[:, 0]).all()

    def test_trc_is_a_plain_table(self, tmp_path: Path) -> None:
        walk = with_gaps(make_walk())
        save_pose(tmp_path / "a.trc", walk)
        # NumPy's own table reader, which knows nothing of the format
        table = np.genfromtxt(tmp_path / "a.trc", delimiter="\t", skip_header=5)
        lines = (tmp_path / "a.trc").read_text().splitlines()
        names = lines[3].split("\t")[2::3]
        assert table.shape == (len(walk), 2 + 3 * 32)
        np.testing.assert_array_equal(table[:, 0], np.arange(1, len(walk) + 1))
        for i, name in enumerate(names):
            np.testing.assert_allclose(
                table[:, 2 + 3 * i : 5 + 3 * i],
                1000 * walk.world[:, Landmark[name]],
                atol=1e-3,
                equal_nan=True,
            )

    @pytest.mark.parametrize(
        ("name", "landmark"),
        [
            ("LEFT_KNEE", Landmark.LEFT_KNEE),
            ("left knee", Landmark.LEFT_KNEE),
            ("LKnee", Landmark.LEFT_KNEE),
            ("Subject1:RHeel", Landmark.RIGHT_HEEL),
            ("RBigToe", Landmark.RIGHT_FOOT_INDEX),
            ("Nose", Landmark.NOSE),
            ("LASI", None),
            ("", None),
        ],
    )
    def test_names(self, name: str, landmark: Landmark | None) -> None:
        assert landmark_named(name) is landmark

    @given(st.integers(0, 2), st.booleans())
    def test_every_axis_up_is_turned_to_y(self, axis: int, down: bool) -> None:
        walk = np.array(make_walk(seconds=0.2).world, np.float64)
        # cyclic exchanges and half turns are rotations: left must stay left
        given_points = np.roll(walk, axis - 1, axis=2)
        if down:
            signs = np.ones(3)
            signs[[axis, (axis + 1) % 3]] = -1
            given_points = given_points * signs
        turned = upright(given_points)
        rise = turned[:, Landmark.LEFT_SHOULDER] - turned[:, Landmark.LEFT_ANKLE]
        assert (rise[:, 1] > 0.8).all()
        for a, b, c in ((11, 23, 27), (12, 24, 31)):
            volumes = [
                np.linalg.det(np.stack([p[:, a], p[:, b], p[:, c]], axis=1)) for p in (walk, turned)
            ]
            np.testing.assert_allclose(*volumes, atol=1e-9)


class TestEvenFrames:
    def test_even_time_stamps_change_nothing(self) -> None:
        points = np.random.default_rng(0).normal(size=(50, 2, 3))
        rate, even = even_frames(np.arange(50) / 25, points)
        assert rate == pytest.approx(25)
        assert even is points

    def test_dropped_frames_are_unknown_and_others_in_time(self) -> None:
        times = np.delete(np.arange(40) / 20, [10, 11, 12])
        points = np.repeat(times[:, None, None], 3, axis=2)
        rate, even = even_frames(times, points)
        assert rate == pytest.approx(20)
        assert np.isnan(even[10:13]).all()
        known = np.delete(np.arange(40), [10, 11, 12])
        np.testing.assert_allclose(even[known, 0, 0], known / 20, atol=1e-9)

    def test_endless_pauses_are_refused(self) -> None:
        with pytest.raises(PoseError, match="too far apart"):
            even_frames(np.array([0, 0.01, 0.02, 1e9]), np.zeros((4, 1, 3)))


class TestBvh:
    @pytest.mark.slow
    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 1000))
    def test_fixed_bones_come_back_exactly(self, tmp_path_factory, seed: int) -> None:
        walk = fixed_bones(seed=seed)
        path = tmp_path_factory.mktemp("bvh") / "a.bvh"
        save_pose(path, walk)
        back = load_pose(path)
        np.testing.assert_allclose(back.world, walk.world, atol=1e-4, equal_nan=True)
        np.testing.assert_allclose(back.timestamps, walk.timestamps, atol=1e-6)

    @pytest.mark.parametrize("yaw", [0.0, 1.5, 3.1])
    def test_legs_of_a_walk_come_back(self, tmp_path: Path, yaw: float) -> None:
        walk = make_walk(yaw=yaw)
        save_pose(tmp_path / "a.bvh", walk)
        back = load_pose(tmp_path / "a.bvh")
        np.testing.assert_allclose(back.world[:, LEGS], walk.world[:, LEGS], atol=1e-4)

    @pytest.mark.slow
    def test_training_reads_it(self, tmp_path: Path) -> None:
        folder = tmp_path / "ann"
        folder.mkdir()
        walk = make_walk()
        save_pose(folder / "a.bvh", walk)
        (recording,) = load_recording(folder / "a.bvh", "made")
        assert recording.subject == "ann"
        assert len(recording.windows) > 0

    def test_another_parser_and_scipy_place_the_same_joints(self, tmp_path: Path) -> None:
        bvh = pytest.importorskip("bvh")
        walk = fixed_bones()
        save_pose(tmp_path / "a.bvh", walk)
        read = bvh.Bvh((tmp_path / "a.bvh").read_text())
        assert read.nframes == len(walk)
        assert 1 / read.frame_time == pytest.approx(50)
        for frame in (0, 17, len(walk) - 1):
            placed, turned = {}, {}
            for name in read.get_joints_names():
                parent = read.joint_parent(name)
                channels = read.joint_channels(name)
                values = dict(
                    zip(channels, read.frame_joint_channels(frame, name, channels), strict=True)
                )
                order = "".join(c[0] for c in channels if c.endswith("rotation"))
                own = Rotation.from_euler(order, [values[f"{c}rotation"] for c in order], True)
                shift = np.array([values.get(f"{c}position", 0.0) for c in "XYZ"])
                offset = np.array(read.joint_offset(name)) + shift
                above = "" if parent is None else parent.name
                placed[name] = placed.get(above, 0) + (
                    turned[above].apply(offset) if above in turned else offset
                )
                turned[name] = turned[above] * own if above in turned else own
            for side in ("Left", "Right"):
                for joint, part in (("Leg", "KNEE"), ("Foot", "ANKLE"), ("Hand", "WRIST")):
                    expected = 100 * walk.world[frame, Landmark[f"{side.upper()}_{part}"]]
                    np.testing.assert_allclose(placed[side + joint], expected, atol=0.01)

    def test_gaps_are_bridged_and_ends_left_out(self, tmp_path: Path) -> None:
        walk = make_walk(seconds=2.0)
        world = np.array(walk.world)
        world[:5] = np.nan
        world[30:33, Landmark.LEFT_ANKLE] = np.nan
        save_pose(tmp_path / "a.bvh", replace(walk, world=world))
        back = load_pose(tmp_path / "a.bvh")
        assert len(back) == len(walk) - 5
        assert np.abs(back.world[:, LEGS] - walk.world[5:][:, LEGS]).max() < 0.03

    def test_without_toes_it_says_so(self, tmp_path: Path) -> None:
        walk = make_walk()
        world = np.array(walk.world)
        world[:, [Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]] = np.nan
        with pytest.raises(PoseError, match="toes, seen together"):
            save_pose(tmp_path / "a.bvh", replace(walk, world=world))


class TestRefusals:
    @pytest.mark.parametrize("suffix", [*MARKERS, "bvh"])
    def test_a_flat_sequence_and_nobody(self, tmp_path: Path, suffix: str) -> None:
        walk = make_walk()
        path = tmp_path / f"a.{suffix}"
        with pytest.raises(PoseError, match="only image coordinates"):
            save_pose(path, replace(walk, world=None))
        with pytest.raises(PoseError, match="Nobody"):
            save_pose(path, replace(walk, world=np.full_like(walk.world, np.nan)))
        assert not path.exists()

    def test_too_many_frames_for_c3d(self, tmp_path: Path) -> None:
        times = np.arange(70_000) / 100
        world = np.zeros((len(times), 33, 3))
        walk = PoseSequence(times, None, world, np.ones(world.shape[:2]))
        with pytest.raises(PoseError, match="too long for C3D"):
            save_pose(tmp_path / "a.c3d", walk)

    @pytest.mark.parametrize("suffix", [*MARKERS, "bvh"])
    @pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.3, 0.7, 0.99])
    def test_cut_off(self, tmp_path: Path, suffix: str, share: float) -> None:
        path = tmp_path / f"a.{suffix}"
        save_pose(path, make_walk(seconds=1.0))
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(PoseError, match=r"a\."):
            load_pose(path)

    @pytest.mark.slow
    @pytest.mark.parametrize("suffix", [*MARKERS, "bvh"])
    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_damage_is_an_error_or_a_sequence(self, tmp_path_factory, suffix, data) -> None:
        path = tmp_path_factory.getbasetemp() / f"damaged.{suffix}"
        save_pose(path, make_walk(seconds=0.3))
        body = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 8))):
            at = data.draw(st.integers(0, min(len(body), 3000) - 1))
            body[at] = data.draw(st.integers(0, 255))
        path.write_bytes(body)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with suppress(PoseError):
                assert isinstance(load_pose(path), PoseSequence)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("\t30\t33\tmm", "\t999999999999\t33\tmm", "999999999999 frames"),
            ("\t30\t33\tmm", "\t31\t33\tmm", "30 lines for 31 frames"),
            ("\t30\t33\tmm", "\tmany\t33\tmm", "many"),
            ("\t30\t33\tmm", "\t30\t-4\tmm", "-4 markers"),
            ("\t30\t33\tmm", "\t30\t32\tmm", "33 names"),
            ("\t30\t33\tmm", "\t30\t999\tmm", "too little text"),
            ("\t30\t33\tmm", "\t30\t33\tparsec", "unit"),
            ("LEFT_KNEE", "LEFT_HIP", "two markers for LEFT_HIP"),
            ("PathFileType", "Path", "PathFileType"),
        ],
    )
    def test_trc_with_a_false_header(
        self, tmp_path: Path, old: str, new: str, message: str
    ) -> None:
        path = tmp_path / "a.trc"
        save_pose(path, make_walk(seconds=1.0))
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(PoseError, match=message):
            load_pose(path)

    def test_trc_of_other_markers_and_of_words(self, tmp_path: Path) -> None:
        path = tmp_path / "a.trc"
        save_pose(path, make_walk(seconds=1.0))
        text = path.read_text()
        for mark in Landmark:
            text = text.replace(f"\t{mark.name}\t", f"\tM{mark.value}\t")
        path.write_text(text)
        with pytest.raises(PoseError, match="No marker"):
            load_pose(path)
        lines = text.splitlines()
        lines[7] = lines[7].replace(lines[7].split("\t")[4], "left", 1)
        path.write_text("\n".join(lines))
        with pytest.raises(PoseError, match="not a valid TRC marker file"):
            load_pose(path)

    def test_times_that_run_backwards(self, tmp_path: Path) -> None:
        path = tmp_path / "a.trc"
        save_pose(path, make_walk(seconds=1.0))
        lines = path.read_text().splitlines()
        lines[6], lines[7] = lines[7], lines[6]
        path.write_text("\n".join(lines))
        with pytest.raises(PoseError, match="increasing"):
            load_pose(path)

    def test_c3d_that_claims_more_than_it_holds(self, tmp_path: Path) -> None:
        path = tmp_path / "a.c3d"
        save_pose(path, make_walk(seconds=1.0))
        body = bytearray(path.read_bytes())
        body[8:10] = (60_000).to_bytes(2, "little")  # header, word 5: number of the last frame
        where = body.index(b"ACTUAL_END_FIELD")
        value = body.index((30).to_bytes(2, "little"), where)
        body[value : value + 2] = (60_000).to_bytes(2, "little")
        path.write_bytes(body)
        with pytest.raises(PoseError, match="not a valid C3D file"):
            load_pose(path)

    @pytest.mark.parametrize("suffix", [*MARKERS, "bvh"])
    def test_another_kind_of_file(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a.{suffix}"
        for data in (b"", b"\x89PNG\r\n\x1a\n" + bytes(3000), b"\x02P" + bytes(4000), b"{}"):
            path.write_bytes(data)
            with pytest.raises(PoseError):
                load_pose(path)
        with pytest.raises(PoseError, match="does not exist"):
            load_pose(tmp_path / f"none.{suffix}")
