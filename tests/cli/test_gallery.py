import json

import pytest
from scripted import make_recording
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import GalleryError, InputError
from gaitproof.text import printable
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.transfer import pack


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("GAITPROOF_GALLERY", str(tmp_path / "g.db"))

    def do(*arguments, **options):
        return CliRunner().invoke(app, ["gallery", *arguments], **options)

    return do


@pytest.fixture
def filled(run, tmp_path):
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("Ann [red]", [make_recording(1)])
    gallery.add("Ann [red]", [make_recording(2, path="a\nb.mp4")])
    gallery.add("bob", [make_recording(3)])
    return gallery


def test_list(run, filled):
    text = run("list").stdout
    assert "Ann [red]" in text
    assert "2 identities." in text
    answer = json.loads(run("list", "--json").stdout)
    assert [(i["name"], i["recordings"], i["templates"]) for i in answer["identities"]] == [
        ("Ann [red]", 2, 2),
        ("bob", 1, 1),
    ]


def test_show_keeps_history(run, filled):
    text = run("show", "ann [RED]").stdout
    assert "in force" in text
    assert "a\\nb.mp4" in text
    answer = json.loads(run("show", "Ann [red]", "--json").stdout)
    assert [t["superseded"] is None for t in answer["templates"]] == [False, True]
    assert len(answer["recordings"]) == 2


def test_remove_asks_first(run, filled):
    refused = run("remove", "bob", input="n\n")
    assert refused.exit_code != 0
    assert filled.names() == ("Ann [red]", "bob")
    done = run("remove", "bob", input="y\n")
    assert done.exit_code == 0
    assert "Removed bob: 1 recordings, 1 templates." in done.stdout
    answer = json.loads(run("remove", "Ann [red]", "--yes", "--json").stdout)
    assert answer == {"name": "Ann [red]", "recordings": 2, "templates": 2, "erased": True}
    assert filled.names() == ()


def test_export_and_import(run, filled, tmp_path):
    assert "Wrote 2 identities" in run("export", "x.gaitproof").stdout
    again = run("export", "x.gaitproof")
    assert isinstance(again.exception, InputError)
    assert "--overwrite" in str(again.exception)
    assert json.loads(run("export", "x.gaitproof", "bob", "--force", "--json").stdout) == {
        "file": "x.gaitproof",
        "identities": 1,
    }
    done = run("import", "x.gaitproof", "--gallery", "new.db")
    assert "bob: 1 recordings added" in done.stdout
    assert Gallery.open(tmp_path / "new.db").names() == ("bob",)
    answer = json.loads(run("import", "x.gaitproof", "--gallery", "new.db", "--json").stdout)
    assert answer["identities"][0]["added"] == 0


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["show", "ann"], ["remove", "ann", "--yes"], ["export", "x"]],
    ids=lambda a: a[0],
)
def test_without_a_gallery(run, tmp_path, arguments):
    done = run(*arguments)
    assert isinstance(done.exception, GalleryError)
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_refused_import_makes_no_gallery(run, tmp_path):
    (tmp_path / "x").write_text("no export")
    assert isinstance(run("import", "x").exception, GalleryError)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


HOSTILE = [
    "[/red]x",
    "[link=http://x]y[/link]",
    "\x1b]0;title\x07",
    "a\u202eb\r\nc",
    "\\\\[",
    "x\\",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_imported_text_is_shown_as_text(run, tmp_path, text):
    recording = make_recording(1, path=text, model_id=text, estimator=text, quality={text: 1.0})
    (tmp_path / "x").write_bytes(pack({"ann [b]": [recording]}))
    for arguments in (
        ["import", "x"],
        ["show", "ann [b]"],
        ["list"],
        ["remove", "ann [b]", "-y"],
    ):
        done = run(*arguments)
        assert done.exit_code == 0, done.exception
        assert set(done.stdout) - {"\n"} <= {c for c in done.stdout if c.isprintable()}
    run("import", "x")
    assert printable(text) in run("show", "ann [b]").stdout
    assert json.loads(run("show", "ann [b]", "--json").stdout)["recordings"][0]["path"] == text


@pytest.mark.parametrize("name", ["n" * 300, "no/folder/x"])
def test_exports_that_cannot_be_written(run, filled, name):
    assert isinstance(run("export", name).exception, InputError)


def test_a_gallery_is_encrypted_from_the_command_line(run, filled, tmp_path, monkeypatch):
    made = run("key", "k")
    assert made.exit_code == 0
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert "GAITPROOF_KEY_FILE=k" in made.stdout
    secret = (tmp_path / "k").read_text().strip()
    assert "Encrypted 6 rows" in run("rekey", "k").stdout
    assert isinstance(run("list").exception, GalleryError)
    monkeypatch.setenv("GAITPROOF_KEY_FILE", "k")
    assert "2 identities." in run("list").stdout
    assert "the exported file is not" in run("export", "x").stderr
    answer = json.loads(run("rekey", "--decrypt", "--json").stdout)
    assert (answer["rows"], answer["key"]) == (6, None)
    monkeypatch.delenv("GAITPROOF_KEY_FILE")
    listed = run("list").stdout
    assert "2 identities." in listed
    assert secret not in made.stdout + listed


@pytest.mark.parametrize("arguments", [(), ("k", "--decrypt")])
def test_rekey_wants_a_key_or_to_decrypt(run, filled, arguments):
    assert run("rekey", *arguments).exit_code == 2


def test_keys_are_not_overwritten(run, tmp_path):
    run("key", "k")
    before = (tmp_path / "k").read_text()
    assert isinstance(run("key", "k").exception, InputError)
    assert (tmp_path / "k").read_text() == before
