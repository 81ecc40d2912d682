import json
from types import SimpleNamespace

import numpy as np
import pytest
from forged_stores import brightness_model, darken, forged_store
from scripted import make_card
from synthetic_masks import walking_masks
from typer.testing import CliRunner

from experiments.__main__ import make_app
from experiments.robustness import run as sweeps
from experiments.robustness.changes import FACTORS, UNTOUCHED, Footage, Step, plan_steps
from experiments.robustness.command import plot_sweep, sweep_table
from gaitproof.errors import InputError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.types import SilhouetteSequence


def footage(count=25, side=120):
    rng = np.random.default_rng(0)
    grid = np.arange(side) * 2.0
    base = np.stack(
        [
            grid[None] + 0 * grid[:, None],
            grid[:, None] + 0 * grid[None],
            0 * grid[None] + 90 + 0 * grid[:, None],
        ],
        2,
    )
    frames = (base + rng.normal(0, 3, (count, side, side, 3))).clip(0, 255).astype(np.uint8)
    points = np.broadcast_to(np.array([(30.0, 40), (60, 50)]), (count, 2, 2)).copy()
    return Footage(frames, np.arange(count) / 25, points, mirrored=(1, 0))


@pytest.mark.slow
@pytest.mark.parametrize("step", plan_steps()[1:], ids=lambda step: step.name)
def test_every_step_changes_something_and_always_in_the_same_way(step):
    own = footage(130 if step.factor == "gait cycles" else 25)
    first, again = step.apply(own), step.apply(own)
    for one, other in zip(vars(first).values(), vars(again).values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(first.frames) == len(first.times) == len(first.points)
    same = first.frames.shape == own.frames.shape and (first.frames == own.frames).all()
    assert not (same and np.array_equal(first.times, own.times))
    assert (np.diff(first.times) > 0).all()


@pytest.mark.parametrize(
    "factor", ["crop, %", "mirror", "shake, ‰ of the width", "screen filmed, tilted °"]
)
def test_points_move_with_the_image(factor):
    own = footage(count=6)
    # the ramps say where a pixel was: red is twice x, green twice y
    made = Step(factor, FACTORS[factor][1][-1]).apply(own)
    order = own.mirrored if factor == "mirror" else (0, 1)
    for image, points in zip(made.frames, made.points[:, order], strict=True):
        for (x, y), (was_x, was_y) in zip(points.round().astype(int), own.points[0], strict=True):
            around = image[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(axis=0)
            np.testing.assert_allclose(
                around[:2], (2 * was_x, 2 * was_y), atol=10 if "screen" in factor else 4
            )


@pytest.mark.slow
def test_settings_go_from_little_to_much():
    own = footage()
    for factor in (
        "H.264 CRF",
        "H.265 CRF",
        "AV1 CRF",
        "scale",
        "blur, ‰ of the width",
        "noise, grey levels",
    ):
        errors = [
            float(np.abs(Step(factor, one).apply(own).frames - own.frames.astype(float)).mean())
            for one in FACTORS[factor][1]
        ]
        assert errors == sorted(errors), factor
    rates = [len(Step("frames per second", one).apply(own).times) for one in (15.0, 10.0, 5.0)]
    assert rates == [15, 10, 5]
    assert UNTOUCHED.apply(own) is own


def test_one_step_of_each_factor_can_be_chosen():
    assert [step.factor for step in plan_steps(3)] == ["", *FACTORS]
    assert len(plan_steps()) == 1 + sum(len(settings) for _, settings in FACTORS.values())
    assert [step.name for step in plan_steps(1, ("screen", "gait"))] == [
        "as it is",
        "gait cycles 4",
        "screen filmed, tilted ° 5",
    ]
    with pytest.raises(InputError, match="no such factor"):
        plan_steps(1, ("magic",))


def test_fewer_cycles_are_the_beginning():
    own = footage(130)
    made = Step("gait cycles", 2.0).apply(own)
    assert made.times[-1] == pytest.approx(2.2, abs=0.05)
    np.testing.assert_array_equal(made.frames, own.frames[: len(made.frames)])


def test_a_filmed_screen_shows_the_video_with_stripes_that_beat():
    own = footage(2)
    flat = own.show(np.full_like(own.frames, 128))
    made = Step("screen filmed, tilted °", 15.0).apply(flat)
    inside = made.frames[0, 30:-30, 30:-30].astype(float)
    assert 110 < inside.mean() < 150
    # a plain surface is no longer plain: bands in colours
    assert inside.std(axis=(0, 1)).min() > 1
    assert made.frames[0, 0, -1].max() < 60  # beyond the edge of the screen


def test_nothing_moves_in_a_filmed_photo_but_the_hand():
    own = footage(12)
    moving = own.show(
        np.stack([np.roll(one, 8 * place, 1) for place, one in enumerate(own.frames)])
    )
    made = Step("photo filmed, moved ‰ of the width", 5.0).apply(moving)
    assert len(made.frames) == 12
    np.testing.assert_array_equal(made.times, own.times)
    change = np.abs(np.diff(made.frames.astype(float), axis=0)).mean()
    assert change < 0.3 * np.abs(np.diff(moving.frames.astype(float), axis=0)).mean()


def test_a_video_is_written_changed(tmp_path):
    source, path = tmp_path / "own.mp4", tmp_path / "made.mp4"
    with VideoWriter(source, 25, (120, 120)) as writer:
        for image in footage(50).frames:
            writer.write(image)
    sweeps.write_changed(source, path, Step("speed", 1.25), 1.0)
    frames = list(read_frames(path))
    assert len(frames) == 25
    assert frames[-1].time == pytest.approx(0.96 / 1.25, abs=0.01)


@pytest.mark.slow
def test_faces_are_swept(tmp_path):
    store = forged_store(tmp_path / "store", 4, (("dark", darken),))
    model = brightness_model(tmp_path / "model")
    steps = (UNTOUCHED, Step("light, gain", 0.25), Step("blur, ‰ of the width", 200.0))
    plain, dark, blurred = sweep = sweeps.sweep_faces(store, steps, model=model, draws=20)
    assert plain.auc.value == 1
    assert (plain.own, plain.other) == (4, 4)
    assert plain.change is None
    assert dark.change.value == pytest.approx(dark.auc.value - 1)
    # all are dark now: genuine ones are called forged
    assert dark.own_wrong > plain.own_wrong
    # what a scan would not judge is not answered, and still has a score
    assert (blurred.own_undecided, blurred.other_undecided) == (1, 1)
    assert blurred.auc.value > 0.9
    table = sweep_table(sweep, "face")
    assert table.row_count == 3
    assert len(plot_sweep(sweep, "face").axes) == 2
    with pytest.raises(InputError, match="no such clips"):
        sweeps.sweep_faces(store, steps, model=model, splits=("validation",))


@pytest.mark.slow
def test_the_command_writes_one_table_and_one_plot(tmp_path):
    forged_store(tmp_path / "store", 3, (("dark", darken),), pictures=3)
    brightness_model(tmp_path / "model")
    options = ["--model", str(tmp_path / "model"), "--step", "1", "--json"]
    result = CliRunner().invoke(
        make_app(["robustness"]),
        ["robustness", "face", str(tmp_path / "store"), "-o", str(tmp_path / "out"), *options],
    )
    assert result.exit_code == 0, result.output
    values = json.loads((tmp_path / "out/robustness-face.json").read_text())
    assert len(values["outcomes"]) == 1 + len(FACTORS)
    assert (tmp_path / "out/robustness-face.png").is_file()


class MaskEncoder:
    """The mean mask, less that of everybody."""

    card = make_card(signal="silhouettes", mean=(), std=())

    def embed(self, windows):
        values = windows.masks.mean(axis=1).reshape(len(windows), -1) - 0.3
        return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def see(path):
    person, condition = int(path.stem[6:8]), int(path.stem[-1])
    masks = walking_masks(person, condition)
    times = np.arange(len(masks)) / 25
    track = SilhouetteSequence.from_masks(times, masks, height=np.full(60, 100.0))
    return SimpleNamespace(tracks=(), silhouettes=(track,))


NOTHING = SimpleNamespace(tracks=(), silhouettes=())


def test_gait_is_swept_on_changed_probes(tmp_path, monkeypatch):
    for person in range(1, 5):
        for condition in (1, 4):
            (tmp_path / f"person{person:02}_walking_d{condition}.mp4").touch()
    seen = []

    def write(source, path, step, seconds):
        seen.append((source.name, step))
        path.touch()

    monkeypatch.setattr(sweeps, "cached_extractor", lambda cache, settings: see)
    monkeypatch.setattr(sweeps, "write_changed", write)
    steps = (UNTOUCHED, Step("mirror", 1.0))
    how = {"encoder": MaskEncoder(), "draws": 20}
    sweep = sweeps.sweep_gait(tmp_path, tmp_path / "out", steps, people=3, **how)
    assert [one.step for one in sweep] == list(steps)
    assert sweep[0].auc.value > 0.8
    assert (sweep[0].own, sweep[0].other) == (3, 6)
    # the scripted eyes see no change
    assert (sweep[1].change.value, sweep[1].change.p_value) == (0, 1)
    assert [name for name, step in seen if step is UNTOUCHED] == [
        f"person0{person}_walking_d4.mp4" for person in (1, 2, 3)
    ]
    # nobody is seen at all
    monkeypatch.setattr(
        sweeps,
        "cached_extractor",
        lambda cache, settings: see if cache is None else lambda path: NOTHING,
    )
    _, blind = sweeps.sweep_gait(tmp_path, tmp_path / "out", steps, people=3, **how)
    assert (blind.auc, blind.change, blind.own_undecided) == (None, None, 1.0)
    with pytest.raises(InputError, match="three people with both"):
        sweeps.sweep_gait(tmp_path, tmp_path / "out", steps, people=2, **how)
