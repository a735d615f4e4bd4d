"""The report is correct, self-contained, and complete for incomplete bags."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpc_ros.bag.bag_reader import BagReader
from gpc_ros.bag.bag_writer import BagWriter
from gpc_ros.bridge.controller import BridgeController
from gpc_ros.common.errors import BagError
from gpc_ros.locomotion.registry import make_walker
from gpc_ros.replay.load_run import load_run
from gpc_ros.replay.outcome import judge, run_task
from gpc_ros.report import run_report
from gpc_ros.report.run_folder import make_episode_report
from gpc_ros.report.run_report import Clip, render_report, write_report

Make = Callable[..., Any]
_VOID = {"meta", "br", "hr", "img", "input", "link", "path", "circle", "rect"}


class Page(HTMLParser):
    """A parsed page: it must be well formed and load nothing."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = self.data = ""
        self.open: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in _VOID:
            self.open.append(tag)
        self.references += [
            value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.data = self.data or data
        elif self.open and self.open[-1] != "style":
            self.text += data + " "


def page_of(folder: Path, clip: Clip | None = None) -> tuple[Page, str]:
    run = load_run(BagReader(folder))
    task = run_task(run)
    text = render_report(run, task, judge(run, task), clip)
    page = Page(text)
    assert all(reference.startswith("data:") for reference in page.references)
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", text)
    return page, text


def test_a_complete_run_has_every_section(tmp_path: Path, made_run: Make) -> None:
    page, _ = page_of(made_run().write(tmp_path / "bag"))
    for words in (
        "success", "box_push in 2.2 s", "seed 7", "Goal: 1.50 m, 0.50 m, 23°", "Path from above",
        "goal set", "standing up", "deadline missed: 12 of 16 candidates", "Distance to the goal",
        "Yaw error", "Predicted cost", "distance", "Effective sample size", "Plan time",
        "deadline 90 ms", "Distribution of the plan time", "96.7 % in time", "Age of the inputs",
        "Forward", "commanded", "Position error", "robot rms 10 mm", "front left", "2.0°",
        "5.0 N m", "/ground_truth", "gpc_msgs/msg/SceneState", "plans refused 2", "measurement to",
    ):  # fmt: skip
        assert words in page.text, words
    assert "could not be read" not in page.text
    assert page.tags.count("svg") >= 12


def test_script_gets_every_series_that_it_uses(tmp_path: Path, made_run: Make) -> None:
    page, text = page_of(made_run().write(tmp_path / "bag"))
    data = json.loads(page.data)
    assert data["begin"] == pytest.approx(-1.0, abs=0.01)
    assert all(len(series) == data["count"] for series in data["series"])
    used = {int(n) for n in re.findall(r'data-series="(\d+)"', text)}
    used |= {n for body in data["bodies"] for n in body}
    assert used == set(range(len(data["series"])))
    assert len(data["bodies"]) == text.count('class="ghost"') == 2
    x = data["series"][data["bodies"][1][0]]
    assert x[-1] == pytest.approx(1.5)


def test_failed_run_is_marked_failed_with_its_reason(tmp_path: Path, made_run: Make) -> None:
    made = made_run(reach=10.0, end=2.0)
    made.modes.append((1.5, 6, "FAULT", ["FL_calf_joint over its torque limit"]))
    page, text = page_of(made.write(tmp_path / "bag"))
    assert "failed" in page.text
    assert "given up after 2.0 s" in page.text
    assert "FL_calf_joint over its torque limit" in page.text
    assert "s-fault" in text


def test_an_empty_bag_makes_a_report(tmp_path: Path) -> None:
    BagWriter(tmp_path / "bag").close()
    page, _ = page_of(tmp_path / "bag")
    assert "the bag contains no message" in page.text
    assert "not judged" in page.text
    assert "contains no planning cycle" in page.text


@pytest.mark.parametrize(
    "topic",
    ["scene_state", "ground_truth", "goal", "plan", "planner/status", "supervisor", "walker_state",
     "joint_commands", "joint_states"],
)  # fmt: skip
def test_any_topic_may_be_missing(tmp_path: Path, made_run: Make, topic: str) -> None:
    made = made_run(end=1.0)
    made.leave_out = {topic}
    page, _ = page_of(made.write(tmp_path / "bag"))
    assert "box_push" in page.text


def test_cut_bag_is_named_and_shown(tmp_path: Path, made_run: Make) -> None:
    folder = made_run().write(tmp_path / "bag")
    file = folder / "bag.mcap"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])
    page, _ = page_of(folder)
    assert "Parts of the bag could not be read" in page.text
    assert "was cut off" in page.text


@settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(share=st.floats(0.0, 1.0))
def test_a_bag_cut_anywhere_makes_a_report(
    tmp_path_factory: pytest.TempPathFactory, made_run: Make, share: float
) -> None:
    folder = made_run(end=1.0).write(tmp_path_factory.mktemp("cut") / "bag")
    file = folder / "bag.mcap"
    file.write_bytes(file.read_bytes()[: round(share * file.stat().st_size)])
    page, _ = page_of(folder)
    assert ("could not be read" in page.text) == (share < 1.0)


