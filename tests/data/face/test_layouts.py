import pytest
from face_trees import celeb_df, dfdc, faceforensics, plain, portraits, preview, wild

from gaitproof.data.face.clips import Label
from gaitproof.data.face.layouts import LAYOUTS, read_layout
from gaitproof.errors import ConfigError, InputError

REAL, FAKE = Label.REAL, Label.FAKE


@pytest.fixture
def root(tmp_path):
    # the word "fake" in the root's own name must decide nothing
    folder = tmp_path / "deepfake_data" / "fake"
    folder.mkdir(parents=True)
    return folder


def table(clips):
    return {
        clip.path: (clip.label, clip.manipulation, clip.split, set(clip.keys)) for clip in clips
    }


def test_faceforensics_flat(root):
    """As the copies of one compression are passed on; other folders beside them are no clips."""
    for name in ("original/071", "Deepfakes/071_054", "FaceSwap/054_071", "csv/071"):
        path = root / f"{name}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.touch()
    both = {"video 071", "video 054"}
    assert table(read_layout(root)) == {
        "original/071.mp4": (REAL, "original", "", {"video 071"}),
        "Deepfakes/071_054.mp4": (FAKE, "Deepfakes", "", both),
        "FaceSwap/054_071.mp4": (FAKE, "FaceSwap", "", both),
    }
    (root / "Deepfakes" / "071.mp4").touch()
    with pytest.raises(InputError, match="no name of FaceForensics"):
        read_layout(root)


def test_faceforensics(root):
    faceforensics(root)
    youtube, fakes = "original_sequences/youtube", "manipulated_sequences"
    assert table(read_layout(root)) == {
        f"{youtube}/c23/videos/071.mp4": (REAL, "original", "train", {"video 071"}),
        f"{youtube}/c40/videos/071.mp4": (REAL, "original", "train", {"video 071"}),
        f"{youtube}/c23/videos/054.mp4": (REAL, "original", "train", {"video 054"}),
        "original_sequences/actors/raw/videos/01__walking_outdoor.mp4": (
            REAL,
            "original",
            "",
            {"actor 01"},
        ),
        f"{fakes}/Deepfakes/c23/videos/071_054.mp4": (
            FAKE,
            "Deepfakes",
            "train",
            {"video 071", "video 054"},
        ),
        f"{fakes}/NeuralTextures/c40/videos/054_071.mp4": (
            FAKE,
            "NeuralTextures",
            "train",
            {"video 054", "video 071"},
        ),
        f"{fakes}/DeepFakeDetection/raw/videos/01_02__walking__ABCDEFGH.mp4": (
            FAKE,
            "DeepFakeDetection",
            "",
            {"actor 01", "actor 02"},
        ),
        # one half of the pair is for training, the other for testing
        f"{fakes}/Face2Face/c23/videos/071_900.mp4": (
            FAKE,
            "Face2Face",
            "unused",
            {"video 071", "video 900"},
        ),
    }


def test_celeb_df_where_one_is_real_and_no_line_is_lost(root):
    celeb_df(root)
    assert table(read_layout(root)) == {
        "Celeb-real/id0_0000.mp4": (REAL, "original", "test", {"id0"}),
        "Celeb-real/id1_0000.mp4": (REAL, "original", "", {"id1"}),
        "YouTube-real/00001.mp4": (REAL, "original", "", {"youtube 00001"}),
        # the first line of the list: not a header
        "YouTube-real/00170.mp4": (REAL, "original", "test", {"youtube 00170"}),
        "Celeb-synthesis/id0_id1_0000.mp4": (FAKE, "Celeb-synthesis", "test", {"id0", "id1"}),
    }


def test_dfdc_where_originals_have_none(root):
    dfdc(root)
    assert table(read_layout(root)) == {
        "dfdc_train_part_0/a.mp4": (FAKE, "DFDC", "train", {"video b.mp4"}),
        "dfdc_train_part_0/b.mp4": (REAL, "original", "train", {"video b.mp4"}),
        "dfdc_train_part_10/c.mp4": (REAL, "original", "train", {"video c.mp4"}),
    }


def test_dfdc_preview(root):
    preview(root)
    assert table(read_layout(root)) == {
        "method_A/1/x.mp4": (FAKE, "method_A", "test", {"actor 1", "actor 2"}),
        "original_videos/1/y.mp4": (REAL, "original", "train", {"actor 1"}),
    }


def test_wild_deepfake_in_natural_order(root):
    wild(root)
    clips = read_layout(root)
    assert [clip.path for clip in clips] == [
        "fake_test/7/fake/0",
        "real_train/1/real/2",
        "real_train/1/real/10",
    ]
    assert [clip.label for clip in clips] == [FAKE, REAL, REAL]
    assert [clip.split for clip in clips] == ["test", "train", "train"]
    assert all(clip.cropped for clip in clips)
    assert clips[1].keys == clips[2].keys != clips[0].keys


