"""Who a comparison is relative to: never the claimed person, only who was filmed as the probe."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from evidence_cards import EVIDENCE
from scripted import ScriptedEncoder, make_card

from gaitproof.gait.view import N_SPREADS
from gaitproof.types import Decision
from gaitproof.verify.filming import Filming
from gaitproof.verify.others import (
    IN_GALLERY,
    IN_VIDEO,
    Other,
    choose_references,
    view_difference,
)
from gaitproof.verify.templates import Template
from gaitproof.verify.typicality import footage_metric
from gaitproof.verify.verifier import Verifier


@pytest.fixture
def careful(tmp_path, extractor):
    encoder = ScriptedEncoder(make_card(evidence=EVIDENCE))
    return Verifier.open(tmp_path / "g.db", encoder=encoder, extractor=extractor)


@pytest.fixture
def alike(monkeypatch):
    """Scripted walkers differ more than people do: let all of them be filmed in the same way."""
    loose = footage_metric().model_copy(update={"limit": 1e9})
    monkeypatch.setattr("gaitproof.verify.others.footage_metric", lambda: loose)


def enrol(verifier, make_video, people):
    for person in people:
        verifier.enroll(f"p{person}", [make_video({"person": person})])


def at(site, verifier, extractor):
    return Verifier.open(verifier.gallery, encoder=verifier.encoder, extractor=extractor, site=site)


def joints(verdict):
    return verdict.signals[0]


@pytest.mark.slow
@pytest.mark.usefixtures("alike")
def test_the_other_people_of_the_gallery_are_references_unasked(careful, make_video):
    enrol(careful, make_video, (0, 4, 10, 11))
    video = make_video({"person": 0, "take": 2})
    own, other = (careful.verify(video, claim=claim) for claim in ("p0", "p4"))
    assert (own.decision, other.decision) == (Decision.AUTHENTIC, Decision.DEEPFAKE)
    assert joints(own).relative_to == {IN_GALLERY: 3}
    assert joints(own).references == 3


@pytest.mark.slow
@pytest.mark.usefixtures("alike")
def test_the_claimed_person_is_no_reference_of_their_own(careful, make_video):
    enrol(careful, make_video, (0, 4))
    careful.enroll("P0", [make_video({"person": 0, "take": 1})])
    for claim, count in (("p0", 1), ("p4", 1)):
        verdict = careful.verify(make_video({"person": 0, "take": 2}), claim=claim)
        assert joints(verdict).references == count
        assert verdict.decision is Decision.INCONCLUSIVE


@pytest.mark.usefixtures("alike")
def test_the_same_person_under_another_name_is_no_reference(careful, make_video):
    video = make_video({"person": 0})
    careful.enroll("ann", [video])
    careful.enroll("anna", [video])
    enrol(careful, make_video, (4,))
    verdict = careful.verify(make_video({"person": 0, "take": 2}), claim="ann")
    assert joints(verdict).relative_to == {IN_GALLERY: 1}


@pytest.mark.slow
@pytest.mark.usefixtures("alike")
def test_people_of_another_place_or_camera_are_left_out(careful, make_video, extractor):
    street, hall = (at(site, careful, extractor) for site in ("street", "hall"))
    enrol(street, make_video, (10, 11))
    enrol(hall, make_video, (0, 4))
    video = make_video({"person": 0, "take": 2})
    assert joints(hall.verify(video, claim="p0")).references == 1
    assert joints(street.verify(video, claim="p0")).references == 2
    assert joints(careful.verify(video, claim="p0")).references == 0
    slow = make_video({"person": 0, "take": 2, "frame_rate": 25.0})
    assert joints(street.verify(slow, claim="p0")).references == 0


@pytest.mark.usefixtures("alike")
def test_people_beside_the_probe_are_references(careful, make_video):
    enrol(careful, make_video, (0,))
    crowd = [{"person": 0, "take": 2}, {"person": 10}, {"person": 11}]
    verdict = careful.verify(make_video(*crowd), claim="p0", person=0)
    assert joints(verdict).relative_to == {IN_VIDEO: 2}
    assert verdict.decision is Decision.AUTHENTIC


@pytest.mark.usefixtures("alike")
def test_nobody_beside_the_probe_counts_twice(careful, make_video):
    enrol(careful, make_video, (0,))
    video = make_video({"person": 0, "take": 2}, {"person": 10})
    assert careful.add_references("street", [video]).people == 2
    verdict = careful.verify(video, claim="p0", person=0)
    assert joints(verdict).relative_to == {IN_VIDEO: 1}


@pytest.mark.usefixtures("alike")
def test_the_claimed_person_beside_the_probe_is_no_reference(careful, make_video):
    enrol(careful, make_video, (0,))
    crowd = [{"person": 10, "take": 2}, {"person": 0, "take": 2}, {"person": 11}]
    verdict = careful.verify(make_video(*crowd), claim="p0", person=0)
    assert joints(verdict).relative_to == {IN_VIDEO: 1}


def test_references_filmed_elsewhere_are_refused_with_the_remedy(careful, make_video, monkeypatch):
    strict = footage_metric().model_copy(update={"limit": 1e-6})
    monkeypatch.setattr("gaitproof.verify.others.footage_metric", lambda: strict)
    enrol(careful, make_video, (0, 4, 10))
    verdict = careful.verify(make_video({"person": 0, "take": 2}), claim="p0")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "Nobody known was filmed as this video is" in verdict.reason
    assert "gaitproof reference add" in verdict.reason
    assert joints(verdict).references == 0
    assert abs(verdict.log10_lr) <= 0.3


def test_a_template_filmed_elsewhere_is_refused_with_the_remedy():
    direction = np.eye(8, dtype=np.float32)
    street = Filming(domain="a", spreads=(0.0,) * N_SPREADS)
    elsewhere = Filming(domain="b", spreads=(3.0,) * N_SPREADS)
    rng = np.random.default_rng(0)
    others = [Other(direction[i], rng.normal(0, 0.1, N_SPREADS), "of x") for i in range(2, 7)]
    template = Template("0" * 16, "ann", "m", "e", direction[1], 5, ())
    probe = SimpleNamespace(embeddings=direction[:1], filming=street)
    chosen = choose_references(others, probe, template, [street], 5)
    assert [one.source for one in chosen.people] == ["of x"] * 5
    refused = choose_references(others, probe, template, [elsewhere], 5)
    assert len(refused.vectors) == 0
    assert "enrol ann from footage of this kind" in refused.reason
    unknown = choose_references(others, probe, template, [None], 5)
    assert "enrol the same videos again" in unknown.reason
    old = [replace(one, spreads=None) for one in others]
    assert (
        "add the same videos again" in choose_references(old, probe, template, [street], 5).reason
    )


@pytest.mark.parametrize(("least", "source"), [(3, "of few"), (4, "of many"), (6, "of many")])
def test_the_most_alike_footage_with_people_enough_is_taken_or_else_the_largest(least, source):
    direction = np.eye(16, dtype=np.float32)
    filming = Filming(domain="a", spreads=(0.0,) * N_SPREADS)
    spreads = np.random.default_rng(0).normal(0, 0.1, (8, N_SPREADS))
    few = [Other((direction[0] + direction[i]) / 2**0.5, spreads[i], "of few") for i in (2, 3, 4)]
    many = [Other(direction[i + 2], spreads[i], "of many") for i in range(3, 8)]
    template = Template("0" * 16, "ann", "m", "e", direction[1], 5, ())
    probe = SimpleNamespace(embeddings=direction[:1], filming=filming)
    chosen = choose_references([*few, *many], probe, template, [filming], least)
    assert {one.source for one in chosen.people} == {source}


def test_a_view_that_was_not_enrolled_is_named_with_the_remedy():
    direction = np.eye(8, dtype=np.float32)
    left, right, front = (
        Filming(domain="a", spreads=(0.0,) * N_SPREADS, views=(view,)) for view in (90, -80, 10)
    )
    rng = np.random.default_rng(0)
    others = [Other(direction[i], rng.normal(0, 0.1, N_SPREADS), "of x") for i in range(2, 7)]
    template = Template("0" * 16, "ann", "m", "e", direction[1], 5, ())
    probe = SimpleNamespace(embeddings=direction[:1], filming=right)
    chosen = choose_references(others, probe, template, [left, front], 5)
    assert len(chosen.vectors) == 0
    assert "The person walks to the right" in chosen.reason
    assert "to the left, towards the camera only, 90 degrees away" in chosen.reason
    assert "enrol ann walking to the right" in chosen.reason
    assert len(choose_references(others, probe, template, [left, right], 5).vectors) == 5
    both = Filming(domain="a", spreads=(0.0,) * N_SPREADS, views=(88, -92, 91, -90))
    assert view_difference(both, [right]) == pytest.approx(11)
    assert view_difference(left, [right]) is None
    assert view_difference(None, [right]) is None
    to_and_fro = SimpleNamespace(embeddings=direction[:1], filming=both)
    assert len(choose_references(others, to_and_fro, template, [left, right], 5).vectors) == 5


@pytest.mark.slow
@pytest.mark.usefixtures("alike")
def test_identification_leaves_each_candidate_out_of_its_own_references(careful, make_video):
    enrol(careful, make_video, (0, 4, 10))
    candidates = careful.identify(make_video({"person": 0, "take": 2})).candidates
    assert [c.name for c in candidates if c.accepted] == ["p0"]
