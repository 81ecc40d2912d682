import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from scripted import ScriptedEncoder, ScriptedExtractor, make_band, make_card
from scripted_masks import joined_of
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.cli.opening import default_gallery
from gaitproof.cli.output import evidence, printable, rate, show_verdict
from gaitproof.device import Device
from gaitproof.errors import GalleryError, InputError
from gaitproof.types import ErrorRate
from gaitproof.verify.verifier import Verifier


@pytest.fixture(scope="module")
def encoder():
    return ScriptedEncoder()


@pytest.fixture(autouse=True)
def scripted(monkeypatch, tmp_path, encoder):
    """Replace pixels and network; everything else is the real command."""
    real = Verifier.open.__func__

    def open_scripted(cls, gallery, **options):
        options["encoder"] = encoder
        return real(cls, gallery, **options, extractor=ScriptedExtractor())

    monkeypatch.setattr(Verifier, "open", classmethod(open_scripted))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("GAITPROOF_GALLERY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def video(tmp_path):
    def make(*tracks, name):
        (tmp_path / name).write_text(json.dumps(tracks))
        return name

    return make


@pytest.fixture
def run():
    def do(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return do


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept") / "enrolled"


@pytest.fixture
def enrolled(run, video, tmp_path, kept):
    """Enrol two people for the first test that asks; the others have a copy."""
    if kept.exists():
        shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
        return
    for person in (0, 5):
        files = [video({"person": person, "take": t}, name=f"{person}{t}.mp4") for t in (0, 1)]
        assert run("enroll", f"p{person}", *files).exit_code == 0
    video({"person": 0, "take": 2}, name="probe.mp4")
    shutil.copytree(tmp_path, kept)


@pytest.mark.parametrize(
    ("tracks", "claim", "status", "headline"),
    [
        ([{"person": 0, "take": 2}], "p0", 0, "AUTHENTIC — Verified as p0"),
        ([{"person": 0, "take": 2}], "p5", 1, "DEEPFAKE OF p5"),
        ([], "p0", 3, "INCONCLUSIVE — No person was found."),
    ],
)
def test_verdict_and_exit_status(run, enrolled, video, tracks, claim, status, headline):
    probe = video(*tracks, name="probe.mp4")
    done = run("verify", probe, "--claim", claim)
    assert done.exit_code == status
    assert done.stdout.splitlines()[0] == headline
    as_json = run("verify", probe, "--claim", claim, "--json")
    assert as_json.exit_code == status
    answer = json.loads(as_json.stdout)
    assert answer["headline"] == headline
    assert answer["decision"] == headline.split()[0]
    assert (answer["similarity"] is None) == (status == 3)


def test_what_people_are_told(run, enrolled):
    text = run("verify", "probe.mp4", "--claim", "p0").stdout
    for part in (
        "Gait consistent with the claim.",
        "similarity",
        "threshold",
        "support for the claim",
        "limit ±2.00",
        "5.0% (95 %: 2.0% to 10.0%)",
        "6.0% (95 %: 3.0% to 12.0%)",
        "5 of 5 two-second windows usable",
        "scripted-1",
        "2 recordings",
        "does not prove that the video is authentic",
    ):
        assert part in " ".join(text.split()), part
    answer = json.loads(run("verify", "probe.mp4", "-c", "p0", "--json").stdout)
    assert answer["source_sha256"] in text
    assert answer["template_id"] in text


@pytest.mark.parametrize("command", [("verify", "-c", "p0"), ("identify",)])
def test_another_device_than_the_processor_is_named(run, enrolled, monkeypatch, command):
    monkeypatch.setattr("gaitproof.device._chosen", Device.CPU)  # put back afterwards
    monkeypatch.setattr("gaitproof.runtime.list_providers", lambda: ["CUDAExecutionProvider"])
    note = "The networks ran on the device cuda."
    for given, named in (([], False), (["--device", "cuda"], True)):
        answer = json.loads(run(*command, "probe.mp4", "--json", *given).stdout)
        assert (note in answer["notes"]) is named


def test_the_inconclusive_band_is_told(run, enrolled, encoder, monkeypatch):
    point = make_card().operating_point.model_copy(update={"inconclusive": make_band(0.0, 1.0)})
    monkeypatch.setattr(encoder, "card", make_card(operating_point=point))
    done = run("verify", "probe.mp4", "--claim", "p0")
    assert done.exit_code == 3
    printed = " ".join(done.stdout.split())
    for part in (
        "INCONCLUSIVE — The walk speaks neither for nor against the claim.",
        "from 0.000 to below 1.000, and where the likelihood ratio is below 10 either way",
        "3.3% (95 %: 1.0% to 6.0%): an impostor is accepted",
        "22.0% (95 %: 10.0% to 30.0%) of genuine claims",
        "21.0% (95 %: 10.0% to 30.0%) of impostors",
    ):
        assert part in printed, part
    answer = json.loads(run("verify", "probe.mp4", "-c", "p0", "--json").stdout)
    assert answer["band"]["high"] == 1.0
    assert answer["band"]["undecided_mated"]["value"] == 0.22


def test_default_gallery_is_in_the_data_folder(run, enrolled, tmp_path):
    assert (tmp_path / "data" / "gaitproof" / "gallery.db").is_file()


@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_gallery_can_be_named(run, video, tmp_path, monkeypatch, how):
    file = video({"person": 0}, name="a.mp4")
    if how == "environment":
        monkeypatch.setenv("GAITPROOF_GALLERY", str(tmp_path / "mine.db"))
        done = run("enroll", "ann", file)
    else:
        done = run("enroll", "ann", file, "--gallery", "mine.db")
    assert done.exit_code == 0
    assert (tmp_path / "mine.db").is_file()
    assert not (tmp_path / "data").exists()


def test_enrolment_says_what_it_did(run, video):
    file = video({"person": 0}, name="[bold]a.mp4")
    done = run("enroll", "ann", file)
    assert "Enrolled ann from 1 video." in done.stdout
    assert "[bold]a.mp4" in done.stdout  # a file name is no markup
    again = run("enroll", "ann", file)
    assert again.exit_code == 0
    assert "enrolled from these already" in again.stdout
    answer = json.loads(run("enroll", "ann", file, "--json").stdout)
    assert answer["videos"][0]["added"] is False


def test_identify(run, enrolled, video):
    done = run("identify", "probe.mp4", "--top", "1")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "Supported: p0"
    assert "a lead, not an identification" in " ".join(done.stdout.split())
    answer = json.loads(run("identify", "probe.mp4", "--json").stdout)
    assert [c["name"] for c in answer["candidates"]] == ["p0", "p5"]
    nobody = run("identify", video(name="empty.mp4"))
    assert nobody.exit_code == 3
    assert "INCONCLUSIVE — No person was found." in nobody.stdout
    stranger = run("identify", video({"person": 9}, name="stranger.mp4"))
    assert stranger.exit_code == 3
    assert stranger.stdout.startswith("INCONCLUSIVE — Nobody in the gallery is supported")


@pytest.mark.parametrize("command", [("enroll", "ann"), ("verify", "-c", "p0")])
def test_who_may_be_meant_is_shown_with_numbers(run, enrolled, video, monkeypatch, command):
    probe = video({"person": 0, "take": 2}, {"person": 5, "take": 2}, name="two.mp4")
    drawn = {number: np.full((240, 160, 3), 99, np.uint8) for number in (0, 1)}
    monkeypatch.setattr("gaitproof.report.people.draw_thumbnails", lambda *rest: drawn)
    done = run(*command, probe)
    if command[0] == "enroll":
        assert isinstance(done.exception, InputError)
    else:
        assert done.exit_code == 3
    path = Path(done.stdout.partition("Numbered images: ")[2].partition(";")[0])
    assert cv2.imread(str(path)).shape == (240, 320, 3)
    path.unlink()
    path.parent.rmdir()
    answer = json.loads(run(*command, probe, "--json").stdout)
    assert [one["number"] for one in answer["people"]] == [0, 1]
    assert all(one["picture"].startswith("data:image/jpeg;base64,") for one in answer["people"])
    if command[0] == "enroll":
        assert "--person N" in answer["error"]
        assert run(*command, probe, "--person", "1").exit_code == 0


@pytest.mark.slow
def test_choice_between_people(run, enrolled, video):
    probe = video({"person": 0, "take": 2}, {"person": 5, "take": 2}, name="two.mp4")
    assert run("verify", probe, "-c", "p0").exit_code == 3
    assert run("verify", probe, "-c", "p0", "--person", "0").exit_code == 0
    assert run("verify", probe, "-c", "p0", "-p", "1").exit_code == 1
    assert run("verify", probe, "-c", "p0", "-p", "all").exit_code == 3
    assert isinstance(run("verify", probe, "-c", "p0", "-p", "2").exception, InputError)


@pytest.mark.parametrize("person", ["-1", "x", "1.5", "", "²"])
def test_people_are_auto_all_or_a_number(run, enrolled, person):
    done = run("verify", "probe.mp4", "--claim", "p0", f"--person={person}")
    assert done.exit_code == 2
    assert "auto, all or a number" in " ".join(done.stderr.replace("│", " ").split())


def test_settings_are_read(run, enrolled, tmp_path):
    (tmp_path / "s.yaml").write_text("quality: {min_person_height: 5000}")
    done = run("verify", "probe.mp4", "--claim", "p0", "--settings", "s.yaml")
    assert done.exit_code == 3
    assert "5000" in done.stdout


def test_unknown_claim_is_an_error_without_output(run, enrolled):
    done = run("verify", "probe.mp4", "--claim", "p1", "--json")
    assert isinstance(done.exception, GalleryError)
    assert done.stdout == ""


def test_no_gallery_yet(run, video):
    video({"person": 0}, name="a.mp4")
    done = run("verify", "a.mp4", "--claim", "ann")
    assert isinstance(done.exception, GalleryError)
    assert "gaitproof enroll" in str(done.exception)


def test_a_name_cannot_steer_the_terminal():
    assert printable("a\x1b[31m\nb") == "a\\x1b[31m\\nb"
    assert printable("Müller 李") == "Müller 李"
    assert printable("\udc80") == "\\udc80"


def test_signals_relative_to_other_people_are_shown_side_by_side(capsys, enrolled):
    verdict = joined_of(Verifier.open(default_gallery()).verify("probe.mp4", claim="p0"), 1.4)
    signals = tuple(
        replace(one, references=5, relative_to={"enrolled from footage of the same kind": 5})
        for one in verdict.signals
    )
    joined = replace(verdict.joined, relative=True, accepts_from=1.0)
    show_verdict(replace(verdict, signals=signals, joined=joined))
    shown = " ".join(capsys.readouterr().out.split())
    assert "either decides from 1.00 on, unless the other contradicts it" in shown
    assert shown.count("relative to 5 other people") == 2
    assert "5 enrolled from footage of the same kind" in shown
    assert "does not decide" not in shown
    assert "false match rate" not in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "+1.50 (moderate support for the claim, limit ±2.00"),
        (-2.0, "-2.00 (moderate support against the claim, limit ±2.00"),
    ],
)
def test_evidence(value, text):
    assert evidence(value, 2.0).startswith(text)


