"""Absolute ceilings: no value beyond them and no NaN or infinity reaches the wire."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gpc_ros.bridge.controller import BridgeController, ControllerConfig
from gpc_ros.common.config import parameters, replace
from gpc_ros.common.errors import ConfigError, InputError
from gpc_ros.locomotion.trot import Trot, TrotConfig
from gpc_ros.robot import ceilings
from gpc_ros.robot.joints import LOWER, STAND, UPPER, from_sdk
from gpc_ros.robot.types import JointCommand
from gpc_ros.safety.limits import JointLimiter, LimitsConfig, VelocityLimiter
from gpc_ros.unitree import codec, low_level_messages
from gpc_ros.unitree.low_level_driver import Driver, UnitreeConfig
from gpc_ros.unitree.low_level_messages import COMMAND

PARTS = ("position", "velocity", "effort", "kp", "kd")
# Every float64, with a preference for boundary values.
NUMBERS = st.one_of(
    st.floats(width=64),
    st.sampled_from(
        [np.nan, np.inf, -np.inf, 5e-324, -5e-324, 1e-310, 1e308, -1e308, 1.7e308, 3.4e38, 3.5e38,
         200.0, np.nextafter(200.0, 201.0), 30.1, 15.7, 45.43, 23.7, -0.0, 0.0, 1e-46, 2.146e9]
    ),
)  # fmt: skip


def near(low: float, high: float) -> st.SearchStrategy[float]:
    return st.one_of(st.floats(low, high), NUMBERS)


ANY = st.builds(
    JointCommand,
    position=st.one_of(
        arrays(np.float64, 12, elements=NUMBERS), st.builds(lambda d: STAND + d, near(-0.3, 0.3))
    ),
    velocity=arrays(np.float64, 12, elements=near(-20.0, 20.0), fill=st.just(0.0)),
    effort=arrays(np.float64, 12, elements=near(-25.0, 25.0), fill=st.just(0.0)),
    kp=st.one_of(
        arrays(np.float64, 12, elements=near(0.0, 250.0)),
        st.builds(lambda v: np.full(12, v), near(0.0, 250.0)),
    ),
    kd=st.one_of(
        arrays(np.float64, 12, elements=near(0.0, 11.0)),
        st.builds(lambda v: np.full(12, v), near(0.0, 11.0)),
    ),
)


def on_the_wire(data: bytes) -> dict[str, np.ndarray]:
    """Return the values of the twelve joints in wire bytes, model order, exactly."""
    record = COMMAND.decode(data)
    assert low_level_messages.intact(record)
    names = dict(zip(PARTS, ("q", "dq", "tau", "kp", "kd"), strict=True))
    motors = record["motor"][:12]
    return {part: from_sdk(motors[n].astype(np.float64)) for part, n in names.items()}


def check_wire(data: bytes) -> dict[str, np.ndarray]:
    values = on_the_wire(data)
    for part, low, high in (
        ("position", LOWER, UPPER),
        ("velocity", -ceilings.VELOCITY, ceilings.VELOCITY),
        ("effort", -ceilings.EFFORT, ceilings.EFFORT),
        ("kp", np.zeros(12), ceilings.KP),
        ("kd", np.zeros(12), ceilings.KD),
    ):
        assert np.isfinite(values[part]).all(), part
        assert (values[part] >= low).all() and (values[part] <= high).all(), part
    return values


@given(commands=st.lists(ANY, max_size=5))
def test_driver_never_sends_beyond_a_ceiling(
    commands: list[JointCommand],
) -> None:
    driver, last = Driver(UnitreeConfig(), 3.0, False), None
    driver.begin(0.0)
    check_wire(driver.brake)
    for k, command in enumerate(commands):
        driver.take_command(command, 0.002 * k)
        data = driver.frame(0.002 * k)
        assert data is not None
        values = check_wire(data)
        stiff = values["kp"] > 0.0
        if last is not None and stiff.any() and last["kp"].any():
            change = np.abs(values["position"] - last["position"])[stiff & (last["kp"] > 0.0)]
            assert (change <= ceilings.STEP[0]).all()
        last = values


@given(commands=st.lists(ANY, max_size=5), seed=st.integers(0, 9))
def test_no_command_passes_the_limiter_beyond_a_ceiling(
    commands: list[JointCommand], seed: int
) -> None:
    limiter = JointLimiter()
    for command in commands:
        sent, faults = limiter.limit(command)
        ceilings.check(sent)  # raises if a value is beyond
        if faults and "target" not in faults[0]:
            assert not sent.kp.any()
        check_wire(COMMAND.encode(low_level_messages.seal(
            codec.command_to_low_cmd(sent, codec.new_command())
        )))  # fmt: skip


@given(command=ANY)
def test_a_refused_command_leaves_the_record_as_it_was(command: JointCommand) -> None:
    record = codec.new_command()
    before = record.tobytes()
    try:
        codec.command_to_low_cmd(command, record)
    except InputError as error:
        assert record.tobytes() == before
        assert str(error).startswith("joint command: ")


def stiff(**changes: float) -> JointCommand:
    command = JointCommand(
        STAND.copy(), np.zeros(12), np.zeros(12), np.full(12, 80.0), np.full(12, 2.0)
    )
    for name, value in changes.items():
        getattr(command, name)[4] = value
    return command


BEYOND = [
    ("kp", 200.1), ("kp", 1e6), ("kp", 1e308), ("kd", 10.1), ("kd", 1e6), ("kp", -1e-9),
    ("kd", -1.0), ("velocity", 30.2), ("effort", -23.8), ("position", 3.5), ("position", -1.6),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BEYOND)
def test_a_value_beyond_its_ceiling_is_named(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name} of FR_thigh_joint is .* outside the ceiling"):
        ceilings.check(stiff(**{name: value}))
    driver = Driver(UnitreeConfig(), 3.0, False)
    driver.begin(0.0)
    driver.take_command(stiff(), 0.0)
    driver.take_command(stiff(**{name: value}), 0.002)
    data = driver.frame(0.002)
    assert data is not None and not on_the_wire(data)["kp"].any()
    assert driver.counters["commands_refused"] == 1


@pytest.mark.parametrize(("name", "value"), [("kp", 1e6), ("kp", 200.1), ("kd", 1e6)])
def test_gains_above_the_ceiling_are_a_fault_and_damp(name: str, value: float) -> None:
    sent, faults = JointLimiter().limit(stiff(**{name: value}))
    assert not sent.kp.any()
    assert faults[0].startswith(f"FR_thigh_joint: {name} of ")


@pytest.mark.parametrize("size", [0, 1, 11, 13])
def test_a_command_of_a_wrong_length_is_refused(size: int) -> None:
    command = stiff()
    command.kp = np.full(size, 80.0)
    with pytest.raises(InputError, match="kp has shape"):
        ceilings.check(command)
    sent, faults = JointLimiter().limit(command)
    assert not sent.kp.any() and "wrong length" in faults[0]


def test_values_at_their_ceilings_pass_and_stay_within_on_the_wire() -> None:
    top = JointCommand(UPPER, ceilings.VELOCITY, ceilings.EFFORT, ceilings.KP, ceilings.KD)
    record = low_level_messages.seal(codec.command_to_low_cmd(top, codec.new_command()))
    values = check_wire(COMMAND.encode(record))
    np.testing.assert_allclose(values["velocity"], ceilings.VELOCITY, rtol=1e-6)
    assert (values["kp"] == ceilings.KP).all()


def test_configuration_can_only_lower_a_limit() -> None:
    limits = {"max_step": ceilings.STEP, "max_kp": ceilings.KP, "max_kd": ceilings.KD}
    for p in parameters(LimitsConfig):
        if p.name in limits:
            assert p.high is not None and p.high <= limits[p.name].min()
            with pytest.raises(ConfigError, match="outside"):
                replace(LimitsConfig(), {p.name: 1.01 * p.high}, "test")
        if p.name.endswith("_fraction"):
            assert p.high == 1.0
    # The same holds for a configuration that was not read from a file.
    free = JointLimiter(
        LimitsConfig(max_step=9.0, max_kp=1e9, max_kd=1e9, effort_fraction=9.0, soft_margin=-1.0)
    )
    free.limit(stiff())
    sent, _ = free.limit(stiff(effort=1e3, position=0.0))
    ceilings.check(sent)
    assert np.abs(sent.position - STAND).max() <= ceilings.STEP[0]
    assert free.limit(stiff(kp=1e3))[1]


def test_lower_configured_limits_apply() -> None:
    lower = JointLimiter(LimitsConfig(max_kp=50.0, effort_fraction=0.5, velocity_fraction=0.1))
    assert "kp of 80 is above its limit of 50" in lower.limit(stiff())[1][0]
    command = stiff(effort=1e3, velocity=1e3)
    command.kp = np.full(12, 40.0)
    sent, faults = lower.limit(command)
    assert not faults
    assert sent.effort[4] == 0.5 * ceilings.EFFORT[4]
    assert sent.velocity[4] == 0.1 * ceilings.VELOCITY[4]


@pytest.mark.parametrize("gain", ["kp", "kd"])
def test_a_bridge_refuses_a_walker_stiffer_than_its_limits(gain: str) -> None:
    config = replace(ControllerConfig(), {f"limits.max_{gain}": 1.5}, "test")
    with pytest.raises(ConfigError, match=f"walker trot: {gain} of FL_hip_joint is"):
        BridgeController(Trot(), config=config)


def test_walking_commands_stay_below_the_ceiling_whatever_the_walker_accepts() -> None:
    limiter = VelocityLimiter(np.full(3, -50.0), np.full(3, 50.0))
    np.testing.assert_array_equal(limiter.limit(np.full(3, 1e308)), ceilings.COMMAND)
    half = VelocityLimiter(np.full(3, -50.0), np.full(3, 50.0), 0.5)
    np.testing.assert_array_equal(half.limit(np.full(3, -9.0)), -0.5 * ceilings.COMMAND)


def test_the_trot_cannot_be_configured_beyond_a_ceiling() -> None:
    for name, value in (("kp", 201.0), ("kd", 10.5), ("acceleration", 11.0)):
        with pytest.raises(ConfigError, match="outside"):
            replace(TrotConfig(), {name: value}, "test")
