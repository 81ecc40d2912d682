import numpy as np
import pytest
from drawn_stores import drawn_store, paint

from gaitproof.data.face.clips import Label
from gaitproof.face.align import AlignmentSettings, align
from gaitproof.modelling.face.recipe import score_held_out
from gaitproof.train.face.config import FaceTrainSettings

RECIPE = FaceTrainSettings(
    alignment=AlignmentSettings(size=48, margin=0.1), damaged=0, turn=0, forgeries="labelled"
)


class Brightness:
    """Scores crops by their mean grey level, which self-blending changes."""

    def score(self, crops):
        return crops.mean(axis=(1, 2, 3)) / 255


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("store"), 16, 2, change=paint)


@pytest.mark.slow
def test_nothing_happens_to_genuine_faces_that_does_not_happen_to_forged_ones(store):
    clips = score_held_out(Brightness(), RECIPE, [store]).clips
    expected = {
        label: [
            np.mean(
                [
                    align(picture, points, RECIPE.alignment).mean() / 255
                    for picture, points in zip(faces.images, faces.points, strict=True)
                ]
            )
            for stored in store.of_split("validation")
            if stored.clip.label is label
            for faces in [store.read(stored)]
        ]
        for label in (Label.REAL, Label.FAKE)
    }
    for label, genuine in ((Label.REAL, True), (Label.FAKE, False)):
        scores = clips.scores[clips.genuine == genuine].reshape(len(expected[label]), -1)
        # a crop a little larger or smaller shows a little more or less of the background
        np.testing.assert_allclose(scores.mean(axis=1), expected[label], atol=0.03)


def test_self_blended_twins_are_scored_beside_their_genuine_ones(store):
    recipe = RECIPE.model_copy(update={"forgeries": "self-blended"})
    clips = score_held_out(Brightness(), recipe, [store]).clips
    assert clips.genuine.sum() == (~clips.genuine).sum() > 0
