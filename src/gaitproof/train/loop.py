"""One training run: recordings in, encoder out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Unpack

from gaitproof.train.dimensions import check_dimensions
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.train.engine import fit

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.training import RunOptions
    from gaitproof.train.watch import Watch


def train(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    progress: Callable[[float, float], None] | None = None,
    *,
    watch: Watch | None = None,
    **run: Unpack[RunOptions],
) -> TrainedEncoder:
    """Train an encoder with identity batches; the same seed gives the same weights.

    AdamW on the recipe's schedule and losses. The caller's random generators are
    left alone.

    Parameters
    ----------
    recordings
        Walks of the training subjects only.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.
    watch
        Looks at the network between steps, and may end the run by raising.
    **run
        See `gaitproof.train.training.RunOptions`.

    Returns
    -------
    TrainedEncoder
        With the loss of every step.

    Raises
    ------
    InputError
        If fewer than two subjects have usable walks.
    ConfigError
        If the checkpoint is of another recipe or other walks, the devices are not there or cannot
        compute in the recipe's precision, too few subjects are left for a validation set, the
        walks do not pass `gaitproof.train.dimensions.check_dimensions`, or the loss is no longer a
        number.
    ModelError
        If there is no such network, or it cannot have such sizes.
    """
    check_dimensions(settings, recordings)
    network, normaliser, state = fit(recordings, settings, progress, watch, **run)
    return TrainedEncoder(network, normaliser, state.losses, state.validation)
