import pytest

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.splits import find_equal_files


def clip(path, split):
    return FaceClip(path, Label.REAL, (path,), split=split)


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "a.mp4": "same",
        "b.mp4": "same",
        "c.mp4": "othr",
        "seq/1.png": "one",
        "seq/2.png": "same",
        "more/9.png": "one",
        "empty1.mp4": "",
        "empty2.mp4": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_same_file_on_two_sides(root):
    clips = [clip("a.mp4", "train"), clip("c.mp4", "train"), clip("b.mp4", "test")]
    assert find_equal_files(root, clips) == ("a.mp4 in train and b.mp4 in test are the same file",)


def test_pictures_within_folders_count_each(root):
    clips = [clip("seq", "train"), clip("more", "validation"), clip("b.mp4", "train")]
    assert find_equal_files(root, clips) == (
        "seq/1.png in train and more/9.png in validation are the same file",
    )


@pytest.mark.parametrize(
    "clips",
    [
        [clip("a.mp4", "train"), clip("b.mp4", "train")],
        [clip("a.mp4", "train"), clip("b.mp4", "unused")],
        [clip("a.mp4", "train"), clip("b.mp4", "")],
        [clip("a.mp4", "train"), clip("c.mp4", "test")],
        [clip("empty1.mp4", "train"), clip("empty2.mp4", "test")],
        [clip("a.mp4", "train"), clip("none.mp4", "test")],
    ],
)
def test_what_is_no_leak(root, clips):
    assert find_equal_files(root, clips) == ()


def test_files_of_a_size_that_one_side_has_alone_are_not_read(root, monkeypatch):
    monkeypatch.setattr("gaitproof.data.face.splits.compute_sha256", lambda path: 1 / 0)
    assert find_equal_files(root, [clip("a.mp4", "train"), clip("seq/1.png", "test")]) == ()
