"""The demo's result as a page for readers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gaitproof.demo.plan import NOBODY, Clip
from gaitproof.demo.run import DemoResult, clip_file
from gaitproof.pose.extract import Extraction
from gaitproof.report.images import overlay_images
from gaitproof.report.page import PageImage, VerdictCard, render


def demo_page(result: DemoResult, folder: Path, created: datetime) -> str:
    """Return the HTML page of a finished demo."""
    people = []
    portraits = {}
    for name, clips in result.plan.enrolment.items():
        images = [
            image
            for i, clip in enumerate(clips, start=1)
            for image in _images(
                clip, result.extractions[clip], folder, 1, name, f"{name}, recording {i}"
            )
        ]
        people.append({"name": name, "recordings": len(clips), "images": images})
        if images:
            portraits[name] = replace(images[0], caption=f"For comparison: {name} as enrolled")
    cards = []
    for entry in result.trials:
        trial = entry.trial
        own = _images(
            trial.clip, result.extractions[trial.clip], folder, 2, "The person", "This video"
        )
        enrolled = portraits.get(trial.claim)
        cards.append(
            VerdictCard(
                title=trial.title,
                story=trial.story,
                verdict=entry.verdict,
                images=own if enrolled is None else (*own, enrolled),
                expected=trial.expected,
                file=clip_file(trial.clip),
            )
        )
    story = {
        "people": people,
        "cards": cards,
        "refused_claim": (NOBODY, result.refusal),
        "seed": result.plan.seed,
        "seconds": result.seconds,
        "made": created.strftime("%Y-%m-%d %H:%M"),
    }
    return render("demo", story=story)


def _images(
    clip: Clip, extraction: Extraction, folder: Path, count: int, who: str, caption: str
) -> tuple[PageImage, ...]:
    if not extraction.tracks:
        return ()
    return overlay_images(
        folder / clip_file(clip), extraction.tracks[0], count=count, what=who, caption=caption
    )
