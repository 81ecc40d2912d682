"""DenseGait's and FVG's tables of tracklets."""

from __future__ import annotations

import numpy as np
import pytest
from coco17_tables import keypoints, table, tracklet_table

from gaitproof.data.gait.casia_csv import load_casia_csv
from gaitproof.data.gait.load import load_recordings
from gaitproof.data.gait.tracklets import load_tracklets
from gaitproof.errors import InputError


def test_a_table_and_its_folder_are_read(tmp_path):
    path = tracklet_table(tmp_path / "densegait")
    for place in (path, path.parent):
        walks = load_recordings(place, "dense")
        labels = [(w.subject, w.recording, w.condition, w.view, w.source) for w in walks]
        assert labels == [
            (str(who), f"densegait/poses/{who}", "walk", "", "dense") for who in (3, 9)
        ]
        assert all(w.flat and not w.feet for w in walks)
        assert walks[0].times[-1] == pytest.approx(79 / 25)
    assert load_recordings(path, "dense", 50.0)[0].times[-1] == pytest.approx(79 / 50)


@pytest.mark.parametrize("person", [3, 9], ids=["y down", "y up"])
def test_unit_order_and_axis_change_nothing(tmp_path, person):
    walks = load_tracklets(tracklet_table(tmp_path / "a"), "a")
    windows = next(w for w in walks if w.subject == str(person)).windows
    casia = table(tmp_path / "c.csv", {"001-nm-01-090": keypoints(seed=person)})
    (same,) = load_casia_csv(casia, "c")
    assert len(windows) >= 1
    np.testing.assert_allclose(windows.features, same.windows.features, atol=0.05)
    np.testing.assert_array_equal(windows.mask, same.windows.mask)


def test_sessions_and_runs_are_conditions(tmp_path):
    path = tracklet_table(tmp_path / "fvg", 20)
    file = "fvg/poses/3.npy"
    rows = [f"1,{file},{session},{run}" for session in (1, 2, 3) for run in range(1, 13)]
    path.write_text("\n".join(["track_id,file_name,session_id,run_id", *rows]))
    walks = load_recordings(path, "fvg")
    assert [w.recording for w in walks[:2]] == ["1/1", "1/2"]
    groups = [[w.condition for w in walks[i : i + 12 : 3]] for i in (0, 12, 24)]
    assert groups == [
        ["walk", "speed", "speed", "bag"],
        ["walk", "speed", "clothes", "background"],
        ["walk", "walk", "walk", "walk"],
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace("poses/3.npy", "poses/../../../etc/3.npy"), "leads out"),
        (lambda t: t.replace("poses/9", "poses/8"), "does not exist"),
        (lambda t: t.replace("track_id", "who"), "not a table"),
        (lambda t: t.splitlines()[0], "no rows"),
        (lambda t: t.replace("0.5,3", "3"), "number of cells"),
        (lambda t: t.replace(",1,3", ",one,3"), "whole number"),
    ],
)
def test_damaged_tables(tmp_path, change, says):
    path = tracklet_table(tmp_path / "a", 5, runs=True)
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=says):
        load_tracklets(path, "a")


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((5, 12, 3)), "not a pose sequence"),
        (np.zeros((0, 18, 3)), "not a pose sequence"),
        (np.zeros((5, 18, 3), "U3"), "not a pose sequence"),
        (np.array([{}]), "valid tracklet"),
    ],
)
def test_damaged_arrays(tmp_path, array, says):
    path = tracklet_table(tmp_path / "a", 5)
    np.save(tmp_path / "a/poses/3.npy", array, allow_pickle=True)
    with pytest.raises(InputError, match=says):
        load_tracklets(path, "a")
