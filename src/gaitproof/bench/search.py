"""What a search among very many templates costs, exactly and by an index, and what that misses."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.pose.parallel import available_processors
from gaitproof.text import make_table
from gaitproof.verify.search import CellIndex, Found, search

Float32 = NDArray[np.float32]

MODEL: Final = "blend"
"""The shipped model with a cohort, whose mean and covariance are those of 214 people."""

MATED_COSINE: Final = 0.908
"""Median cosine of a clip by this model with its person's template of three others: 134 people of
KinectGait."""

TOP: Final = 50
"""As many as a search of a gallery asks for, see `gaitproof.verify.identification`."""

SIZE: Final = 176
"""Numbers of a template of the default model; so many axes of the cohort are kept, the widest."""

_AT_ONCE: Final = 20_000


@dataclass(frozen=True)
class SearchCost:
    """A search among so many templates.

    Parameters
    ----------
    templates, size
        How many, and numbers of each.
    probes
        Queries behind every figure.
    load
        Mean number of processes that wanted a processor in the last minute.
    exact_ms, exact_processor_ms
        Median milliseconds of an exact search of a memory-mapped file, by the clock and of
        processor time, which a busy machine changes less.
    relative_ms, relative_processor_ms
        Of one relative to a centre.
    index_ms, index_processor_ms
        Of a search by the index.
    recall_1, recall_top
        Share of the most alike, and of the `TOP` most alike, that the index finds.
    mated_first
        Share of probes whose own template is the most alike.
    file_mib
        The file of templates, which is mapped and not loaded.
    index_mib, build_seconds
        What the index takes beside it on disk, and to build.
    processors
        Available to this process.
    """

    templates: int
    size: int
    probes: int
    load: float
    exact_ms: float
    exact_processor_ms: float
    relative_ms: float
    relative_processor_ms: float
    index_ms: float
    index_processor_ms: float
    recall_1: float
    recall_top: float
    mated_first: float
    file_mib: float
    index_mib: float
    build_seconds: float
    processors: int


def draw_templates(count: int) -> Iterator[Float32]:
    """Draw unit directions that are distributed as the templates of people are.

    Normal, with the mean and the covariance of the shipped cohort of `MODEL`, then brought to
    unit length.

    Yields
    ------
    ndarray of float32
        Shape (n, D), n at most 20,000.
    """
    mean, shape = _population()
    rng = np.random.default_rng(0)
    for start in range(0, count, _AT_ONCE):
        rows = min(_AT_ONCE, count - start)
        yield _unit(mean + rng.standard_normal((rows, len(shape)), np.float32) * shape)


def draw_probes(templates: Float32) -> Float32:
    """Draw one probe of each template's person.

    Away from the template in the directions in which people differ, so far that the median cosine
    is `MATED_COSINE`.
    """
    _, shape = _population()
    noise = np.random.default_rng(1).standard_normal((len(templates), len(shape)), np.float32)
    away = noise * shape
    across = away - (away * templates).sum(axis=1, keepdims=True) * templates
    angle = np.arccos(MATED_COSINE) / np.median(np.linalg.norm(across, axis=1))
    return _unit(
        templates + np.tan(angle * np.linalg.norm(across, axis=1, keepdims=True)) * _unit(across)
    )


def run(
    templates: int = 100_000,
    *,
    probes: int = 50,
    index: bool = True,
    progress: Callable[[float], None] = lambda share: None,
) -> SearchCost:
    """Search among drawn templates in one thread.

    Parameters
    ----------
    templates
        How many.
    probes
        Queries, each by every way in turn.
    index
        Whether one is built, which takes most of the time.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    DependencyError
        If an index is wanted and faiss is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="gaitproof-bench-") as name:
        path = Path(name) / "templates.npy"
        vectors = _write(path, templates)
        cells, seconds, mib = None, 0.0, 0.0
        if index:
            began = time.perf_counter()
            CellIndex.build(vectors).save(Path(name) / "cells")
            seconds = time.perf_counter() - began
            mib = (Path(name) / "cells").stat().st_size / 2**20
            cells = CellIndex.load(Path(name) / "cells")
        rows = np.random.default_rng(2).choice(templates, probes, replace=templates < probes)
        queries = draw_probes(np.asarray(vectors[rows]))
        times: dict[str, list[tuple[float, float]]] = {"exact": [], "relative": [], "index": []}
        answers: list[tuple[Found, Found]] = []
        centre = _population()[0]
        for number, query in enumerate(queries):
            exact = _timed(times["exact"], partial(search, vectors, query, TOP))
            _timed(times["relative"], partial(search, vectors, query, TOP, centre=centre))
            near = exact
            if cells is not None:
                near = _timed(times["index"], partial(search, vectors, query, TOP, index=cells))
            answers.append((exact, near))
            progress((number + 1) / probes)
        return SearchCost(
            templates=templates,
            size=vectors.shape[1],
            probes=probes,
            load=os.getloadavg()[0],
            **{
                f"{way}{kind}_ms": float(np.median(took, axis=0)[at]) if took else float("nan")
                for way, took in times.items()
                for at, kind in enumerate(("", "_processor"))
            },
            recall_1=float(np.mean([a.rows[0] in b.rows for a, b in answers])),
            recall_top=float(np.mean([np.isin(a.rows, b.rows).mean() for a, b in answers])),
            mated_first=float(
                np.mean([a.rows[0] == row for (a, _), row in zip(answers, rows, strict=True)])
            ),
            file_mib=path.stat().st_size / 2**20,
            index_mib=mib,
            build_seconds=seconds,
            processors=available_processors(),
        )


