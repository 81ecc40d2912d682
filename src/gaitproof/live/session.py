"""Watching a source from its opening to its end."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

from gaitproof.live.clips import ClipRecorder
from gaitproof.live.judging import Events, LiveJudge
from gaitproof.live.overlay import Overlay
from gaitproof.live.reader import NewestFrame
from gaitproof.live.watch import Summary, Watch, WatchSettings
from gaitproof.media.files import compute_sha256
from gaitproof.media.live import Source
from gaitproof.verify.verifier import Verifier


def watch(
    source: Source,
    claim: str,
    verifier: Verifier,
    events: Events,
    *,
    stop: threading.Event | None = None,
    settings: WatchSettings | None = None,
    overlay: Path | None = None,
    window: bool = False,
    clips: Path | None = None,
) -> Summary:
    """Follow and judge everybody in a source until it ends or is ended.

    Parameters
    ----------
    source
        A file is shown at its own pace.
    claim
        Name of the enrolled identity.
    verifier
        Compares; its settings hold for pose and limits.
    events
        What is told.
    stop
        Ends it when set.
    settings
        How it is watched; the defaults if None.
    overlay
        MP4 file for what was seen; None for none.
    window
        Whether to show the same in a window.
    clips
        Folder for a clip of each change of a decision; None for none.

    Raises
    ------
    GalleryError
        If the claim is not enrolled, or by another model.
    MediaError
        If the source cannot be opened, or a file is damaged.
    InputError
        If a file cannot be written.
    """
    judge = LiveJudge(verifier, claim, source.name)
    with ExitStack() as held:
        shown = held.enter_context(Overlay(overlay, window=window))
        kept = None if clips is None else held.enter_context(ClipRecorder(clips))
        sha256 = compute_sha256(source.address) if source.kind == "file" else ""
        frames = held.enter_context(NewestFrame(source, verifier.settings.media))
        events.tell("started", 0.0, source=source.name, claim=judge.claim)
        return Watch(
            frames,
            judge,
            events,
            settings=settings or WatchSettings(),
            verify=verifier.settings,
            sha256=sha256,
            overlay=shown,
            clips=kept,
        ).run(stop or threading.Event())
