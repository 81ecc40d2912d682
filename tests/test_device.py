"""The device that networks run on is chosen, never guessed, and never silently another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from gaitproof import device as module
from gaitproof import runtime
from gaitproof.cli.app import app
from gaitproof.device import Device, chosen_device, device_notes, use_device
from gaitproof.errors import DependencyError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    use_device(Device.CPU)


class _Session:
    """ONNX Runtime's session on a machine whose CUDA does or does not load."""

    loads = True

    def __init__(self, weights: bytes, options: object, providers: list[str]) -> None:
        self._providers = [p for p in providers if self.loads or p != CUDA]

    def get_providers(self) -> list[str]:
        return self._providers


@pytest.fixture
def with_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime.onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(runtime.onnxruntime, "InferenceSession", _Session)


def test_the_processor_is_the_default_and_goes_without_saying() -> None:
    assert chosen_device() is Device.CPU
    assert device_notes() == ()


def test_a_device_that_is_there_is_used_and_named(with_cuda: None) -> None:
    use_device(Device.CUDA)
    assert runtime.open_session(b"").get_providers() == [CUDA, CPU]
    assert device_notes() == ("The networks ran on the device cuda.",)


def test_falling_back_to_the_processor_is_an_error(
    with_cuda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Session, "loads", False)
    use_device(Device.CUDA)
    with pytest.raises(DependencyError, match=f"Expected: {CUDA}. Found: {CPU}"):
        runtime.open_session(b"")


@pytest.mark.parametrize(
    "command", [["verify", "x.mp4", "-c", "ann"], ["identify", "x.mp4"], ["face", "scan", "x.mp4"]]
)
def test_a_missing_device_is_said_before_the_work(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.onnxruntime, "get_available_providers", lambda: [CPU])
    result = CliRunner().invoke(app, [*command, "--device", "cuda"])
    assert isinstance(result.exception, DependencyError)
    assert "onnxruntime-gpu" in str(result.exception.hint)
    assert module.chosen_device() is Device.CPU
