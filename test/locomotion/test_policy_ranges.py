"""A walker's card cannot request values beyond the absolute ceilings of the robot."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpc_ros.common.errors import ModelFileError
from gpc_ros.locomotion.policy import SOURCES, Description
from gpc_ros.locomotion.policy_file import parse_description
from gpc_ros.locomotion.registry import make_walker, shipped_walkers
from gpc_ros.robot import ceilings
from gpc_ros.robot.joints import LOWER, UPPER

FEATURES = [[name, 1.0] for name in SOURCES]
HUGE = 10**400

WRONG: list[dict[str, Any]] = [
    {"kp": 4000.0}, {"kp": 1e300}, {"kp": -40.0}, {"kp": 0.0}, {"kp": math.nan}, {"kp": HUGE},
    {"kp": "40"}, {"kp": True}, {"kp": None}, {"kp": [40.0]},
    {"kd": 1e6}, {"kd": -1.0}, {"kd": math.inf},
    {"command_low": [-50.0] * 3}, {"command_high": [50.0] * 3}, {"slew": [1e6] * 3},
    {"command_low": [1.0] * 3, "command_high": [-1.0] * 3}, {"slew": [0.0, 2.0, 4.0]},
    {"command_high": [0.9, math.nan, 1.6]},
    {"rate": 1e12}, {"rate": 0}, {"rate": -1}, {"rate": math.nan}, {"rate": 9.9},
    {"dead_band": -1.0}, {"dead_band": 1e12},
    {"action_scale": [math.nan] * 12}, {"action_scale": [10.0] * 12},
    {"default": [100.0] * 12}, {"default": [math.inf] * 12},
    {"trim_gain": [-1.0, 0.0, 0.0]}, {"trim_gain": [1e9] * 3}, {"trim_limit": [5.0] * 3},
    {"trim_limit": [-0.1] * 3}, {"cycle": -1}, {"cycle": 10**9}, {"cycle": 2.5}, {"cycle": HUGE},
    {"features": [["gravity", math.nan]]}, {"features": [["gravity", 1e300]]},
    {"name": ""}, {"name": "x" * 10**6}, {"name": 7},
]  # fmt: skip


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shipped = shipped_walkers()["learned"]
    folder = tmp_path_factory.mktemp("walkers") / "copy"
    shutil.copytree(shipped.parent, folder)
    return folder / shipped.name


@pytest.mark.parametrize("changes", WRONG, ids=lambda c: str(c)[:40])
def test_a_card_beyond_the_ceilings_is_refused_in_one_sentence(
    card: Path, changes: dict[str, Any]
) -> None:
    document = json.loads(card.read_text(encoding="utf-8"))
    document["description"].update(changes)
    other = card.with_name("other.json")
    other.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ModelFileError) as error:
        make_walker(str(other))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_the_refusal_names_entry_value_and_range(card: Path) -> None:
    with pytest.raises(ModelFileError, match=r"kp is 4000.0, it must be .* \[1, 200\] N m/rad"):
        Description("x", (("gravity", 1.0),), kp=4000.0)


def test_shipped_cards_and_the_defaults_are_within_the_ceilings() -> None:
    assert Description("x", (("gravity", 1.0),)).kp <= ceilings.KP.min()
    for path in shipped_walkers().values():
        make_walker(str(path))


ODD = st.one_of(
    st.floats(), st.integers(), st.none(), st.booleans(), st.text(max_size=3),
    st.lists(st.floats(), max_size=4),
)  # fmt: skip


@given(
    entries=st.dictionaries(
        st.sampled_from([
            "kp", "kd", "rate", "cycle", "dead_band", "slew", "command_low", "command_high",
            "trim_gain", "trim_limit", "default", "action_scale", "joints", "features", "name",
        ]),
        st.one_of(ODD, st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3)),
        max_size=3,
    )
)  # fmt: skip
def test_any_card_is_refused_or_within_the_ceilings(
    entries: dict[str, Any],
) -> None:
    values = {"name": "x", "features": FEATURES, **entries}
    try:
        d = parse_description(values, Path("card.json"))
    except ModelFileError:
        return
    assert 0.0 < d.kp <= ceilings.KP.min() and 0.0 <= d.kd <= ceilings.KD.min()
    assert ceilings.RATE[0] <= d.rate <= ceilings.RATE[1]
    assert (np.abs([d.command_low, d.command_high]) <= ceilings.COMMAND).all()
    assert (np.array(d.slew) <= ceilings.COMMAND_SLEW).all()
    assert np.isfinite([*d.action_scale, *d.trim_gain, *d.trim_limit, d.dead_band]).all()
    pose = np.array(d.default)[d.order]
    assert (pose >= LOWER).all() and (pose <= UPPER).all()


def test_weights_that_are_not_finite_are_refused(card: Path) -> None:
    from safetensors.numpy import load, save

    from gpc_ros.common.model_files import checksum

    arrays = load(card.with_suffix(".safetensors").read_bytes())
    arrays["0.bias"][0] = np.nan
    content = save(arrays)
    other = card.with_name("spoilt.json")
    other.with_suffix(".safetensors").write_bytes(content)
    document = json.loads(card.read_text(encoding="utf-8"))
    document["files"]["safetensors"] = {"name": "spoilt.safetensors", "sha256": checksum(content)}
    other.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"'0\.bias' are not finite"):
        make_walker(str(other))
