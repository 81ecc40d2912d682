"""BVH and ASF/AMC: forward kinematics against SciPy's rotations and hand-computed chains."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gaitproof.data.gait import asf_amc, load_recordings
from gaitproof.errors import InputError
from gaitproof.pose.formats import bvh, mocap
from gaitproof.types import GAIT_LANDMARKS, Landmark

SIDES = ("Left", "Right")


def bvh_text(frames: np.ndarray, unit: float = 100.0, prefix: str = "") -> str:
    """Return a skeleton with six channels at the root and three at every joint, and its frames."""
    lines = ["HIERARCHY", f"ROOT {prefix}Hips", "{", "OFFSET 0 0 0"]
    lines += ["CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"]

    def joint(name: str, offset: tuple[float, float, float], inside: list[str]) -> list[str]:
        x, y, z = (unit * v for v in offset)
        return [
            f"JOINT {prefix}{name}",
            "{",
            f"OFFSET {x} {y} {z}",
            "CHANNELS 3 Zrotation Xrotation Yrotation",
            *inside,
            "}",
        ]

    end = ["End Site", "{", f"OFFSET 0 0 {0.07 * unit}", "}"]
    for side, sign in zip(SIDES, (1, -1), strict=True):
        toe = joint(f"{side}ToeBase", (0, -0.05, 0.12), end)
        foot = joint(f"{side}Foot", (0, -0.42, 0), toe)
        leg = joint(f"{side}Leg", (0, -0.43, 0), foot)
        lines += joint(f"{side}UpLeg", (0.1 * sign, -0.05, 0), leg)
    arms: list[str] = []
    for side, sign in zip(SIDES, (1, -1), strict=True):
        arm = joint(f"{side}Arm", (0.12 * sign, 0, 0), end)
        arms += joint(f"{side}Shoulder", (0.04 * sign, 0.05, 0), arm)
    lines += joint("Spine", (0, 0.45, 0), arms)
    lines += ["}", "MOTION", f"Frames: {len(frames)}", "Frame Time: 0.0083333"]
    lines += [" ".join(f"{v:.6f}" for v in row) for row in frames]
    return "\n".join(lines) + "\n"


CHANNELS = 6 + 3 * (4 + 4 + 1 + 2 + 2)


def frames(count: int = 300, unit: float = 100.0, seed: int = 0) -> np.ndarray:
    """Smooth random motion."""
    rng = np.random.default_rng(seed)
    time = np.arange(count)[:, None] / 120
    made = rng.uniform(5, 20, CHANNELS) * np.sin(
        2 * np.pi * rng.uniform(0.5, 1, CHANNELS) * time + rng.uniform(0, 6, CHANNELS)
    )
    made[:, :3] = np.array([0, unit, 0]) + unit * np.array([0, 0, 1.2]) * time
    return made


def test_positions_agree_with_scipy(tmp_path: Path) -> None:
    path = tmp_path / "07_01.bvh"
    motion = frames(20)
    path.write_text(bvh_text(motion))
    joints, channels, rate = bvh.parse_bvh(path)
    assert rate == pytest.approx(120, rel=1e-4)
    np.testing.assert_allclose(channels, motion, atol=1e-6)
    placed = bvh.positions(joints, channels)
    for t in range(len(motion)):
        column, turns, places = 0, {}, {}
        for i, joint in enumerate(joints):
            values = channels[t, column : column + len(joint.channels)]
            column += len(joint.channels)
            offset = np.array(joint.offset) + (values[:3] if len(values) == 6 else 0)
            order = "".join(c[0].upper() for c in joint.channels if c.endswith("rotation"))
            turn = (
                Rotation.from_euler(order, values[-3:], degrees=True)
                if order
                else Rotation.identity()
            )
            if joint.parent < 0:
                places[i], turns[i] = offset, turn
            else:
                places[i] = places[joint.parent] + turns[joint.parent].apply(offset)
                turns[i] = turns[joint.parent] * turn
            np.testing.assert_allclose(placed[t, i], places[i], atol=1e-6)
    ends = [joint.name for joint in joints if joint.name.endswith("/end")]
    assert len(ends) == 4


@pytest.mark.parametrize("unit", [1.0, 100.0, 1000.0, 1 / 0.0254, 0.45 / 0.0254])
def test_bvh_recording_is_in_metres_whatever_the_unit(tmp_path: Path, unit: float) -> None:
    path = tmp_path / "07_01.bvh"
    path.write_text(bvh_text(frames(unit=unit), unit, prefix="mixamorig:"))
    (walk,) = load_recordings(path, "cmu")
    assert (walk.subject, walk.recording, walk.view) == ("07", "07_01", "mocap")
    assert not walk.flat
    assert walk.feet
    assert walk.bones is not None
    by_name = dict(zip(("thigh", "shank"), walk.bones[[2, 4]], strict=True))
    assert by_name["thigh"] == pytest.approx(0.43, abs=0.01)
    assert by_name["shank"] == pytest.approx(0.42, abs=0.01)
    assert len(walk.windows) >= 1
    heel = GAIT_LANDMARKS.index(Landmark.LEFT_HEEL)
    assert np.isnan(walk.points[:, heel]).all()


def test_folder_of_motions_and_one_person_under_two_numbers(tmp_path: Path) -> None:
    for name in ("07_01", "08_02", "09_01"):
        (tmp_path / f"{name}.bvh").write_text(bvh_text(frames(10)))
    (tmp_path / "people.csv").write_text("subject,person\n07,ann\n08,ann\n")
    walks = load_recordings(tmp_path, "cmu")
    assert [(w.subject, w.recording) for w in walks] == [
        ("ann", "07_01"),
        ("ann", "08_02"),
        ("09", "09_01"),
    ]
    (tmp_path / "people.csv").write_text("number\n7\n")
    with pytest.raises(InputError, match="list of people"):
        load_recordings(tmp_path, "cmu")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "SCENE", "begin with HIERARCHY"),
        ("MOTION", "", "no MOTION"),
        ("Frames: 5", "Frames: 999999999999", "cut off"),
        ("Frames: 5", "Frames: -5", "-5 frames"),
        ("Frames: 5", "Frames: many", "many"),
        ("Frame Time: 0.0083333", "Frame Time: 0", "of 0.0 s"),
        ("Frame Time: 0.0083333", "Frame Time: nan", "of nan s"),
        ("Frame Time: 0.0083333", "", "Frame Time|could not convert"),
        ("CHANNELS 3", "CHANNELS 99999999", "channels"),
        ("CHANNELS 3", "CHANNELS 4", "channels"),
        ("OFFSET 0 0 0", "OFFSET 0 0", "could not convert|not enough"),
        ("JOINT LeftLeg", "JOINT Shin", "no left knee"),
        ("{", "", "bracket|unexpected|range"),
        ("Zrotation", "Wrotation", "channels"),
    ],
)
def test_damaged_bvh(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = bvh_text(frames(5))
    assert old in text
    path = tmp_path / "07_01.bvh"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        load_recordings(path, "cmu")


def test_hostile_bvh(tmp_path: Path) -> None:
    path = tmp_path / "07_01.bvh"
    text = bvh_text(frames(5))
    for bad in (
        text[: len(text) // 2],
        text[:-40],
        text.replace("100.000000", "nan", 1),
        text.replace("100.000000", "1e300", 1),
        "HIERARCHY ROOT a " + "{ JOINT b " * 5000 + "MOTION\nFrames: 1\nFrame Time: 1\n0",
        "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 0 } MOTION\nFrames: 9\nFrame Time: .01\n",
        "",
        "\0" * 1000,
    ):
        path.write_text(bad)
        with pytest.raises(InputError):
            load_recordings(path, "cmu")
    path.write_text(bvh_text(frames(5, unit=7.0), unit=7.0))
    with pytest.raises(InputError, match="no human size"):
        load_recordings(path, "cmu")


ASF = """# made by hand
:version 1.10
:name made
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
  two legs
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
{bones}
:hierarchy
  begin
    root lhipjoint rhipjoint spine
    lhipjoint lfemur
    lfemur ltibia
    ltibia lfoot
    rhipjoint rfemur
    rfemur rtibia
    rtibia rfoot
    spine lclavicle rclavicle
  end
