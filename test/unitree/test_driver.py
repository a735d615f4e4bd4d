"""The driver's process passes valid readings, and commands only while they arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ConfigError
from gpc_ros.common.ipc import PeerClosed, pair
from gpc_ros.robot.joints import JOINT_NAMES, STAND
from gpc_ros.robot.model import Gains
from gpc_ros.robot.types import JointCommand, RobotReading
from gpc_ros.unitree import codec, low_level_messages
from gpc_ros.unitree.domains import check_domains, ros_domain, sdk_domain
from gpc_ros.unitree.firmware import Firmware, FirmwareConfig
from gpc_ros.unitree.link import BridgeEndpoint, DriverEndpoint, Status
from gpc_ros.unitree.low_level_driver import Driver, UnitreeConfig
from gpc_ros.unitree.low_level_messages import COMMAND
from gpc_ros.unitree.wire_faults import WireFaultConfig, WireFaults

SILENCE = UnitreeConfig().silence


def driver(dry_run: bool = False, ready: bool = True) -> Driver:
    made = Driver(UnitreeConfig(), 3.0, dry_run)
    if ready:
        made.begin(0.0)
    return made


def stiff(kp: float = 40.0) -> JointCommand:
    return JointCommand(STAND.copy(), np.zeros(12), np.zeros(12), np.full(12, kp), np.ones(12))


def state(tick: int, faults: WireFaults | None = None) -> bytes:
    reading = RobotReading(0.0, STAND.copy(), np.zeros(12), tick=tick)
    record = codec.reading_to_low_state(reading, codec.new_state())
    data = (faults or WireFaults(WireFaultConfig())).frame(record)
    assert data is not None
    return data


def sends(made: Driver, now: float) -> JointCommand:
    data = made.frame(now)
    assert data is not None
    record = COMMAND.decode(data)
    assert low_level_messages.intact(record)
    return codec.command_from_low_cmd(record)


def brakes(command: JointCommand) -> bool:
    return not command.kp.any() and not command.effort.any() and bool((command.kd == 3.0).all())


def test_before_its_turn_it_sends_nothing_and_delivers_nothing() -> None:
    made = driver(ready=False)
    made.take_command(stiff(), 0.0)
    assert made.frame(0.001) is None
    assert not made.delivers


def test_a_dry_run_delivers_and_never_sends() -> None:
    made = driver(dry_run=True)
    made.take_command(stiff(), 0.0)
    assert made.delivers
    assert made.frame(0.001) is None
    assert made.counters["commands_sent"] == 0


def test_it_damps_until_the_first_command() -> None:
    assert brakes(sends(driver(), 0.001))


def test_it_sends_the_commands_of_the_bridge() -> None:
    made = driver()
    made.take_command(stiff(), 0.01)
    assert np.allclose(sends(made, 0.01).position, STAND)
    assert sends(made, 0.01 + 0.9 * SILENCE).kp.all()  # a gap is bridged


def test_a_command_contains_the_answered_tick_only_with_echo() -> None:
    for echo, expected in ((False, 0), (True, 1234)):
        made = Driver(UnitreeConfig(echo=echo), 3.0, False)
        made.begin(0.0)
        made.take_command(stiff(), 0.0, 1234)
        data = made.frame(0.0)
        assert data is not None
        assert COMMAND.decode(data)["reserve"] == expected
        robot = Firmware(FirmwareConfig(sport_mode=False), Gains.uniform(1.0, 1.0))
        assert robot.receive(data) and robot.answered == expected


def test_after_a_restart_no_earlier_command_is_sent() -> None:
    made = driver()
    made.take_command(stiff(), 0.0)
    made.ready = False
    assert made.frame(0.01) is None
    made.begin(0.02)
    assert brakes(sends(made, 0.02))


def test_a_silent_bridge_means_damping_until_the_bridge_itself_damps() -> None:
    made = driver()
    made.take_command(stiff(), 0.0)
    late = SILENCE + 0.001
    assert brakes(sends(made, late))
    assert "silent" in made.complaint and not made.delivers
    made.take_command(stiff(), late)  # as if nothing had happened
    assert brakes(sends(made, late)) and not made.delivers
    made.take_command(JointCommand.damping(3.0), late)
    assert made.delivers and not made.complaint
    made.take_command(stiff(), late)
    assert sends(made, late).kp.all()
    assert made.counters["silences"] == 1


@pytest.mark.parametrize("name", ["position", "velocity", "effort", "kp", "kd"])
def test_a_command_that_is_not_finite_means_damping(name: str) -> None:
    made, bad = driver(), stiff()
    made.take_command(stiff(), 0.0)
    getattr(bad, name)[3] = np.nan
    made.take_command(bad, 0.001)
    assert brakes(sends(made, 0.001))
    assert "not finite" in made.complaint
    assert made.counters["commands_refused"] == 1


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 0.2),
            st.sampled_from(("stiff", "damping", "bad", "nothing")),
        ),
        max_size=40,
    )
)
def test_no_behaviour_of_the_bridge_makes_it_send_old_or_bad_commands(
    events: list[tuple[float, str]],
) -> None:
    made, now, heard = driver(), 0.0, 0.0
    for wait, what in events:
        now += wait
        if what != "nothing":
            command = JointCommand.damping(3.0) if what == "damping" else stiff()
            if what == "bad":
                command.effort[0] = np.inf
            made.take_command(command, now)
            heard = heard if what == "bad" else now
        command = sends(made, now)
        assert np.isfinite(command.position).all()
        if command.kp.any():
            assert what == "stiff" or now - heard <= SILENCE
            assert made.delivers
        if what == "bad":
            assert brakes(command)


def test_readings_pass_once_with_their_stamp() -> None:
    made = driver()
    received = made.take_state(state(100), 5.0)
    assert received is not None and received.stamp == 5.0 and not received.lost.any()
    assert made.take_state(state(100), 5.002) is None
    assert made.counters["states"] == 1 and made.counters["states_repeated"] == 1


def test_damaged_readings_do_not_pass() -> None:
    made = driver()
    assert "no LowState" in made.unheard()
    assert made.take_state(state(2, WireFaults(WireFaultConfig(bad_crc=True))), 1.0) is None
    assert made.take_state(state(4)[:-8], 1.0) is None
    assert made.counters["states_bad_crc"] == 1 and made.counters["states_bad_frame"] == 1
    assert "damaged" in made.unheard()


@given(st.binary(max_size=1500))
def test_no_bytes_break_it(data: bytes) -> None:
    made = driver()
    assert made.take_state(data, 1.0) is None
    made.take_order(data, 1.0)


def test_a_lost_motor_is_named_after_several_messages_but_not_after_one() -> None:
    made, faults = driver(), WireFaults(WireFaultConfig(lost_motor="RL_calf_joint"))
    lost = []
    for i in range(10):
        received = made.take_state(state(2 + 2 * i, faults), 0.002 * i)
        assert received is not None
        lost.append(received.lost[JOINT_NAMES.index("RL_calf_joint")])
        assert received.lost.sum() == lost[-1]
    assert lost[:4] == [False] * 4 and lost[4:] == [True] * 6


def test_commands_of_another_sender_are_noticed_for_half_a_second() -> None:
    made = driver()
    made.take_command(stiff(), 1.0)
    mine = made.frame(1.0)
    assert mine is not None
    for data in (mine, made.brake):
        made.take_order(data, 1.0)
    assert not made.other_sender(1.0)
    other = COMMAND.encode(
        low_level_messages.seal(codec.command_to_low_cmd(stiff(7.0), codec.new_command()))
    )
    made.take_order(other, 1.0)
    assert made.other_sender(1.2) and not made.other_sender(1.6)
    before = driver(ready=False)
    before.take_order(other, 1.0)
    assert not before.other_sender(1.2)  # the sport mode may still be at work


def ends() -> tuple[BridgeEndpoint, DriverEndpoint]:
    mine, its = pair()
    return BridgeEndpoint(mine), DriverEndpoint(its)


def test_the_newest_reading_and_the_newest_command_cross_the_link() -> None:
    bridge, process = ends()
    made = driver()
    assert bridge.receive() is None and process.receive() is None
    for i in range(3):
        received = made.take_state(state(2 + 2 * i), 1.0 + 0.002 * i)
        assert received is not None
        received.lost[4] = True
        process.deliver(received)
        bridge.send_command(stiff(float(i)), 4 + 2 * i)
    reading = bridge.receive()
    assert reading is not None and abs(reading.stamp - 1.004) < 1e-9 and reading.tick == 6
    assert np.allclose(reading.position, STAND) and "FR_thigh" in reading.faults[0]
    order = process.receive()
    assert order is not None
    command, tick = order
    assert command.kp[0] == 2.0 and tick == 8
    assert np.allclose(command.position, STAND)
    assert bridge.receive() is None and process.receive() is None


def test_a_status_crosses_the_link() -> None:
    bridge, process = ends()
    process.report(Status("waiting", True, {"states": 3}))
    bridge.receive()
    assert bridge.status == Status("waiting", True, {"states": 3})


def test_each_end_notices_that_the_other_is_gone() -> None:
    bridge, process = ends()
    bridge.close()
    with pytest.raises(PeerClosed):
        process.receive()
    bridge, process = ends()
    process.close()
    bridge.send_command(stiff())  # nobody hears it, and nothing raises
    with pytest.raises(PeerClosed):
        bridge.receive()
    bridge, process = ends()
    bridge.send_command(stiff())
    bridge.end()
    with pytest.raises(PeerClosed):
        process.receive()


def test_a_driver_that_does_not_read_its_mail_does_not_stop_the_bridge() -> None:
    bridge, process = ends()
    for i in range(5000):
        bridge.send_command(stiff(float(i)))
    assert process.receive() is not None


def test_ros_and_the_robot_may_not_share_a_domain() -> None:
    check_domains(0, {"ROS_DOMAIN_ID": "1"})
    with pytest.raises(ConfigError, match="export ROS_DOMAIN_ID=1"):
        check_domains(0, {})
    with pytest.raises(ConfigError, match="export ROS_DOMAIN_ID=8"):
        check_domains(7, {"ROS_DOMAIN_ID": "7"})
    with pytest.raises(ConfigError, match="is not a number"):
        ros_domain({"ROS_DOMAIN_ID": "x"})


def test_only_nodes_that_reach_a_robot_have_its_domain() -> None:
    assert sdk_domain({"driver": "sim", "unitree.sdk_domain": 3}) is None
    assert sdk_domain({"driver": "unitree", "unitree.sdk_domain": 3}) == 3
    assert sdk_domain({"sdk_domain": 2}) == 2
    assert sdk_domain({"rate": 2.0}) is None


def test_a_tick_that_stands_still_is_reported_as_that_and_is_not_a_robot() -> None:
    made = driver(ready=False)
    passed = [made.take_state(state(7), 0.002 * i) is not None for i in range(200)]
    assert sum(passed) == 1
    assert not made.steady
    assert "their tick stands still at 7 ms" in made.unheard()
    assert "no LowState" not in made.unheard()


def test_the_motors_are_taken_only_after_several_advances_of_the_tick() -> None:
    made = driver(ready=False)
    steady = []
    for i in range(8):
        made.take_state(state(2 * i), 0.002 * i)
        steady.append(made.steady)
    assert steady == [False] * 5 + [True] * 3
    for i in range(20):  # it stands still again
        made.take_state(state(14), 0.1 + 0.002 * i)
    assert not made.steady
    for i in range(6):
        made.take_state(state(16 + 2 * i), 0.2 + 0.002 * i)
    assert made.steady and not made.standing()
    made.expect_robot()
    assert not made.steady and "5 times" not in made.standing()


def test_a_repeated_message_now_and_then_does_not_delay_the_start() -> None:
    made = driver(ready=False)
    for i in range(8):
        for _ in range(2):
            made.take_state(state(2 * i), 0.002 * i)
    assert made.steady


def test_a_robot_that_was_switched_on_again_must_show_that_its_tick_advances() -> None:
    made = driver(ready=False)
    for i in range(10):
        made.take_state(state(90_000 + 2 * i), 0.002 * i)
    assert made.steady
    made.take_state(state(4), 5.0)
    assert not made.steady


def test_a_driver_that_stood_still_begins_by_damping() -> None:
    made = driver()
    made.cycle(0.002)
    made.take_command(stiff(), 0.002)
    assert sends(made, 0.002).kp.all()
    back = 0.002 + SILENCE + 0.01
    made.cycle(back)
    made.take_command(stiff(), back)  # the last one in its queue
    assert brakes(sends(made, back)) and "stood still for" in made.complaint
    assert not made.delivers and made.counters["stalls"] == 1
    made.cycle(back + 0.002)
    made.take_command(JointCommand.damping(3.0), back + 0.002)
    made.take_command(stiff(), back + 0.004)
    assert sends(made, back + 0.004).kp.all()


def test_a_driver_that_cycles_on_time_is_not_stopped() -> None:
    made = driver()
    for i in range(100):
        made.cycle(0.9 * SILENCE * i)
        made.take_command(stiff(), 0.9 * SILENCE * i)
    assert made.counters["stalls"] == 0 and not made.complaint


def test_a_battery_all_of_whose_fields_are_zero_is_not_reported() -> None:
    reading = RobotReading(0.0, STAND.copy(), np.zeros(12), battery=0.0)
    record = codec.reading_to_low_state(reading, codec.new_state())
    empty = codec.reading_from_low_state(record, 0.0)
    assert empty.battery == 0.0 and empty.battery_reported  # its cells have a voltage
    faults = WireFaults(WireFaultConfig(battery_missing=True))
    data = faults.frame(record)
    assert data is not None
    missing = codec.reading_from_low_state(low_level_messages.STATE.decode(data), 0.0)
    assert missing.battery == 0.0 and not missing.battery_reported
    silent = RobotReading(0.0, STAND.copy(), np.zeros(12), battery_reported=False)
    record = codec.reading_to_low_state(silent, record)
    assert not codec.reading_from_low_state(record, 0.0).battery_reported


def test_a_tick_can_be_made_to_stand_still_and_goes_on() -> None:
    faults = WireFaults(WireFaultConfig())
    ticks = []
    for i in range(6):
        faults.config = WireFaultConfig(frozen_tick=2 <= i < 4)
        ticks.append(int(low_level_messages.STATE.decode(state(2 * i, faults))["tick"]))
    assert ticks == [0, 2, 4, 4, 8, 10]
