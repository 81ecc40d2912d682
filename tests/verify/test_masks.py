from __future__ import annotations

import pytest
from scripted import ScriptedExtractor
from scripted_masks import MaskedExtractor, MaskEncoder, open_verifier

from gaitproof.nets.onnx import SilhouetteEncoder
from gaitproof.types import Decision
from gaitproof.verify.verifier import Verifier


@pytest.fixture
def takes(make_video):
    return [make_video({"person": 0, "take": take}) for take in range(3)]


@pytest.mark.slow
def test_both_kinds_are_enrolled_and_shown(gallery, encoder, takes):
    verifier = open_verifier(gallery, encoder)
    enrolled = verifier.enroll("ann", takes[:2])
    assert enrolled.model_id == encoder.card.model_id
    assert enrolled.template_id == gallery.template("ann", "scripted-1", "scripted/1").template_id
    verdict = verifier.verify(takes[2], claim="ann")
    joints, masks = verdict.signals
    assert (joints.signal, joints.similarity) == ("joints", verdict.similarity)
    assert masks.signal == "silhouettes"
    assert masks.reason == ""
    assert masks.similarity == pytest.approx(1, abs=0.01)
    assert masks.log10_lr is not None
    assert masks.log10_lr > 0
    assert (masks.model_id, masks.template_recordings) == ("masks-1", 2)
    assert masks.windows > 0
    assert verdict.decision is Decision.AUTHENTIC
    wide = open_verifier(gallery, encoder, MaskedExtractor(width=44)).verify(takes[2], claim="ann")
    assert wide.signals[1].similarity < 0.9
    assert (wide.similarity, wide.decision) == (verdict.similarity, verdict.decision)
    assert verdict.to_dict()["signals"][1]["similarity"] == masks.similarity


def test_a_file_counts_once_in_the_list(gallery, encoder, takes):
    open_verifier(gallery, encoder).enroll("ann", takes[:2])
    (ann,) = gallery.list()
    assert ann.recordings == 2
    assert ann.models == ("masks-1", "scripted-1")
    joints = gallery.recordings("ann", "scripted-1", "scripted/1")
    assert ann.windows == sum(r.windows for r in joints)


@pytest.mark.slow
def test_a_gallery_of_joints_alone_still_works_and_is_completed(
    gallery, encoder, takes, make_video
):
    Verifier.open(gallery, encoder=encoder, extractor=ScriptedExtractor()).enroll("ann", takes[:2])
    verifier = open_verifier(gallery, encoder)
    before = verifier.verify(takes[2], claim="ann")
    assert before.decision is Decision.AUTHENTIC
    assert "No silhouettes of ann are enrolled" in before.signals[1].reason
    again = verifier.enroll("ann", takes[:2])
    assert [video.added for video in again.videos] == [False, False]
    assert again.template_id is None
    after = verifier.verify(takes[2], claim="ann")
    assert after.signals[1].similarity is not None
    assert (after.similarity, after.decision) == (before.similarity, before.decision)


def test_the_same_file_twice_is_one_recording_of_each_kind(gallery, encoder, takes):
    enrolled = open_verifier(gallery, encoder).enroll("ann", [takes[0], takes[0]])
    assert [video.added for video in enrolled.videos] == [True, False]
    assert len(gallery.history("ann").recordings) == 2


def test_without_masks_the_joints_speak_alone(gallery, encoder, takes):
    verifier = open_verifier(gallery, encoder, ScriptedExtractor())
    verifier.enroll("ann", takes[:2])
    (joints,) = verifier.verify(takes[2], claim="ann").signals
    assert (joints.signal, joints.counts) == ("joints", None)
    assert gallery.list()[0].models == ("scripted-1",)


def test_masks_that_cannot_be_used_are_told_and_not_enrolled(gallery, encoder, takes):
    open_verifier(gallery, encoder).enroll("ann", takes[:1])
    small = open_verifier(gallery, encoder, MaskedExtractor(height=60))
    small.enroll("ann", takes[1:2])
    assert len(gallery.recordings("ann", "masks-1", "scripted/1+silhouettes/1")) == 1
    _, masks = small.verify(takes[2], claim="ann").signals
    assert masks.similarity is None
    assert masks.reason == "The person's mask is 60 px tall; at least 80 px are needed."


@pytest.mark.slow
def test_a_file_is_not_compared_with_itself(gallery, encoder, takes):
    verifier = open_verifier(gallery, encoder)
    verifier.enroll("ann", takes[:2])
    _, masks = verifier.verify(takes[0], claim="ann").signals
    assert masks.template_recordings == 1
    verifier.enroll("bob", takes[2:])
    _, alone = verifier.verify(takes[2], claim="bob").signals
    assert alone.similarity is None
    assert "only recording" in alone.reason


def test_masks_of_another_model_are_not_compared(gallery, encoder, takes):
    open_verifier(gallery, encoder).enroll("ann", takes[:2])
    other = open_verifier(gallery, encoder, masks=MaskEncoder("masks-2"))
    _, masks = other.verify(takes[2], claim="ann").signals
    assert masks.similarity is None
    assert "enrol the videos again" in masks.reason


def test_a_walk_that_cannot_be_used_is_not_judged_by_its_masks(gallery, encoder, takes, make_video):
    verifier = open_verifier(gallery, encoder)
    verifier.enroll("ann", takes[:2])
    short = make_video({"person": 0, "take": 2, "seconds": 1.0})
    verdict = verifier.verify(short, claim="ann")
    assert verdict.decision is Decision.INCONCLUSIVE
    (joints,) = verdict.signals
    assert joints.similarity is None
    assert verdict.log10_lr is None


@pytest.mark.slow
def test_the_shipped_model_embeds_masks(gallery, encoder, takes):
    verifier = open_verifier(gallery, encoder, masks=SilhouetteEncoder.load("silhouettes"))
    verifier.enroll("ann", takes[:2])
    _, masks = verifier.verify(takes[2], claim="ann").signals
    assert masks.similarity is not None
    assert 0 <= masks.similarity <= 1
