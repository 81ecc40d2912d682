import csv
import json
import shutil
from pathlib import Path

import pytest
from scripted import ScriptedEncoder, ScriptedExtractor

from gaitproof.cases.answers import COLUMNS, Question, check_output, worst_status
from gaitproof.cases.case import Examiner
from gaitproof.cases.enrolment import enroll_people
from gaitproof.cases.questions import examine_many, find_questions
from gaitproof.data.manifest import ManifestRow
from gaitproof.errors import InputError
from gaitproof.media.files import compute_sha256
from gaitproof.types import Decision
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.verifier import Verifier


def film(folder, name, *tracks):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tracks))
    return path


class Counting(ScriptedExtractor):
    """Counts how often a video is looked at."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __call__(self, path, *arguments, **options):
        compute_sha256(path)  # complains of a missing file as the real one does
        self.seen.append(Path(path).name)
        return super().__call__(path, *arguments, **options)


@pytest.fixture
def extractor():
    return Counting()


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory):
    """A folder with two people's videos and a gallery of them."""
    folder = tmp_path_factory.mktemp("enrolled")
    gallery = Gallery.open(folder / "g.db", create=True)
    verifier = Verifier.open(gallery, encoder=ScriptedEncoder(), extractor=ScriptedExtractor())
    for person in (0, 5):
        videos = [
            film(folder, f"{person}{take}.mp4", {"person": person, "take": take}) for take in (0, 1)
        ]
        verifier.enroll(f"p{person}", videos)
    return folder


@pytest.fixture
def examiner(tmp_path, extractor, enrolled):
    shutil.copytree(enrolled, tmp_path, dirs_exist_ok=True)
    gallery = Gallery.open(tmp_path / "g.db")
    return Examiner(Verifier.open(gallery, encoder=ScriptedEncoder(), extractor=extractor))


@pytest.fixture
def questions(tmp_path):
    genuine = film(tmp_path, "probes/genuine.mp4", {"person": 0, "take": 2})
    swapped = film(tmp_path, "probes/swapped.mp4", {"person": 5, "take": 2})
    empty = film(tmp_path, "probes/empty.mp4")
    return [Question(genuine, "p0"), Question(swapped, "p0"), Question(empty, "p0")]


def test_everything_is_answered_in_order(examiner, questions):
    answers = list(examine_many(questions, examiner))
    assert [a.case.decision for a in answers] == [
        Decision.AUTHENTIC,
        Decision.DEEPFAKE,
        Decision.INCONCLUSIVE,
    ]
    assert [a.exit_status for a in answers] == [0, 1, 3]
    assert all(set(a.values) == set(COLUMNS) for a in answers)


def test_the_same_answers_as_one_by_one(examiner, questions):
    for answer in examine_many(questions, examiner):
        alone = examiner.examine(answer.question.video, "p0")
        assert answer.values["headline"] == alone.headline
        assert answer.values["log10_lr"] == alone.answer.log10_lr


def test_a_video_that_cannot_be_used_stops_no_other(examiner, questions, tmp_path):
    missing = Question(tmp_path / "missing.mp4", "p0")
    stranger = Question(questions[0].video, "nobody")
    answers = list(examine_many([missing, stranger, questions[0]], examiner))
    assert [a.exit_status for a in answers] == [2, 2, 0]
    assert "missing.mp4" in answers[0].values["error"]
    assert "nobody" in answers[1].values["error"]


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl"])
class TestFile:
    def read(self, path):
        if path.suffix == ".csv":
            with path.open(newline="") as stream:
                return list(csv.DictReader(stream))
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_holds_every_answer(self, examiner, questions, tmp_path, name):
        list(examine_many(questions, examiner, output=tmp_path / name))
        rows = self.read(tmp_path / name)
        assert [row["decision"] for row in rows] == ["AUTHENTIC", "DEEPFAKE", "INCONCLUSIVE"]
        assert [row["video"] for row in rows] == [str(q.video) for q in questions]
        assert {row["model"] for row in rows} == {examiner.verifier.encoder.card.model_id}

    def test_is_written_after_each(self, examiner, questions, tmp_path, name):
        answers = examine_many(questions, examiner, output=tmp_path / name)
        next(answers)
        assert len(self.read(tmp_path / name)) == 1
        answers.close()

    def test_an_interrupted_run_resumes(self, examiner, extractor, questions, tmp_path, name):
        answers = examine_many(questions, examiner, output=tmp_path / name)
        next(answers)
        answers.close()
        with (tmp_path / name).open("a") as stream:
            stream.write('{"video": "begun by a kil')
        extractor.seen.clear()
        answered = list(examine_many(questions, examiner, output=tmp_path / name))
        assert extractor.seen == ["swapped.mp4", "empty.mp4"]
        assert [a.exit_status for a in answered] == [0, 1, 3]
        assert [row["claim"] for row in self.read(tmp_path / name)] == ["p0"] * 3

    @pytest.mark.slow
    def test_what_changed_or_failed_is_done_again(
        self, examiner, extractor, questions, tmp_path, name
    ):
        late = Question(tmp_path / "late.mp4", "p0")
        list(examine_many([*questions, late], examiner, output=tmp_path / name))
        film(tmp_path, "late.mp4", {"person": 0, "take": 3})
        film(tmp_path, "probes/swapped.mp4", {"person": 0, "take": 4})
        extractor.seen.clear()
        answers = list(examine_many([*questions, late], examiner, output=tmp_path / name))
        assert extractor.seen == ["swapped.mp4", "late.mp4"]
        assert [a.exit_status for a in answers] == [0, 0, 3, 0]

    @pytest.mark.slow
    def test_again_does_everything_anew(self, examiner, extractor, questions, tmp_path, name):
        for _ in range(2):
            extractor.seen.clear()
            list(examine_many(questions, examiner, output=tmp_path / name, again=True))
        assert len(extractor.seen) == 3
        assert len(self.read(tmp_path / name)) == 3

    def test_another_run_is_refused(self, examiner, questions, tmp_path, name):
        first = examine_many(questions, examiner, output=tmp_path / name)
        next(first)
        with pytest.raises(InputError, match="Another run"):
            next(examine_many(questions, examiner, output=tmp_path / name))
        first.close()

    @pytest.mark.parametrize("content", ["a,b\n1,2\n", "[1]\n", '{"video": 1}\n', "\x00\n"])
    def test_a_file_of_something_else_is_kept(self, examiner, questions, tmp_path, name, content):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError):
            next(examine_many(questions, examiner, output=tmp_path / name))
        assert (tmp_path / name).read_text() == content


