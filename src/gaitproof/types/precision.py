"""In how many bits weights are stored."""

from typing import Literal

Precision = Literal["fp16", "int8"]
