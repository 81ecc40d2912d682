from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.data.listing import add_hashes, build_manifest, find_duplicates
from gaitproof.data.manifest import (
    AUGMENTED_MARKER,
    LABELS,
    SPLITS,
    ManifestRow,
    find_parents,
    locate,
    manifest_bytes,
    original_person,
    read_manifest,
)
from gaitproof.errors import InputError

ROW = ManifestRow("a/x.mp4", "ann", "w0")
NAMES = st.text("abcXYZ 09,;'\"äßé-_.", min_size=1, max_size=12).map(str.strip).filter(bool)
ROWS = st.builds(
    ManifestRow,
    path=st.text("abc09,;_-", min_size=1, max_size=9).map(lambda name: f"d/{name}.mp4"),
    subject=NAMES,
    recording=NAMES,
    session=st.just("") | NAMES,
    view=st.just("") | NAMES,
    condition=st.just("") | NAMES,
    label=st.sampled_from(LABELS),
    sha256=st.sampled_from(["", "0f" * 32]),
    split=st.sampled_from(["", *SPLITS]),
    fold=st.sampled_from(["", "0", "12"]),
)


@pytest.mark.slow
@given(rows=st.lists(ROWS, min_size=1, max_size=5, unique_by=lambda row: row.path))
def test_round_trip(rows: list[ManifestRow], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.csv"
    path.write_bytes(manifest_bytes(rows))
    assert list(read_manifest(path)) == rows


def test_plain_rows_have_the_eight_columns_of_the_design() -> None:
    head = b"path,subject,recording,session,view,condition,parent,label\n"
    assert manifest_bytes([ROW]).startswith(head)
    assert manifest_bytes([replace(ROW, fold="1")]).startswith(head[:-1] + b",fold\n")


@pytest.mark.parametrize(
    "text",
    [
        "path,subject,recording\na/x.mp4,ann,w0\n",
        "path,subject,recording\r\na/x.mp4,ann,w0\r\n\r\n",
        "\ufeffpath;subject;recording\r\na/x.mp4;ann;w0\r\n",
        "Path\tSubject\tRecording\na/x.mp4\tann\tw0",
        'recording,path,subject,label\n"w0", a/x.mp4 ,ann,\n',
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(text.encode())
    assert read_manifest(path) == (ROW,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lacks the column 'path'"),
        ("path,subject\nx,y\n", "lacks the column 'recording'"),
        ("path,subject,recording,sesion\nx,a,b,c\n", "not known.*'sesion'"),
        ("path,subject,recording,path\nx,a,b,c\n", "a column twice"),
        ("path,subject,recording\nx,a\n", "Line 2 .*number of cells"),
        ("path,subject,recording\nx,a,\n", "Line 2 .*no recording"),
        ("path,subject,recording\nx,a,b\nx,a,c\n", "two rows for 'x'.*line 3"),
        ("path,subject,recording,label\nx,a,b,maybe\n", "label"),
        ("path,subject,recording,sha256\nx,a,b,12\n", "SHA-256"),
        ("path,subject,recording,split\nx,a,b,exam\n", "split"),
        ("path,subject,recording,fold\nx,a,b,one\n", "fold"),
        ("path,subject,recording\n/etc/passwd,a,b\n", "leads out"),
        ("path,subject,recording\n../x,a,b\n", "leads out"),
        ("path,subject,recording\na/../../x,a,b\n", "leads out"),
        ("path,subject,recording\nC:/x,a,b\n", "leads out"),
        ("path,subject,recording\na\\x,a,b\n", "backslashes"),
        ("path,subject,recording\nx,a\x1b[31m,b\n", "not plain text"),
        ("path,subject,recording\nx,a,b\x00\n", "not a valid manifest|plain text"),
        ('path,subject,recording\nx,"a,b\n', "not a valid manifest|number of cells"),
        ("path,subject,recording\nx,ann~mirrored,b\n", "with a parent"),
        ("path,subject,recording,parent\nx,ann~taller,b,y\n", "with a parent"),
        (f"path,subject,recording\nx,{'a' * 2000},b\n", "not plain text"),
        (f"path,subject,recording\nx,{'a' * 200_000},b\n", "not a valid manifest"),
    ],
)
def test_wrong_manifests(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(text.encode())
    with pytest.raises(InputError, match=message):
        read_manifest(path)


def test_other_encodings_and_missing_files(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes("path,subject,recording\nx,Jürgen,b\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_manifest(path)
    for missing, message in ((tmp_path / "no.csv", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(InputError, match=message):
            read_manifest(missing)


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_identity_folders(tmp_path: Path) -> None:
    touch(tmp_path, "ann/a.mp4", "ann/day2/b.MOV", "bob/a.mp4", "bob/notes.txt", ".hidden/x/y.mp4")
    touch(tmp_path, "ann/.gaitproof-123.mp4", "aug/ann/c.mp4", f"aug/{AUGMENTED_MARKER}")
    rows = build_manifest(tmp_path)
    assert [(r.path, r.subject, r.recording) for r in rows] == [
        ("ann/a.mp4", "ann", "a"),
        ("ann/day2/b.MOV", "ann", "day2/b"),
        ("bob/a.mp4", "bob", "a"),
    ]


def test_names(tmp_path: Path) -> None:
    touch(tmp_path, "Ann_Front1.mp4", "Ann_Side01.mp4", "Mary_Ann_Side12.avi")
    rows = build_manifest(tmp_path)
    assert [(r.subject, r.recording, r.view) for r in rows] == [
        ("Ann", "1", "Front"),
        ("Ann", "1", "Side"),
        ("Mary_Ann", "12", "Side"),
    ]
    touch(tmp_path, "sub/Bob_Front2.mp4")
    assert len(build_manifest(tmp_path, "names")) == 4


@pytest.mark.parametrize(
    ("names", "layout", "message"),
    [
        ((), "auto", "holds no video"),
        (("a.mp4", "ann/b.mp4"), "auto", r"no layout.*'a\.mp4'"),
        (("a.mp4",), "folders", "no person's folder"),
        (("ann/a.mp4",), "names", "does not say who"),
        (("Ann_Side1.mp4", "Ann_Side01.mp4"), "auto", "same subject, recording and view"),
        (("ann/a.mp4", "ann/a.mov"), "auto", "same subject, recording and view"),
    ],
)
def test_folders_that_fit_no_layout(
    tmp_path: Path, names: tuple[str, ...], layout, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build_manifest(touch(tmp_path, *names), layout)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        build_manifest(tmp_path / "no")


def test_links_may_not_lead_out(tmp_path: Path) -> None:
    outside = touch(tmp_path / "out", "secret.mp4") / "secret.mp4"
    root = touch(tmp_path / "set", "ann/a.mp4")
    (root / "ann" / "inside.mp4").symlink_to(root / "ann" / "a.mp4")
    assert locate(root, "ann/inside.mp4").is_file()
    (root / "ann" / "b.mp4").symlink_to(outside)
    with pytest.raises(InputError, match="link that leads out"):
        build_manifest(root)
    (root / "door").symlink_to(tmp_path / "out")
    with pytest.raises(InputError, match="link that leads out"):
        add_hashes([replace(ROW, path="door/secret.mp4")], root)
    (root / "circle.mp4").symlink_to(root / "circle.mp4")
    with pytest.raises(InputError):
        add_hashes([replace(ROW, path="circle.mp4")], root)


def test_the_same_file_twice_is_reported(tmp_path: Path) -> None:
    touch(tmp_path, "ann/a.mp4", "ann/b.mp4", "bob/c.mp4")
    (tmp_path / "bob" / "d.mp4").write_bytes((tmp_path / "ann" / "a.mp4").read_bytes())
    rows = add_hashes(build_manifest(tmp_path), tmp_path)
    assert all(len(row.sha256) == 64 for row in rows)
    (group,) = find_duplicates(rows)
    assert [row.path for row in group] == ["ann/a.mp4", "bob/d.mp4"]


def test_parents_by_path_and_by_name() -> None:
    rows = [
        ROW,
        ManifestRow("b", "ann", "w0c", parent="a/x.mp4"),
        ManifestRow("c", "ann~mirrored", "w0m", parent="w0"),
        ManifestRow("d", "ann", "w0d", parent="nothing"),
        ManifestRow("e", "bob", "w0", parent="w0"),
    ]
    assert find_parents(rows) == {"b": ROW, "c": ROW, "d": None, "e": None}


@pytest.mark.parametrize(
    ("subject", "person"),
    [
        ("ann", "ann"),
        ("ann~mirrored", "ann"),
        ("made:ann~reversed", "made:ann"),
        ("x~y:ann", "x~y:ann"),
    ],
)
def test_the_person_filmed(subject: str, person: str) -> None:
    assert original_person(subject) == person


@pytest.mark.parametrize("name", ["n" * 300, "a\0b.mp4", "a/" * 3000 + "x"])
def test_names_that_no_file_can_have_are_refused(tmp_path, name):
    with pytest.raises(InputError):
        locate(tmp_path, name)
