import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scripted import ScriptedEncoder, ScriptedExtractor, make_band, make_card

from gaitproof.config import QualityGate, VerifySettings
from gaitproof.errors import GalleryError, InputError, ModelError
from gaitproof.nets.card import DurationTerm
from gaitproof.types import Decision
from gaitproof.types.support import MODERATE
from gaitproof.verify.calibration import log10_likelihood_ratio
from gaitproof.verify.decision import TOO_CLOSE
from gaitproof.verify.scene import NOT_FOLLOWED
from gaitproof.verify.verifier import Verifier

# people 0, 4 and 5 of the scripted walkers are far apart; see the test below


@pytest.fixture(scope="module")
def three_people(tmp_path_factory, encoder):
    """A folder with a gallery of three people."""
    folder = tmp_path_factory.mktemp("people")
    verifier = Verifier.open(folder / "people.db", encoder=encoder, extractor=ScriptedExtractor())
    for person in (0, 4, 5):
        videos = [folder / f"{person}-{take}.mp4" for take in (0, 1)]
        for take, video in enumerate(videos):
            video.write_text(json.dumps([{"person": person, "take": take}]))
        verifier.enroll(f"p{person}", videos)
    return folder


@pytest.fixture
def enrolled(three_people, tmp_path, encoder, extractor):
    shutil.copytree(three_people, tmp_path, dirs_exist_ok=True)
    return Verifier.open(tmp_path / "people.db", encoder=encoder, extractor=extractor)


@pytest.mark.parametrize("person", [0, 4, 5])
@pytest.mark.parametrize("claim", [0, 4, 5])
def test_own_claim_is_authentic_another_is_a_deepfake(enrolled, make_video, person, claim):
    video = make_video({"person": person, "take": 2})
    verdict = enrolled.verify(video, claim=f"p{claim}")
    expected = Decision.AUTHENTIC if person == claim else Decision.DEEPFAKE
    assert verdict.decision is expected
    assert verdict.claim == f"p{claim}"


def test_every_field_of_a_verdict_is_filled(enrolled, make_video, encoder):
    video = make_video({"person": 0, "take": 2})
    verdict = enrolled.verify(video, claim="P0")
    card = encoder.card
    assert verdict.headline == "AUTHENTIC — Verified as p0"
    assert verdict.threshold == card.operating_point.threshold
    assert (verdict.fmr, verdict.fnmr) == (card.operating_point.fmr, card.operating_point.fnmr)
    assert verdict.log10_lr == log10_likelihood_ratio(verdict.similarity, card.calibration)
    assert verdict.log10_lr_bound == card.calibration.log10_lr_bound
    assert verdict.model_id == card.model_id
    assert verdict.template_recordings == 2
    assert len(verdict.template_id) == 16
    assert verdict.quality.usable
    assert verdict.source == str(video)
    assert len(verdict.source_sha256) == 64
    assert verdict.software.startswith("gaitproof ")
    assert verdict.seconds > 0
    assert verdict.reason == ""


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_the_threshold_is_the_cards(enrolled, make_video, encoder, extractor, threshold):
    point = encoder.card.operating_point.model_copy(update={"threshold": threshold})
    other = ScriptedEncoder(make_card(operating_point=point))
    verifier = Verifier.open(enrolled.gallery, encoder=other, extractor=extractor)
    verdict = verifier.verify(make_video({"person": 0, "take": 2}), claim="p0")
    # above the threshold the likelihood ratio speaks for the claim, below it nothing may refuse it
    assert verdict.decision is (Decision.INCONCLUSIVE if threshold else Decision.AUTHENTIC)


def _with_band(enrolled, extractor, low, high, **changes):
    point = make_card().operating_point.model_copy(update={"inconclusive": make_band(low, high)})
    other = ScriptedEncoder(make_card(operating_point=point, **changes))
    return Verifier.open(enrolled.gallery, encoder=other, extractor=extractor)


def test_clear_walks_are_decided_outside_the_band(enrolled, make_video, extractor):
    verifier = _with_band(enrolled, extractor, 0.92, 0.94)
    video = make_video({"person": 0, "take": 2})
    assert verifier.verify(video, claim="p0").decision is Decision.AUTHENTIC
    refused = verifier.verify(video, claim="p5")
    assert refused.decision is Decision.DEEPFAKE
    stated = verifier.encoder.card.operating_point.inconclusive
    assert refused.band == replace(stated, min_log10_lr=MODERATE)  # the card asks for less
    assert enrolled.verify(video, claim="p0").band is None


