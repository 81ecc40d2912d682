"""Where galleries, the service's data and poses lie on each system."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from gaitproof.cli.opening import default_gallery
from gaitproof.pose.cache import PoseCache

LOCAL = "C:/Users/ann/AppData/Local"


@pytest.mark.parametrize(
    ("system", "data", "cache"),
    [
        (Unix, "/home/ann/.local/share/gaitproof", "/home/ann/.cache/gaitproof"),
        (
            MacOS,
            "/home/ann/Library/Application Support/gaitproof",
            "/home/ann/Library/Caches/gaitproof",
        ),
        (Windows, f"{LOCAL}/gaitproof", f"{LOCAL}/gaitproof/Cache"),
    ],
)
def test_data_and_cache_lie_where_the_system_wants_them(monkeypatch, system, data, cache):
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda name: LOCAL)
    monkeypatch.setattr(platformdirs, "PlatformDirs", system)
    assert default_gallery() == Path(data) / "gallery.db"
    assert PoseCache().folder == Path(cache) / "poses"


def test_what_tests_cache_stays_out_of_the_users_folder():
    assert PoseCache().folder.parent.parent.name.startswith("gaitproof-cache-")
