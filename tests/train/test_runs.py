"""A run can be killed and resumed, stops early, logs, and leaves its caller alone."""

from __future__ import annotations

import csv
import itertools
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sticks import walking_points

from gaitproof.data.gait import Recording
from gaitproof.errors import ConfigError
from gaitproof.nets.options import NetworkSettings
from gaitproof.train.checkpoint import CHECKPOINT_FILE
from gaitproof.train.config import (
    AugmentSettings,
    LossSettings,
    ScheduleSettings,
    TrainSettings,
    ValidationSettings,
)
from gaitproof.train.encoder import GaitModule, TrainedEncoder
from gaitproof.train.hardware import TrainerSettings, make_fabric
from gaitproof.train.loop import train
from gaitproof.train.training import LOG_FILE, TENSORBOARD_FOLDER

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_windows")]

Maker = Callable[..., list[Recording]]

TINY = TrainSettings(
    architecture="cnn",
    network=NetworkSettings(embedding=16, width=16),
    steps=8,
    people_per_batch=4,
    windows_per_person=3,
    precision="32",
    augment=AugmentSettings(yaw=20, mirror=False),
)
CPU = TrainerSettings(accelerator="cpu", checkpoint_every=3)
WATCHED = {"validation": ValidationSettings(share=0.34, every=2, patience=50)}
VARIANTS: dict[str, dict[str, Any]] = {
    "one-cycle": {},
    "constant, all losses": {
        "schedule": ScheduleSettings(name="constant"),
        "loss": LossSettings(triplet=1, contrastive=1, arcface=0.1),
    },
    "plateau": {**WATCHED, "schedule": ScheduleSettings(name="plateau", patience=1)},
    "step": {"schedule": ScheduleSettings(name="step", factor=0.1, stages=4)},
    "bfloat16": {"precision": "bf16-mixed"},
    "pair network": {
        "architecture": "diffcnn",
        "network": NetworkSettings(width=8, layers=1),
        **WATCHED,
    },
}


class KilledError(Exception):
    """Stands for the end of a process."""


def kill_after(steps: int) -> Callable[[float, float], None]:
    count = itertools.count(1)

    def progress(share: float, loss: float) -> None:
        if next(count) == steps:
            raise KilledError

    return progress


def assert_same(first: TrainedEncoder, second: TrainedEncoder) -> None:
    one, two = first.network.state_dict(), second.network.state_dict()
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(value, two[name]), name
    assert first.losses == second.losses
    assert first.validation == second.validation


@pytest.mark.parametrize("name", VARIANTS)
def test_resumed_is_the_same(name: str, make_recordings: Maker, tmp_path: Path) -> None:
    recordings = make_recordings(6, 2)
    settings = TINY.model_copy(update=VARIANTS[name])
    whole = train(recordings, settings, trainer_options=CPU)
    with pytest.raises(KilledError):
        train(recordings, settings, kill_after(5), run_folder=tmp_path, trainer_options=CPU)
    shares: list[float] = []
    resumed = train(
        recordings,
        settings,
        lambda share, loss: shares.append(share),
        run_folder=tmp_path,
        trainer_options=CPU,
    )
    assert shares == [step / 8 for step in range(4, 9)]  # the checkpoint of step 3
    assert_same(whole, resumed)
    assert_log_is_whole(tmp_path, resumed)
    # a finished run is read, not trained
    again = train(recordings, settings, kill_after(1), run_folder=tmp_path, trainer_options=CPU)
    assert_same(whole, again)


def assert_log_is_whole(folder: Path, trained: TrainedEncoder) -> None:
    with (folder / LOG_FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, 9))
    assert [float(row["loss"]) for row in rows] == trained.losses
    for row in rows:
        parts = [float(row[name]) for name in GaitModule.loss_names if row[name]]
        assert sum(parts) == pytest.approx(float(row["loss"]), rel=1e-5)
        assert float(row["learning_rate"]) > 0
    validated = [
        (int(r["step"]), float(r["validation_loss"])) for r in rows if r["validation_loss"]
    ]
    assert validated == trained.validation
    assert any((folder / TENSORBOARD_FOLDER).iterdir())


SCRIPT = """
import sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from test_runs import CPU, TINY, stick_walks
from gaitproof.train import loop
from gaitproof.train.loop import train

loop.NORMALISER_WINDOWS = 64

def progress(share, loss):
    print(share, flush=True)
    time.sleep(0 if share < 5 / 8 else 60)  # until it is killed

train(stick_walks(), TINY, progress, run_folder=Path({folder!r}), trainer_options=CPU)
"""


