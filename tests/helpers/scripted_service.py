"""A process that works for the service, with pixels and network replaced.

The "videos" are those of `scripted.ScriptedExtractor`. A video that is a JSON object instead says
what goes wrong or how long it takes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

COMMAND = (sys.executable, __file__)
"""Starts one."""


def sabotage(path, progress):
    """Do what a video that is a JSON object says; True if it is none."""
    told = json.loads(Path(path).read_bytes())
    if isinstance(told, list):
        return told
    for step in range(10):
        progress(step / 10)
        time.sleep(told.get("seconds", 0) / 10)
    if told.get("crash") and not (marker := Path(told["crash"])).exists():
        marker.touch()
        os._exit(9)
    if told.get("crash always"):
        os._exit(9)
    if told.get("unexpected"):
        raise RuntimeError("unexpected")
    return told["walk"]


def main():
    from scripted import FakeExtraction, FakeVideo, ScriptedEncoder, walk

    from gaitproof.errors import MediaError
    from gaitproof.media.files import compute_sha256
    from gaitproof.server import work
    from gaitproof.verify.verifier import Verifier

    real = Verifier.open.__func__

    def extract(path, settings, *, cache, progress):
        try:
            tracks = sabotage(path, progress or (lambda share: None))
        except ValueError as error:
            raise MediaError(f"{str(path)!r} cannot be read as a video.") from error
        return FakeExtraction(
            FakeVideo(compute_sha256(path)), tuple(walk(**track) for track in tracks)
        )

    def open_scripted(cls, gallery, **options):
        return real(cls, gallery, **{**options, "extractor": extract})

    Verifier.open = classmethod(open_scripted)

    class ScriptedTools(work.Tools):
        encoder = ScriptedEncoder()

    work.main(ScriptedTools())


if __name__ == "__main__":
    main()
