"""From the options of a command to what they name: gallery, verifier, settings, cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from gaitproof.cli.options import (
    BudgetOption,
    CacheOption,
    GalleryOption,
    ModelOption,
    NoCacheOption,
    SettingsOption,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gaitproof.config import VerifySettings
    from gaitproof.face.detect import DetectorSettings
    from gaitproof.pose.cache import PoseCache
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.people import Person
    from gaitproof.verify.verifier import Verifier


_DETECTORS: Final = ("mediapipe", "yunet", "dlib")


def default_gallery() -> Path:
    """Return the gallery that is used when none is named: ``gallery.db`` in the data folder."""
    from platformdirs import user_data_path

    return user_data_path("gaitproof", appauthor=False) / "gallery.db"


def open_gallery(given: str | None, *, create: bool) -> Gallery:
    """Open the gallery that was named, or the default one."""
    from gaitproof.verify.gallery import Gallery

    if given is not None:
        return Gallery.open(given, create=create)
    return Gallery.open(default_gallery(), create=create, make_folder=True)


def parse_person(text: str) -> Person:
    """Read ``auto``, ``all`` or the number of a person.

    Raises
    ------
    typer.BadParameter
        If it is none of these.
    """
    from gaitproof.errors import InputError
    from gaitproof.verify import people

    try:
        return people.parse_person(text)
    except InputError as error:
        raise typer.BadParameter(
            f"expected {error.expected}, found {error.actual}", param_hint="--person"
        ) from error


def parse_detector(text: str, *, simple_crop: bool = False) -> DetectorSettings:
    """Read ``mediapipe``, ``yunet=FILE`` or ``dlib=FILE``; `simple_crop` goes with the first.

    Raises
    ------
    typer.BadParameter
        If it is none of these, or has landmarks for every face and so no simple crops.
    """
    from gaitproof.face.detect import DetectorSettings

    name, _, file = text.partition("=")
    if name not in _DETECTORS or (name == "mediapipe") == bool(file):
        raise typer.BadParameter(
            f"expected mediapipe, yunet=FILE or dlib=FILE, found {text!r}",
            param_hint="--detector",
        )
    if simple_crop and name != "mediapipe":
        raise typer.BadParameter(
            f"{name} finds landmarks on every face; only mediapipe falls back on simple crops",
            param_hint="--simple-crop",
        )
    return DetectorSettings.model_validate(
        {"backend": name, "model_file": file or None, "simple_crop": simple_crop}
    )


def verify_settings(path: Path | None, **pose: Any) -> VerifySettings:
    """Return the settings of a file, or the defaults, with other `pose` settings if not None."""
    from gaitproof.config import VerifySettings

    chosen = VerifySettings() if path is None else VerifySettings.load(path)
    given = {name: value for name, value in pose.items() if value is not None}
    return chosen.model_copy(update={"pose": chosen.pose.model_copy(update=given)})


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """Options of a command that reads a video."""

    settings: SettingsOption = None
    cache: CacheOption = None
    no_cache: NoCacheOption = False
    budget: BudgetOption = None

    @property
    def chosen(self) -> VerifySettings:
        """The settings of the file, or the defaults, with the budget if one was given."""
        return verify_settings(self.settings, budget=self.budget)

    def open_cache(self) -> PoseCache | None:
        """Return the pose cache, or None."""
        if self.no_cache:
            return None
        from gaitproof.pose.cache import PoseCache

        return PoseCache(self.cache)


@dataclass(frozen=True, kw_only=True)
class VerifierOptions(ReadingOptions):
    """Options of a command that compares gait."""

    gallery: GalleryOption = None
    model: ModelOption = None

    def open(self, *, site: str = "", create: bool = False) -> Verifier:
        """Build the verifier; cheap checks come first."""
        chosen = self.chosen
        opened = open_gallery(self.gallery, create=create)

        from gaitproof.media.sandbox import prepare

        prepare(chosen.media)  # while the rest is imported

        from gaitproof.verify.verifier import Verifier

        return Verifier.open(
            opened, encoder=self.model, settings=chosen, cache=self.open_cache(), site=site
        )


def work_ahead(videos: Iterable[Path], verifier: Verifier, address: str) -> None:
    """Estimate videos on a Ray cluster, into the verifier's cache."""
    from gaitproof.cases.ahead import extract_ahead
    from gaitproof.cli.output import progress_bar
    from gaitproof.cluster import cluster

    with cluster(address), progress_bar("Estimating on the cluster") as progress:
        extract_ahead(videos, verifier, progress)
