from collections.abc import Callable

import pytest

from gaitproof.types import Decision, ErrorRate, QualityReport, Verdict, WindowQuality


@pytest.fixture
def make_verdict() -> Callable[..., Verdict]:
    def make(decision: str = "AUTHENTIC", **changes: object) -> Verdict:
        scores: dict[str, tuple[float | None, float | None]] = {
            "AUTHENTIC": (0.968, 1.8),
            "DEEPFAKE": (0.731, -1.43),
            "INCONCLUSIVE": (None, None),
        }
        similarity, log10_lr = scores[decision]
        fields: dict[str, object] = {
            "decision": Decision(decision),
            "claim": "Ann",
            "reason": "too few steps" if decision == "INCONCLUSIVE" else "",
            "similarity": similarity,
            "log10_lr": log10_lr,
            "log10_lr_bound": 1.8,
            "threshold": 0.914,
            "fmr": ErrorRate(0.032, 0.011, 0.06),
            "fnmr": ErrorRate(0.041, 0.02, 0.09),
            "quality": QualityReport(
                usable=decision != "INCONCLUSIVE",
                windows=(WindowQuality(0, 2, True),),
                measures={"frame_rate": 30.0},
            ),
            "model_id": "hybrid-small-1-0123456789ab",
            "template_id": "t1",
            "template_recordings": 2,
            "source": "a.mp4",
            "source_sha256": "ab" * 32,
            "software": "gaitproof 0.1.0",
            "seconds": 2.3,
        }
        return Verdict(**(fields | changes))  # type: ignore[arg-type]

    return make
