import pytest

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.layouts import read_layout
from gaitproof.errors import InputError

HEADER = "path,label,keys,manipulation,split\n"


@pytest.fixture
def write(tmp_path):
    for name in ("a/ann.jpg", "swaps/ann_bob.mp4", "frames/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    def do(text):
        (tmp_path / "clips.csv").write_text(text, encoding="utf-8")
        return tmp_path

    return do


def test_pictures_videos_and_folders_with_who_is_in_them(write):
    root = write(
        "\ufeff" + HEADER + "swaps/ann_bob.mp4,fake,ann; bob,warp,test\r\n"
        './a//ann.jpg,real,"ann, the first",,\n'
        "frames,real,cleo,original,unused\n"
    )
    assert read_layout(root) == (
        FaceClip("a/ann.jpg", Label.REAL, ("ann, the first",)),
        FaceClip("frames", Label.REAL, ("cleo",), split="unused"),
        FaceClip("swaps/ann_bob.mp4", Label.FAKE, ("ann", "bob"), "warp", "test"),
    )


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "header of clips.csv is not as it must be"),
        ("path,label,keys,split,manipulation\n", "Expected: path,label,keys,manipulation,split"),
        (HEADER + "a/ann.jpg,real,ann\n", "Line 2 of clips.csv does not have 5 cells"),
        (HEADER + "a/ann.jpg,real,ann,,,more\n", "does not have 5 cells"),
        (HEADER + "a/ann.jpg,1,ann,,\n", "Line 2 of clips.csv is not valid.*'1'"),
        (HEADER + "a/ann.jpg,real,,,\n", "at least one key"),
        (HEADER + "a/ann.jpg,real,ann;;bob,,\n", "at least one key"),
        (HEADER + "a/ann.jpg,fake,ann,,\n", "a fake needs a manipulation"),
        (HEADER + "a/ann.jpg,fake,ann,original,\n", "a fake one has"),
        (HEADER + "a/ann.jpg,real,ann,warp,\n", "has no manipulation"),
        (HEADER + "a/ann.jpg,real,ann,,val\n", "the split is none of"),
        (HEADER + "a/none.jpg,real,ann,,\n", "there is no 'a/none.jpg'"),
        (HEADER + "../ann.jpg,real,ann,,\n", "leads out of the data set"),
        (HEADER + "/etc/passwd,real,ann,,\n", "leads out of the data set"),
        (HEADER + ",real,ann,,\n", "leads out of the data set"),
        (HEADER + "a/ann.jpg,real,a,,\na/./ann.jpg,real,b,,\n", "lists 'a/ann.jpg' twice"),
        (HEADER + '"a/ann.jpg,real,ann,,\n', "not a valid list of clips"),
        (HEADER, "no clips"),
    ],
)
def test_anything_else_stops_with_one_message(write, text, match):
    root = write(text)
    with pytest.raises(InputError, match=match):
        read_layout(root, "table")


def test_a_link_out_of_the_folder_is_refused(write, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.jpg"
    outside.touch()
    root = write(HEADER + "x.jpg,real,ann,,\n")
    (root / "x.jpg").symlink_to(outside)
    with pytest.raises(InputError, match="link that leads out"):
        read_layout(root)
