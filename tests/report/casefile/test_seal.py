import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gaitproof.errors import InputError
from gaitproof.report.casefile import check, parse_report, seal, to_json
from gaitproof.report.casefile.check import Outcome, check_report
from gaitproof.report.casefile.seal import REPORT_FILE, is_intact, is_signature_valid, report_schema
from gaitproof.report.casefile.write import write_reports
from gaitproof.report.signature import make_keys

SHIPPED = files("gaitproof.report.casefile") / "report.schema.json"


@pytest.fixture
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def keys(tmp_path):
    make_keys(tmp_path / "key", tmp_path / "key.pub")
    return tmp_path / "key", tmp_path / "key.pub"


@pytest.fixture
def signed(report, key, tmp_path):
    path = tmp_path / "r.json"
    path.write_bytes(to_json(seal(report, key)))
    return path


def outcome(checked, name):
    return next(c.outcome for c in checked.checks if c.name == name)


def test_the_schema_is_published():
    shipped = SHIPPED.read_text(encoding="utf-8")
    assert json.loads(shipped) == report_schema()
    docs = Path(__file__).parents[3] / "docs" / "reference" / "report.schema.json"
    assert docs.read_text(encoding="utf-8") == shipped


@pytest.mark.parametrize("decision", ["AUTHENTIC", "DEEPFAKE", "INCONCLUSIVE"])
def test_reports_follow_the_schema(reports, decision, key):
    schema = json.loads(SHIPPED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for sealed in (seal(reports[decision]), seal(reports[decision], key)):
        raw = json.loads(to_json(sealed))
        assert list(validator.iter_errors(raw)) == []
        raw["content"]["verdict"]["surprise"] = 1
        assert list(validator.iter_errors(raw)) != []


def test_a_report_survives_its_file(report, key):
    sealed = seal(report, key)
    again, message = parse_report(to_json(sealed))
    assert again == sealed
    assert is_intact(again, message)
    assert is_signature_valid(again.signature, message)


def test_white_space_and_order_do_not_matter(report, key):
    raw = json.loads(to_json(seal(report, key)))
    turned = json.dumps({k: raw[k] for k in reversed(raw)}).encode()
    again, message = parse_report(turned)
    assert is_intact(again, message)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("verdict", "decision"), "DEEPFAKE"),
        (("verdict", "similarity"), 0.5),
        (("verdict", "source_sha256"), "0" * 64),
        (("command",), "rm -rf /"),
        (("model", "limits"), "none"),
        (("enrolled", 0, "path"), "other.mp4"),
    ],
)
def test_every_change_is_found(signed, where, value):
    raw = json.loads(signed.read_bytes())
    inner = raw["content"]
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = value
    signed.write_text(json.dumps(raw))
    checked = check_report(signed)
    assert not checked.good
    assert outcome(checked, "content") is Outcome.BAD
    assert outcome(checked, "signature") is Outcome.BAD


def test_a_new_hash_does_not_hide_a_change(signed):
    import hashlib

    from gaitproof.report.casefile.seal import canonical

    raw = json.loads(signed.read_bytes())
    raw["content"]["command"] = "other"
    raw["content_sha256"] = hashlib.sha256(canonical(raw["content"])).hexdigest()
    signed.write_text(json.dumps(raw))
    checked = check_report(signed)
    assert outcome(checked, "content") is Outcome.GOOD
    assert outcome(checked, "signature") is Outcome.BAD


def test_a_changed_picture_is_refused(signed):
    raw = json.loads(signed.read_bytes())
    raw["content"]["frames"][0]["data"] = raw["content"]["evidence"][0]["data"]
    signed.write_text(json.dumps(raw))
    with pytest.raises(InputError, match="not a valid gaitproof report"):
        check_report(signed)


def test_whose_key_it_is(report, keys, tmp_path):
    from gaitproof.report.signature import load_private_key

    private, public = keys
    make_keys(tmp_path / "other", tmp_path / "other.pub")
    path = tmp_path / "r.json"
    path.write_bytes(to_json(seal(report, load_private_key(private))))
    assert outcome(check_report(path), "signature") is Outcome.OPEN
    assert outcome(check_report(path, key=public), "signature") is Outcome.GOOD
    assert outcome(check_report(path, key=tmp_path / "other.pub"), "signature") is Outcome.BAD
    path.write_bytes(to_json(seal(report)))
    assert outcome(check_report(path), "signature") is Outcome.OPEN
    assert outcome(check_report(path, key=public), "signature") is Outcome.BAD


@pytest.mark.slow
def test_files_and_documents_belong_to_the_report(report, tmp_path):
    sealed = seal(report)
    paths = [tmp_path / f"r{suffix}" for suffix in (".json", ".html", ".pdf")]
    write_reports(sealed, paths)
    video = Path(report.verdict.source)
    enrolled = Path(report.enrolled[0].path)
    checked = check_report(paths[0], video=video, enrolled=[enrolled, video], documents=paths[1:])
    assert [(c.name, c.outcome) for c in checked.checks[3:]] == [
        ("video", Outcome.GOOD),
        ("enrolled file", Outcome.GOOD),
        ("enrolled file", Outcome.BAD),
        ("document", Outcome.GOOD),
        ("document", Outcome.GOOD),
    ]
    paths[1].write_bytes(paths[1].read_bytes().replace(b"AUTHENTIC", b"DEEPFAKE"))
    checked = check_report(paths[0], video=enrolled, documents=[paths[1]])
    assert outcome(checked, "video") is Outcome.BAD
    assert outcome(checked, "document") is Outcome.BAD


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "Expecting property name"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"content": NaN}', "NaN is not a JSON number"),
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b"[" * 100_000, "too deeply nested"),
        (b"1" * 5000, "an integer of 5000 digits"),
        (b"[]", "object"),
        (b"{}", "content: Field required"),
    ],
)
def test_what_is_no_report(data, message):
    with pytest.raises(InputError, match=message):
        parse_report(data)


def test_a_report_that_is_too_large(signed):
    with signed.open("ab") as file:
        file.truncate(REPORT_FILE.max_bytes + 1)
    with pytest.raises(InputError, match="too large"):
        check_report(signed)


def test_a_truncated_report(signed):
    signed.write_bytes(signed.read_bytes()[:-2000])
    with pytest.raises(InputError, match="not a valid gaitproof report"):
        check_report(signed)


def test_numbers_beyond_all_bounds(signed):
    raw = signed.read_text().replace('"created"', '"x": 1e999, "created"')
    signed.write_text(raw)
    with pytest.raises(InputError, match="not a valid gaitproof report"):
        check_report(signed)


def test_document_of_unknown_format(signed, tmp_path):
    with pytest.raises(InputError, match="unknown format"):
        check.check_report(signed, documents=[tmp_path / "a.docx"])
