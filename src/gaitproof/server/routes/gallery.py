"""Who is enrolled, and the footage that comparisons are relative to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from gaitproof.errors import GalleryError
from gaitproof.server.guards import Enrolling, ServiceNow, Verifying
from gaitproof.server.models import FootageAnswer, PersonAnswer
from gaitproof.server.problems import ProblemError
from gaitproof.server.state import Service
from gaitproof.verify.footage import summarise
from gaitproof.verify.names import MAX_NAME_LENGTH

router = APIRouter(tags=["gallery"])

PersonName = Annotated[
    str, Path(min_length=1, max_length=MAX_NAME_LENGTH, description="Name of the person.")
]
FootageName = Annotated[
    str, Path(min_length=1, max_length=MAX_NAME_LENGTH, description="Name of the footage.")
]


def resolve(service: Service, tenant: str, name: str) -> str:
    """Return the enrolled spelling of a name.

    Raises
    ------
    ProblemError
        If nobody of that name is enrolled.
    GalleryError
        If the gallery cannot be read.
    """
    gallery = service.gallery(tenant)
    try:
        return gallery.resolve(name)
    except GalleryError as error:
        gallery.names()  # of a gallery that cannot be read nobody knows who is in it
        raise ProblemError(
            404,
            "unknown-person",
            f"Nobody called {name!r} is enrolled.",
            actual=error.actual,
            hint=error.hint,
        ) from error


@router.get("/gallery")
def list_people(principal: Verifying, service: ServiceNow) -> list[PersonAnswer]:
    """List who is enrolled."""
    people = service.gallery(principal.tenant).list()
    return [PersonAnswer.model_validate({**vars(p), "models": list(p.models)}) for p in people]


@router.get("/gallery/{name}")
def read_person(name: PersonName, principal: Verifying, service: ServiceNow) -> dict[str, Any]:
    """Return the recordings and templates of a person, superseded templates included."""
    person = resolve(service, principal.tenant, name)
    service.audit.note("person", principal, name=person)
    return service.gallery(principal.tenant).history(person).to_dict()


@router.delete("/gallery/{name}")
def remove_person(name: PersonName, principal: Enrolling, service: ServiceNow) -> dict[str, Any]:
    """Delete a person with all recordings, templates and history."""
    person = resolve(service, principal.tenant, name)
    removed = service.gallery(principal.tenant).remove(person)
    service.audit.note("remove person", principal, name=person)
    return vars(removed)


@router.get("/references")
def list_references(principal: Verifying, service: ServiceNow) -> list[FootageAnswer]:
    """List reference footage."""
    footage = summarise(service.gallery(principal.tenant).references())
    return [FootageAnswer.model_validate({**vars(f), "models": list(f.models)}) for f in footage]


@router.delete("/references/{name}")
def remove_references(
    name: FootageName, principal: Enrolling, service: ServiceNow
) -> dict[str, int]:
    """Delete reference footage."""
    gallery = service.gallery(principal.tenant)
    if name not in {person.footage for person in gallery.references()}:
        raise ProblemError(404, "unknown-footage", f"There is no reference footage {name!r}.")
    removed = gallery.remove_references(name)
    service.audit.note("remove references", principal, name=name)
    return {"people": removed}