@pytest.mark.parametrize("claim", ["p0", "p5"])
def test_a_walk_within_the_band_decides_nothing(enrolled, make_video, extractor, claim):
    verifier = _with_band(enrolled, extractor, 0.0, 1.0)
    verdict = verifier.verify(make_video({"person": 0, "take": 2}), claim=claim)
    assert verdict.decision is Decision.INCONCLUSIVE
    assert verdict.decision.exit_status == 3
    assert verdict.headline == f"INCONCLUSIVE — {TOO_CLOSE}"
    assert verdict.similarity is not None
    assert verdict.log10_lr is not None
    assert "too close to call" in verdict.plain
    assert verdict.quality.usable


def test_a_likelihood_ratio_without_support_decides_nothing(enrolled, make_video, extractor):
    flat = make_card().calibration.model_copy(update={"slope": 0.0, "intercept": 0.3})
    verifier = _with_band(enrolled, extractor, 0.92, 0.94, calibration=flat)
    verdict = verifier.verify(make_video({"person": 0, "take": 2}), claim="p0")
    assert verdict.similarity > 0.94
    assert verdict.reason == TOO_CLOSE
    identification = verifier.identify(make_video({"person": 0, "take": 2}))
    assert not any(c.accepted for c in identification.candidates)
    assert identification.threshold == 0.94


def test_a_short_probe_is_worth_less_where_the_card_says_so(enrolled, make_video, extractor):
    term = DurationTerm(slope=20.0, intercept=-18.6, fewest=1, most=20)
    calibration = make_card().calibration.model_copy(update={"duration": term})
    encoder = ScriptedEncoder(make_card(calibration=calibration))
    verifier = Verifier.open(enrolled.gallery, encoder=encoder, extractor=extractor)
    for seconds in (2.1, 4.0):
        video = make_video({"person": 0, "take": 2, "seconds": seconds})
        verdict = verifier.verify(video, claim="p5")
        windows = verdict.quality.usable_windows
        expected = (20 * verdict.similarity - 18.6) * (1 + np.log10(windows))
        assert verdict.log10_lr == pytest.approx(max(expected, -2.0))


@pytest.mark.parametrize(
    ("track", "word"),
    [
        ({"seconds": 1.5}, "2 s are needed"),
        ({"height": 80}, "px tall"),
        ({"frame_rate": 10.0}, "frames per second"),
        (None, "No person"),
    ],
    ids=["short", "small", "slow", "nobody"],
)
def test_material_that_does_not_carry_a_decision(enrolled, make_video, track, word):
    video = make_video(*([] if track is None else [{"person": 0, "take": 2} | track]))
    verdict = enrolled.verify(video, claim="p0")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert word in verdict.reason
    assert verdict.headline == f"INCONCLUSIVE — {verdict.reason}"
    assert verdict.similarity is verdict.log10_lr is None
    assert not verdict.quality.usable


def test_unknown_claim_gives_no_score_and_no_work(enrolled, make_video, extractor):
    calls = extractor.calls
    with pytest.raises(GalleryError, match="did you mean 'p0'"):
        enrolled.verify(make_video({"person": 0, "take": 2}), claim="p00")
    assert extractor.calls == calls


def test_template_of_another_model_is_refused_before_any_work(enrolled, make_video, extractor):
    other = Verifier.open(
        enrolled.gallery, encoder=ScriptedEncoder(make_card("scripted-2")), extractor=extractor
    )
    calls = extractor.calls
    with pytest.raises(GalleryError, match="another model"):
        other.verify(make_video({"person": 0, "take": 2}), claim="p0")
    assert extractor.calls == calls
    identification = other.identify(make_video({"person": 0, "take": 2}))
    assert identification.candidates == ()
    assert identification.reason
    assert "3 identities left out" in identification.notes[-1]


def test_template_of_another_estimator_is_refused(enrolled, make_video):
    video = make_video({"person": 0, "take": 2, "estimator": "other/1"})
    with pytest.raises(GalleryError, match="another pose estimator"):
        enrolled.verify(video, claim="p0")


def test_enrolling_again_with_another_model_repairs_it(enrolled, make_video, extractor):
    other = Verifier.open(
        enrolled.gallery, encoder=ScriptedEncoder(make_card("scripted-2")), extractor=extractor
    )
    other.enroll("p0", [make_video({"person": 0, "take": t}) for t in (0, 1)])
    for verifier in (other, enrolled):
        verdict = verifier.verify(make_video({"person": 0, "take": 2}), claim="p0")
        assert verdict.decision is Decision.AUTHENTIC
        assert verdict.template_recordings == 2


def test_an_enrolled_file_is_not_matched_with_itself(enrolled, make_video):
    probe = make_video({"person": 0, "take": 0})
    verdict = enrolled.verify(probe, claim="p0")
    assert verdict.template_recordings == 1
    assert any("taken out" in note for note in verdict.notes)
    assert verdict.similarity < 1 - 1e-4
    assert (
        verdict.template_id
        != enrolled.verify(make_video({"person": 0, "take": 2}), claim="p0").template_id
    )


