"""Whether optional packages are here, said before any work begins."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from gaitproof.errors import DependencyError

_SERVER: Final = ("dbos", "fastapi", "uvicorn", "prometheus_client")


def need_server_extra() -> None:
    """Raise `DependencyError` if a package that the service needs is missing."""
    missing = [name for name in _SERVER if find_spec(name) is None]
    if missing:
        raise DependencyError(
            "The service needs packages that are not installed.",
            actual=f"{', '.join(missing)} missing",
            hint="pip install 'gaitproof[server]'",
        )


def need_training_extra(*more: str) -> None:
    """Raise `DependencyError` if a package that training needs, or one of `more`, is missing."""
    needed = ("torch", "lightning", "tensorboard", "onnx", "onnxscript", *more)
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise DependencyError(
            "Training needs packages that are not installed.",
            actual=f"{', '.join(missing)} missing",
            hint="pip install 'gaitproof[train]'",
        )
