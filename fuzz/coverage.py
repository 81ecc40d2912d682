"""``python -m fuzz.coverage READER [libFuzzer's options]``: inputs that coverage guides.

By Atheris, which is no dependency: ``pip install atheris``. It changes the largest file of a
reader's good inputs and keeps what reaches new lines; docs/reference/security.md says what it
found.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gaitproof", "yaml"]):
    from fuzz.corpus import replay
    from fuzz.readers import readers


def main() -> None:
    """Fuzz one reader until something goes wrong or libFuzzer's limits are reached."""
    reader = next(one for one in readers() if one.name == sys.argv[1])
    good = reader.make()
    place = max(good[0], key=lambda name: len(good[0][name]))
    with atheris.instrument_imports(include=["gaitproof", "yaml"]):
        replay(dict(good[0]), reader)  # imports the rest

    def try_one(data: bytes) -> None:
        outcome, where, text = replay({**good[0], place: data}, reader)
        if outcome not in ("read", "refused"):
            raise AssertionError(f"{outcome} at {where}: {text}")

    with tempfile.TemporaryDirectory() as folder:
        for number, files in enumerate(good):
            (Path(folder) / str(number)).write_bytes(files[place])
        atheris.Setup([sys.argv[0], folder, *sys.argv[2:]], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