def test_plain_folders(root):
    plain(root)
    assert table(read_layout(root)) == {
        "train/real/ann.mp4": (REAL, "original", "train", {"clip ann"}),
        "train/fake/ann__bob.mp4": (FAKE, "fake", "train", {"clip ann", "clip bob"}),
        "test/real/cleo": (REAL, "original", "test", {"clip cleo"}),
        "test/fake/dov.png": (FAKE, "fake", "test", {"clip dov"}),
    }


def test_numbers_mean_nothing_on_another_side(root):
    for side in ("train", "test"):
        for label in ("real", "fake"):
            path = root / side / label / "video_001.mp4"
            path.parent.mkdir(parents=True)
            path.touch()
    keys = {clip.path: clip.keys for clip in read_layout(root, "numbered")}
    assert keys["train/real/video_001.mp4"] == keys["train/fake/video_001.mp4"]
    assert keys["train/real/video_001.mp4"] != keys["test/real/video_001.mp4"]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (faceforensics, "faceforensics"),
        (celeb_df, "celeb-df"),
        (dfdc, "dfdc"),
        (preview, "dfdc"),
        (wild, "wild-deepfake"),
        (plain, "plain"),
        (portraits, "table"),
    ],
)
def test_every_layout_is_told_from_the_others(root, make, name):
    make(root)
    assert [n for n, (fits, _) in LAYOUTS.items() if fits(root)] == [name]
    assert read_layout(root, name) == read_layout(root)


def rewrite(path, text):
    def change(root):
        (root / path).write_text(text, encoding="utf-8")

    return change


def rename(old, new):
    return lambda root: (root / old).rename(root / new)


@pytest.mark.parametrize(
    ("make", "damage", "match"),
    [
        (
            celeb_df,
            rewrite("List_of_testing_videos.txt", "0 YouTube-real/00170.mp4\n"),
            "calls .* fake, its folder says real",
        ),
        (
            celeb_df,
            rewrite("List_of_testing_videos.txt", "1 YouTube-real/99999.mp4\n"),
            "missing, the first is 'YouTube-real/99999.mp4'",
        ),
        (celeb_df, rewrite("List_of_testing_videos.txt", "label path\n"), "cannot be read"),
        (celeb_df, rename("Celeb-real/id1_0000.mp4", "Celeb-real/x.mp4"), "no name of Celeb-DF"),
        (faceforensics, rewrite("splits/train.json", "{}"), "no official split"),
        (faceforensics, rewrite("splits/train.json", "[["), "not a valid list of clips"),
        (faceforensics, rewrite("splits/test.json", '[["071", "x"]]'), "071 twice"),
        (faceforensics, lambda root: (root / "splits/val.json").unlink(), "incomplete"),
        (
            faceforensics,
            rename(
                "original_sequences/youtube/c23/videos/071.mp4",
                "original_sequences/youtube/c23/videos/071_054.mp4",
            ),
            r"no name of FaceForensics\+\+",
        ),
        (
            dfdc,
            rewrite("dfdc_train_part_0/metadata.json", '{"a.mp4": {"label": "FAKE"}}'),
            "names no original",
        ),
        (
            dfdc,
            rewrite("dfdc_train_part_0/metadata.json", '{"a.mp4": {"label": "1"}}'),
            "label of 'a.mp4'",
        ),
        (dfdc, rewrite("dfdc_train_part_0/metadata.json", "[]"), "no DFDC metadata"),
        (
            preview,
            rewrite("dataset.json", '{"method_A/1/x.mp4": {"label": "fake"}}'),
            "who is in",
        ),
        (wild, rename("fake_test/7/fake", "fake_test/7/real"), "contradicts"),
    ],
)
def test_contradictions_stop_with_one_message(root, make, damage, match):
    make(root)
    damage(root)
    with pytest.raises(InputError, match=match):
        read_layout(root)


def test_folders_that_fit_nothing_or_two_layouts(root, tmp_path):
    with pytest.raises(InputError, match="is unclear"):
        read_layout(root)
    with pytest.raises(InputError, match="does not exist"):
        read_layout(tmp_path / "none")
    with pytest.raises(ConfigError, match="no layout 'dfcd'"):
        read_layout(root, "dfcd")
    plain(root)
    dfdc(root)
    with pytest.raises(InputError, match="dfdc and plain"):
        read_layout(root)
    with pytest.raises(InputError, match="no clips"):
        read_layout(root, "celeb-df")
