"""What a hyperparameter search may change, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field, ValidationError, field_validator, model_validator

from gaitproof.config import Settings
from gaitproof.errors import ConfigError
from gaitproof.train.config import TrainSettings

Value = int | float | str | bool


class Parameter(Settings):
    """Values that one setting may take: a range, or choices."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    """Draw the logarithm evenly."""
    integer: bool = False
    """Whole numbers only."""
    choices: tuple[Value, ...] = ()

    @model_validator(mode="after")
    def _range_or_choices(self) -> Parameter:
        ranged = self.low is not None and self.high is not None
        if ranged == bool(self.choices) or (self.low is None) != (self.high is None):
            raise ValueError("give either low and high, or choices")
        if self.low is not None and self.high is not None:
            if self.low >= self.high:
                raise ValueError("low must be below high")
            if self.log and self.low <= 0:
                raise ValueError("a logarithmic range needs low above 0")
            if self.integer and not (self.low.is_integer() and self.high.is_integer()):
                raise ValueError("whole numbers need whole low and high")
        elif self.log or self.integer:
            raise ValueError("log and integer go with low and high")
        return self


DEFAULT_PARAMETERS: Final[Mapping[str, Parameter]] = {
    "learning_rate": Parameter(low=3e-4, high=1e-2, log=True),
    "weight_decay": Parameter(low=1e-6, high=1e-2, log=True),
    "network.dropout": Parameter(low=0.0, high=0.5),
    "network.embedding": Parameter(choices=(64, 128, 256)),
    "network.layers": Parameter(low=1, high=4, integer=True),
    "loss.temperature": Parameter(low=0.03, high=0.3, log=True),
    "loss.pair": Parameter(low=0.0, high=1.0),
    "augment.white_noise": Parameter(low=0.0, high=0.03),
    "augment.bias_noise": Parameter(low=0.0, high=0.05),
    "augment.smooth_noise": Parameter(low=0.0, high=0.04),
}
"""Searched where no other space is given."""


class SearchSpace(Settings):
    """Settings of a recipe by their dotted names, and what each may be."""

    parameters: dict[str, Parameter] = Field(default_factory=lambda: dict(DEFAULT_PARAMETERS))

    @field_validator("parameters")
    @classmethod
    def _known(cls, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
        if not parameters:
            raise ValueError("there is nothing to search")
        for name in parameters:
            if name.split(".")[0] in _FIXED or not _exists(name):
                raise ValueError(f"a search cannot change {name!r}: name settings of a recipe")
        return parameters

    def without(self, names: frozenset[str]) -> SearchSpace:
        """Return the space without some of its parameters."""
        return SearchSpace(parameters={n: p for n, p in self.parameters.items() if n not in names})


_FIXED: Final = {
    "version",
    "sources",
    "threshold_source",
    "licence",
    "limits",
    "folds",
    "enrolled",
    "seed",
}
"""Not part of how a network learns, or, as the seed, not to be chosen by its luck."""


def _exists(name: str) -> bool:
    model: Any = TrainSettings
    *groups, last = name.split(".")
    for group in groups:
        field = getattr(model, "model_fields", {}).get(group)
        if field is None:
            return False
        model = field.annotation
    return last in getattr(model, "model_fields", {})


def apply_values(settings: TrainSettings, values: Mapping[str, Any]) -> TrainSettings:
    """Return a recipe with some settings replaced.

    Parameters
    ----------
    settings
        The recipe.
    values
        New values by dotted name, e.g. ``{"network.dropout": 0.2}``.

    Raises
    ------
    ConfigError
        If a name is unknown or a value out of range.
    """
    data = settings.model_dump()
    for name, value in values.items():
        *groups, last = name.split(".")
        place = data
        for group in groups:
            place = place.get(group, {})
        place[last] = value
    try:
        return TrainSettings.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"The search space leads to a recipe that is not valid at {where!r}.",
            actual=f"{first['msg']} ({first['input']!r})",
        ) from error


def unusable_parameters(space: SearchSpace, settings: TrainSettings) -> frozenset[str]:
    """Return the parameters that this recipe's network does not have or its losses do not use."""
    from gaitproof.nets.registry import network_options

    own = network_options(settings.architecture)
    unused = {
        f"network.{name}"
        for name in ("embedding", "dropout", "layers", "width")
        if getattr(own, name) is None
    }
    if not settings.loss.supervised_contrastive:
        unused.add("loss.temperature")
    return frozenset(unused & set(space.parameters))
