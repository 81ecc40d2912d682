from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gaitproof.data.audit import REMEDIES, audit_rows, hash_files
from gaitproof.data.listing import add_hashes
from gaitproof.data.manifest import ManifestRow
from gaitproof.data.split import assign_folds, assign_split
from gaitproof.errors import InputError

PEOPLE = [f"p{i}" for i in range(8)]


def rows() -> list[ManifestRow]:
    """Eight people, two walks each, a copy and a mirrored copy of the first, a face swap."""
    made = []
    for i, name in enumerate(PEOPLE):
        for walk in range(2):
            path = f"{name}/w{walk}.mp4"
            made.append(
                ManifestRow(path, name, f"w{walk}", f"s{walk}", sha256=f"{2 * i + walk:064x}")
            )
        first = f"{name}/w0.mp4"
        made += [
            ManifestRow(f"{name}/c.mp4", name, "w0~light1", "s0", parent=first),
            ManifestRow(f"{name}/m.mp4", f"{name}~mirrored", "w0~flip1", "s0", parent=first),
            ManifestRow(f"{name}/f.mp4", name, "w0_face", "s0", parent=first, label="fake"),
        ]
    return made


def change(path: str, **values: str) -> list[ManifestRow]:
    return [replace(row, **values) if row.path == path else row for row in rows()]


def messages(findings) -> dict[str, list[str]]:
    by_check: dict[str, list[str]] = {}
    for finding in findings:
        assert finding.remedy == REMEDIES[finding.check]
        by_check.setdefault(finding.check, []).append(finding.message)
    return by_check


def test_clean_manifests_are_clean() -> None:
    assert audit_rows(rows()) == ()
    for seed in range(5):
        assert audit_rows(assign_folds(rows(), 4, seed)) == ()
        assert audit_rows(assign_split(rows(), 0.3, seed)) == ()


@pytest.mark.parametrize(
    ("changed", "check", "message"),
    [
        (change("p3/w1.mp4", sha256="0" * 64), "file", "stands for 'p0', 'p3'"),
        (change("p0/w1.mp4", sha256="0" * 64), "file", "recordings 'w0', 'w1'"),
        (change("p0/w1.mp4", recording="w0", session="s0"), "recording", "both recording 'w0'"),
        (change("p0/c.mp4", parent="p0/lost.mp4"), "parent", "no original"),
        (change("p0/c.mp4", parent="p1/w0.mp4"), "parent", "no original"),
        (change("p0/m.mp4", parent="p1/w0.mp4"), "parent", "no original"),
        (change("p0/f.mp4", parent="lost"), "parent", "face swap"),
        (change("p0/c.mp4", session="s1"), "session", "session 's1'"),
        (change("p0/w1.mp4", subject="P0 "[:-1]), "subject", "'P0' and 'p0'"),
    ],
)
def test_planted_contradictions(changed: list[ManifestRow], check: str, message: str) -> None:
    by_check = messages(audit_rows(changed))
    assert check in by_check
    assert any(message in text for text in by_check[check])


@pytest.mark.parametrize("path", ["p0/w1.mp4", "p0/c.mp4", "p0/m.mp4", "p0/f.mp4"])
def test_one_clip_across_parts(path: str) -> None:
    divided = assign_split(rows(), 0.5)
    side = next(row.split for row in divided if row.path == "p0/w0.mp4")
    other = "train" if side == "test" else "test"
    leaking = [replace(row, split=other) if row.path == path else row for row in divided]
    texts = messages(audit_rows(leaking))["split"]
    assert any("Trained on and held out: 'p0'" in text for text in texts)
    folded = assign_folds(rows(), 2)
    own = next(row.fold for row in folded if row.path == path)
    moved = [replace(row, fold=str(1 - int(own))) if row.path == path else row for row in folded]
    assert any("'p0' is in folds" in text for text in messages(audit_rows(moved))["fold"])


def test_one_file_across_parts_under_two_names() -> None:
    divided = assign_split(rows(), 0.5)
    train = next(row for row in divided if row.split == "train" and not row.parent)
    test = next(row for row in divided if row.split == "test" and not row.parent)
    leaking = [
        replace(row, sha256=train.sha256) if row.path == test.path else row for row in divided
    ]
    by_check = messages(audit_rows(leaking))
    assert any("same file is trained on" in text for text in by_check["split"])
    assert "file" in by_check


def test_a_copy_among_the_held_out_clips() -> None:
    divided = assign_split(rows(), 0.5)
    leaking = [replace(row, split="test") if row.split == "unused" else row for row in divided]
    assert any("Augmented copies" in text for text in messages(audit_rows(leaking))["split"])


def test_rows_without_a_part_are_told() -> None:
    divided = assign_folds(assign_split(rows(), 0.5), 2)
    by_check = messages(audit_rows([replace(divided[0], split="", fold=""), *divided[1:]]))
    assert by_check == {
        "split": ["1 clips have no split, and others have one."],
        "fold": ["1 clips have no fold, and others have one."],
    }


def test_parts_hold_whole_people_and_every_copy_follows() -> None:
    divided = assign_split(rows(), 0.3, seed=3)
    test = {row.walker for row in divided if row.split == "test"}
    assert len(test) == 2
    for row in divided:
        copy = row.parent and row.label == "real"
        expected = ("unused" if copy else "test") if row.walker in test else "train"
        assert row.split == expected
    folded = assign_folds(rows(), 4)
    assert {row.fold for row in folded} == {"0", "1", "2", "3"}
    assert len({(row.walker, row.fold) for row in folded}) == len(PEOPLE)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_impossible_shares(share: float) -> None:
    with pytest.raises(InputError, match="cannot be divided"):
        assign_split(rows(), share)


def test_too_few_people() -> None:
    few = [row for row in rows() if row.walker in PEOPLE[:3]]
    with pytest.raises(InputError, match="cannot be divided"):
        assign_split(few, 0.5)
    with pytest.raises(InputError, match="Too few people"):
        assign_folds(few, 2)


def test_files_are_hashed_and_changed_ones_told(tmp_path: Path) -> None:
    made = [ManifestRow(name, name, "w0") for name in "abc"]
    for row in made:
        (tmp_path / row.path).write_text(row.path)
    listed = add_hashes(made, tmp_path)
    (tmp_path / "a").write_text("another")
    (tmp_path / "b").unlink()
    hashed, findings, notes = hash_files([*listed[:2], made[2]], tmp_path)
    assert [f.check for f in findings] == ["changed"]
    assert "'a'" in findings[0].message
    assert len(notes) == 1
    assert hashed[1] == listed[1]
    assert hashed[2].sha256 == listed[2].sha256
