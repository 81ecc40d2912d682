"""The most alike of very many directions: exactly, and by a faiss index.

Exact search reads every direction once, block by block, so that memory-mapped ones need no room
of their own. The index divides them among cells around centres (an inverted file: Jégou, Douze,
Schmid, IEEE TPAMI 33, 2011) and reads the cells nearest to a query only; what it may miss is its
recall, see ``gaitproof bench search``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import DependencyError, ModelError
from gaitproof.media.files import write_files

Float32 = NDArray[np.float32]

_BLOCK: Final = 4096
"""Directions read at a time: 3 MB of 176 numbers each, which a processor's cache holds."""

_ROWS_PER_CENTRE: Final = 64
"""Directions that the centres of the cells are learned from, for each of them."""

_ROUNDS: Final = 8
"""Rounds of k-means; more change the recall by less than the draw of the sample does."""

_SHARE: Final = 0.2
"""Of all cells, so many are read for a query: 0.05 misses one in nine of the 50 most alike, 0.1 one
in 25, this less than one in 100 (100,000 directions drawn like templates)."""


@dataclass(frozen=True, eq=False)
class Found:
    """Directions, the most alike first.

    Parameters
    ----------
    rows
        Shape (K,), their places among those that were searched.
    cosines
        Shape (K,), of each with the query, after the centre was taken off both.
    """

    rows: NDArray[np.int64]
    cosines: Float32


class Index(Protocol):
    """Anything that returns the likely most alike directions."""

    def near(self, query: Float32, top: int) -> NDArray[np.int64]:
        """Return at most `top` rows by inner product with a query of shape (D,)."""
        ...


def cosines_with(vectors: Float32, query: Float32, centre: Float32 | None = None) -> Float32:
    """Compare unit directions with one; every direction is read once.

    Parameters
    ----------
    vectors
        Shape (N, D), unit length; may be memory-mapped.
    query
        Shape (D,), unit length.
    centre
        Shape (D,), taken off both sides first as by
        `gaitproof.verify.evidence.relative_cosines`; None for nothing.

    Returns
    -------
    ndarray of float32
        Shape (N,), in [-1, 1] up to rounding.

    Raises
    ------
    ModelError
        If the lengths differ.
    """
    check_length(vectors.shape[1:], query)
    cosines = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[start : start + _BLOCK])
        place = slice(start, start + len(block))
        if centre is None:
            np.matmul(block, query, out=cosines[place])
            continue
        apart = query - centre
        # |t - c|² of a unit t, and (t - c)·(q - c), without a copy of the block
        lengths = 1.0 - 2.0 * (block @ centre) + float(centre @ centre)
        scale = np.sqrt(np.maximum(lengths, np.finfo(np.float32).tiny)) * np.linalg.norm(apart)
        cosines[place] = (block @ apart - float(centre @ apart)) / np.maximum(
            scale, np.finfo(np.float32).tiny
        )
    return cosines


def check_length(shape: tuple[int, ...], query: Float32) -> None:
    """Raise a `ModelError` unless a query has the shape (D,) of the directions."""
    if len(shape) != 1 or shape != query.shape:
        raise ModelError(
            "Query and directions have different lengths; they come from different models.",
            expected=str(shape),
            actual=str(query.shape),
        )


def candidates(top: int, centre: Float32 | None) -> int:
    """Return how many an index is asked for: more where there is a centre, which it knows not."""
    return top if centre is None else 4 * top


def highest(cosines: Float32, top: int) -> Found:
    """Return the highest `top`; of equal ones those that come first."""
    count = min(top, len(cosines))
    if not count:
        return Found(np.zeros(0, np.int64), np.zeros(0, np.float32))
    least = np.partition(cosines, -count)[-count]
    rows = np.flatnonzero(cosines >= least)
    rows = rows[np.argsort(-cosines[rows], kind="stable")][:count]
    return Found(rows.astype(np.int64), cosines[rows])


def search(
    vectors: Float32,
    query: Float32,
    top: int,
    *,
    centre: Float32 | None = None,
    index: Index | None = None,
) -> Found:
    """Return the directions most like a query.

    Parameters
    ----------
    vectors, query, centre
        As for `cosines_with`.
    top
        How many, at least 1.
    index
        Of the same vectors. It names `candidates`, of which the cosines are then exact. None
        searches all.

    Examples
    --------
    >>> nearest = search(np.eye(3, dtype=np.float32), np.float32([0.6, 0.8, 0]), 2)
    >>> nearest.rows.tolist()
    [1, 0]
    """
    if index is None:
        return highest(cosines_with(vectors, query, centre), top)
    asked = query if centre is None else query - centre
    rows = np.sort(index.near(asked, candidates(top, centre)))
    nearest = highest(cosines_with(np.asarray(vectors[rows]), query, centre), top)
    return Found(rows[nearest.rows], nearest.cosines)


class CellIndex:
    """An inverted file of faiss over unit directions.

    Parameters
    ----------
    built
        Of `faiss.IndexIVFFlat`, trained and filled.
    """

    def __init__(self, built: Any) -> None:
        self._built = built
        built.nprobe = max(1, round(_SHARE * built.nlist))

    @classmethod
    def build(cls, vectors: Float32, *, cells: int = 0, seed: int = 0) -> Self:
        """Learn the cells and fill them.

        Parameters
        ----------
        vectors
            Shape (N, D), unit length, N at least 1.
        cells
            How many; 0 takes the square root of N.
        seed
            Of the sample that the centres are learned from.

        Raises
        ------
        DependencyError
            If faiss is not installed.
        """
        faiss = _faiss()
        count, size = vectors.shape
        cells = cells or max(1, round(count**0.5))
        built = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, cells, faiss.METRIC_INNER_PRODUCT)
        built.cp.niter, built.cp.seed, built.cp.spherical = _ROUNDS, seed, True
        built.cp.min_points_per_centroid = 1  # else faiss warns on stderr of small galleries
        sample = np.random.default_rng(seed).permutation(count)[: _ROWS_PER_CENTRE * cells]
        built.train(np.ascontiguousarray(vectors[np.sort(sample)], np.float32))
        for start in range(0, count, 8 * _BLOCK):
            built.add(np.ascontiguousarray(vectors[start : start + 8 * _BLOCK], np.float32))
        return cls(built)

    def near(self, query: Float32, top: int) -> NDArray[np.int64]:
        """Return at most `top` rows by inner product with a query of shape (D,)."""
        rows: NDArray[np.int64] = self._built.search(query[None], top)[1][0]
        return rows[rows >= 0]  # fewer are in the cells that were read

    def __len__(self) -> int:
        return int(self._built.ntotal)

    def save(self, path: Path) -> None:
        """Write it to a file, as a whole, which only its owner may read."""
        data = _faiss().serialize_index(self._built).tobytes()
        write_files({path: data}, private=[path])

    @classmethod
    def load(cls, path: Path) -> Self:
        """Open what `save` wrote; the cells stay on disk until they are read.

        Only a file of one's own: faiss trusts what it reads.
        """
        faiss = _faiss()
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY))


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise DependencyError(
            "An approximate search needs a package that is not installed.",
            actual="faiss missing",
            hint="pip install 'gaitproof[search]', or search exactly",
        ) from error
    return faiss