def test_a_file_that_is_the_whole_template_decides_nothing(verifier, make_video):
    video = make_video({"person": 0})
    verifier.enroll("ann", [video])
    verdict = verifier.verify(video, claim="ann")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "only recording" in verdict.reason
    assert verdict.similarity is None
    assert verifier.identify(video).candidates == ()


def test_a_planted_recording_of_somebody_else_does_not_match_itself(enrolled, make_video):
    # the attacker enrols the fake itself under the victim's name, then has it verified
    fake = make_video({"person": 5, "take": 7})
    enrolled.enroll("p0", [fake])
    assert enrolled.verify(fake, claim="p0").decision is Decision.DEEPFAKE


def test_template_of_too_little_material(gallery, encoder, extractor, make_video):
    gate = QualityGate(min_template_windows=4)
    verifier = Verifier.open(
        gallery, encoder=encoder, extractor=extractor, settings=VerifySettings(quality=gate)
    )
    done = verifier.enroll("ann", [make_video({"person": 0, "seconds": 2.6})])
    assert any("too little material" in note for note in done.notes)
    verdict = verifier.verify(make_video({"person": 0, "take": 1}), claim="ann")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "too little material" in verdict.reason
    assert verifier.identify(make_video({"person": 0, "take": 1})).candidates == ()
    verifier.enroll("ann", [make_video({"person": 0, "take": 2})])
    verdict = verifier.verify(make_video({"person": 0, "take": 1}), claim="ann")
    assert verdict.decision is Decision.AUTHENTIC


@pytest.mark.slow
def test_two_people_at_once(enrolled, make_video):
    video = make_video({"person": 0, "take": 2}, {"person": 5, "take": 2})
    undecided = enrolled.verify(video, claim="p0")
    assert undecided.decision is Decision.INCONCLUSIVE
    assert "--person N" in undecided.reason
    assert undecided.choice_needed
    assert [p.number for p in undecided.people] == [0, 1]
    chosen = enrolled.verify(video, claim="p0", person=0)
    assert chosen.decision is Decision.AUTHENTIC
    assert not chosen.choice_needed
    assert any("Left out: person 1" in note for note in chosen.notes)
    assert enrolled.verify(video, claim="p0", person=1).decision is Decision.DEEPFAKE
    with pytest.raises(InputError, match="no person 2"):
        enrolled.verify(video, claim="p0", person=2)


def test_who_could_not_be_followed_is_told_so(enrolled, make_video):
    rough = {"person": 0, "take": 2, "frame_rate": 10.0, "estimator": "mediapipe-tasks-1/packaged"}
    verdict = enrolled.verify(make_video(rough), claim="p0")
    assert verdict.reason == NOT_FOLLOWED
    assert "frames per second" not in verdict.reason


def test_passes_one_after_another(enrolled, make_video):
    video = make_video(
        {"person": 0, "take": 2}, {"person": 0, "take": 3, "start": 6.0, "seconds": 5.0}
    )
    one = enrolled.verify(video, claim="p0")
    assert one.decision is Decision.AUTHENTIC
    assert any("Left out: person 0" in note for note in one.notes)
    assert [p.taken for p in one.people] == [False, True]
    both = enrolled.verify(video, claim="p0", person="all")
    assert both.decision is Decision.AUTHENTIC
    assert both.quality.usable_windows == 5 + 7
    assert both.quality.measures["gait_cycles"] > one.quality.measures["gait_cycles"]
    assert both.quality.measures["frame_rate"] == pytest.approx(30.0)
    assert [w.start for w in both.quality.windows] == sorted(w.start for w in both.quality.windows)


def test_all_leaves_unusable_tracks_out(enrolled, make_video):
    video = make_video({"person": 0, "take": 2}, {"person": 0, "start": 6.0, "seconds": 1.5})
    verdict = enrolled.verify(video, claim="p0", person="all")
    assert verdict.decision is Decision.AUTHENTIC
    assert verdict.quality.usable_windows == 5


def test_one_bad_video_stores_nothing(verifier, make_video, tmp_path):
    good, bad = make_video({"person": 0}), make_video({"person": 0, "seconds": 1.0})
    with pytest.raises(InputError, match=r"nothing was stored.*2 s are needed"):
        verifier.enroll("ann", [good, bad])
    assert not (tmp_path / "gallery.db").exists()
    with pytest.raises(InputError):
        verifier.enroll("ann", [])
    mixed = make_video({"person": 0, "take": 1, "estimator": "other/1"})
    with pytest.raises(InputError, match="different pose estimators"):
        verifier.enroll("ann", [good, mixed])
    assert verifier.gallery.names() == ()


