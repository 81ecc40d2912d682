"""GaitGraph's CASIA-B table and OpenGait's pickles, made here."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from coco17_tables import keypoints, table

from gaitproof.data.gait import load_recordings
from gaitproof.data.gait.casia_csv import load_casia_csv
from gaitproof.data.gait.opengait import load_opengait
from gaitproof.errors import ConfigError, InputError
from gaitproof.pose.formats.coco import COCO_17
from gaitproof.types import GAIT_LANDMARKS, Landmark


@pytest.mark.slow
def test_the_frame_rate_is_the_users_where_the_file_states_none(tmp_path: Path) -> None:
    path = table(tmp_path / "casia.csv", {"001-nm-01-090": keypoints()})
    assert load_recordings(path, "casia", 30.0)[0].times[-1] == pytest.approx(79 / 30)
    place = tmp_path / "og" / "001" / "nm-01" / "090"
    place.mkdir(parents=True)
    with (place / "090.pkl").open("wb") as file:
        pickle.dump(keypoints(), file)
    for data in (tmp_path / "og", place / "090.pkl"):
        assert load_recordings(data, "og")[0].times[-1] == pytest.approx(79 / 25)
        assert load_recordings(data, "og", 30.0)[0].times[-1] == pytest.approx(79 / 30)


@pytest.mark.parametrize("rate", [0.0, -25.0, float("nan"), float("inf"), 1e6])
def test_impossible_frame_rates_are_refused(tmp_path: Path, rate: float) -> None:
    path = table(tmp_path / "casia.csv", {"001-nm-01-090": keypoints()})
    with pytest.raises(ConfigError, match="frame rate"):
        load_recordings(path, "casia", rate)


def test_casia_table(tmp_path: Path) -> None:
    made = keypoints()
    path = table(tmp_path / "casia.csv", {"001-nm-01-090": made, "002-cl-02-018": made[:40]})
    first, second = load_recordings(path, "casia")
    assert (first.subject, first.recording, first.condition, first.view, first.source) == (
        "001",
        "nm-01",
        "nm",
        "090",
        "casia",
    )
    assert (second.subject, second.recording, second.view) == ("002", "cl-02", "018")
    assert first.flat
    assert not first.feet
    assert first.bones is None
    assert first.times[-1] == pytest.approx(79 / 25)
    hip = GAIT_LANDMARKS.index(Landmark.LEFT_HIP)
    heel = GAIT_LANDMARKS.index(Landmark.LEFT_HEEL)
    x, y = made[:, COCO_17.index("left_hip"), :2].T
    np.testing.assert_allclose(first.points[10:-10, hip, 0], x[10:-10], atol=1.5)
    np.testing.assert_allclose(first.points[10:-10, hip, 1], -y[10:-10], atol=1.5)
    assert (first.points[:, hip, 2] == 0).all()
    assert np.isnan(first.points[:, heel]).all()


def test_a_source_without_feet_gives_windows_with_the_feet_masked(tmp_path: Path) -> None:
    path = table(tmp_path / "casia.csv", {"001-nm-01-090": keypoints()})
    (walk,) = load_casia_csv(path, "casia")
    assert len(walk.windows) >= 1
    toe = GAIT_LANDMARKS.index(Landmark.LEFT_FOOT_INDEX)
    knee = GAIT_LANDMARKS.index(Landmark.LEFT_KNEE)
    assert not walk.windows.mask[:, 3 * toe : 3 * toe + 3].any()
    assert not walk.windows.mask[:, 40:42].any()  # ankle angles need toes
    assert walk.windows.mask[:, 3 * knee : 3 * knee + 3].all()
    assert (walk.windows.features[:, :, 3 * toe] == 0).all()
    assert len(walk.segments) == 1


def test_rows_in_any_order_and_missing_frames(tmp_path: Path) -> None:
    path = table(tmp_path / "casia.csv", {"001-nm-01-090": keypoints()})
    header, *rows = path.read_text().splitlines()
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    other = tmp_path / "shuffled.csv"
    other.write_text("\r\n".join(["\ufeff" + header, *shuffled, ""]), encoding="utf-8")
    (straight,), (mixed,) = load_casia_csv(path, "a"), load_casia_csv(other, "a")
    np.testing.assert_array_equal(straight.points, mixed.points)
    del rows[30:45]
    path.write_text("\n".join([header, *rows]))
    (gap,) = load_casia_csv(path, "a")
    assert len(gap.times) == 65
    assert not gap.segments  # 15 frames are 0.6 s: nothing bridges them


def test_joints_that_were_not_found(tmp_path: Path) -> None:
    made = keypoints()
    knee = COCO_17.index("left_knee")
    made[:, knee, 2] = 0
    made[5, COCO_17.index("right_knee"), 0] = np.nan
    made[9, COCO_17.index("right_knee"), 0] = 1e300
    made[15, COCO_17.index("right_knee"), 1] = -np.inf
    (walk,) = load_casia_csv(table(tmp_path / "c.csv", {"001-nm-01-090": made}), "a")
    assert np.isnan(walk.points[:, GAIT_LANDMARKS.index(Landmark.LEFT_KNEE)]).all()
    right = walk.points[:, GAIT_LANDMARKS.index(Landmark.RIGHT_KNEE)]
    assert np.isfinite(right).all()  # short gaps are filled
    assert np.abs(right).max() < 320


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace("left_knee_x", "knee_x"), "GaitGraph's layout"),
        (lambda t: t.replace(",right_ankle_conf", ""), "GaitGraph's layout"),
        (lambda t: t.replace("nose_x", "nose_y", 1), "GaitGraph's layout"),
        (lambda t: t.replace("001-nm-01-090", "someone"), "does not name a frame"),
        (lambda t: t.replace("160.0000", "wide", 1), "no number"),
        (lambda t: t.replace("000001.jpg", "000000.jpg"), "repeats a frame"),
        (lambda t: t[: len(t) - 30], "number of cells"),
        (lambda t: t.splitlines()[0] + "\n", "no rows"),
        (lambda t: t.replace("160.0000", '"160', 1), "valid|cells|number"),
    ],
)
def test_damaged_tables(tmp_path: Path, change, message: str) -> None:
    path = table(tmp_path / "c.csv", {"001-nm-01-090": keypoints(5)})
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=message):
        load_casia_csv(path, "a")


def opengait(root: Path, place: str, value: object) -> Path:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value))
    return path


def test_opengait_folder(tmp_path: Path) -> None:
    made = keypoints().astype(np.float32)
    opengait(tmp_path, "001/nm-01/090/090.pkl", made)
    opengait(tmp_path, "001/nm-01/018/018.pkl", made[:30])
    opengait(tmp_path, "0002/camid0_videoid2/seq0/seq0.pkl", made)
    walks = load_recordings(tmp_path, "og")
    labels = [(w.subject, w.recording, w.condition, w.view) for w in walks]
    assert sorted(labels) == [
        ("0002", "camid0_videoid2/seq0", "camid0_videoid2", ""),
        ("001", "nm-01", "nm", "018"),
        ("001", "nm-01", "nm", "090"),
    ]
    assert all(w.flat and not w.feet for w in walks)
    one = load_opengait(tmp_path / "001/nm-01/090/090.pkl", "og")[0]
    assert len(one.windows) >= 1
    (table_walk,) = load_casia_csv(
        table(tmp_path / "c.csv", {"001-nm-01-090": keypoints()}), "casia"
    )
    np.testing.assert_allclose(one.points, table_walk.points, atol=1e-3)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("001/nm-01/090.pkl", np.ones((4, 17, 3)), "OpenGait's layout"),
        ("001/nm-01/090/a.pkl", np.ones((4, 18, 3)), "not a pose sequence"),
        ("001/nm-01/090/a.pkl", np.ones((0, 17, 3)), "not a pose sequence"),
        ("001/nm-01/090/a.pkl", np.ones((4, 64, 44), np.uint8), "not a pose sequence"),
        ("001/nm-01/090/a.pkl", [1, 2], "nothing in the file was executed"),
    ],
)
def test_wrong_pickles(tmp_path: Path, place: str, value: object, message: str) -> None:
    opengait(tmp_path, place, value)
    with pytest.raises(InputError, match=message):
        load_recordings(tmp_path, "og")


def test_several_pickles_of_a_view(tmp_path: Path) -> None:
    made = keypoints(70)
    opengait(tmp_path, "001/nm-01/090/0_heatmap.pkl", np.ones((4, 64, 44)))
    opengait(tmp_path, "001/nm-01/090/1_pose.pkl", made)
    assert len(load_recordings(tmp_path, "og")) == 1
    opengait(tmp_path, "001/nm-01/090/2_pose.pkl", made)
    with pytest.raises(InputError, match="several pickles"):
        load_recordings(tmp_path, "og")


def test_keypoints_of_nothing_but_nan(tmp_path: Path) -> None:
    opengait(tmp_path, "001/nm-01/090/a.pkl", np.full((70, 17, 3), np.nan))
    (walk,) = load_recordings(tmp_path, "og")
    assert len(walk.windows) == 0
    assert walk.segments == []
