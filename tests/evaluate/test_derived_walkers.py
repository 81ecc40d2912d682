"""Mirrored and reversed copies show another walker, who stays with the person filmed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gaitproof.data.audit import Entry, audit_folds, audit_manifest, audit_split, refuse
from gaitproof.errors import InputError
from gaitproof.evaluate.designs import split_recordings
from gaitproof.evaluate.protocol import refuse_leaks
from gaitproof.evaluate.trials import person


def with_copies(walks):
    mirrored = [
        replace(
            w, subject=f"{w.subject}~mirrored", recording=f"{w.recording}~f", parent=w.recording
        )
        for w in walks
    ]
    return [*walks, *mirrored]


def test_they_are_nobody_to_hold_out(make_walks):
    walks = make_walks(6, 2)
    folds = split_recordings(with_copies(walks), 3)
    assert folds == split_recordings(walks, 3)
    assert not any("~" in name for fold in folds for name in (*fold.train, *fold.test))


def test_they_are_trained_on_exactly_where_their_person_is(make_walks):
    from gaitproof.evaluate.protocol import _training

    walks = with_copies(make_walks(6, 2))
    for fold in split_recordings(walks, 3):
        names = {person(w) for w in _training(walks, fold)}
        assert names == set(fold.train) | {f"{name}~mirrored" for name in fold.train}


ANN = Entry("made:ann", "w0", source_sha256="1" * 64)
MIRRORED = Entry("made:ann~mirrored", "w0~f", parent="w0", source_sha256="2" * 64)
BOB = Entry("made:bob", "w0", source_sha256="3" * 64)


def test_the_audit_knows_them():
    refuse(audit_manifest([ANN, MIRRORED, BOB]))
    refuse(audit_split([ANN, MIRRORED], [BOB]))
    for findings in (
        audit_split([MIRRORED], [ANN]),
        audit_folds([[ANN], [MIRRORED]]),
        audit_manifest([MIRRORED, BOB]),
    ):
        with pytest.raises(InputError, match="leaks"):
            refuse(findings)


def test_clean_copies_pass_and_orphans_do_not(make_walks):
    walks = with_copies(make_walks(4, 2))
    folds = split_recordings(walks, 2)
    # the features of these copies are their originals', as a careless copy's would be
    with pytest.raises(InputError, match="stands for"):
        refuse_leaks(walks, folds)
