import pytest
from drawn_stores import drawn_store
from tiny_face_model import make_card, make_weights

from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceDetectorCard, FaceForgeryModel
from gaitproof.modelling.face.recipe import check_members, make_ensemble
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.train.face.config import FaceTrainSettings

WIDE = AlignmentSettings(size=56, margin=0.1)
RECIPE = FaceTrainSettings(alignment=WIDE, damaged=0.0, name="both", version="1.2.3")


def write(folder, detector, alignment=WIDE, **card):
    weights = make_weights(alignment.size, maps=True)
    fields = {"alignment": alignment.model_dump(), "detector": detector, **card}
    folder.mkdir()
    (folder / MODEL_FILE).write_bytes(weights)
    made = FaceDetectorCard.model_validate(make_card(weights, **fields))
    (folder / CARD_FILE).write_text(made.model_dump_json())
    return folder


@pytest.mark.slow
def test_networks_of_single_images_are_joined_and_measured_on_people_held_out(tmp_path):
    store = drawn_store(tmp_path / "store", 24, 1)
    members = [
        write(tmp_path / "a", store.settings.detector, model_id="first"),
        write(
            tmp_path / "b",
            store.settings.detector,
            AlignmentSettings(size=42, margin=0.0),
            model_id="second",
            figures={"validation/clip/auc": 0.75},
        ),
    ]
    card = make_ensemble(RECIPE, [store], members, tmp_path / "both")
    assert card == FaceForgeryModel.load(tmp_path / "both").card
    assert card.model_id.startswith("both-1.2.3-")
    assert card.architecture == "tiny + tiny"
    assert card.alignment == WIDE
    assert card.members == ()
    assert card.figures["second/validation/clip/auc"] == 0.75
    assert 0 <= card.figures["validation/clip/auc"] <= 1
    # what was joined is not joined again
    with pytest.raises(ConfigError, match="cannot be a member"):
        make_ensemble(RECIPE, [store], [tmp_path / "both", members[0]], tmp_path / "again")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"detector": "another"}, "must agree in detector"),
        ({"clip": {"frames": 4, "pictures": 8}}, "must agree in clip"),
    ],
    ids=["detector", "clip"],
)
def test_members_that_do_not_go_together_are_refused(changes, says):
    cards = [
        FaceDetectorCard.model_validate(make_card(b"", alignment=WIDE.model_dump(), **more))
        for more in ({}, changes)
    ]
    with pytest.raises(ConfigError, match=says):
        check_members(cards, RECIPE)


@pytest.mark.parametrize("changes", [{"frames": 4}, {"alignment": AlignmentSettings()}], ids=str)
def test_the_recipe_must_be_the_first_member_s(changes):
    card = FaceDetectorCard.model_validate(make_card(b"", alignment=WIDE.model_dump()))
    with pytest.raises(ConfigError, match="not that of the first member"):
        check_members([card, card], RECIPE.model_copy(update=changes))
