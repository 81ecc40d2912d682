"""What a person wears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Outfit:
    """Clothes of one walk; colours are sRGB in [0, 1]."""

    top: Colour
    top_second: Colour
    pattern: str
    sleeves: float
    jacket: bool
    bottom: Colour
    bottom_length: float
    looseness: float
    shoes: Colour
    soles: Colour
    hem: float

    @classmethod
    def random(cls, seed: int, skin: Colour = (1.0, 1.0, 1.0)) -> Outfit:
        """Draw clothes; independent of the person but that they are not the colour of `skin`."""
        rng = np.random.default_rng([seed, 0xC107])
        bare = np.array(skin)

        def colour(low: float, high: float, strength: float) -> Colour:
            mixed = bare
            while np.abs(mixed - bare).max() < 0.2:
                tint = rng.normal(0, strength, 3)
                mixed = np.clip(rng.uniform(low, high) + tint - tint.mean(), 0.03, 0.95)
            return float(mixed[0]), float(mixed[1]), float(mixed[2])

        jeans = rng.random() < 0.45
        blue = rng.uniform(0.25, 0.6)
        bottom = (0.45 * blue, 0.62 * blue, 1.0 * blue) if jeans else colour(0.12, 0.6, 0.05)
        white_soles = rng.random() < 0.6
        return cls(
            top=colour(0.12, 0.9, 0.16),
            top_second=colour(0.1, 0.9, 0.16),
            pattern=str(rng.choice(["plain", "plain", "plain", "stripes", "checks", "block"])),
            sleeves=float(rng.choice([0.55, 1.0, 2.0])),
            jacket=bool(rng.random() < 0.25),
            bottom=bottom,
            bottom_length=float(rng.choice([2.0, 2.0, 2.0, 2.0, 0.95])),
            looseness=float(rng.uniform(0.0, 1.0)),
            shoes=colour(0.08, 0.85, 0.08),
            soles=(0.88, 0.87, 0.84) if white_soles else (0.12, 0.11, 0.1),
            hem=float(rng.uniform(-0.05, 0.02)),
        )
