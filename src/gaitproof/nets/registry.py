"""Networks by name, and the sizes they have when nobody asks for others.

Reading this module loads no torch; `create_network` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal

from gaitproof.errors import ModelError
from gaitproof.gait.features import MIN_FEATURE_FRAMES
from gaitproof.nets.options import NetworkSettings
from gaitproof.types.layouts import GAIT_LAYOUT, LAYOUTS, Layout
from gaitproof.types.windows import N_FEATURES, WINDOW_FRAMES

if TYPE_CHECKING:
    from torch import nn


Signal = Literal["joints", "silhouettes", "both", "motion"]
"""What a network's windows hold: z-scored features (B, frames, 78); masks (B, 50, 64, 44); masks
and features of the same two seconds, two inputs in this order, the features (B, 60, 78) as they
are (`gaitproof.types.silhouette_windows`); or joints (B, 60, 8, 3) and measures (B, K) of motion,
of networks that give a logit and no embedding (`gaitproof.nets.motion`)."""


@dataclass(frozen=True)
class _Entry:
    """Where a network is defined, and its sizes.

    An option that is None in `sizes` is one that the network does not have; `fixed` are further
    keyword arguments of the class, which nobody changes. `published` are the sizes of the paper,
    `pads` says whether it can leave out padding, `layouts` which joints it can read.
    """

    module: str
    factory: str
    sizes: NetworkSettings
    fixed: Mapping[str, Any] = field(default_factory=dict)
    pair: bool = False
    signal: Signal = "joints"
    published: NetworkSettings | None = None
    pads: bool = False
    layouts: tuple[str, ...] = (GAIT_LAYOUT.name,)


def _sizes(
    embedding: int | None,
    dropout: float | None,
    layers: int | None = None,
    width: int | None = None,
    cells: str | None = None,
) -> NetworkSettings:
    return NetworkSettings(
        embedding=embedding, dropout=dropout, layers=layers, width=width, cells=cells
    )


def _hybrid(sizes: NetworkSettings, **fixed: Any) -> _Entry:
    return _Entry("hybrid", "HybridEncoder", sizes, fixed, pads=True)


def _joints(
    module: str, factory: str, sizes: NetworkSettings, published: NetworkSettings | None = None
) -> _Entry:
    """Return a network of the literature on joints of any layout."""
    return _Entry(
        module,
        factory,
        sizes if published is None else sizes.model_copy(update={"published": False}),
        published=None if published is None else published.model_copy(update={"published": True}),
        pads=True,
        layouts=tuple(LAYOUTS),
    )


def _silhouettes(factory: str, sizes: NetworkSettings, **fixed: Any) -> _Entry:
    return _Entry("silhouette", factory, sizes, fixed, signal="silhouettes")


_ABLATION: Final = {"stem": (64,), "heads": 4}

_NETWORKS: Final[Mapping[str, _Entry]] = {
    # gait seed, paper: below one million parameters
    "hybrid-small": _hybrid(_sizes(128, 0.1, 2, 128), stem=(64,), heads=4, lstm_layers=1),
    # gait seed, report: about 3.8 million parameters by its own count
    "hybrid-base": _hybrid(_sizes(256, 0.3, 4, 256), stem=(64, 128), heads=8, lstm_layers=2),
    # hybrid-small with one branch
    "cnn": _hybrid(_sizes(128, 0.1, None, 128), **_ABLATION, branches=("cnn",)),
    "bilstm": _hybrid(_sizes(128, 0.1, 1, 128), **_ABLATION, branches=("bilstm",)),
    "transformer": _hybrid(_sizes(128, 0.1, 2, 128), **_ABLATION, branches=("transformer",)),
    # the seed's own code, and the literature
    "diffcnn": _Entry("pairs", "DiffCNN", _sizes(None, 0.1, 3, 96), pair=True),
    "pose-lstm": _Entry("motion", "PoseLSTM", _sizes(128, 0.1, 2, 128)),
    "gaitgraph": _joints("graph", "GaitGraph", _sizes(128, 0.1, 3, 64), _sizes(256, 0.4)),
    "gpgait": _joints("graph", "GPGait", _sizes(128, 0.1, 3, 64), _sizes(256, 0.1)),
    "gaittr": _joints("attention", "GaitTR", _sizes(128, 0.1, 2, 48), _sizes(128, 0.1)),
    "gaitpt": _joints("attention", "GaitPT", _sizes(128, 0.1, 1, 80), _sizes(256, 0.05)),
    "gaitformer": _joints("attention", "GaitFormer", _sizes(128, 0.1, 3, 128)),
    "sposgait": _joints("sposgait", "SPOSGait", _sizes(128, 0.1, None, 64, cells="0000")),
    # our own
    "discriminant": _Entry("discriminant", "DiscriminantEncoder", _sizes(128, None, None, 45)),
    "spread": _Entry("discriminant", "SpreadEncoder", _sizes(48, None, None, None)),
    "spread-blend": _Entry(
        "discriminant", "SpreadBlend", _sizes(176, None, None, 45), {"spreads": 48}
    ),
    "blend": _Entry(
        "discriminant",
        "BlendedEncoder",
        _sizes(256, 0.1, 2, 128),
        {"components": 45, "stem": (64,), "heads": 4, "lstm_layers": 1},
    ),
    "skeletonmap": _Entry("skeletonmap", "SkeletonMap", _sizes(128, 0.1, 1, 64)),
    "gait-moments": _Entry("moments", "GaitMoments", _sizes(128, 0.2, 2, 256)),
    # silhouettes: the literature, and our own
    "gaitset": _silhouettes("GaitSet", _sizes(256, None, None, 16)),
    "gaitbase": _silhouettes("GaitBase", _sizes(256, None, 1, 16)),
    "gaittrivit": _Entry(
        "silhouette_attention",
        "GaitTriViT",
        _sizes(256, None, 1, 64),
        signal="silhouettes",
    ),
    "mmgaitformer": _Entry(
        "silhouette_attention", "MMGaitFormer", _sizes(256, None, 1, 32), signal="both"
    ),
    "strip-energy": _silhouettes("StripEnergy", _sizes(256, None, None, 160)),
    "strip-step": _silhouettes("StripEnergy", _sizes(256, None, None, 160), parts=6),
    "energy-discriminant": _silhouettes("EnergyDiscriminant", _sizes(73, None, None, None)),
    # generated or captured
    "motion-lstm": _Entry("motion", "MotionLSTM", _sizes(None, 0.3, 1, 32), signal="motion"),
    "energy-blend": _silhouettes(
        "EnergyBlend", _sizes(329, None, None, 160), directions=73, share=0.5
    ),
}


def _entry(name: str) -> _Entry:
    if name not in _NETWORKS:
        raise ModelError(
            f"There is no network called {name!r}.", expected=f"one of {', '.join(_NETWORKS)}"
        )
    return _NETWORKS[name]


def list_networks(signal: Signal = "joints") -> list[str]:
    """Return the names `create_network` takes, of the networks that read one signal."""
    return [name for name, entry in _NETWORKS.items() if entry.signal == signal]


def signal_of(name: str) -> Signal:
    """Return what a network's windows hold.

    Raises
    ------
    ModelError
        If the name is unknown.
    """
    return _entry(name).signal


def is_pair_network(name: str) -> bool:
    """Tell whether the network judges two windows together (`gaitproof.nets.pairs`).

    Raises
    ------
    ModelError
        If the name is unknown.
    """
    return _entry(name).pair


def network_options(name: str, options: NetworkSettings | None = None) -> NetworkSettings:
    """Return the sizes the network is built with; None for a size that it does not have.

    Raises
    ------
    ModelError
        If the name is unknown, or `options` sets a size that the network does not have.
    """
    entry = _entry(name)
    own = entry.published if options is not None and options.published else entry.sizes
    return (own or entry.sizes).replaced_by(options, name)


def embedding_size(
    name: str, options: NetworkSettings | None = None, frames: int = WINDOW_FRAMES
) -> int:
    """Return the length of the named network's embedding.

    A pair network has none: its templates are whole windows, flattened.

    Raises
    ------
    ModelError
        If the name is unknown, or `options` sets a size that the network does not have.
    """
    sizes = network_options(name, options)
    return sizes.embedding if sizes.embedding is not None else frames * N_FEATURES


def create_network(
    name: str,
    options: NetworkSettings | None = None,
    frames: int = WINDOW_FRAMES,
    *,
    layout: Layout = GAIT_LAYOUT,
    padded: bool = False,
) -> nn.Module:
    """Build a network with fresh weights.

    Parameters
    ----------
    name
        One of `list_networks`.
    options
        Departures from the network's own sizes.
    frames
        Frames per window of joints, 10 to 60; windows of other lengths may be refused by the
        network. Windows of silhouettes have always 50.
    layout
        Joints of the windows.
    padded
        Whether windows may end in padding; see `gaitproof.nets.layers.take_apart`.

    Returns
    -------
    torch.nn.Module
        With the attribute `embedding_size`. Encoders map what their `Signal` says to unit
        embeddings (B, E); pair networks are `gaitproof.nets.pairs.PairNetwork`.

    Raises
    ------
    ModelError
        If the name is unknown, `options` sets a size that the network does not have or cannot
        take, `frames` is out of range, or the network reads other joints or no padding.
    """
    entry = _entry(name)
    sizes = network_options(name, options)
    if not MIN_FEATURE_FRAMES <= frames <= WINDOW_FRAMES:
        raise ModelError(
            "A network cannot read windows of that length.",
            expected=f"{MIN_FEATURE_FRAMES} to {WINDOW_FRAMES} frames",
            actual=str(frames),
        )
    factory = getattr(import_module(f"gaitproof.nets.{entry.module}"), entry.factory)
    windows: dict[str, Any] = {"frames": frames} if entry.signal == "joints" else {}
    if layout != GAIT_LAYOUT:
        _check_reads(name, f"joints {layout.name!r}", lambda one: layout.name in one.layouts)
        windows["layout"] = layout
    if padded:
        _check_reads(name, "padded windows", lambda one: one.pads)
        windows["padded"] = True
    return factory(**sizes.given(), **entry.fixed, **windows)


def _check_reads(name: str, what: str, reads: Callable[[_Entry], bool]) -> None:
    """Raise a `ModelError` unless the network reads such windows."""
    if not reads(_entry(name)):
        raise ModelError(
            f"The network {name!r} reads no {what}.",
            expected=f"one of {', '.join(one for one, e in _NETWORKS.items() if reads(e))}",
        )