def stick_walks(people: int = 4) -> list[Recording]:
    """Two walks of each; a plain function, since fixtures do not reach other processes."""
    return [
        Recording(
            f"s{person}",
            f"s{person}/{walk}",
            "walk",
            "any",
            "sticks",
            *walking_points(person, walk),
        )
        for person, walk in itertools.product(range(people), range(2))
    ]


def test_sigkill(tmp_path: Path) -> None:
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "helpers")]
    script = SCRIPT.format(paths=paths, folder=str(tmp_path))
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stderr is not None
    with child:
        for line in child.stdout:
            if float(line) >= 5 / 8:
                break
        child.send_signal(signal.SIGKILL)
        chatter = child.stderr.read()
    assert child.returncode == -signal.SIGKILL
    assert chatter == ""
    assert len(load_file(tmp_path / CHECKPOINT_FILE)["losses"]) == 3
    resumed = train(stick_walks(), TINY, run_folder=tmp_path, trainer_options=CPU)
    assert_same(train(stick_walks(), TINY, trainer_options=CPU), resumed)


def test_another_run_is_refused(make_recordings: Maker, tmp_path: Path) -> None:
    recordings = make_recordings(4, 2)
    short = TINY.model_copy(update={"steps": 1})
    train(recordings, short, run_folder=tmp_path, trainer_options=CPU)
    other = short.model_copy(update={"learning_rate": 0.5})
    with pytest.raises(ConfigError, match="another recipe"):
        train(recordings, other, run_folder=tmp_path, trainer_options=CPU)
    with pytest.raises(ConfigError, match="other training data"):
        train(recordings[:-2], short, run_folder=tmp_path, trainer_options=CPU)
    # what only the card says makes no other run
    worded = short.model_copy(update={"limits": "none", "version": "9.0.0"})
    train(recordings, worded, kill_after(1), run_folder=tmp_path, trainer_options=CPU)
    train(recordings, other, run_folder=tmp_path, resume=False, trainer_options=CPU)


def test_a_broken_checkpoint_is_refused(make_recordings: Maker, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"no tensors")
    with pytest.raises(ConfigError, match="not a valid checkpoint"):
        train(make_recordings(4, 2), TINY, run_folder=tmp_path, trainer_options=CPU)


def test_stops_early_with_the_best_weights(make_recordings: Maker) -> None:
    recordings = make_recordings(6, 2)
    validation = ValidationSettings(share=0.34, every=1, patience=3, min_delta=0.0)
    # a rate at which it soon gets worse
    settings = TINY.model_copy(
        update={
            "steps": 60,
            "learning_rate": 0.3,
            "schedule": ScheduleSettings(name="constant"),
            "validation": validation,
        }
    )
    trained = train(recordings, settings, trainer_options=CPU)
    losses = [loss for _, loss in trained.validation]
    best = int(np.argmin(losses))
    assert len(losses) == len(trained.losses) == best + 1 + 3 < 60
    # the network of the best step, not of the last
    until_best = train(
        recordings, settings.model_copy(update={"steps": best + 1}), trainer_options=CPU
    )
    for name, value in until_best.network.state_dict().items():
        assert torch.equal(value, trained.network.state_dict()[name]), name


def test_plateau_lowers_the_rate(make_recordings: Maker, tmp_path: Path) -> None:
    settings = TINY.model_copy(
        update={
            "schedule": ScheduleSettings(name="plateau", patience=1, factor=0.1),
            # no fall is ever enough
            "validation": ValidationSettings(share=0.34, every=1, min_delta=1000),
        }
    )
    train(make_recordings(6, 2), settings, run_folder=tmp_path, trainer_options=CPU)
    with (tmp_path / LOG_FILE).open(newline="") as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(rates[:6], [1e-3, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5], rtol=1e-6)


