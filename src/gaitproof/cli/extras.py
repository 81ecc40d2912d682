"""Whether optional packages are here, said before any work begins."""

from __future__ import annotations

from typing import Final

from gaitproof.errors import need_packages

_SERVER: Final = ("dbos", "fastapi", "uvicorn", "prometheus_client")


def need_server_extra() -> None:
    """Raise `DependencyError` if a package that the service needs is missing."""
    message = "The service needs packages that are not installed."
    need_packages(_SERVER, message, "pip install 'gaitproof[server]'")


def need_training_extra(*more: str) -> None:
    """Raise `DependencyError` if a package that training needs, or one of `more`, is missing."""
    needed = ("torch", "lightning", "tensorboard", "onnx", "onnxscript", *more)
    message = "Training needs packages that are not installed."
    need_packages(needed, message, "pip install 'gaitproof[train]'")
