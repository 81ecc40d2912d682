"""Checkpoints of a run as safetensors: resumed, it gives what it would have given anyway."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import torch
from safetensors.torch import save
from torch import Tensor, nn

from gaitproof.errors import ConfigError
from gaitproof.media.files import write_atomically
from gaitproof.nets.trainable import NETWORK_FILE
from gaitproof.reading import FileKind, guarded, parse_json, read_bytes, read_tensors
from gaitproof.train.config import NOT_LEARNT
from gaitproof.train.learner import Learner, RunState

if TYPE_CHECKING:
    from gaitproof.data.gait import Recording
    from gaitproof.data.gait.load import PairedRecording
    from gaitproof.data.gait.silhouettes import SilhouetteRecording
    from gaitproof.train.config import RunSettings, TrainSettings
    from gaitproof.train.silhouettes.config import SilhouetteTrainSettings

CHECKPOINT_FILE: Final = "checkpoint.safetensors"

_FILE: Final = FileKind("checkpoint", ConfigError, 2**32, hint="--no-resume starts the run again")
_START: Final = FileKind(
    "checkpoint to begin with",
    ConfigError,
    2**32,
    expected=f"{CHECKPOINT_FILE} in the folder of a run with the same network, or {NETWORK_FILE} "
    "in that of its model",
)


@dataclass(frozen=True)
class Identity:
    """Which run it is: the same recipe on the same walks has the same weights.

    Parameters
    ----------
    recipe, data
        SHA-256 in hexadecimal digits.
    """

    recipe: str
    data: str

    @classmethod
    def of(
        cls,
        recordings: Sequence[Recording | SilhouetteRecording | PairedRecording],
        settings: TrainSettings | SilhouetteTrainSettings,
    ) -> Self:
        """Digest what the weights depend on."""
        recipe = json.dumps(learnt_by(settings, NOT_LEARNT), sort_keys=True)
        data = hashlib.sha256()
        for r in recordings:
            data.update(json.dumps([r.source, r.subject, r.recording, r.parent]).encode())
            for segment in r.segments:
                data.update(segment.tobytes())
        return cls(hashlib.sha256(recipe.encode()).hexdigest(), data.hexdigest())


def learnt_by(settings: RunSettings, but: Collection[str]) -> dict[str, Any]:
    """Return the fields of a recipe `but` those, with a digest of the weights it begins with."""
    fields = settings.model_dump(mode="json", exclude=set(but))
    if fields.get("start") is not None:
        # by what is in it, wherever it lies
        fields["start"] = hashlib.sha256(read_start(Path(fields["start"]))).hexdigest()
    return fields


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run as it was read back.

    Parameters
    ----------
    state
        Where it stood.
    weights
        Of the `Learner`, network and heads.
    optimiser
        The optimiser's `state_dict`.
    schedule, scaler
        Of the learning rate schedule and the gradient scaler; empty where there is none.
    """

    state: RunState
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    scaler: dict[str, Any]


def save_checkpoint(
    path: Path,
    identity: Identity,
    learner: Learner,
    optimiser: dict[str, Any],
    scaler: dict[str, Any],
) -> None:
    """Write everything that a resumed run needs; a crash leaves the old file or the new one.

    Parameters
    ----------
    path, identity
        File, and whose it is.
    learner
        Network, heads, schedule and state of the run.
    optimiser, scaler
        Their ``state_dict``.
    """
    run = learner.run
    tensors = {f"weights/{name}": value for name, value in learner.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in run.best.items()}
    for parameter, moments in optimiser["state"].items():
        tensors |= {f"optimiser/{parameter}/{name}": value for name, value in moments.items()}
    tensors["losses"] = torch.tensor(run.losses, dtype=torch.float64)
    rest = {
        "identity": vars(identity),
        "step": run.step,
        "validation": run.validation,
        "best_loss": run.best_loss,
        "without_progress": run.without_progress,
        "stopped": run.stopped,
        "param_groups": optimiser["param_groups"],
        "schedule": learner.schedule.state_dict() if learner.schedule is not None else {},
        "scaler": scaler,
    }
    # copies: safetensors refuses views and memory that several tensors share
    plain = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    write_atomically(path, save(plain, {"gaitproof": json.dumps(rest)}))


def _start_file(folder: Path) -> Path:
    model, run = folder / NETWORK_FILE, folder / CHECKPOINT_FILE
    return model if model.is_file() and not run.exists() else run


def read_start(folder: Path) -> bytes:
    """Read the weights of a run or a model that another run begins with.

    Raises
    ------
    ConfigError
        If there are none.
    """
    return read_bytes(_start_file(folder), _START)


def load_start(folder: Path, network: nn.Module) -> tuple[str, ...]:
    """Give a network the best weights of a run, or those of a model, as far as they fit.

    What has another name or shape there, as the head of an embedding of another length, keeps its
    own weights.

    Parameters
    ----------
    folder
        Run or model folder.
    network
        Changed in place.

    Returns
    -------
    tuple of str
        Names of what was left as it is, sorted.

    Raises
    ------
    ConfigError
        If there are no weights, or less than half of the network's would come from them.
    """
    path = _start_file(folder)
    tensors, _ = read_tensors(path, _START, "torch")
    with guarded(path, _START):
        given = _below("best/", tensors) or _below("weights/network.", tensors) or tensors
        own = network.state_dict()
        fitting = {
            name: value
            for name, value in given.items()
            if name in own and value.shape == own[name].shape
        }
        if 2 * sum(v.numel() for v in fitting.values()) < sum(v.numel() for v in own.values()):
            raise ValueError("less than half of the network's weights fit")
        network.load_state_dict(fitting, strict=False)
    return tuple(sorted(own.keys() - fitting))


def load_checkpoint(path: Path, identity: Identity) -> Checkpoint | None:
    """Read a checkpoint, or return None where there is none yet.

    Raises
    ------
    ConfigError
        If it is of another recipe or other data, or cannot be read.
    """
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path, _FILE, "torch")
    with guarded(path, _FILE):
        rest = parse_json(metadata["gaitproof"], path, _FILE)
        _check_identity(path, Identity(**rest["identity"]), identity)
        return _assemble(rest, tensors)


def _check_identity(path: Path, identity: Identity, wanted: Identity) -> None:
    for kind, what in (("recipe", "another recipe"), ("data", "other training data")):
        if getattr(identity, kind) != getattr(wanted, kind):
            raise ConfigError(
                f"The run in {str(path.parent)!r} is of {what}.",
                expected=getattr(wanted, kind)[:12],
                actual=getattr(identity, kind)[:12],
                hint="choose another run folder, or start this one again with --no-resume",
            )


def _assemble(rest: dict[str, Any], tensors: dict[str, Tensor]) -> Checkpoint:
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _below("optimiser/", tensors).items():
        parameter, moment = name.split("/")
        moments.setdefault(int(parameter), {})[moment] = value
    groups = [{**group, "betas": tuple(group["betas"])} for group in rest["param_groups"]]
    return Checkpoint(
        state=RunState(
            step=rest["step"],
            losses=tensors["losses"].tolist(),
            validation=[(step, loss) for step, loss in rest["validation"]],
            best_loss=rest["best_loss"],
            best=_below("best/", tensors),
            without_progress=rest["without_progress"],
            stopped=rest["stopped"],
        ),
        weights=_below("weights/", tensors),
        optimiser={"state": moments, "param_groups": groups},
        schedule=rest["schedule"],
        scaler=rest["scaler"],
    )


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
