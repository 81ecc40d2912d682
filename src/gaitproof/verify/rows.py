"""The rows of a gallery as they are read: bounded, validated, and named if they are damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    Json,
    ValidationError,
)
from pydantic import model_validator as check_model
from safetensors.numpy import load
from sqlalchemy import Connection, Select

from gaitproof.errors import GaitproofError, GalleryError, InputError
from gaitproof.face.types import FaceReference
from gaitproof.gait.cycles import GaitProfile
from gaitproof.reading import FileKind, guarded, malformed
from gaitproof.verify.filming import MAX_DOMAIN, Filming
from gaitproof.verify.names import check_name, name_key
from gaitproof.verify.sealing import unseal
from gaitproof.verify.templates import (
    MAX_LABEL,
    MAX_MEASURES,
    MAX_PATH,
    MAX_WINDOWS,
    SHA256,
    TEMPLATE_ID,
    Recording,
    ReferencePerson,
    Template,
    check_time,
    is_unit,
)

MAX_READ_BYTES: Final = 2**29
"""Of all rows that one question returns, each with `_ROW_BYTES` beside its own."""

_ROW_BYTES: Final = 2000
"""What a validated row takes in memory beside its text and bytes."""

_MAX_HEADER: Final = 1000
"""Bytes of the header of stored numbers, which names three of them."""

_KIND: Final = FileKind(
    "gallery row",
    GalleryError,
    hint="remove the identity and enrol it again, or restore the gallery from a backup",
)


def _checked(check: Callable[[str], str]) -> AfterValidator:
    """Return a validator of which pydantic reports the field."""

    def validate(text: str) -> str:
        try:
            if check(text) == text:
                return text
        except GalleryError as error:
            raise ValueError(str(error)) from error
        raise ValueError("not in the form in which it is stored")

    return AfterValidator(validate)


_Name = Annotated[str, Field(max_length=400), _checked(check_name)]
_Time = Annotated[str, Field(max_length=40), _checked(check_time)]
_Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]
_Sha256 = Annotated[str, Field(pattern=SHA256)]
_Count = Annotated[int, Field(ge=1, le=2**40)]
_Measures = Annotated[
    dict[Annotated[str, Field(max_length=MAX_LABEL)], FiniteFloat], Field(max_length=MAX_MEASURES)
]


class Row(BaseModel):
    """Base of every row: exact types, immutable, nothing missing and nothing to spare."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: int


class IdentityRow(Row):
    """Who is enrolled."""

    key: str = Field(max_length=4000)
    name: _Name
    created: _Time

    @check_model(mode="after")
    def _fits(self) -> IdentityRow:
        if name_key(self.name) != self.key:
            raise ValueError("the name is found under the key of another")
        return self


class OwnerRow(IdentityRow):
    """Whose a template is."""

    template: int


class SourceRow(Row):
    """Which file a recording comes from."""

    identity_id: int
    sha256: _Sha256
    model_id: _Label
    estimator: _Label


class RecordingSummaryRow(SourceRow):
    """A recording without its numbers; `key` is its identity's."""

    key: str = Field(max_length=4000)
    path: str = Field(max_length=MAX_PATH)
    windows: int = Field(ge=1, le=MAX_WINDOWS)
    quality: Json[_Measures]
    created: _Time
    filming: Json[Filming] | None


class RecordingRow(RecordingSummaryRow):
    """A whole recording."""

    embeddings: bytes
    profile: bytes | None
    domain: str | None = Field(max_length=MAX_DOMAIN)

    @check_model(mode="after")
    def _fits(self) -> RecordingRow:
        if self.domain != (None if self.filming is None else self.filming.domain):
            raise ValueError("the recording is found under another domain than its own")
        return self


class NamedRecordingRow(RecordingRow):
    """A whole recording, with its identity."""

    name: _Name


class TemplateSummaryRow(Row):
    """A template without its vector."""

    identity_id: int
    uid: str = Field(pattern=TEMPLATE_ID)
    model_id: _Label
    estimator: _Label
    recordings: _Count
    windows: _Count
    created: _Time
    superseded: _Time | None


class TemplateRow(TemplateSummaryRow):
    """A whole template, with its identity."""

    vector: bytes
    key: str = Field(max_length=4000)
    name: _Name


class LinkRow(Row):
    """A file that a template (`id`) is made from."""

    sha256: _Sha256


class ReferenceRow(Row):
    """One person of reference footage."""

    footage: _Name
    sha256: _Sha256
    person: int = Field(ge=0, le=MAX_WINDOWS)
    model_id: _Label
    estimator: _Label
    windows: int = Field(ge=1, le=MAX_WINDOWS)
    created: _Time
    vector: bytes
    filming: Json[Filming] | None


class FaceRow(Row):
    """What a face model makes of an enrolled video; `key` is its identity's."""

    key: str = Field(max_length=4000)
    sha256: _Sha256
    model_id: _Label
    domain: str | None = Field(max_length=MAX_DOMAIN)
    scores: bytes


R = TypeVar("R", bound=Row)


