from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest

from gaitproof.data.gait.silhouettes import cut_mask, load_silhouette_data
from gaitproof.errors import ConfigError, InputError


def standing(x: int = 100, size: tuple[int, int] = (240, 320)) -> np.ndarray:
    """A mask of the camera's size with a person 120 rows high, 40 columns wide."""
    image = np.zeros(size, np.uint8)
    image[60:180, x : x + 40] = 255
    return image


def write(folder, number: int, image: np.ndarray, stem: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{stem}{number:03d}.png"), image)


@pytest.fixture
def casia_b(tmp_path):
    root = tmp_path / "casia"
    for kind in ("nm-01", "bg-02"):
        for i in range(30):
            write(root / "001" / kind / "090", i + 1, standing(20 + 5 * i), f"001-{kind}-090-")
    return root


def test_a_folder_in_the_layout_of_casia_b(casia_b):
    bag, normal = load_silhouette_data(casia_b, "casia")
    assert (normal.subject, normal.recording) == ("001", "001/nm-01")
    assert (normal.condition, normal.view, normal.source) == ("nm", "090", "casia")
    assert bag.condition == "bg"
    assert normal.frame_rate == 25
    assert len(normal.sequence) == 30
    expected = np.zeros((64, 44), bool)
    expected[:, 22 - 11 : 22 + 10] = True
    for mask in normal.sequence.masks:
        assert (mask != expected).sum() <= 2 * 64


def test_a_missing_frame_is_one_without_a_mask(casia_b):
    folder = casia_b / "001" / "nm-01" / "090"
    (folder / "001-nm-01-090-005.png").unlink()
    write(folder, 9, np.zeros((240, 320), np.uint8), "001-nm-01-090-")
    _, normal = load_silhouette_data(casia_b, "casia")
    assert np.flatnonzero(~normal.sequence.present).tolist() == [4, 8]


@pytest.mark.parametrize("prefix", ["Silhouette_", ""])
def test_a_folder_in_the_layout_of_ou_mvlp(tmp_path, prefix):
    for view in ("000", "195"):
        for session in ("00", "01"):
            write(tmp_path / f"{prefix}{view}-{session}" / "00007", 1, standing(), "0")
    walks = load_silhouette_data(tmp_path, "ou-mvlp", frame_rate=30)
    assert {(w.subject, w.recording, w.view) for w in walks} == {
        ("00007", f"00007/{session}", view) for session in ("00", "01") for view in ("000", "195")
    }
    assert {w.frame_rate for w in walks} == {30}


@pytest.mark.parametrize("width", [44, 64])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_pickles_of_masks_that_are_cut_already(tmp_path, width, kind):
    masks = np.zeros((5, 64, width), kind)
    masks[:, :, width // 2 - 5 : width // 2 + 5] = 255 if kind == np.uint8 else 1
    file = tmp_path / "012" / "cl-01" / "018" / "018.pkl"
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(masks))
    (walk,) = load_silhouette_data(tmp_path, "casia")
    assert (walk.subject, walk.condition, walk.view) == ("012", "cl", "018")
    expected = np.zeros((64, 44), bool)
    expected[:, 17:27] = True
    assert (walk.sequence.masks == expected).all()
    assert len(load_silhouette_data(file, "casia")) == 1


def test_of_several_pickles_the_silhouettes_are_taken(tmp_path):
    folder = tmp_path / "012" / "cl-01" / "018"
    folder.mkdir(parents=True)
    (folder / "0_heatmap.pkl").write_bytes(pickle.dumps(np.zeros((5, 2, 64, 44), np.uint8)))
    (folder / "1_sil.pkl").write_bytes(pickle.dumps(np.full((5, 64, 44), 255, np.uint8)))
    (walk,) = load_silhouette_data(tmp_path, "casia")
    assert walk.sequence.masks.all()


class _Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_code_in_a_pickle_is_not_executed(tmp_path, capsys):
    file = tmp_path / "012" / "nm-01" / "018" / "018.pkl"
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(InputError, match="nothing in the file was executed"):
        load_silhouette_data(tmp_path, "casia")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("shape", [(5, 32, 44), (5, 64, 44, 3), (0, 64, 44)])
def test_arrays_that_are_no_silhouettes_are_refused(tmp_path, shape):
    file = tmp_path / "012" / "nm-01" / "018" / "018.pkl"
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(np.zeros(shape, np.uint8)))
    with pytest.raises(InputError, match="silhouettes"):
        load_silhouette_data(tmp_path, "casia")


@pytest.mark.parametrize(
    "place", ["a.png", "001/nm-01/090/cover.png", "001/nm-01/090/x/001.png", "x/001/001.png"]
)
def test_images_in_other_places_are_refused(tmp_path, place):
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), standing())
    with pytest.raises(InputError):
        load_silhouette_data(tmp_path, "casia")


def test_two_frames_far_apart_claim_no_memory(tmp_path):
    for number in (1, 999_999_999):
        write(tmp_path / "001" / "nm-01" / "090", number, standing())
    with pytest.raises(InputError, match="claim 999999999 frames"):
        load_silhouette_data(tmp_path, "casia")


def test_damaged_images_are_refused(casia_b):
    (casia_b / "001" / "nm-01" / "090" / "001-nm-01-090-003.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="silhouette image"):
        load_silhouette_data(casia_b, "casia")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no silhouettes"):
        load_silhouette_data(tmp_path, "casia")


@pytest.mark.parametrize("rate", [0.0, -25.0, float("nan")])
def test_frame_rates_are_checked(casia_b, rate):
    with pytest.raises(ConfigError, match="frame rate"):
        load_silhouette_data(casia_b, "casia", frame_rate=rate)


def test_a_speck_is_nobody():
    speck = np.zeros((240, 320), bool)
    speck[10:14, 10:14] = True
    assert not cut_mask(speck).any()
