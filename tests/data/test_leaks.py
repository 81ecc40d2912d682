from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.leak.protocols import audit_templates
from gaitproof.data.audit import (
    Entry,
    audit_folds,
    audit_manifest,
    audit_split,
    refuse,
)
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import entries_of

A1 = Entry("a", "a1", source_sha256="1" * 64)
A2 = Entry("a", "a2", source_sha256="2" * 64)
A3 = Entry("a", "a3", source_sha256="3" * 64)
B1 = Entry("b", "b1", source_sha256="4" * 64)
B2 = Entry("b", "b2", source_sha256="5" * 64)
COPY = Entry("a", "a1x", parent="a1", source_sha256="6" * 64)


def test_clean_data_passes():
    refuse(audit_manifest([A1, A2, COPY, B1]))
    refuse(audit_split([A1, A2, COPY], [B1, B2]))
    refuse(audit_folds([[A1, A2, COPY], [B1, B2]]))
    refuse(audit_templates({"a": [A1], "b": [B1]}, [A2, B2]))


@pytest.mark.parametrize(
    ("findings", "message"),
    [
        (audit_manifest([A1, replace(B1, source_sha256=A1.source_sha256)]), "stands for 'a', 'b'"),
        (
            audit_manifest([A1, replace(A2, source_sha256=A1.source_sha256)]),
            "recordings 'a1', 'a2'",
        ),
        (audit_manifest([A2, COPY]), "has no original"),
        (audit_manifest([A1, replace(COPY, subject="b")]), "has no original"),
        (audit_split([A1], [A2]), "Trained on and held out: 'a'"),
        (audit_split([A1], [replace(B1, source_sha256=A1.source_sha256)]), "same file"),
        (audit_split([B1], [A1, COPY]), "Augmented copies"),
        (audit_folds([[A1], [COPY]]), "'a' is in folds 0 and 1"),
        (audit_folds([[A1], [replace(B1, source_sha256=A1.source_sha256)]]), "file of 'b1'"),
        (audit_templates({"a": [A1, A2]}, [A2]), "'a2' of 'a' is in a template"),
        (audit_templates({"a": [A1]}, [COPY]), "'a1x' of 'a' is in a template"),
        (
            audit_templates({"a": [A1]}, [replace(B1, source_sha256=A1.source_sha256)]),
            "'b1' of 'b' is in a template",
        ),
        (audit_templates({"a": [COPY]}, [A2]), "used as a template"),
        (audit_templates({"a": [B1]}, [A2]), "holds clips of 'b'"),
        (audit_templates({"a": [A1, A2], "b": [B1]}, [A3]), "different numbers"),
    ],
)
def test_a_planted_leak_is_refused(findings, message):
    with pytest.raises(InputError, match=message):
        refuse(findings)


def test_unknown_hashes_are_not_taken_for_one_file():
    blank = [replace(e, source_sha256="") for e in (A1, A2, B1)]
    refuse(audit_manifest(blank))
    refuse(audit_split(blank[:2], blank[2:]))
    refuse(audit_templates({"a": blank[:1]}, blank[1:]))


def test_many_findings_are_counted():
    many = audit_split(
        [Entry(f"s{i}", "r") for i in range(9)], [Entry(f"s{i}", "r") for i in range(9)]
    )
    with pytest.raises(InputError, match="and 6 more"):
        refuse(many)


def test_one_walk_under_two_names_is_found_by_its_features(make_walks):
    walks = make_walks(4, 2)
    refuse(audit_manifest(entries_of(walks)))
    twin = replace(walks[0], subject="p03", recording="other")
    with pytest.raises(InputError, match="stands for"):
        refuse(audit_manifest(entries_of([*walks, twin])))
