import pytest

from gaitproof.data.face.prepare import RUN_FILE, begin_run, claim_folder
from gaitproof.errors import InputError

TOLD = {"frames": 6, "shares": [0.7, 0.2, 0.1]}


def test_one_run_at_a_time(tmp_path):
    with claim_folder(tmp_path / "out"):
        with pytest.raises(InputError, match="Another run"), claim_folder(tmp_path / "out"):
            pass
        begin_run(tmp_path / "out", TOLD)
    with claim_folder(tmp_path / "out"):
        begin_run(tmp_path / "out", TOLD)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
    for name in ("clips/.tmp1/clip", "clips/0123"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".gaitproof-abcdefgh.unfinished").mkdir()
    with claim_folder(tmp_path):
        assert [path.name for path in (tmp_path / "clips").iterdir()] == ["0123"]
        assert [path.name for path in tmp_path.iterdir()] == ["clips"]
        (tmp_path / "clips/.tmp2").mkdir()
    assert [path.name for path in (tmp_path / "clips").iterdir()] == ["0123"]


def test_other_settings_are_named(tmp_path):
    begin_run(tmp_path, TOLD)
    with pytest.raises(InputError) as refused:
        begin_run(tmp_path, TOLD | {"frames": 10})
    assert refused.value.expected == "frames 6"
    assert refused.value.actual == "frames 10"


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_broken_record_is_refused(tmp_path, text):
    (tmp_path / RUN_FILE).write_text(text)
    with pytest.raises(InputError, match="not a valid record of a run"):
        begin_run(tmp_path, TOLD)


def test_a_folder_with_something_else_or_none_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(InputError, match="something else"):
        begin_run(tmp_path, TOLD)
    with pytest.raises(InputError, match="cannot be made"), claim_folder(tmp_path / "holiday.jpg"):
        pass
