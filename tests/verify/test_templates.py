import numpy as np
import pytest
from scripted import make_recording

from gaitproof.errors import GalleryError
from gaitproof.verify.templates import Template, build_template, check_time


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": "abc"},
        {"sha256": "Z" * 64},
        {"model_id": ""},
        {"estimator": "x" * 300},
        {"embeddings": np.zeros((2, 4)), "starts": np.arange(2)},
        {"embeddings": np.full((2, 4), np.nan), "starts": np.arange(2)},
        {"embeddings": np.eye(4)[:2], "starts": np.arange(3)},
        {"embeddings": np.zeros((0, 4)), "starts": np.zeros(0)},
        {"embeddings": np.eye(4)[0], "starts": np.arange(4)},
        {"embeddings": np.eye(4)[:1], "starts": np.array([np.inf])},
        {"embeddings": np.eye(5000)[:1], "starts": np.zeros(1)},
        {"created": "yesterday"},
        {"created": "2026-02-30T12:00:00+00:00"},
        {"created": "2026-11-21\x1b12:00:00"},
        {"path": "x" * 5000},
        {"quality": {str(n): 1.0 for n in range(2000)}},
        {"quality": {"x" * 300: 1.0}},
    ],
)
def test_malformed_recordings_are_refused(changes):
    with pytest.raises(GalleryError):
        make_recording(1, **changes)


def test_recordings_cannot_be_changed():
    recording = make_recording(1)
    with pytest.raises(ValueError, match="read-only"):
        recording.embeddings[0, 0] = 1


def test_measures_that_are_not_finite_are_dropped():
    assert make_recording(1, quality={"a": 1.0, "b": float("nan")}).quality == {"a": 1.0}


def test_order_of_recordings_does_not_matter():
    parts = [make_recording(i) for i in range(3)]
    one, other = build_template("ann", parts), build_template("ann", parts[::-1])
    assert one.template_id == other.template_id
    assert np.array_equal(one.vector, other.vector)
    assert one.windows == sum(r.windows for r in parts)


def test_identifier_depends_on_everything():
    parts = [make_recording(1), make_recording(2)]
    others = [
        build_template("bob", parts),
        build_template("ann", parts[:1]),
        build_template("ann", [make_recording(i, model_id="model-2") for i in (1, 2)]),
        build_template("ann", [make_recording(i, estimator="pose-2") for i in (1, 2)]),
    ]
    identifiers = {t.template_id for t in [build_template("ann", parts), *others]}
    assert len(identifiers) == 5


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [make_recording(1), make_recording(2, model_id="model-2")],
        [make_recording(1), make_recording(2, estimator="pose-2")],
    ],
)
def test_kinds_are_never_mixed(parts):
    with pytest.raises(GalleryError):
        build_template("ann", parts)


@pytest.mark.parametrize(
    "vector",
    [np.zeros(4), np.full(4, np.nan), np.eye(4), np.zeros(0), np.eye(5000)[0], np.ones(4)],
    ids=["nought", "nan", "two axes", "empty", "long", "not unit"],
)
def test_malformed_templates_are_refused(vector):
    with pytest.raises(GalleryError):
        Template("0" * 16, "ann", "model", "pose", vector, 1, ())


@pytest.mark.parametrize(
    "text",
    ["2026-11-21T08:30:00", "2026-11-21T08:30:00.123456+00:00", "2026-11-21T08:30:00Z"],
)
def test_times_as_they_are_stored(text):
    assert check_time(text) == text