def test_non_finite_numbers_make_a_valid_page(tmp_path: Path, made_run: Make) -> None:
    made = made_run(end=1.0)
    made.status = {
        "best_cost": np.nan, "nominal_cost": np.inf, "mean_cost": np.nan, "deadline": 0.0,
        "term_values": [np.nan, 0.2, 0.0], "plan_time": 0.0,
    }  # fmt: skip
    page, _ = page_of(made.write(tmp_path / "bag"))
    json.loads(page.data, parse_constant=pytest.fail)


def test_a_run_without_plans_makes_a_report(tmp_path: Path, made_run: Make) -> None:
    made = made_run(end=1.0)
    made.status = {"hold_reason": "no goal"}
    page, _ = page_of(made.write(tmp_path / "bag"))
    assert "no plan for" in page.text
    assert "contains no planning cycle" in page.text


def test_a_planner_that_always_misses_its_deadline_is_reported(
    tmp_path: Path, made_run: Make
) -> None:
    made = made_run(end=1.0)
    made.status = {"hold_reason": "no candidate in time"}
    made.miss_always = True
    page, _ = page_of(made.write(tmp_path / "bag"))
    assert "9 cycles; 9 missed the deadline" in page.text
    assert "0.0 % in time" in page.text


def test_text_of_a_bag_is_not_code(tmp_path: Path, made_run: Make) -> None:
    made = made_run(end=1.0)
    evil = "<script>alert('x')</script>"
    made.info |= {"seed": evil, "note": evil}
    made.status = {"hold_reason": evil, "optimizer": evil}
    made.modes.append((0.5, 4, f'HOLDING" onload="{evil}', [evil]))
    _, text = page_of(made.write(tmp_path / "bag"))
    assert evil not in text


def test_long_lists_of_events_are_cut(tmp_path: Path, made_run: Make) -> None:
    made = made_run(reach=10.0, end=4.0)
    made.modes += [(0.1 * i, 3 + i % 2, ("ACTIVE", "HOLDING")[i % 2], []) for i in range(30)]
    page, _ = page_of(made.write(tmp_path / "bag"))
    assert "holding" in page.text


def test_a_video_is_part_of_the_page(tmp_path: Path, made_run: Make) -> None:
    folder = made_run(end=1.0).write(tmp_path / "bag")
    (tmp_path / "a.mp4").write_bytes(b"a video")
    page, _ = page_of(folder, Clip(tmp_path / "a.mp4", -0.5))
    assert page.references == ["data:video/mp4;base64,YSB2aWRlbw==#t=0.001"]
    assert json.loads(page.data)["video"] == -0.5
    page, _ = page_of(folder, Clip(tmp_path / "absent.mp4", 0.0))
    assert page.references == []


def test_a_navigation_run_makes_a_report(tmp_path: Path, made_run: Make) -> None:
    made = made_run(task="navigate")
    page, text = page_of(made.write(tmp_path / "bag"))
    assert "navigate" in page.text
    assert text.count('class="ghost"') == 1


def test_an_unwritable_page_is_an_error(tmp_path: Path, made_run: Make) -> None:
    run = load_run(BagReader(made_run(end=1.0).write(tmp_path / "bag")))
    (tmp_path / "file").touch()
    with pytest.raises(BagError, match="cannot be written"):
        write_report(run, None, judge(run, None), tmp_path / "file" / "report.html")


def test_a_report_without_a_renderer(
    tmp_path: Path, made_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "none_such")
    reader = BagReader(made_run(end=1.0).write(tmp_path / "bag"))
    made = make_episode_report(reader, tmp_path / "report.html")
    assert made.files == [tmp_path / "report.html"]
    assert "MUJOCO_GL=none_such" in made.problems[-1]


def test_joints_without_position_gain_make_a_report(tmp_path: Path, made_run: Make) -> None:
    made = made_run(end=1.0)
    made.gain = 0.0
    page, _ = page_of(made.write(tmp_path / "bag"))
    assert "front left" in page.text


@pytest.mark.parametrize("jump", [-3600.0, -1.0, 3600.0])
def test_a_clock_jump_is_an_event_at_its_time(tmp_path: Path, made_run: Make, jump: float) -> None:
    reader = BagReader(made_run().write(tmp_path / "whole"))
    writer = BagWriter(tmp_path / "bag", reader.info)
    first = min(topic.first for topic in reader.topics.values())
    for name, time, data in reader.raw():
        codec = reader.codec(name)
        assert codec is not None
        content = codec.decode(data)
        if time - first > 2.5e9:  # half of the run by the new clock
            time += round(jump * 1e9)
            content.header.stamp.sec += int(jump)
        writer.add_topic(name, reader.topics[name].type)
        writer.write(name, codec.encode(content), time)
    writer.close()
    page, _ = page_of(tmp_path / "bag")
    expected = "the clock went back by" if jump < 0.0 else "no state from the estimator for 3600"
    assert expected in page.text


def test_bag_is_read_once(tmp_path: Path, made_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = BagReader(made_run(end=1.0).write(tmp_path / "bag"))
    passes: list[object] = []
    records = BagReader.records

    def counted(self: BagReader, *args: Any, **kwargs: Any) -> Any:
        passes.append(args)
        return records(self, *args, **kwargs)

    monkeypatch.setattr(BagReader, "records", counted)
    make_episode_report(reader, tmp_path / "report.html", video=False)
    assert len(passes) == 1


def test_every_counter_of_the_bridge_is_explained() -> None:
    assert set(run_report._COUNTERS) == set(BridgeController(make_walker("trot")).counters)