def test_the_rate_falls_by_a_factor_at_the_end_of_every_stage(
    make_recordings: Maker, tmp_path: Path
) -> None:
    # face seed 3: by 0.1 every 10 of 50 epochs; here every 2 of 10 steps
    plan = ScheduleSettings(name="step", factor=0.1, stages=5)
    settings = TINY.model_copy(update={"steps": 10, "schedule": plan})
    train(make_recordings(4, 1), settings, run_folder=tmp_path, trainer_options=CPU)
    with (tmp_path / LOG_FILE).open(newline="") as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(rates, np.repeat([1e-3, 1e-4, 1e-5, 1e-6, 1e-7], 2), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "first", "highest", "last"),
    [("one-cycle", 4e-5, 1e-3, 1e-5), ("constant", 1e-3, 1e-3, 1e-3)],
)
def test_schedules(
    name: str, first: float, highest: float, last: float, make_recordings: Maker, tmp_path: Path
) -> None:
    settings = TINY.model_copy(update={"steps": 30, "schedule": ScheduleSettings(name=name)})
    train(make_recordings(4, 1), settings, run_folder=tmp_path, trainer_options=CPU)
    with (tmp_path / LOG_FILE).open(newline="") as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    assert rates[0] == pytest.approx(first)
    assert max(rates) == pytest.approx(highest, rel=0.01)
    assert rates[-1] <= last


def test_the_caller_is_left_alone(make_recordings: Maker, capfd: Any) -> None:
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    handler = signal.getsignal(signal.SIGINT)
    level = logging.getLogger("lightning.pytorch").level
    environment = dict(os.environ)
    train(make_recordings(4, 1), TINY.model_copy(update={"steps": 2}), trainer_options=CPU)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert signal.getsignal(signal.SIGINT) is handler
    assert logging.getLogger("lightning.pytorch").level == level
    assert dict(os.environ) == environment
    assert capfd.readouterr() == ("", "")


def test_the_callers_random_state_does_not_matter(make_recordings: Maker) -> None:
    recordings = make_recordings(4, 1)
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        results.append(train(recordings, TINY, trainer_options=CPU))
    assert_same(*results)


def test_an_interrupt_stays_one(make_recordings: Maker) -> None:
    def interrupt(share: float, loss: float) -> None:
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(make_recordings(4, 1), TINY, interrupt, trainer_options=CPU)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"precision": "16-mixed"}, {}, "16-mixed needs a GPU"),
        ({}, {"accelerator": "abacus"}, "cannot run on these devices"),
        ({}, {"strategy": "hope"}, "cannot run on these devices"),
        ({"validation": ValidationSettings(share=0.5)}, {}, "too few training subjects"),
        ({"learning_rate": 1e30}, {}, "diverged"),
    ],
)
def test_refusals(
    changes: dict[str, Any], options: dict[str, Any], message: str, make_recordings: Maker
) -> None:
    constant = {"schedule": ScheduleSettings(name="constant")}
    with pytest.raises(ConfigError, match=message):
        train(
            make_recordings(3, 1),
            TINY.model_copy(update=constant | changes),
            trainer_options=CPU.model_copy(update=options),
        )


DEVICES = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_runs import TINY, WATCHED, stick_walks
from gaitproof.train import loop
from gaitproof.train.hardware import TrainerSettings, is_main_process
from gaitproof.train.loop import train

loop.NORMALISER_WINDOWS = 64
two = TrainerSettings(accelerator="cpu", devices=2, strategy="ddp")
settings = TINY.model_copy(update=WATCHED | {{"steps": 4}})
trained = train(stick_walks(8), settings, trainer_options=two)
total = sum(value.double().sum().item() for value in trained.network.state_dict().values())
line = (int(is_main_process()), total, trained.losses[-1], trained.validation[-1][1])
Path({folder!r}, str(line[0])).write_text(repr(line[1:]))
"""


def test_mixed_precision_rounds_no_input() -> None:
    fabric = make_fabric(CPU, TINY.model_copy(update={"precision": "bf16-mixed"}))
    module = fabric.setup(torch.nn.Identity())
    third = torch.full((2,), 1 / 3)
    assert torch.equal(module(third), third)


def test_two_devices_end_with_one_network(tmp_path: Path) -> None:
    # the second process runs the script again, so that it must be a file
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "helpers")]
    script = tmp_path / "script.py"
    script.write_text(DEVICES.format(paths=paths, folder=str(tmp_path)))
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    first, second = ((tmp_path / str(i)).read_text() for i in range(2))
    assert first == second


def test_loader_processes_do_not_change_the_batches(make_recordings: Maker) -> None:
    recordings = make_recordings(4, 1)
    ahead = CPU.model_copy(update={"loaders": 2})
    assert_same(
        train(recordings, TINY, trainer_options=CPU), train(recordings, TINY, trainer_options=ahead)
    )


def test_who_only_embeds_does_not_load_lightning() -> None:
    code = "import sys, gaitproof.train.loop; print('lightning' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
