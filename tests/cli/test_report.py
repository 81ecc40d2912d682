import json

import pytest
from scripted import ScriptedEncoder, ScriptedExtractor
from typer.testing import CliRunner

from gaitproof.cases import exhibits
from gaitproof.cli import report as report_commands
from gaitproof.cli.app import app
from gaitproof.errors import InputError
from gaitproof.verify.verifier import Verifier


@pytest.fixture(autouse=True)
def scripted(monkeypatch, tmp_path):
    """Replace pixels and network; everything else is the real command."""
    real = Verifier.open.__func__

    def open_scripted(cls, gallery, **options):
        options["encoder"] = ScriptedEncoder()
        return real(cls, gallery, **options, extractor=ScriptedExtractor())

    monkeypatch.setattr(Verifier, "open", classmethod(open_scripted))
    # the videos hold no frame, and the encoder no network to look into
    monkeypatch.setattr(exhibits, "show_frames", lambda *_: ())
    monkeypatch.setattr(exhibits, "show_explanation", lambda *_: ())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("GAITPROOF_GALLERY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run():
    def do(*arguments):
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return do


@pytest.fixture
def enrolled(run, tmp_path):
    for take in (0, 1, 2):
        (tmp_path / f"{take}.mp4").write_text(json.dumps([{"person": 0, "take": take}]))
    assert run("enroll", "Ann", "0.mp4", "1.mp4").exit_code == 0


@pytest.mark.slow
def test_reports_are_written_signed_and_checked(run, enrolled, tmp_path):
    assert run("report", "keygen", "key").exit_code == 0
    done = run(
        "verify", "2.mp4", "-c", "Ann", "--report", "r.html", "--report", "r.PDF",
        "--report", "r.json", "--sign-key", "key",
    )  # fmt: skip
    assert done.exit_code == 0
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "r.PDF").read_bytes().startswith(b"%PDF")
    command = json.loads((tmp_path / "r.json").read_text())["content"]["command"]
    assert command.startswith("gaitproof verify 2.mp4 --claim Ann --gallery ")
    checked = run(
        "report", "check", "r.json", "--key", "key.pub", "--video", "2.mp4",
        "--enrolled", "0.mp4", "--document", "r.html", "--document", "r.PDF", "--json",
    )  # fmt: skip
    assert checked.exit_code == 0
    answer = json.loads(checked.stdout)
    assert answer["good"]
    assert {c["outcome"] for c in answer["checks"]} == {"good"}
    assert len(answer["checks"]) == 7


STATED = {"case_number": "24/117", "exhibit": "A 3 <b>", "examiner": "Dr. E. Ä"}


@pytest.mark.slow
def test_case_exhibit_and_examiner_are_stated_in_report_and_json(run, enrolled, tmp_path):
    given = ["--case", STATED["case_number"], "--exhibit", STATED["exhibit"]]
    given += ["--examiner", STATED["examiner"]]
    reports = ["--report", "r.json", "--report", "r.html"]
    done = run("verify", "2.mp4", "-c", "Ann", *given, *reports, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["stated"] == STATED
    assert json.loads((tmp_path / "r.json").read_text())["content"]["stated"] == STATED
    html = (tmp_path / "r.html").read_text()
    assert "24/117" in html
    assert "A 3 &lt;b&gt;" in html
    plain = run("verify", "2.mp4", "-c", "Ann", "--json")
    assert "stated" not in json.loads(plain.stdout)


def test_what_is_stated_is_bounded_and_of_one_video(run, enrolled):
    result = run("verify", "2.mp4", "-c", "Ann", "--case", "x" * 201)
    assert result.exit_code == 2
    assert "--case" in result.output
    several = run("verify", "1.mp4", "2.mp4", "-c", "Ann", "--examiner", "E")
    assert several.exit_code == 2
    assert "one video" in several.output


def test_a_bad_report_is_told_and_not_rendered(run, enrolled, tmp_path):
    assert run("verify", "2.mp4", "-c", "Ann", "--report", "r.json").exit_code == 0
    file = tmp_path / "r.json"
    assert run("report", "render", file, "-o", "r.html").exit_code == 0
    file.write_text(file.read_text().replace("gaitproof verify", "gaitproof vErify"))
    result = run("report", "check", file)
    assert result.exit_code == report_commands.FAILED_CHECK_STATUS
    assert "Do not rely on this report" in result.stdout
    assert "content was changed" in result.stdout
    refused = run("report", "render", file, "-o", "new.html")
    assert isinstance(refused.exception, InputError)
    assert not (tmp_path / "new.html").exists()


@pytest.mark.slow
def test_a_full_disk_gets_all_reports_or_none(run, enrolled, tmp_path, mounted):
    assert run("verify", "2.mp4", "-c", "Ann", "--report", "r.json").exit_code == 0
    assert run("report", "render", "r.json", "-o", "a.html", "-o", "a.pdf").exit_code == 0
    room = max((tmp_path / name).stat().st_size for name in ("a.html", "a.pdf"))
    folder = mounted(f"size={4 * (room // 4096 + 2)}k")
    done = run("report", "render", "r.json", "-o", folder / "a.html", "-o", folder / "a.pdf")
    assert isinstance(done.exception, InputError)
    assert "No space left" in str(done.exception)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("pages", [0, 1])
def test_a_full_disk_gets_both_keys_or_none(run, mounted, pages):
    folder = mounted("size=8k")
    (folder / "filler").write_bytes(b"x" * 4096 * (2 - pages))
    done = run("report", "keygen", folder / "key")
    assert isinstance(done.exception, InputError)
    assert "free disk space" in str(done.exception)
    assert [path.name for path in folder.iterdir()] == ["filler"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--report", "r.docx"), "unknown format"),
        (("--report", "no/r.html"), "No report can be written"),
        (("--report", "folder.html"), "is a folder"),
        (("--report", "r.html", "--report", "./r.html"), "asked for twice"),
        (("--sign-key", "0.mp4"), "kept in the JSON report"),
        (("--report", "r.json", "--sign-key", "0.mp4"), "private key"),
        (("--report", "r.json", "--sign-key", "none"), "does not exist"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    run, enrolled, tmp_path, monkeypatch, arguments, message
):
    (tmp_path / "folder.html").mkdir()
    monkeypatch.setattr(Verifier, "examine", lambda *_, **__: pytest.fail("work was done"))
    done = run("verify", "2.mp4", "-c", "Ann", *arguments)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)


def test_a_report_that_is_not_there(run):
    done = run("report", "check", "none.json")
    assert isinstance(done.exception, InputError)
    assert "does not exist" in str(done.exception)