def test_other_people_and_claims_are_other_questions(examiner, extractor, questions, tmp_path):
    one = questions[0]
    out = tmp_path / "a.csv"
    list(examine_many([one], examiner, output=out))
    other = Question(one.video, "p5")
    answers = list(examine_many([one, other], examiner, output=out))
    assert [a.exit_status for a in answers] == [0, 1]


def test_odd_names_stay_on_one_line(examiner, tmp_path):
    video = film(tmp_path, 'a\nb,"c".mp4', {"person": 0, "take": 2})
    out = tmp_path / "a.csv"
    for _ in range(2):
        [answer] = examine_many([Question(video, "p0")], examiner, output=out)
    assert answer.case is None  # known from the first run
    assert len(out.read_text().splitlines()) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl"])
@pytest.mark.parametrize("claim", ["ann  b", "ann\u00a0b", "ann\u200db"])
def test_a_claim_keeps_its_spaces(examiner, extractor, tmp_path, claim, name):
    examiner.verifier.enroll(claim, [film(tmp_path, "ann.mp4", {"person": 0, "take": 3})])
    asked = [Question(film(tmp_path, "a.mp4", {"person": 0, "take": 2}), claim)]
    list(examine_many(asked, examiner, output=tmp_path / name))
    extractor.seen.clear()
    list(examine_many(asked, examiner, output=tmp_path / name))
    assert extractor.seen == []
    # another spelling is another question, and may be another person
    [other] = examine_many([Question(asked[0].video, "ann b")], examiner, output=tmp_path / name)
    assert other.values["error"] or extractor.seen


@pytest.mark.parametrize("name", ["a.txt", "a", "a.json"])
def test_other_endings_are_refused(name):
    with pytest.raises(InputError, match=r"csv or \.jsonl"):
        check_output(Path(name))


def test_a_missing_folder_is_said(examiner, questions, tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        next(examine_many(questions, examiner, output=tmp_path / "no" / "a.csv"))


class TestFinding:
    def test_folders_and_tables(self, tmp_path):
        film(tmp_path, "in/b/2.mp4")
        film(tmp_path, "in/a.mov")
        (tmp_path / "in/notes.txt").write_text("")
        table = tmp_path / "claims.csv"
        table.write_text("path,claim,person\nin/a.mov,ann,1\nin/b/2.mp4,,\n")
        questions = find_questions([tmp_path / "in", table], "bob")
        assert questions == [
            Question(tmp_path / "in/a.mov", "bob"),
            Question(tmp_path / "in/b/2.mp4", "bob"),
            Question(tmp_path / "in/a.mov", "ann", 1),
        ]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("path\na.mp4\n", "lacks a column"),
            ("", "lacks a column"),
            ("path,claim\n", "holds no row"),
            ("path,claim\na.mp4,\n", "claim to show"),
            ("path,claim,person\na.mp4,ann,first\n", "Which person"),
            ("path,claim\na.mp4\n", "table of claims"),
        ],
    )
    def test_tables_that_cannot_be_used(self, tmp_path, text, words):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(InputError, match=words):
            find_questions([tmp_path / "t.csv"], None)

    def test_somebody_must_be_claimed(self, tmp_path):
        with pytest.raises(InputError, match="claim to show"):
            find_questions([tmp_path / "a.mp4"], None)

    def test_a_folder_without_videos(self, tmp_path):
        with pytest.raises(InputError, match="holds no video"):
            find_questions([tmp_path], "ann")


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [([], 0), ([0, 0], 0), ([0, 3], 3), ([3, 1, 0], 1), ([0, 1, 2, 3], 2)],
)
def test_the_worst_status_counts(statuses, worst):
    assert worst_status(statuses) == worst


def test_a_manifest_enrols_its_genuine_people(examiner, tmp_path):
    rows = [
        ManifestRow("x/1.mp4", "x", "1"),
        ManifestRow("x/2.mp4", "x", "2"),
        ManifestRow("x/copy.mp4", "x~mirrored", "1", parent="x/1.mp4"),
        ManifestRow("y/fake.mp4", "y", "1", label="fake"),
        ManifestRow("z/1.mp4", "z", "1"),
    ]
    for row in rows:
        person = {"x": 7, "y": 8}.get(row.subject[0])
        tracks = [] if person is None else [{"person": person, "take": int(row.recording)}]
        film(tmp_path, row.path, *tracks)
    shares = []
    result = enroll_people(examiner.verifier, rows, lambda row: tmp_path / row.path, shares.append)
    assert result.enrolled == {"x": 2}
    assert [place for place, _ in result.failures] == ["z/1.mp4"]
    assert shares[-1] == 1.0
    assert sorted(examiner.verifier.gallery.names()) == ["p0", "p5", "x"]
