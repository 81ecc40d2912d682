"""Work that goes to processes of its own, done in this one.

Each such process loads MediaPipe or PyTorch, which takes seconds; that the work is the same there
is tested once, and what the processes themselves do in ``test_processes.py``.
"""


def prepare_here(monkeypatch, crashes=()):
    """Prepare faces in this process; pretend that the clips of the paths `crashes` crash it."""
    monkeypatch.setattr(
        "gaitproof.data.face.prepare.run_apart",
        lambda clips, do, workers: (
            (clip, None if clip.path in crashes else do(clip)) for clip in clips
        ),
    )


def run_here(items, work, workers, crash, progress):
    """Stand in for `gaitproof.processes.run_all`."""
    progress(0)
    results = []
    for done, item in enumerate(items, start=1):
        results.append(work(item))
        progress(done)
    return results