def fetch(connection: Connection, query: Select[Any], kind: type[R]) -> list[R]:
    """Return validated rows.

    Parameters
    ----------
    connection
        A transaction.
    query
        Its columns are the fields of `kind`. Nothing that SQLite would have to gather first (no
        order, no distinct rows): pages that point at each other can make the rows endless.
    kind
        What a row must be.

    Raises
    ------
    GalleryError
        If a row is not what it must be or cannot be decrypted, or there are more than
        `MAX_READ_BYTES`.
    """
    rows = []
    room = MAX_READ_BYTES
    for row in connection.execute(query):
        values = dict(row._mapping)
        room -= _ROW_BYTES + sum(len(v) for v in values.values() if isinstance(v, str | bytes))
        if room < 0:
            raise too_much()
        try:
            rows.append(kind.model_validate(unseal(connection, _table(kind), values)))
        except (ValidationError, InputError) as error:
            raise malformed(_place(kind, values["id"]), _KIND, error) from error
    return rows


def too_much() -> GalleryError:
    """Say that a gallery holds more than is read at once."""
    return GalleryError(
        "The gallery holds more than can be read at once.",
        hint="name fewer people, or divide it into several galleries",
    )


def read_recording(row: RecordingRow) -> Recording:
    """Return the recording that a row stores.

    Raises
    ------
    GalleryError
        If its numbers are not those of a recording.
    """
    place = _place(type(row), row.id)
    tensors = _tensors(row.embeddings, place, {"embeddings": np.float32, "starts": np.float64})
    profile = _profile(row.profile, place) if row.profile is not None else None
    try:
        recording = Recording(
            sha256=row.sha256,
            path=row.path,
            model_id=row.model_id,
            estimator=row.estimator,
            embeddings=tensors["embeddings"],
            starts=tensors["starts"],
            quality=row.quality,
            created=row.created,
            profile=profile,
            filming=row.filming,
        )
    except GaitproofError as error:
        raise malformed(place, _KIND, error) from error
    if recording.windows != row.windows:
        raise malformed(place, _KIND, f"{recording.windows} windows instead of {row.windows}")
    return recording


def read_template(row: TemplateRow, sources: tuple[str, ...]) -> Template:
    """Return the template that a row stores; `sources` are the hashes of its files.

    Raises
    ------
    GalleryError
        If its numbers are not those of a template, or its recordings are not there.
    """
    place = _place(type(row), row.id)
    if len(sources) != row.recordings:
        raise malformed(place, _KIND, f"{len(sources)} recordings instead of {row.recordings}")
    vector = _tensors(row.vector, place, {"template": np.float32})["template"]
    try:
        return Template(
            template_id=row.uid,
            name=row.name,
            model_id=row.model_id,
            estimator=row.estimator,
            vector=vector,
            windows=row.windows,
            sources=sources,
        )
    except GaitproofError as error:
        raise malformed(place, _KIND, error) from error


def read_directions(rows: Sequence[tuple[int, bytes]]) -> NDArray[np.float32]:
    """Return the vectors of templates, shape (N, D), of their rows' numbers and stored bytes.

    Raises
    ------
    GalleryError
        If one is no direction, or they differ in length.
    """
    vectors = [
        _tensors(data, _place(TemplateRow, number), {"template": np.float32})["template"]
        for number, data in rows
    ]
    if len({vector.shape for vector in vectors}) > 1 or not is_unit(np.stack(vectors)):
        place = _place(TemplateRow, rows[0][0])
        raise malformed(f"{place} and after", _KIND, "not directions of one length")
    return np.stack(vectors)


def read_reference(row: ReferenceRow) -> ReferencePerson:
    """Return the person of reference footage that a row stores.

    Raises
    ------
    GalleryError
        If the numbers are not a direction.
    """
    place = _place(type(row), row.id)
    vector = _tensors(row.vector, place, {"reference": np.float32})["reference"]
    try:
        return ReferencePerson(
            **row.model_dump(exclude={"id", "vector", "filming"}),
            vector=vector,
            filming=row.filming,
        )
    except GaitproofError as error:
        raise malformed(place, _KIND, error) from error


def read_face(row: FaceRow) -> FaceReference:
    """Return what a face model makes of an enrolled video.

    Raises
    ------
    GalleryError
        If the numbers are no scores.
    """
    place = _place(type(row), row.id)
    tensors = _tensors(row.scores, place, {"scores": np.float32})
    with guarded(place, _KIND):
        return FaceReference(row.model_id, tensors["scores"])


def _profile(data: bytes, place: str) -> GaitProfile:
    types = {"mean": np.float32, "sd": np.float32, "cycles": np.int64}
    tensors = _tensors(data, place, types)
    with guarded(place, _KIND):
        left, right = (int(count) for count in tensors["cycles"])
    try:
        return GaitProfile(tensors["mean"], tensors["sd"], left, right)
    except GaitproofError as error:
        raise malformed(place, _KIND, error) from error


def _tensors(data: bytes, place: str, types: Mapping[str, type]) -> dict[str, NDArray[Any]]:
    with guarded(place, _KIND):
        if int.from_bytes(data[:8], "little") > _MAX_HEADER:
            raise ValueError("not as it was stored")
        tensors: dict[str, NDArray[Any]] = load(data)
        if {name: array.dtype for name, array in tensors.items()} != types:
            raise ValueError("numbers of other names or types")
        return tensors


_TABLES: Final[dict[type[Row], str]] = {
    IdentityRow: "identities",
    OwnerRow: "identities",
    TemplateRow: "templates",
    TemplateSummaryRow: "templates",
    LinkRow: "template_recordings",
    ReferenceRow: "reference_people",
    FaceRow: "face_references",
}


def _table(kind: type[Row]) -> str:
    return _TABLES.get(kind, "recordings")


def _place(kind: type[Row], number: object) -> str:
    return f"{_table(kind)} {number!r:.20}"
