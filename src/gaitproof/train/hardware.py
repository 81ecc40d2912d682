"""Where a training runs: no part of the recipe, since it must not change what is learnt."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from pydantic import Field
from torch import nn

from gaitproof.config import Settings
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from gaitproof.train.config import RunSettings

_CHATTY: Final = (
    "lightning.pytorch",
    "lightning.fabric",
    "lightning.pytorch.utilities.rank_zero",
    "lightning.fabric.utilities.rank_zero",
    "lightning.pytorch.accelerators.cuda",
)


class TrainerSettings(Settings):
    """Devices of a training, by the names that Lightning has for them."""

    accelerator: str = "auto"
    """``cpu``, ``gpu``, ``cuda``, ``mps``, or ``auto`` for the fastest there is."""
    devices: int = Field(default=1, ge=1)
    """Per node; the recipe's batch is shared out among all devices."""
    nodes: int = Field(default=1, ge=1)
    strategy: str = "auto"
    """``ddp`` for several devices; any strategy of Lightning's that keeps whole weights."""
    loaders: int = Field(default=0, ge=0)
    """Processes that prepare batches ahead, for a GPU that would wait; the batches are the same."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Steps between checkpoints."""


def find_device(options: TrainerSettings) -> str:
    """Return the device for work beside the training loop, by torch's name."""
    return "cuda" if options.accelerator != "cpu" and torch.cuda.is_available() else "cpu"


def make_fabric(options: TrainerSettings, settings: RunSettings) -> Fabric:
    """Make ready the given devices for a recipe.

    Raises
    ------
    ConfigError
        If the devices are not there, or cannot compute in the recipe's precision.
    """
    from lightning.fabric import Fabric
    from lightning.fabric.plugins import MixedPrecision
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    class Autocast(MixedPrecision):
        """Rounds where torch's autocast does, and nothing else: no input, no sum of gradients."""

        def convert_input(self, data: Any) -> Any:
            return data

        def forward_context(self) -> torch.autocast:
            # a rounded weight that is kept for several uses gets a rounded gradient
            dtype = torch.bfloat16 if self.precision == "bf16-mixed" else torch.float16
            return torch.autocast(self.device, dtype, cache_enabled=False)

    device, precision = find_device(options), settings.precision
    try:
        fabric = Fabric(
            accelerator=options.accelerator,
            devices=options.devices,
            num_nodes=options.nodes,
            strategy=options.strategy,
            plugins=None if precision == "32" else Autocast(precision, device),
        )
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        raise ConfigError(
            "Training cannot run on these devices.",
            actual=" ".join(str(error).split())[:300],
            hint="--accelerator cpu --devices 1 --strategy auto always works",
        ) from error
    if precision == "16-mixed" and fabric.device.type == "cpu":
        raise ConfigError(
            "The precision 16-mixed needs a GPU.",
            actual=f"training on {type(fabric.accelerator).__name__}",
            hint="use precision: bf16-mixed or 32",
        )
    # on a CPU everything is deterministic, and the switch only costs time there
    if device == "cuda":
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False
    return fabric


@contextmanager
def launched(fabric: Fabric) -> Iterator[None]:
    """Start the processes of all devices, and end them where this one fails."""
    fabric.launch()
    try:
        yield
    except BaseException:
        for child in getattr(fabric.strategy.launcher, "procs", ()):
            child.terminate()
        raise


def share_buffers(fabric: Fabric, module: nn.Module) -> None:
    """Give every device the batch statistics of the first: each has measured its own batches."""
    if fabric.world_size > 1:
        for buffer in module.buffers():
            torch.distributed.broadcast(buffer, 0)


def is_main_process() -> bool:
    """Tell whether this process is the one that reports, of all that train together."""
    names = ("RANK", "SLURM_PROCID", "LOCAL_RANK")
    return next((os.environ[name] for name in names if name in os.environ), "0") == "0"


@contextmanager
def undisturbed() -> Iterator[None]:
    """Leave the caller's random generator, log levels and torch switches as they were.

    Lightning's own messages, which address people who call Lightning, are held back.
    """
    levels = {name: logging.getLogger(name).level for name in _CHATTY}
    deterministic = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    benchmark = torch.backends.cudnn.benchmark
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    try:
        with torch.random.fork_rng(devices), warnings.catch_warnings():
            for name in _CHATTY:
                logging.getLogger(name).setLevel(logging.ERROR)
            for package in (r"lightning\.", r"torch\."):
                warnings.filterwarnings("ignore", module=package)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
        torch.backends.cudnn.benchmark = benchmark
        if workspace is None:
            os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
        else:
            os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace
