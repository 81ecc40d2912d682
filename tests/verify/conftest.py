"""A verifier whose pixels and network are scripted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedEncoder, ScriptedExtractor

from gaitproof.verify.gallery import Gallery
from gaitproof.verify.verifier import Verifier


@pytest.fixture(scope="session")
def encoder() -> ScriptedEncoder:
    return ScriptedEncoder()


@pytest.fixture
def extractor() -> ScriptedExtractor:
    return ScriptedExtractor()


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Write a scripted "video" of the given tracks."""

    def make(*tracks: dict[str, Any], name: str = "") -> Path:
        text = json.dumps(tracks)
        path = tmp_path / (name or f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.mp4")
        path.write_text(text)
        return path

    return make


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery.open(tmp_path / "gallery.db")


@pytest.fixture
def verifier(gallery: Gallery, encoder: ScriptedEncoder, extractor: ScriptedExtractor) -> Verifier:
    return Verifier.open(gallery, encoder=encoder, extractor=extractor)


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place for a new gallery, on every kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "gallery.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def any_gallery(where: str) -> Gallery:
    return Gallery.open(where)
