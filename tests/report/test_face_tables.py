import pytest
from forged_stores import brightness_model, forged_store, keep
from rich.console import Console

from gaitproof.evaluate.face.evaluation import evaluate_faces
from gaitproof.evaluate.face.result import CONDITIONS
from gaitproof.report.face_tables import (
    across_table,
    answer_table,
    manipulation_table,
    store_table,
    sweep_table,
)


@pytest.mark.slow
def test_tables(tmp_path):
    model = brightness_model(tmp_path / "m")
    result = evaluate_faces(
        model, [forged_store(tmp_path / "drawn")], conditions=CONDITIONS[:2], draws=20
    )
    alone = evaluate_faces(
        model, [forged_store(tmp_path / "[red]", forgeries=(("hidden", keep),))], draws=20
    )
    console = Console(width=150, markup=False)  # as the command prints
    with console.capture() as shown:
        for made in (store_table, answer_table, manipulation_table, sweep_table):
            console.print(made(result.stores[0]))
            console.print(made(alone.stores[0]))
        console.print(across_table(alone))
    text = shown.get()
    assert "75.0 [" in text
    assert "[red]" in text
    assert "as stored" in text
    # no error in five people allows 45 %
    assert "< 45.1" in text
