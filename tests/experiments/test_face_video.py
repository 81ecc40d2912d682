import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from portrait_clips import place, write_clip
from rich.console import Console
from scipy.special import expit
from scripted_faces import ScriptedDetector
from tiny_face_model import make_weights, write_model

from experiments.face_video import command, films, gates, relation, run
from experiments.faces.swaps import SWAPS
from gaitproof.cli.output import json_text
from gaitproof.errors import InputError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import scan_video

pytestmark = pytest.mark.slow

NAMES = ("ann", "bob", "cleo", "dan", "dan2")


class MeshDetector(ScriptedDetector):
    """Finds bright squares, and a mesh within them."""

    def detect(self, image, smallest=None):
        rng = np.random.default_rng(0)
        return tuple(
            replace(face, mesh=face.centre + face.size * rng.uniform(-0.3, 0.3, (468, 2)))
            for face in super().detect(image)
        )


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Five videos of four people; the faces of two are brighter."""
    folder = tmp_path_factory.mktemp("videos")
    rng = np.random.default_rng(1)
    for number, name in enumerate(NAMES):
        level = 200 if number % 2 else 110
        face = (
            rng.normal(level, 30, (20, 20, 1))
            .repeat(5, 0)
            .repeat(5, 1)
            .repeat(3, 2)
            .clip(70, 255)
            .astype(np.uint8)
        )
        pictures = [place([(face, 40 + 2 * i, 60, 90)], (240, 200), (0, 0, 0)) for i in range(12)]
        write_clip(folder / f"{name}.mp4", pictures)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    return write_model(folder, make_weights(48), alignment=AlignmentSettings(size=48, margin=0))


def test_everybody_gets_the_faces_of_others_and_two_videos_of_one_person_stay_together(videos):
    clips = films.list_clips(videos, {"dan2": "dan"})
    planned = films.plan_films(clips, videos / "films", 3)
    assert len({film.path for film in planned}) == len(planned) == 5 * (1 + 2 + 6)
    for film in planned:
        assert film.people[0] == film.clip.rstrip("2")
        assert len(set(film.people)) == (1 if film.genuine else 2)
    given = {(film.people, film.kind) for film in planned if not film.genuine}
    assert len(given) == 4 * 3
    assert len({people for people, _ in given}) == 4 * 3
    with pytest.raises(InputError, match="four people"):
        films.list_clips(videos, {"dan2": "dan", "cleo": "dan"})


def test_faces_are_cut_out_once_and_scored_once(videos, model, tmp_path, monkeypatch):
    loaded = FaceForgeryModel.load(model)
    clips = films.list_clips(videos, {})
    own = [film for film in films.plan_films(clips, tmp_path / "films", 0) if film.clip == "bob"]
    detector = MeshDetector()
    films.make_films(clips[1], own, clips, detector)
    kept = [run.cut_faces(film, tmp_path, loaded.card, detector) for film in own]
    scored = run.score_films(own, tmp_path, loaded)
    written = {path: path.stat().st_mtime_ns for path in (*kept, *(one.path for one in own))}
    (original, *_) = scored
    assert original.film.compression == films.ORIGINAL
    assert len(original.scores) == len(original.times) == len(original.detail) == 4
    assert original.scores.mean() > 0.8  # the model takes bright faces for genuine
    for name, value in (("CUTS", 3), ("_SCAN", run.ScanSettings(every=0.5))):
        with monkeypatch.context() as patch:  # other frames are passed over: all is done anew
            patch.setattr(run, name, value)
            assert not run.kept_faces(own[0], tmp_path, loaded.card).exists()
    # what a scan says of the same video
    face = scan_video(own[0].path, loaded, detector=detector).faces[0]
    assert original.scanned.mean() == pytest.approx(face.score)
    assert original.flicker == pytest.approx(face.consistency.flicker)
    monkeypatch.setattr(FaceForgeryModel, "score", None)
    films.make_films(clips[1], own, clips, None)
    assert [run.cut_faces(film, tmp_path, loaded.card, None) for film in own] == kept
    again = run.score_films(own, tmp_path, loaded)
    assert [one.scores.tolist() for one in again] == [one.scores.tolist() for one in scored]
    assert {path: path.stat().st_mtime_ns for path in written} == written


def scored_films(people=14, genuine=2.0, forged=-2.0, spread=0.0):
    """A ring of people with given mean log odds, all of one person's as far off as `spread`."""
    rng = np.random.default_rng(0)
    made = []
    for person in range(people):
        off = spread * (-1) ** person
        for step, kind in enumerate(("genuine", *SWAPS)):
            for compression in ("original", "good", "strong"):
                if compression == "original" and step:
                    continue
                names = (f"p{person}", f"p{(person + step) % people}")
                film = films.Film(
                    Path(f"{person}-{kind}-{compression}.mp4"),
                    names[0],
                    names[: 2 if step else 1],
                    kind,
                    compression,
                )
                scores = expit((forged if step else genuine) + off + rng.normal(0, 0.5, 12))
                values = np.linspace(0, 3, 12)
                made.append(
                    run.ScoredFilm(
                        film, values, scores, *[values] * 2, 1.0, *[values] * 3, 0 * values
                    )
                )
    return tuple(made)