def test_a_rate_that_is_its_own_limit_is_told_as_one():
    assert rate(ErrorRate(0.13, 0.0, 0.13)) == "at most 13.0%"
    assert rate(ErrorRate(0.13, 0.0, 0.2)) == "13.0% (95 %: 0.0% to 20.0%)"
    assert rate(ErrorRate(0.0, 0.0, 0.0)) == "0.0% (95 %: 0.0% to 0.0%)"


def test_joined_signals_are_shown(capsys, enrolled):
    verifier = Verifier.open(default_gallery())
    show_verdict(joined_of(verifier.verify("probe.mp4", claim="p0")))
    shown = capsys.readouterr().out
    assert "accepted only where silhouettes count +0.50 or more" in shown
    assert shown.count("+0.35 on other footage") == 1
    assert "ten made people" in shown
    assert "does not decide" not in shown


def test_many_videos_are_answered_in_one_run(run, enrolled, video, tmp_path):
    video({"person": 5, "take": 2}, name="swapped.mp4")
    (tmp_path / "claims.csv").write_text("path,claim\nprobe.mp4,p0\nswapped.mp4,p0\n")
    done = run("verify", "claims.csv", "-o", "answers.csv")
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "AUTHENTIC" in text
    assert "DEEPFAKE OF p0" in text
    assert "1 AUTHENTIC, 1 DEEPFAKE" in text
    assert "Answers: answers.csv" in text
    lines = [json.loads(line) for line in run("verify", "claims.csv", "--json").stdout.splitlines()]
    assert [line["decision"] for line in lines] == ["AUTHENTIC", "DEEPFAKE"]
    assert lines[0]["case"]["headline"] == "AUTHENTIC — Verified as p0"
    resumed = run("verify", "claims.csv", "-o", "answers.csv")
    assert resumed.stdout == done.stdout
    assert resumed.exit_code == 1


