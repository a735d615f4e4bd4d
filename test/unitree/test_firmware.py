"""The emulated robot's computer: what it refuses, its sport mode, its faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.robot.joints import JOINT_NAMES, LIE, STAND
from gpc_ros.robot.model import Gains
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.unitree import codec, low_level_messages
from gpc_ros.unitree.firmware import Firmware, FirmwareConfig
from gpc_ros.unitree.low_level_messages import COMMAND, STATE, Record
from gpc_ros.unitree.wire_faults import WireFaultConfig, WireFaults, motor

GAINS = Gains.uniform(60.0, 3.0)


def released() -> Firmware:
    return Firmware(FirmwareConfig(sport_mode=False), GAINS)


def low_command(kp: float = 40.0) -> Record:
    command = JointCommand(STAND.copy(), np.zeros(12), np.zeros(12), np.full(12, kp), np.ones(12))
    return low_level_messages.seal(codec.command_to_low_cmd(command, codec.new_command()))


def test_a_good_command_is_followed_once() -> None:
    robot = released()
    assert robot.receive(COMMAND.encode(low_command()))
    command = robot.command(LIE, 0.002)
    assert command is not None and np.allclose(command.position, STAND)
    assert robot.command(LIE, 0.002) is None
    assert robot.counters["accepted"] == 1


@pytest.mark.parametrize(
    ("counter", "field", "value"),
    [
        ("bad_head", "head", (0xFE, 0xEE)),
        ("bad_level", "level_flag", 0xEE),
        ("bad_mode", "motor.mode", 7),
        ("bad_gain", "motor.kp", 501.0),
        ("bad_gain", "motor.kd", 21.0),
        ("bad_gain", "motor.kp", -1.0),
        ("bad_value", "motor.q", np.nan),
        ("bad_value", "motor.tau", np.inf),
    ],
)
def test_a_refused_command_is_counted_and_moves_nothing(
    counter: str, field: str, value: Any
) -> None:
    robot, record = released(), low_command()
    group, _, name = field.rpartition(".")
    if group:
        record[group][name][4] = value
    else:
        record[name] = value
    assert not robot.receive(COMMAND.encode(low_level_messages.seal(record)))
    assert robot.counters[counter] == 1 and robot.counters["accepted"] == 0
    assert robot.last_refusal
    assert robot.command(LIE, 0.002) is None


def test_a_wrong_crc_is_refused() -> None:
    robot, record = released(), low_command()
    record["crc"] ^= 1
    assert not robot.receive(COMMAND.encode(record))
    assert robot.counters["bad_crc"] == 1


@given(st.binary(max_size=2000))
def test_no_random_bytes_are_accepted_as_a_command(data: bytes) -> None:
    robot = released()
    assert not robot.receive(data)
    assert robot.command(LIE, 0.002) is None


def test_until_sport_mode_is_released_it_holds_the_legs_and_commands_do_not_count() -> None:
    robot = Firmware(FirmwareConfig(), GAINS)
    assert robot.check_mode() == "normal"
    assert not robot.receive(COMMAND.encode(low_command()))
    assert robot.counters["sport_mode_active"] == 1
    command = robot.command(STAND, 0.002)
    assert command is not None and np.allclose(command.position, STAND) and command.kp.all()
    robot.release_mode()
    assert robot.check_mode() == ""
    assert robot.command(STAND, 0.002) is None  # what came before the release is forgotten
    assert robot.receive(COMMAND.encode(low_command()))
    assert robot.command(STAND, 0.002) is not None


def test_sport_mode_lies_down_and_stands_up_no_faster_than_it_may() -> None:
    config = FirmwareConfig(sport_speed=1.5)
    robot = Firmware(config, GAINS)
    position = STAND.copy()
    for pose, action in ((LIE, robot.stand_down), (STAND, robot.stand_up)):
        action()
        for _ in range(600):
            command = robot.command(position, 0.002)
            assert command is not None
            assert np.abs(command.position - position).max() <= 1.5 * 0.002 + 1e-12
            position = command.position
        assert np.allclose(position, pose)


def test_sport_mode_can_be_selected_again_and_no_other() -> None:
    robot = released()
    assert not robot.select_mode("ai")
    assert robot.check_mode() == ""
    assert robot.select_mode("normal")
    assert robot.check_mode() == "normal"


def make_cycle_record(battery: float = 0.8) -> Record:
    reading = RobotReading(0.0, np.arange(12.0), np.ones(12), np.ones(12), battery=battery)
    return codec.reading_to_low_state(reading, codec.new_state())


def sent(faults: WireFaults, record: Record | None = None) -> Record:
    data = faults.frame(make_cycle_record() if record is None else record)
    assert data is not None
    return STATE.decode(data)


def test_without_faults_a_message_is_valid_and_contains_the_readings() -> None:
    record = sent(WireFaults(WireFaultConfig()))
    assert low_level_messages.intact(record)
    reading = codec.reading_from_low_state(record, 0.0)
    assert np.allclose(reading.position, np.arange(12.0)) and reading.battery == 0.8


def test_each_fault_shows_and_ends() -> None:
    faults = WireFaults(WireFaultConfig(silence=True))
    assert faults.frame(make_cycle_record()) is None
    faults.config = WireFaultConfig(bad_crc=True)
    assert not low_level_messages.intact(sent(faults))
    faults.config = WireFaultConfig(nan=True)
    bad = sent(faults)
    assert low_level_messages.intact(bad) and np.isnan(bad["imu"]["gyroscope"]).all()
    faults.config = WireFaultConfig(battery=0.04)
    assert codec.reading_from_low_state(sent(faults), 0.0).battery == 0.04
    faults.config = WireFaultConfig(hot_motor="RL_thigh_joint", temperature=110.0)
    hot = codec.reading_from_low_state(sent(faults), 0.0).temperature
    assert hot[JOINT_NAMES.index("RL_thigh_joint")] == 110.0 and (hot == 110.0).sum() == 1
    faults.config = WireFaultConfig()
    assert low_level_messages.intact(sent(faults))
    assert codec.reading_from_low_state(sent(faults), 0.0).temperature.max() == 30.0


def test_a_frozen_message_is_the_same_one_until_it_thaws() -> None:
    faults = WireFaults(WireFaultConfig(frozen=True))
    first = sent(faults)
    later = make_cycle_record()
    later["tick"] = 99
    assert sent(faults, later) == first
    faults.config = WireFaultConfig()
    assert sent(faults, later)["tick"] == 99


def test_a_lost_motor_stands_still_counts_up_and_has_no_torque() -> None:
    faults = WireFaults(WireFaultConfig(lost_motor="FR_hip_joint"))
    assert motor("FR_hip_joint") == 0
    first = sent(faults)
    moved = make_cycle_record()
    moved["motor"]["q"] += 1.0
    second = sent(faults, moved)
    assert second["motor"]["lost"][0] > first["motor"]["lost"][0] > 0
    assert second["motor"]["q"][0] == first["motor"]["q"][0]
    assert second["motor"]["q"][1] == first["motor"]["q"][1] + 1.0
    command = faults.command(JointCommand(*(np.ones(12) for _ in range(5))))
    assert command is not None
    j = JOINT_NAMES.index("FR_hip_joint")
    assert (command.kp[j], command.kd[j], command.effort[j]) == (0.0, 0.0, 0.0)
    assert command.kp.sum() == 11.0
    faults.config = WireFaultConfig()
    assert sent(faults)["motor"]["lost"].sum() == 0