"""

UNIT = 0.0254 / 0.45


def bone(
    name: str, direction: str, length: float, axis: str = "0 0 0", dof: str = "rx ry rz"
) -> str:
    limits = "    limits (-160 20)\n" if dof else ""
    freedom = f"    dof {dof}\n{limits}" if dof else ""
    return (
        f"  begin\n    id 1\n    name {name}\n    direction {direction}\n    length {length}\n"
        f"    axis {axis} XYZ\n{freedom}  end"
    )


def asf(axis: str = "0 0 0") -> str:
    made = [bone("spine", "0 1 0", 0.5 / UNIT)]
    for side, sign in (("l", 1), ("r", -1)):
        made += [
            bone(f"{side}hipjoint", f"{sign} 0 0", 0.1 / UNIT, dof=""),
            bone(f"{side}femur", "0 -1 0", 0.43 / UNIT, axis),
            bone(f"{side}tibia", "0 -1 0", 0.42 / UNIT, axis, "rx"),
            bone(f"{side}foot", "0 0 1", 0.15 / UNIT, axis, "rx rz"),
            bone(f"{side}clavicle", f"{sign} 0 0", 0.17 / UNIT, axis, "ry rz"),
        ]
    return ASF.replace("{bones}", "\n".join(made))


def amc(rows: list[dict[str, str]]) -> str:
    lines = [":FULLY-SPECIFIED", ":DEGREES"]
    rest = {"root": "0 16 0 0 0 0", "spine": "0 0 0"}
    for s in "lr":
        rest |= {f"{s}femur": "0 0 0", f"{s}tibia": "0", f"{s}foot": "0 0", f"{s}clavicle": "0 0"}
    for i, row in enumerate(rows):
        lines.append(str(i + 1))
        lines += [f"{name} {values}" for name, values in {**rest, **row}.items()]
    return "\n".join(lines) + "\n"


def placed(tmp_path: Path, skeleton: str, rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    (tmp_path / "07.asf").write_text(skeleton)
    (tmp_path / "07_01.amc").write_text(amc(rows))
    bones = asf_amc.parse_asf(tmp_path / "07.asf")
    motion = asf_amc.parse_amc(tmp_path / "07_01.amc", bones)
    points = asf_amc.positions(bones, motion) * UNIT
    return {b.name: points[:, i] for i, b in enumerate(bones)}


def test_chain_by_hand(tmp_path: Path) -> None:
    rows = [{}, {"lfemur": "90 0 0"}, {"lfemur": "90 0 0", "ltibia": "-90"}]
    rows += [{"root": "0 16 0 0 90 0"}]
    bones = placed(tmp_path, asf(), rows)
    root = np.array([0, 16 * UNIT, 0])
    np.testing.assert_allclose(bones["ltibia"][0], root + np.array([0.1, -0.85, 0]), atol=1e-9)
    # a quarter turn about x takes -y to -z
    np.testing.assert_allclose(bones["lfemur"][1], root + np.array([0.1, 0, -0.43]), atol=1e-9)
    np.testing.assert_allclose(bones["ltibia"][1], root + np.array([0.1, 0, -0.85]), atol=1e-9)
    # bent back at the knee, the shank hangs down again
    np.testing.assert_allclose(bones["ltibia"][2], root + np.array([0.1, -0.42, -0.43]), atol=1e-9)
    # the whole body turned by a quarter about y: +x goes to -z, the foot's +z to +x
    np.testing.assert_allclose(bones["lhipjoint"][3], root + np.array([0, 0, -0.1]), atol=1e-9)
    np.testing.assert_allclose(bones["lfoot"][3], root + np.array([0.15, -0.85, -0.1]), atol=1e-9)
    np.testing.assert_allclose(bones["rfoot"][0], root + np.array([-0.1, -0.85, 0.15]), atol=1e-9)


def test_bone_axes_against_scipy(tmp_path: Path) -> None:
    bones = placed(tmp_path, asf("20 30 -40"), [{"lfemur": "10 -25 50"}])
    axes = Rotation.from_euler("xyz", [20, 30, -40], degrees=True)  # lower case: fixed axes
    turn = Rotation.from_euler("xyz", [10, -25, 50], degrees=True)
    local = axes * turn * axes.inv()
    expected = np.array([0.1, 16 * UNIT, 0]) + local.apply([0, -0.43, 0])
    np.testing.assert_allclose(bones["lfemur"][0], expected, atol=1e-9)


def test_amc_recording(tmp_path: Path) -> None:
    swing = [
        {"root": f"0 16 {i * 0.2:.3f} 0 0 0", "lfemur": f"{20 * np.sin(i / 20):.4f} 0 0"}
        for i in range(260)
    ]
    placed(tmp_path, asf(), swing)
    (walk,) = load_recordings(tmp_path, "cmu")
    assert (walk.subject, walk.recording) == ("07", "07_01")
    assert walk.times[1] == pytest.approx(1 / 120)
    assert walk.bones is not None
    np.testing.assert_allclose(walk.bones[2:6], [0.43, 0.43, 0.42, 0.42], atol=0.005)
    assert len(walk.windows) == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("07.asf", ":root", ":other", "no :root"),
        ("07.asf", "angle deg", "angle rad", "only degrees"),
        ("07.asf", "length 7", "length x", "ASF skeleton"),
        ("07.asf", "lfemur ltibia", "lfemur lfemur", "two parents"),
        ("07.asf", "lfemur ltibia", "lfemur tail", "tail"),
        ("07.asf", "XYZ", "XXZ", "axis order"),
        ("07.asf", "dof rx", "dof qx", "degrees of freedom"),
        ("07_01.amc", "ltibia 0", "ltibia 0 0", "ltibia 0 0"),
        ("07_01.amc", "ltibia 0", "shin 0", "shin 0"),
        ("07_01.amc", "ltibia 0", "ltibia nan", "not finite"),
        ("07_01.amc", "ltibia 0\n", "", "lacks bones"),
        ("07_01.amc", "1\nroot", "root", "frame 0"),
    ],
)
def test_damaged_asf_amc(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    placed(tmp_path, asf(), [{}, {}])
    path = tmp_path / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        load_recordings(tmp_path / "07_01.amc", "cmu")


def test_missing_skeleton(tmp_path: Path) -> None:
    (tmp_path / "07_01.amc").write_text(amc([{}]))
    with pytest.raises(InputError, match=r"07\.asf"):
        load_recordings(tmp_path, "cmu")


def test_no_leg_fits_two_units() -> None:
    low, high = mocap._LEG
    ranges = sorted((low / unit, high / unit) for unit in mocap.UNITS.values())
    assert all(below[1] < above[0] for below, above in pairwise(ranges))
