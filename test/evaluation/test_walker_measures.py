"""The harness that measures walkers: falls, delays, pushes, and its table."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import mujoco
import numpy as np
import pytest

from gpc_ros.cli.main import main
from gpc_ros.common.arrays import Array
from gpc_ros.evaluation import walker_trials as measures
from gpc_ros.evaluation.agreement import agreement
from gpc_ros.evaluation.walker_metrics import Measured, Row, table
from gpc_ros.evaluation.walker_trials import Draw, Field, draws, plant, standing
from gpc_ros.locomotion.policy_file import load_walker, read_card
from gpc_ros.locomotion.registry import shipped_walkers
from gpc_ros.locomotion.trot import Trot
from gpc_ros.robot.model import BASE_BODY


class Slipping(Trot):
    """A trot that walks at half the commanded velocity."""

    name = "slipping"

    def step(self, qpos: Array, qvel: Array, command: Array, state: Array):  # type: ignore[no-untyped-def]
        return super().step(qpos, qvel, 0.5 * command, state)


def test_standing_robot_has_not_fallen_and_thrown_robot_has() -> None:
    walker = Trot()
    field = Field(walker, plant(walker), standing(2), threads=1)
    field.qvel[1, :6] = [0.0, 3.0, 1.0, 12.0, 0.0, 0.0]
    field.run(1.5, np.zeros((2, 3)))
    assert field.fallen.tolist() == [False, True]


def test_delay_postpones_the_targets() -> None:
    walker = Trot()
    field = Field(walker, plant(walker), standing(2), threads=1, delays=np.array([0, 2]))
    seen = []
    for _ in range(12):
        field.step(np.tile([0.5, 0.0, 0.0], (2, 1)))
        seen.append(field._ctrl.copy())
    early, late = np.array(seen)[:, 0], np.array(seen)[:, 1]
    assert np.abs(early[4:10] - late[6:12]).max() < 6.0 < np.abs(early[4:10] - late[4:10]).max()


def test_a_changed_robot_is_heavier_and_its_floor_slippery() -> None:
    walker = Trot()
    plain, changed = plant(walker), plant(walker, Draw(1.1, 3.0, 0.4))
    base = mujoco.mj_name2id(plain, mujoco.mjtObj.mjOBJ_BODY, BASE_BODY)
    assert changed.body_mass[base] == pytest.approx(1.1 * plain.body_mass[base] + 3.0)
    assert changed.body_mass.sum() == pytest.approx(1.1 * plain.body_mass.sum() + 3.0)
    assert (changed.geom_friction[:, 0] == 0.4).all()


def test_changed_robots_are_within_stated_ranges_and_seeded() -> None:
    some = draws(3)
    assert some == draws(3) != draws(4)
    assert len(some) == measures.DRAWS
    assert {d.payload for d in some} == {0.0, 3.0} and {d.delay for d in some} == {0, 1}
    assert all(0.8 <= d.mass <= 1.2 and 0.4 <= d.friction <= 1.2 for d in some)


def test_walker_slower_than_its_command_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "GRID", ((0.4, 0.0, 0.0),))
    monkeypatch.setattr(measures, "_STEPS", ((0.4, 0.0, 0.0),))
    honest, slow = measures.tracking(Trot())[0], measures.tracking(Slipping())[0]
    assert honest["speed_error"] < 0.05 < 0.15 < slow["speed_error"]
    assert measures.response(Trot())[0]["seconds"] < 2.0
    assert measures.response(Slipping())[0]["seconds"] is None


def test_every_trial_gives_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "GRID", ((0.4, 0.0, 0.0),))
    monkeypatch.setattr(measures, "_STEPS", ((0.4, 0.0, 0.0),))
    monkeypatch.setattr(measures, "DIRECTIONS", 2)
    monkeypatch.setattr(measures, "DRAWS", 2)
    monkeypatch.setattr(measures, "BOXES", (2.0,))
    monkeypatch.setattr(measures, "endurance", lambda w, seed: _short(w, seed))
    monkeypatch.setattr(measures, "agreement", lambda w: agreement(w, 4, 0.1))
    reported: list[str] = []
    found = measures.measure(Trot(), 0, reported.append)
    assert len(reported) == 7
    assert [row["touching"] for row in found.agreement] == [True, True, False, False]
    assert all(0.0 < row["position"] < 0.05 and row["joints"] < 0.5 for row in found.agreement)
    assert [len(rows) for rows in (found.impulses, found.endurance, found.pushing)] == [4, 2, 1]
    assert found.pushing[0]["pushed"] > 1.0
    lines = table({"one": found, "other": found}).splitlines()
    assert lines[0] == "| | one | other |"
    assert any(line.startswith("| falls of changed robots, 60 s | 0 of 2") for line in lines)


_ENDURANCE = measures.endurance


def _short(walker: Trot, seed: int) -> list[Row]:
    return _ENDURANCE(walker, 1.0, seed)


def test_command_writes_every_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"speed_error": 0.1, "yaw_rate_error": 0.2, "fell": False, "seconds": None}
    apart = {"position": 0.01, "yaw": 0.02, "joints": 0.03, "touching": True}
    made = Measured([row], [row], [{**row, "impulse": 1.0}], [row], [], [apart], 12.0)
    monkeypatch.setattr(measures, "measure", lambda *_: made)
    out = tmp_path / "found.json"
    assert main(["evaluate-walker", "trot", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "never" in printed and "0.010 (0.010) m, 0.020 (0.020) rad" in printed
    assert json.loads(out.read_text())["walkers"]["trot"]["step_us"] == 12.0


def test_metrics_are_stored_in_the_card_of_a_trained_walker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"speed_error": 0.1, "yaw_rate_error": 0.2, "fell": True, "seconds": None}
    made = Measured([row], [row], [{**row, "impulse": 1.0}], [row], [], [], 12.0)
    monkeypatch.setattr(measures, "measure", lambda *_: made)
    for path in (shipped := shipped_walkers()["learned"]).parent.glob("learned.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    card = tmp_path / "learned.json"
    before = read_card(card)
    assert main(["evaluate-walker", "trot", str(card), "--note"]) == 0
    after = read_card(card)
    assert after.figures["falls of changed robots, 60 s"] == "1 of 1"
    assert after.figures["robot_steps"] == before.figures["robot_steps"]
    assert dataclasses.replace(after, figures=before.figures) == before
    load_walker(card)
    assert read_card(shipped) != after


def test_each_network_needs_an_adapter(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate-walker", "some.onnx"]) == 2
    assert "give one each" in capsys.readouterr().err
