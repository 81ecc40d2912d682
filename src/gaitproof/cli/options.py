"""Options that several commands share: one name, one spelling, one help text each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_type_hints

import typer

from gaitproof.device import Device, check_provider, use_device

if TYPE_CHECKING:
    from gaitproof.train.hardware import TrainerSettings
    from gaitproof.verify.encryption import Key

FAILED_STATUS: Final = 2
"""Process exit status when a part could not be done, as for every input error."""

INCONCLUSIVE_STATUS: Final = 3
"""Process exit status when nobody could be compared."""

_RESUMED: Final = "Output folder; resumed if it exists."


def output_option(help: str, metavar: str | None = None) -> Any:
    """Return the option that says where results go."""
    return typer.Option("--output", "--out", "-o", metavar=metavar, help=help)


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a parameter whose type is a dataclass stand for one option per field of it."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters = []
    for one in signature(command).parameters.values():
        kind = groups.get(one.name)
        if kind is None:
            parameters.append(one.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[one.name]))
            continue
        own = get_type_hints(kind, include_extras=True)
        parameters += [
            Parameter(
                field.name,
                Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=own[field.name],
            )
            for field in fields(kind)
        ]

    @wraps(command)
    def run(**given: Any) -> None:
        filled = {
            name: kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        command(**given, **filled)

    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def split_names(text: str) -> tuple[str, ...]:
    """Return the names of a list written with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


GalleryOption = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        "-g",
        envvar="GAITPROOF_GALLERY",
        metavar="FILE|URL",
        help="The gallery; without it the one in your data folder.",
    ),
]
PersonOption = Annotated[
    str,
    typer.Option(
        "--person",
        "-p",
        metavar="auto|all|N",
        help="Which person of the video: a number, or 'all' if every track is the same person.",
    ),
]
SiteOption = Annotated[
    str,
    typer.Option(
        "--site",
        metavar="NAME",
        help="Where it was filmed: people enrolled from one place are references for each other.",
    ),
]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="YAML file with limits and quality gate.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="Name of shipped weights, or a folder with weights.")
]
FaceModelOption = Annotated[
    str | None,
    typer.Option("--face-model", metavar="NAME|DIR", help="Face model: shipped name or folder."),
]
MinFaceOption = Annotated[
    float | None,
    typer.Option(
        "--min-face",
        metavar="PIXELS",
        min=0,
        help="Smaller faces are passed over; 40 by default.",
    ),
]
DetectorOption = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="mediapipe|yunet=FILE|dlib=FILE",
        help="What finds the faces; mediapipe needs no file.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class NewKeyOptions:
    """What all that is stored is encrypted with from now on."""

    file: Annotated[
        Path | None, typer.Argument(metavar="KEY_FILE", help="The key from now on.")
    ] = None
    decrypt: Annotated[
        bool, typer.Option("--decrypt", help="Store everything unencrypted from now on.")
    ] = False

    def load(self) -> Key | None:
        """Return the key; None for no encryption."""
        from gaitproof.verify.encryption import load_key

        if (self.file is None) != self.decrypt:
            raise typer.BadParameter("give KEY_FILE, or --decrypt")
        return None if self.file is None else load_key(self.file)


SimpleCropOption = Annotated[
    bool,
    typer.Option(
        "--simple-crop",
        help="Where no landmarks are found, cut the face out by its box; such frames are marked, "
        "and scored only by models that learnt from some.",
    ),
]


def _choose(device: Device) -> Device:
    if device is not Device.CPU:  # said before the work begins; loading ONNX Runtime takes long
        from gaitproof.runtime import list_providers

        check_provider(device, list_providers())
    use_device(device)
    return device


DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device", callback=_choose, help="Where the networks run; poses stay on the processor."
    ),
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Keep poses in this folder.")
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget",
        metavar="SECONDS",
        min=4,
        help="Examine no more of a video once one person has walked so long; without it all of it.",
    ),
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Neither read nor keep poses of earlier runs.")
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
FolderOption = Annotated[Path, output_option(_RESUMED, "DIR")]
NewModelOption = Annotated[Path, output_option("Model folder to write.", "DIR")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", "--force", help="Replace an existing file.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="Random seed: the same gives the same result.")
]
DrawsOption = Annotated[int, typer.Option("--draws", min=20, help="Bootstrap draws.")]
ProcessesOption = Annotated[
    int,
    typer.Option("--workers", min=0, max=64, help="Processes; 0 for one per processor."),
]
LayoutOption = Annotated[
    Literal["auto", "folders", "names"],
    typer.Option(help="folders: <identity>/<recording>.mp4; names: {Name}_{View}{Number}.mp4."),
]
FaceLayoutOption = Annotated[
    Literal[
        "auto",
        "faceforensics",
        "celeb-df",
        "dfdc",
        "wild-deepfake",
        "fake-av-celeb",
        "lav-df",
        "av-deepfake1m",
        "plain",
        "numbered",
        "table",
    ],
    typer.Option(
        metavar="NAME",
        help="auto, wild-deepfake, fake-av-celeb, faceforensics, celeb-df, av-deepfake1m, dfdc, "
        "lav-df, plain, numbered (plain, with numbers for names), table (clips.csv).",
    ),
]

RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Work on this Ray cluster; 'local' starts one here.",
    ),
]

ConfigArgument = Annotated[Path, typer.Argument(help="Recipe (YAML), see recipes/.")]
DataOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Skeleton archive or manifest instead of the recipe's sources.",
    ),
]
FaceDataOption = Annotated[
    list[Path] | None,
    typer.Option("--data", metavar="STORE", help="Folder of face prepare instead of the recipe's."),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", min=1, help="Folds trained side by side, one process each.")
]
StepsOption = Annotated[
    int | None, typer.Option("--steps", min=1, help="Training steps instead of the recipe's.")
]
FoldsOption = Annotated[
    int | None, typer.Option("--folds", min=2, help="Folds instead of the recipe's.")
]
RunOption = Annotated[
    Path | None,
    typer.Option("--run", help="Folder for checkpoints and logs, one folder per training."),
]
AcceleratorOption = Annotated[
    Literal["auto", "cpu", "gpu", "mps"],
    typer.Option(help="What trains; auto takes the fastest there is."),
]
LoadersOption = Annotated[
    int,
    typer.Option(min=0, help="Processes that prepare batches ahead, for a fast GPU or for faces."),
]


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How a training is kept and where it runs."""

    run: RunOption = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume", help="Go on from the checkpoints in --run, or start again."
        ),
    ] = True
    accelerator: AcceleratorOption = "auto"
    devices: Annotated[int, typer.Option(min=1, help="Devices per node.")] = 1
    nodes: Annotated[int, typer.Option(min=1, help="Machines that train together.")] = 1
    strategy: Annotated[
        str, typer.Option(help="How several devices work together, for example ddp.")
    ] = "auto"
    loaders: LoadersOption = 0

    @property
    def trainer(self) -> TrainerSettings:
        """Where it runs."""
        from gaitproof.train.hardware import TrainerSettings

        return TrainerSettings(
            accelerator=self.accelerator,
            devices=self.devices,
            nodes=self.nodes,
            strategy=self.strategy,
            loaders=self.loaders,
        )
