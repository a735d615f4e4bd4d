"""Typed parameters: names, types, ranges, nested groups, and errors that help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.config import flat_mapping, flatten, param, parameters, replace
from gpc_ros.common.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    mass: float = param(3.0, "Mass", unit="kg", low=0.1, high=30.0)


@dataclass(frozen=True)
class Outer:
    samples: int = param(16, "Candidates", low=1, high=512)
    optimizer: str = param("cem", "Optimizer", choices=("cem", "mppi"))
    record: bool = param(True, "Whether to record")
    sigma: tuple[float, float] = param((0.5, 0.3), "Noise", unit="m/s", low=0.0, high=2.0)
    object: Inner = Inner()


def test_every_parameter_is_listed_with_its_documentation() -> None:
    listed = {p.name: p for p in parameters(Outer)}
    assert set(listed) == {"samples", "optimizer", "record", "sigma", "object.mass"}
    assert listed["object.mass"].unit == "kg"
    assert listed["samples"].default == 16


def test_values_and_strings_are_read_as_the_declared_type() -> None:
    changed = replace(
        Outer(),
        {"samples": "8", "record": "false", "sigma": "0.1,0.2", "object.mass": 5},
        "command line",
    )
    assert changed == Outer(8, "cem", False, (0.1, 0.2), Inner(5.0))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"sampels": 8}, "unknown parameter 'sampels'; did you mean 'samples'?"),
        ({"object.mas": 8}, "did you mean 'object.mass'?"),
        ({"samples": 1.5}, "samples: expected int, got 1.5"),
        ({"samples": "many"}, "samples: expected int, got 'many'"),
        ({"samples": True}, "samples: expected int, got True"),
        ({"samples": 0}, r"samples: 0 is outside [1, 512]"),
        ({"object.mass": float("nan")}, "nan is not a finite number"),
        ({"object.mass": 31.0}, "31.0 kg is outside [0.1, 30.0] kg"),
        ({"optimizer": "cemm"}, "'cemm' is not accepted; did you mean 'cem'?"),
        ({"optimizer": 3}, "optimizer: expected str"),
        ({"record": "perhaps"}, "record: expected bool"),
        ({"sigma": [0.1]}, "sigma: expected 2 values"),
        ({"sigma": [0.1, 5.0]}, "5.0 m/s is outside"),
    ],
)
def test_wrong_arguments_are_named(override: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        replace(Outer(), override, "file.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("file.yaml: ")


@given(mass=st.floats(allow_nan=True, allow_infinity=True))
def test_no_value_outside_its_range_gets_through(mass: float) -> None:
    try:
        result = replace(Outer(), {"object.mass": mass}, "x")
    except ConfigError:
        assert not 0.1 <= mass <= 30.0
    else:
        assert 0.1 <= result.object.mass <= 30.0


def test_flatten_and_nested_mappings_agree() -> None:
    flat = flatten(Outer())
    nested = {"samples": 16, "optimizer": "cem", "record": True, "sigma": (0.5, 0.3)}
    assert flat == flat_mapping({**nested, "object": {"mass": 3.0}})
    assert replace(Outer(), flat, "x") == Outer()


@dataclass(frozen=True)
class Renamed:
    """A group with a renamed parameter."""

    FORMER_NAMES: ClassVar = {"samples": "num_rollouts"}
    num_rollouts: int = param(4, "Candidates", low=1)


@dataclass(frozen=True)
class RenamedGroup:
    """A renamed group."""

    FORMER_NAMES: ClassVar = {"search": "planner"}
    planner: Renamed = Renamed()


@pytest.mark.parametrize("name", ["search.samples", "planner.samples", "search.num_rollouts"])
def test_a_former_name_is_accepted_with_a_warning_that_names_the_new_one(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert replace(RenamedGroup(), {name: "8"}, "--set").planner.num_rollouts == 8
    assert f"--set: '{name}' is now called 'planner.num_rollouts'" in caplog.text


def test_a_former_name_beside_the_new_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="former name of"):
        replace(RenamedGroup(), {"planner.num_rollouts": 4, "search.samples": 8}, "--set")


@dataclass(frozen=True)
class Switch:
    """A switch whose present name means the opposite of the former one."""

    FORMER_INVERTED: ClassVar = {"scored": "policy_only"}
    policy_only: bool = param(False, "Execute one sample without rollouts")


@pytest.mark.parametrize(("value", "expected"), [(False, True), ("true", False), ("False", True)])
def test_a_former_switch_of_opposite_meaning_is_inverted_with_a_warning(
    value: object, expected: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert replace(Switch(), {"scored": value}, "--set").policy_only is expected
    assert "'scored' is now the opposite of 'policy_only'" in caplog.text
    with pytest.raises(ConfigError, match="scored: expected bool, got 3"):
        replace(Switch(), {"scored": 3}, "--set")
