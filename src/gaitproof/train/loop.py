"""One training run: recordings in, encoder out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gaitproof.train.dimensions import check_dimensions
from gaitproof.train.encoder import TrainedEncoder

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.hardware import TrainerSettings
    from gaitproof.train.watch import Watch


def train(
    recordings: Sequence[Recording],
    settings: TrainSettings,
    progress: Callable[[float, float], None] | None = None,
    *,
    run_folder: Path | None = None,
    resume: bool = True,
    trainer_options: TrainerSettings | None = None,
    watch: Watch | None = None,
) -> TrainedEncoder:
    """Train an encoder with identity batches; the same seed gives the same weights.

    AdamW on the recipe's schedule and losses, by Lightning. The caller's sources of chance are
    left alone.

    Parameters
    ----------
    recordings
        Walks of the training subjects only.
    settings
        The recipe.
    progress
        Called after every step with the share done and the loss.
    run_folder
        Where checkpoints and logs go (``checkpoint.safetensors``, ``metrics.csv``,
        ``tensorboard/``); None keeps none.
    resume
        Go on from the checkpoint in `run_folder`, if there is one; the result is that of a run
        that was never stopped. Else the run starts again.
    trainer_options
        Devices; by default one, the fastest there is.
    watch
        Looks at the network between steps, and may end the run by raising.

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
    # Lightning takes two seconds to load, which those who only embed need not wait for
    from gaitproof.train.engine import fit
    from gaitproof.train.hardware import TrainerSettings

    network, normaliser, run = fit(
        recordings,
        settings,
        progress,
        run_folder,
        resume,
        trainer_options or TrainerSettings(),
        watch,
    )
    return TrainedEncoder(network, normaliser, run.losses, run.validation)
