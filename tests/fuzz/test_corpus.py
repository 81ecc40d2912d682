"""What once went wrong goes right, and good inputs are read."""

from __future__ import annotations

import pytest

from fuzz import corpus
from fuzz.readers import MUTATORS, Reader, readers

READERS = {reader.name: reader for reader in readers()}


@pytest.mark.parametrize("entry", corpus.entries(), ids=lambda e: e.file or e.what)
def test_inputs_that_once_went_wrong_are_refused_or_read(entry: corpus.Entry) -> None:
    reader = READERS[entry.reader]
    outcome, where, text = corpus.replay(corpus.files_of(entry, reader), reader)
    assert outcome in ("read", "refused"), f"{outcome} at {where}: {text}"


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_good_inputs_are_read(reader: Reader) -> None:
    for files in reader.make():
        outcome, where, text = corpus.replay(dict(files), reader)
        # FFmpeg knows GIF, and the decoder's list of containers does not
        expected = "refused" if reader.name == "video gif" else "read"
        assert outcome == expected, f"{outcome} at {where}: {text}"


def test_all_mutators_are_used() -> None:
    from pathlib import Path

    suffixes = {Path(name).suffix for r in READERS.values() for files in r.make() for name in files}
    assert set(MUTATORS) <= suffixes
