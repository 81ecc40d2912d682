"""A process that works for the service, with pixels and network replaced.

The "videos" are those of `scripted.ScriptedExtractor`. A video that is a JSON object instead says
what goes wrong or how long it takes. Any other file is really decoded, and shows `FILMED`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

COMMAND = (sys.executable, __file__)
"""Starts one, with a scripted model."""

SHIPPED = (*COMMAND, "shipped")
"""Starts one with the model that is part of the package."""


FILMED = {"person": 0, "take": 2, "frame_rate": 25}
"""Who walks in a real file, whatever is to be seen in it."""


def obey(wanted, progress):
    """Do what a video that is a JSON object says; return who walks in it."""
    if isinstance(wanted, list):
        return wanted
    for step in range(10):
        progress(step / 10)
        time.sleep(wanted.get("seconds", 0) / 10)
    if wanted.get("crash") and not (marker := Path(wanted["crash"])).exists():
        marker.touch()
        os._exit(9)
    if wanted.get("crash always"):
        os._exit(9)
    if wanted.get("unexpected"):
        raise RuntimeError("unexpected")
    return wanted["walk"]


def main():
    from scripted import FakeExtraction, FakeVideo, ScriptedEncoder, walk
    from scripted_estimator import ScriptedEstimator

    from gaitproof.media.files import compute_sha256
    from gaitproof.pose.extract import extract as really_extract
    from gaitproof.server import work
    from gaitproof.verify.verifier import Verifier

    real = Verifier.open.__func__

    def extract(path, settings, *, cache, progress):
        try:
            wanted = json.loads(Path(path).read_bytes())
        except ValueError:
            factory = partial(ScriptedEstimator.from_sequence, walk(**FILMED))
            return really_extract(
                path, settings, cache=cache, progress=progress, estimator_factory=factory
            )
        tracks = obey(wanted, progress or (lambda share: None))
        return FakeExtraction(
            FakeVideo(compute_sha256(path)), tuple(walk(**track) for track in tracks)
        )

    def open_scripted(cls, gallery, **options):
        return real(cls, gallery, **{**options, "extractor": extract})

    Verifier.open = classmethod(open_scripted)

    class ScriptedTools(work.Tools):
        encoder = ScriptedEncoder()

    work.main(work.Tools() if sys.argv[1:] == ["shipped"] else ScriptedTools())


if __name__ == "__main__":
    main()