def test_bad_name_or_gallery_costs_no_work(verifier, make_video, extractor, tmp_path):
    video = make_video({"person": 0})
    with pytest.raises(GalleryError):
        verifier.enroll("a/b", [video])
    (tmp_path / "gallery.db").write_text("not a gallery")
    with pytest.raises(GalleryError):
        verifier.enroll("ann", [video])
    assert extractor.calls == 0


def test_what_an_enrolment_reports(verifier, make_video):
    one, two = make_video({"person": 0}), make_video({"person": 0, "take": 1})
    first = verifier.enroll("Ann", [one, two, one])
    assert [v.added for v in first.videos] == [True, True, False]
    assert "Left out 1 file" in first.notes[0]
    assert all(v.windows == 5 for v in first.videos)
    again = verifier.enroll("ann", [one])
    assert (again.name, again.template_id, again.videos[0].added) == ("Ann", None, False)
    assert any("spelled 'Ann'" in note for note in again.notes)
    other = verifier.enroll("bob", [one])
    assert any("also enrolled as 'Ann'" in note for note in other.notes)


def test_progress_covers_all_videos(verifier, make_video):
    shares = []
    videos = [make_video({"person": 0, "take": t}) for t in (0, 1)]
    verifier.enroll("ann", videos, progress=shares.append)
    assert shares == [0.5, 1.0]


def test_identify_ranks_the_right_person_first(enrolled, make_video):
    identification = enrolled.identify(make_video({"person": 4, "take": 2}), top=2)
    assert identification.candidates[0].name == "p4"
    assert len(identification.candidates) == 2
    assert identification.compared == 3
    assert identification.candidates[0].accepted
    assert identification.candidates[0].similarity > identification.candidates[1].similarity
    verdict = enrolled.verify(make_video({"person": 4, "take": 2}), claim="p4")
    assert identification.candidates[0].similarity == verdict.similarity
    assert identification.candidates[0].template_id == verdict.template_id


def test_identify_without_material_or_people(verifier, enrolled, make_video, tmp_path):
    identification = enrolled.identify(make_video())
    assert (identification.reason, identification.candidates) == ("No person was found.", ())
    with pytest.raises(InputError):
        enrolled.identify(make_video({"person": 0}), top=0)
    empty = Verifier.open(
        tmp_path / "empty.db", encoder=verifier.encoder, extractor=ScriptedExtractor()
    )
    with pytest.raises(GalleryError, match="empty"):
        empty.identify(make_video({"person": 0}))


@pytest.mark.parametrize("wrong", [np.zeros((1, 3)), np.full((5, 42), np.nan)])
def test_an_encoder_that_breaks_its_contract(enrolled, make_video, monkeypatch, encoder, wrong):
    monkeypatch.setattr(encoder, "embed", lambda windows: wrong)
    with pytest.raises(ModelError):
        enrolled.verify(make_video({"person": 0, "take": 2}), claim="p0")


def test_the_same_input_gives_the_same_verdict(enrolled, make_video):
    video = make_video({"person": 0, "take": 2})
    one, two = (enrolled.verify(video, claim="p0").to_dict() for _ in range(2))
    one.pop("seconds"), two.pop("seconds")
    assert one == two


def test_an_examination_keeps_what_the_verdict_was_made_from(enrolled, make_video, encoder):
    video = make_video({"person": 0, "take": 2})
    examination = enrolled.examine(video, claim="p0")
    assert (
        len(examination.windows)
        == len(examination.embeddings)
        == examination.verdict.quality.usable_windows
    )
    assert np.array_equal(examination.embeddings, encoder.embed(examination.windows))
    assert examination.template is not None
    assert examination.template.template_id == examination.verdict.template_id
    (track,) = examination.tracks
    assert track.sequence.timestamps[0] <= examination.windows.starts[0]


def test_an_examination_of_a_walk_that_cannot_be_used_holds_no_windows(enrolled, make_video):
    examination = enrolled.examine(make_video({"person": 0, "take": 2, "seconds": 1.0}), claim="p0")
    assert examination.verdict.decision is Decision.INCONCLUSIVE
    assert len(examination.windows) == len(examination.embeddings) == 0
    assert examination.template is None


def test_a_flat_walk_is_not_scored_by_a_model_of_deep_ones(verifier, encoder, make_video):
    class Flat:
        def __call__(self, *args, **options):
            extraction = ScriptedExtractor()(*args, **options)
            return replace(
                extraction, tracks=tuple(replace(t, world=None) for t in extraction.tracks)
            )

    verifier.enroll("p0", [make_video({"person": 0, "take": take}) for take in (0, 1)])
    flat = Verifier.open(verifier.gallery, encoder=encoder, extractor=Flat())
    verdict = flat.verify(make_video({"person": 0, "take": 2}), claim="p0")
    assert verdict.decision is Decision.INCONCLUSIVE
    assert verdict.similarity is None
    assert "trained on three-dimensional walks, and this one is two-dimensional" in verdict.reason
