"""Videos of many questions estimated on a cluster before the questions are answered."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gaitproof.errors import ConfigError, GaitproofError
from gaitproof.gait.quality import enough_walking
from gaitproof.pose.extract import extract
from gaitproof.pose.parallel import with_threads
from gaitproof.processes import run_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from gaitproof.config import VerifySettings
    from gaitproof.pose.cache import PoseCache
    from gaitproof.verify.verifier import Verifier


def extract_ahead(
    videos: Iterable[Path],
    verifier: Verifier,
    progress: Callable[[float], None] = lambda share: None,
) -> int:
    """Fill the pose cache, which is most of the work, so that the verdicts come out of it.

    The verdicts are those of a run without a cluster: each is still made here, by the same code,
    from what a cache gives back to the bit. A video that fails, or crashes its process twice, is
    left to its verdict to report.

    Parameters
    ----------
    videos
        Paths that every node of the cluster sees.
    verifier
        With a cache that every node sees.
    progress
        Called with the share that is done, 0 to 1.

    Returns
    -------
    int
        Number of videos estimated.

    Raises
    ------
    ConfigError
        If the verifier has no cache.
    """
    if verifier.cache is None:
        raise ConfigError("A cluster hands over what it found in the cache; leave out --no-cache.")
    work = partial(_fill, with_threads(verifier.settings, 1), verifier.cache)
    each = list(dict.fromkeys(videos))
    done = 0
    with closing(run_apart(each, work, 1)) as finished:
        for count, (_, well) in enumerate(finished, start=1):
            done += bool(well)
            progress(count / len(each))
    return done


def _fill(settings: VerifySettings, cache: PoseCache, video: Path) -> bool:
    try:
        extract(video, settings, cache=cache, enough=enough_walking(settings))
    except GaitproofError:
        return False
    return True
