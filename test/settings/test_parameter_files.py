"""Parameter files agree with the settings and are read back with their types."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from generate import generated, write
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common import config
from gpc_ros.common.config import param
from gpc_ros.common.errors import ConfigError
from gpc_ros.settings.node_settings import SETTINGS
from gpc_ros.settings.parameter_files import parameters_yaml, read_parameters, yaml_value

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Inner:
    """A group."""

    mass: float = param(1.5, "Mass", unit="kg", low=0.0, high=9.0)
    sizes: tuple[float, float] = param((1.0, 2.0), "Sizes", unit="m")


@dataclass(frozen=True)
class Outer:
    """All kinds of parameters."""

    name: str = param("1", "A text that looks like a number")
    empty: str = param("", "An empty text")
    flag: bool = param(True, "A flag", live=True)
    count: int = param(3, "A count", low=0)
    tiny: float = param(1e-6, "A number that YAML 1.1 would read as text")
    inner: Inner = Inner()
    other: Inner = Inner(mass=2.0)


@pytest.mark.parametrize("name", sorted(generated()))
def test_generated_files_agree_with_the_code(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == generated()[name], (
        "run: python docs/tools/generate.py"
    )


def test_generated_files_are_written_and_compared(tmp_path: Path) -> None:
    assert write(tmp_path, only_check=True) == 1
    assert write(tmp_path, only_check=False) == 0
    assert (tmp_path / "config" / "planner.yaml").is_file()
    assert write(tmp_path, only_check=True) == 0


@pytest.mark.parametrize("node", sorted(SETTINGS))
def test_files_contain_the_defaults(node: str) -> None:
    values = read_parameters(ROOT / "config" / f"{node}.yaml")
    settings = config.replace(SETTINGS[node](), values, node)
    assert settings == SETTINGS[node]()
    assert set(values) == set(config.flatten(settings))


def test_every_file_belongs_to_a_node() -> None:
    assert {p.stem for p in (ROOT / "config").glob("*.yaml")} == set(SETTINGS)


def test_every_parameter_has_a_meaning_and_every_number_a_range() -> None:
    for node, settings in SETTINGS.items():
        for p in config.parameters(settings()):
            assert len(p.doc) > 5, (node, p.name)
            if p.type in (int, float):
                assert p.low is not None or p.high is not None, (node, p.name)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "outer.yaml"
    path.write_text(parameters_yaml("outer", Outer()))
    values = read_parameters(path)
    assert config.replace(Outer(), values, "file") == Outer()
    assert isinstance(values["tiny"], float)
    assert values["name"] == "1"
    assert values["other.mass"] == 2.0


@given(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False),
        st.integers(-(2**63), 2**63 - 1),
        st.booleans(),
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1),
    )
)
def test_values_survive_yaml_with_their_type(value: object) -> None:
    back = yaml.safe_load(yaml_value(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("/**: [", "not YAML"),
        ("planner:\n  ros__parameters:\n    rate: 5.0\n", "single top-level key"),
        ("/**:\n  ros__parameters: {}\nplanner: {}\n", "single top-level key"),
        ("/**:\n  rate: 5.0\n", "ros__parameters"),
        ("", "single top-level key"),
    ],
)
def test_files_of_another_shape_are_refused(tmp_path: Path, text: str, hint: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=hint):
        read_parameters(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: the parameter file is missing"):
        read_parameters(tmp_path / "gone.yaml")