def _population() -> tuple[Float32, Float32]:
    """Return the mean of people and their deviation along each axis, both of shape (D,)."""
    cohort = OnnxEncoder.load(MODEL).cohort
    assert cohort is not None
    people = cohort.astype(np.float64)
    values, axes = np.linalg.eigh(np.cov(people.T))
    # to turn all of them leaves their cosines as they are; the widest axes come first
    values, axes = values[::-1][:SIZE], axes[:, ::-1][:, :SIZE]
    mean = people.mean(axis=0) @ axes
    return mean.astype(np.float32), np.sqrt(np.maximum(values, 0.0)).astype(np.float32)


def _unit(vectors: Float32) -> Float32:
    directions: Float32 = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return directions.astype(np.float32)


def _write(path: Path, count: int) -> Float32:
    """Write templates to a file and return it memory-mapped."""
    np.save(path, np.concatenate(list(draw_templates(count))), allow_pickle=False)
    opened: Float32 = np.load(path, mmap_mode="r", allow_pickle=False)
    return opened


def _timed(times: list[tuple[float, float]], work: Callable[[], Found]) -> Found:
    began = time.perf_counter(), time.process_time()
    answer = work()
    times.append((1000 * (time.perf_counter() - began[0]), 1000 * (time.process_time() - began[1])))
    return answer


def search_table(result: SearchCost) -> Table:
    """Lay out the figures."""
    title = (
        f"{result.templates:,} templates of {result.size} numbers, {result.probes} probes, "
        f"load {result.load:.1f} on {result.processors} processors"
    )
    table = make_table(("what",), ("measured",), title=title)
    for title, way in (
        ("exact", "exact"),
        ("exact, relative to a centre", "relative"),
        ("by index", "index"),
    ):
        clock, processor = (getattr(result, f"{way}{kind}_ms") for kind in ("", "_processor"))
        table.add_row(f"{title}, ms (of processor time)", f"{clock:.1f} ({processor:.1f})")
    table.add_row("recall of the most alike", f"{result.recall_1:.3f}")
    table.add_row(f"recall of the {TOP} most alike", f"{result.recall_top:.3f}")
    table.add_row("own template is the most alike", f"{result.mated_first:.2f}")
    table.add_row("file of templates, MiB", f"{result.file_mib:.0f}")
    table.add_row("index, MiB", f"{result.index_mib:.0f}")
    table.add_row("index built in, s", f"{result.build_seconds:.1f}")
    return table
