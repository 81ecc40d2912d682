import pytest

pytest.importorskip("fsspec", reason="NOT TESTED: fsspec is not installed (extra 'scale')")

from cluster_work import scripted

from gaitproof.config import VerifySettings
from gaitproof.data.extraction import MARKER, MARKER_FILE, extract_many, find_videos
from gaitproof.data.remote import fetched, list_remote
from gaitproof.errors import InputError, MediaError
from gaitproof.reading import read_json


def test_videos_of_a_url_keep_their_places_and_their_names(tmp_path, make_clip):
    (tmp_path / "shelf" / "ann").mkdir(parents=True)
    make_clip(tmp_path / "shelf" / "ann" / "1.mp4", 15)
    (tmp_path / "shelf" / "notes.txt").write_text("no video")
    url = f"file://{tmp_path}/shelf"
    jobs = find_videos([url], tmp_path / "out")
    [result] = extract_many(jobs, VerifySettings(), estimator_factory=scripted)
    assert result.error is None
    record = read_json(tmp_path / "out" / "ann" / "1.mp4" / MARKER, MARKER_FILE)
    assert record["video"]["path"] == f"{url}/ann/1.mp4"
    [again] = extract_many(jobs, VerifySettings(), estimator_factory=scripted)
    assert again.skipped


def test_a_fetched_video_is_gone_afterwards(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"bytes")
    url = f"file://{tmp_path}/a.mp4"
    assert list_remote(url)[0][0] == url
    with fetched(url) as copy:
        assert copy.read_bytes() == b"bytes"
    assert not copy.exists()


@pytest.mark.parametrize(
    ("url", "kind"),
    [("file:///nowhere/at/all", InputError), ("noscheme://a/b", InputError)],
)
def test_what_is_not_there_is_named(url, kind):
    with pytest.raises(kind, match=r"no video|cannot be read|not a URL"):
        list_remote(url)


def test_a_video_that_went_away_is_one_failure(tmp_path, make_clip):
    video = make_clip(tmp_path / "1.mp4", 15)
    jobs = find_videos([f"file://{video}"], tmp_path / "out")
    video.unlink()
    with pytest.raises(MediaError), fetched(jobs[0].url):
        pass
    [result] = extract_many(jobs, VerifySettings(), estimator_factory=scripted)
    assert "cannot be fetched" in (result.error or "")
