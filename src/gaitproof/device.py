"""Which device this process runs its networks on: chosen explicitly, the processor by default."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from gaitproof.errors import DependencyError

_HINT: Final = (
    "install onnxruntime-gpu in place of onnxruntime, with the CUDA and cuDNN that it names, or "
    "use --device cpu"
)


class Device(StrEnum):
    """Where ONNX Runtime computes; poses, masks and the search for faces stay on the processor."""

    CPU = "cpu"
    CUDA = "cuda"

    @property
    def providers(self) -> list[str]:
        """Execution providers of ONNX Runtime, the wanted one first."""
        wanted = ["CUDAExecutionProvider"] if self is Device.CUDA else []
        return [*wanted, "CPUExecutionProvider"]


_chosen = Device.CPU


def use_device(device: Device) -> None:
    """Run the networks that this process opens from now on on a device.

    Where ONNX Runtime lacks it, opening a network says so (`gaitproof.runtime.open_session`).
    """
    global _chosen  # of the whole process: models are opened in threads, too
    _chosen = device


def chosen_device() -> Device:
    """Return the device that networks are opened on."""
    return _chosen


def check_provider(device: Device, available: list[str]) -> None:
    """Check that ONNX Runtime has what a device needs: it would else take the processor instead.

    Raises
    ------
    DependencyError
        If the device's execution provider is not among those found.
    """
    wanted = device.providers[0]
    if wanted not in available:
        raise DependencyError(
            f"ONNX Runtime cannot compute on {device} here.",
            expected=wanted,
            actual=", ".join(available),
            hint=_HINT,
        )


def device_notes() -> tuple[str, ...]:
    """Name the device in an answer, unless it is the processor."""
    return () if _chosen is Device.CPU else (f"The networks ran on the device {_chosen}.",)
