"""Folders that hold a model: its weights as ONNX, and its card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import ClassVar, Final, Self, TypeVar

from pydantic import BaseModel

from gaitproof.errors import ModelError
from gaitproof.reading import FileKind, read_bytes, read_model

MODEL_FILE: Final = "model.onnx"
CARD_FILE: Final = "card.json"

WEIGHTS: Final = FileKind("model file", ModelError, 2**30)

Card = TypeVar("Card", bound=BaseModel)


def list_packaged(package: str) -> list[str]:
    """Return the names of the models in the folder ``weights`` of a package."""
    weights = files(package).joinpath("weights")
    if not weights.is_dir():
        return []
    return sorted(
        entry.name
        for entry in weights.iterdir()
        if entry.is_dir() and entry.joinpath(CARD_FILE).is_file()
    )


def packaged_file(package: str, name: str) -> tuple[bytes, str] | None:
    """Return content and path of a file in the folder ``weights`` of a package; None without it."""
    shipped = files(package).joinpath("weights").joinpath(name)
    return (shipped.read_bytes(), str(shipped)) if shipped.is_file() else None


@contextmanager
def model_folder(package: str, model: str | Path) -> Iterator[Path]:
    """Open the folder of a model by its name in a package, or as it is given."""
    if isinstance(model, str) and model in list_packaged(package):
        with as_file(files(package).joinpath("weights").joinpath(model)) as folder:
            yield folder
    else:
        yield Path(model)


def read_card(
    folder: Path, kind: type[Card], noun: str, card_noun: str, packaged: Sequence[str]
) -> Card:
    """Read and validate the card of a model folder.

    Parameters
    ----------
    folder
        With `CARD_FILE` in it.
    kind
        What the card is.
    noun, card_noun
        What messages call the model and its card.
    packaged
        Models to name where there is none.

    Raises
    ------
    ModelError
        If the card is missing or malformed.
    """
    file = FileKind(
        card_noun,
        ModelError,
        2**22,
        missing=f"a folder with {MODEL_FILE} and {CARD_FILE}, or one of the {noun}s inside the "
        f"package: {', '.join(packaged) or 'none'}",
    )
    return read_model(folder / CARD_FILE, file, kind)


def read_weights(folder: Path) -> bytes:
    """Return the ONNX file of a model folder.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    return read_bytes(folder / MODEL_FILE, WEIGHTS)


class PackagedModel:
    """A model that is loaded by its name in a package, or from a folder."""

    package: ClassVar[str]
    """Where models of the kind are shipped."""
    default: ClassVar[str]

    @classmethod
    def load(cls, model: str | Path | None = None) -> Self:
        """Load a model by the name it has in the package, or from a folder.

        Parameters
        ----------
        model
            Name of a shipped model, or a folder with ``model.onnx`` and ``card.json``; None for
            the default one.

        Raises
        ------
        ModelError
            If there is no such model, or it is broken.
        """
        with model_folder(cls.package, cls.default if model is None else model) as folder:
            return cls._read(folder)

    @classmethod
    def _read(cls, folder: Path) -> Self:
        raise NotImplementedError