def test_threshold_band_and_figures_come_from_the_films(model):
    card = FaceForgeryModel.load(model).card
    made = scored_films()
    calibrated = run.calibrate_card(card, made, 0.05)
    point = calibrated.operating_point
    assert point.chosen_by.startswith("EER on 14 people filmed talking and swapped")
    assert 0.15 < point.low <= point.threshold <= point.high < 0.85
    assert calibrated.calibration.log10_lr(0.99) > 0 > calibrated.calibration.log10_lr(0.01)
    assert calibrated.figures["video/auc"] == 1
    assert calibrated.weights_sha256 == card.weights_sha256
    result = run.FaceVideoResult(card, calibrated, made, ("lost.mp4",), 0.05)
    now = command.count_answers(result, before=False)
    assert now["genuine", "original"] == {"FAKE": 0, "INCONCLUSIVE": 0, "REAL": 14}
    assert now["poisson", "strong"] == {"FAKE": 14, "INCONCLUSIVE": 0, "REAL": 0}
    values = json.loads(json_text(command.to_dict(result)))
    assert values["left_out"] == ["lost.mp4"]
    assert len(values["films"]) == 14 * 9
    console = Console(width=160)
    with console.capture() as shown:
        console.print(command.figure_table(result))
        console.print(command.answer_table(result))
    assert "all swapped" in shown.get()
    assert "84, 0, 0" in shown.get()


def test_films_unlike_all_of_others_are_not_answered(model):
    made = scored_films(6)
    known = gates.others_conditions(made)["p2"]
    own = made[0]
    noisy = replace(own, noise=own.noise + 99)
    known = known.model_copy(update={"detail": (1.0, 2.0, 3.0)})
    # without detail nothing is FAKE, with noise nothing REAL
    assert [gates.answer(own, said, known) for said in (-1, 0, 1)] == [0, 0, 1]
    assert [gates.answer(noisy, said, known) for said in (-1, 0, 1)] == [0, 0, 0]
    assert gates.answer(noisy, -1, None) == -1


def test_genuine_video_of_the_same_person_tells_more_than_the_score_alone(model):
    card = FaceForgeryModel.load(model).card
    made = scored_films(genuine=1.0, forged=-1.0, spread=2.0)
    related = relation.relate(made, 0.05, card)
    alone, own, other = (
        figures.values["auc"].value for figures in (related.alone, related.own, related.other)
    )
    assert own > 0.95 > 0.8 > max(alone, other)
    assert related.relation.shared > 0.8
    assert related.relation.people == 14
    assert related.elsewhere == {}
    result = run.FaceVideoResult(card, card, made, (), 0.05)
    values = json.loads(json_text(command.to_dict(result, related)))["relative"]
    assert values["answers"]["genuine"]["FAKE"] == 0
    assert values["answers"]["swapped"]["FAKE"] > 14 * 6 / 2
    assert sum(values["answers"]["swapped"].values()) == 14 * 6
    assert values["same recording"]["values"]["auc"]["value"] == pytest.approx(own)
    console = Console(width=160)
    with console.capture() as shown:
        console.print(command.relation_table(related))
    assert "the same recording" in shown.get()
    assert "28 + 84" in shown.get()