def test_a_video_that_fails_among_many_is_told(run, enrolled, video):
    done = run("verify", "probe.mp4", "probe.mp4", "--claim", "p0", "-o", "a.jsonl")
    assert done.exit_code == 0
    failed = run("verify", "probe.mp4", "--claim", "nobody", "-o", "b.jsonl")
    assert failed.exit_code == 2
    assert "nobody" in failed.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["probe.mp4"], "claim to show"),
        (["probe.mp4", "0.mp4", "-c", "p0", "--report", "r.json"], "on one video"),
        (["probe.mp4", "-c", "p0", "-o", "a.txt"], ".csv or .jsonl"),
        (["claims.csv"], "does not exist"),
    ],
)
def test_questions_that_cannot_be_asked(run, enrolled, arguments, words):
    done = run("verify", *arguments)
    assert done.exit_code != 0
    message = str(done.exception) if isinstance(done.exception, InputError) else done.stderr
    assert words.lower() in " ".join(message.replace("│", " ").split()).lower()


def test_everybody_of_a_manifest_is_enrolled(run, video, tmp_path):
    for take in (0, 1):
        video({"person": 3, "take": take}, name=f"c{take}.mp4")
    video(name="empty.mp4")
    rows = ["path,subject,recording", "c0.mp4,cleo,0", "c1.mp4,cleo,1", "empty.mp4,dora,0"]
    (tmp_path / "m.csv").write_text("\n".join(rows) + "\n")
    done = run("enroll", "--manifest", "m.csv")
    assert done.exit_code == 2
    assert "People enrolled: 1; videos: 2." in done.stdout
    assert "empty.mp4" in done.stdout
    again = json.loads(run("enroll", "--manifest", "m.csv", "--json").stdout)
    assert again["enrolled"] == {"cleo": 2}


@pytest.mark.parametrize("arguments", [[], ["ann"], ["ann", "a.mp4", "--manifest", "m.csv"]])
def test_an_enrolment_is_of_a_person_or_a_manifest(run, arguments):
    done = run("enroll", *arguments)
    assert done.exit_code == 2
    assert "or --manifest" in " ".join(done.stderr.replace("│", " ").split())
