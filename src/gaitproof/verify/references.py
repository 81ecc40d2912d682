"""The template that a probe may be compared with."""

from __future__ import annotations

from typing import Final

from gaitproof.verify.gallery import Gallery
from gaitproof.verify.templates import Template, build_template

OWN_FILE: Final = (
    "This very file is enrolled; it was taken out of the template, since a file always matches "
    "itself."
)


def without_file(gallery: Gallery, template: Template, sha256: str) -> Template | None:
    """Take a file out of a template; None if nothing else is in it.

    Parameters
    ----------
    gallery
        That holds the template.
    template
        Returned as it is if the file is not in it.
    sha256
        Of the probe's file.
    """
    if sha256 not in template.sources:
        return template
    recordings = gallery.recordings(template.name, template.model_id, template.estimator)
    others = [r for r in recordings if r.sha256 != sha256]
    return build_template(template.name, others) if others else None


def shortfall(name: str, template: Template | None, least: int) -> str:
    """Say why a template does not carry a decision; empty if it does.

    Parameters
    ----------
    name
        Whose it is.
    template
        As `without_file` returns it.
    least
        Windows that it needs at least.
    """
    if template is None:
        return f"This very file is the only recording of {name} that is enrolled."
    if template.windows < least:
        return (
            f"The template of {name} holds too little material ({template.windows} of at "
            f"least {least} two-second windows); enrol another recording."
        )
    return ""
