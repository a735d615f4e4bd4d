"""The command ``gpc``: help, names of commands, the dialect of arguments, errors, imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gpc_ros.cli.commands import COMMANDS, find_command
from gpc_ros.cli.main import main, parse

HEAVY = ("numpy", "mujoco", "torch", "yaml", "rclpy", "rosbags", "onnxruntime", "matplotlib")


def output(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run gpc; return exit code, stdout and stderr."""
    try:
        code = main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh Python; return the top-level names of the modules that it loaded."""
    code += "\nimport json, sys; print(); print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "code",
    [
        "from gpc_ros.cli.main import main; main(['--help'])",
        "from gpc_ros.cli.main import main; main(['--version'])",
        "from gpc_ros.cli.main import main; main(['bag', '--help'])",
        "from gpc_ros.cli.main import main; main(['evalute'])",
        "import gpc_ros.planning",
    ],
)
def test_help_and_the_planning_package_import_nothing_heavy(code: str) -> None:
    assert loaded_after(code).isdisjoint(HEAVY)


def test_help_of_training_commands_needs_no_torch() -> None:
    code = """
from gpc_ros.cli.main import main
for words in (['proposal', 'train'], ['proposal', 'bootstrap'], ['walker', 'train']):
    try:
        main([*words, '--help'])
    except SystemExit:
        pass
main(['config'])
"""
    assert loaded_after(code).isdisjoint({"torch", "rsl_rl", "matplotlib", "onnx"})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_under_its_present_and_its_former_name(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    name, former = command.name, command.former  # type: ignore[attr-defined]
    code, out, err = output(capsys, *name.split(), "--help")
    assert code == 0 and f"usage: gpc {name}" in out and err == ""
    if former:
        code, out, err = output(capsys, former, "--help")
        assert code == 0 and f"usage: gpc {name}" in out
        assert err == f"gpc: 'gpc {former}' is now 'gpc {name}'\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "--help")
    assert code == 0
    assert all(command.name in out for command in COMMANDS)
    code, out, _ = output(capsys, "bag", "--help")
    assert code == 0 and "bag repair" in out and "walker" not in out


def test_without_a_command_the_help_is_shown_with_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert output(capsys)[0] == 2


def test_sim_help_lists_arguments_with_defaults_units_and_ranges(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = output(capsys, "sim", "--help")
    assert "rate:=" in out and "[Hz] [1 to 100; 20.0]" in out
    assert "task:=" in out and "[box_push]" in out


def test_help_lists_flags_from_the_dataclasses_with_units_ranges_and_defaults(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = output(capsys, "evaluate", "--help")
    line = next(line for line in out.splitlines() if "--horizon NUMBER" in line)
    assert "[s; 0.1 to 10; default 2.0]" in line
    _, out, _ = output(capsys, "bag", "report", "--help")
    assert "--[no-]video" in out


def test_sim_dry_run_prints_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "sim", "--dry-run", "seed:=3", "record:=false")
    assert code == 0
    assert [line.split()[2] for line in out.splitlines()] == [
        f"gpc_ros.nodes.{n}" for n in ("sim", "estimator", "planner", "bridge", "monitor")
    ]


def planner_line(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code, out, err = output(capsys, "sim", "--dry-run", *words)
    assert code == 0, err
    return next(line for line in out.splitlines() if "nodes.planner" in line)


@pytest.mark.parametrize(
    "words",
    [
        ["num_rollouts:=8"],
        ["--num-rollouts", "8"],
        ["--num-rollouts=8"],
        ["--num_rollouts", "8"],
        ["samples:=8"],
        ["--samples", "8"],
        ["seed:=0", "--dry-run", "num_rollouts:=8"],
    ],
    ids=" ".join,
)
def test_sim_understands_every_spelling_of_an_argument(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "-p num_rollouts:=8" in planner_line(capsys, *words)


@pytest.mark.parametrize(
    "words",
    [
        ["--set", "planner.rate=30"],
        ["--set", "planner.seed=1,planner.rate=30"],
        ["--planner.rate", "30"],
        ["planner.rate:=30"],
        ["params:=planner.rate=30"],
    ],
    ids=" ".join,
)
def test_sim_sets_parameters_of_nodes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "-p rate:=30.0" in planner_line(capsys, *words)


def test_sim_sets_parameters_of_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--set", "task.planner.object.mass=2", "task_params:=plant.object.mass=5")
    line = planner_line(capsys, *words)
    assert "-p task_params:=plant.object.mass=5,planner.object.mass=2" in line


def test_flags_of_launch_arguments_need_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nodes.view" in output(capsys, "sim", "--dry-run", "--view")[1]
    assert "nodes.recorder" not in output(capsys, "sim", "--dry-run", "--no-record")[1]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("evalute", "did you mean 'evaluate'"),
        ("reprot", "did you mean 'bag report'"),
        ("bag reprot", "did you mean 'report'"),
        ("proposal", "name one of its commands: collect, train, bootstrap, compare"),
        ("--horizn", "name a command first"),
        ("sim sed:=3", "did you mean 'seed'"),
        ("sim task:=box_psh", "did you mean 'box_push'"),
        ("sim seed=3", "write it as name:=value, that is seed:=3"),
        ("sim 3", "unexpected word '3'"),
        ("sim rate:=-1", "outside"),
        ("sim --hrizon 3", "did you mean '--horizon'"),
        ("sim --set planner.hrizon=3", "did you mean 'planner.horizon'"),
        ("sim --set", "write --set group.name=value"),
        ("sim --horizon", "--horizon needs a value"),
        ("sim --horizon --view", "--horizon needs a value"),
        ("config planer", "did you mean 'planner'"),
        ("evaluate", "name a task"),
        ("evaluate box_push --task navigate", "name one task"),
        ("evaluate box_push --seds 1", "did you mean '--seeds'"),
        ("evaluate box_push --estimated=maybe", "expected bool"),
        ("evaluate box_push --no-estimated=1", "takes no value"),
        ("proposal collect box_push", "--out is missing"),
        ("walker train --out x --rewrd.slip 1", "did you mean"),
        ("proposal collect box_push --out x --episodes 0", "outside [1, "),
        ("proposal bootstrap box_push --out x --horizon 3", "is ambiguous"),
        ("bag report", "required: BAG"),
        ("bag report a --no-vide", "did you mean '--video'"),
        ("bag play a bag:=b", "name one bag"),
        ("emulate-robot seed:=1 --set wire.silence=true", "starts no new one"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = output(capsys, *words.split())
    assert code == 2
    assert err.startswith("gpc: error: ") and hint in err
    assert len(err.splitlines()) == 1


def test_a_shortened_name_of_the_main_group_is_preferred() -> None:
    args = parse(["evaluate", "box_push", "--set", "rate=12", "--seed", "4", "horizon:=1.0"])[1]
    found = {name.rpartition(".")[2]: value for name, value in args.given["episode"].items()}
    assert found == {"rate": "12", "seed": "4", "horizon": "1.0"}


def test_the_last_of_two_flags_counts_and_lists_add_up() -> None:
    args = parse(["evaluate", "box_push", "--rate", "5", "--rate", "6"])[1]
    assert args.given["episode"] == {"rate": "6"}
    args = parse(["walker", "evaluate", "a.onnx", "--adapter", "a.yaml", "--adapter", "b.yaml"])[1]
    assert args.options.adapter == ("a.yaml", "b.yaml")


def test_former_names_of_parameters_are_accepted_with_a_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = parse(["proposal", "compare", "box_push", "--out", "x", "--samples", "2,4"])[1]
    assert args.options.num_rollouts == (2, 4)
    assert "'samples' is now called 'num_rollouts'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--samples", "8"], {"planner.num_rollouts": "8"}),
        (["--set", "planner.samples=8"], {"planner.num_rollouts": "8"}),
        (["--set", "episode.planner.samples=8"], {"planner.num_rollouts": "8"}),
        (["--no-scored"], {"planner.policy_only": "true"}),
        (["scored:=false"], {"planner.policy_only": "true"}),
        (["--set", "planner.scored=true"], {"planner.policy_only": "false"}),
    ],
    ids=str,
)
def test_former_names_of_the_planner_are_translated(
    words: list[str], expected: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert parse(["evaluate", "box_push", *words])[1].given["episode"] == expected
    note = capsys.readouterr().err
    assert "is now called 'num_rollouts'" in note or "is now the opposite of 'policy_only'" in note


def test_a_misspelt_former_name_leads_to_the_present_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "did you mean '--num-rollouts'" in output(capsys, "evaluate", "x", "--sampels", "3")[2]


def test_former_commands_lead_to_the_present_ones() -> None:
    command, rest, note = find_command(["train-walker", "--out", "x"])
    assert (command.name, rest) == ("walker train", ["--out", "x"])
    assert note == "gpc: 'gpc train-walker' is now 'gpc walker train'"


def test_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "tasks")
    assert code == 0
    assert "box_push" in out and "navigate" in out


def test_config_lists_units_and_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "config", "planner")
    assert code == 0
    assert "rate: 20.0" in out and "Hz" in out and "sim:" not in out


def test_config_lists_the_parameters_of_commands_and_optimizers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = output(capsys, "config", "proposal", "train")[1]
    assert "train.cost.windows: 1" in out and "out: ''" in out
    assert output(capsys, "config", "train")[1] == out
    assert "sigma" in output(capsys, "config", "cem")[1]
    every = output(capsys, "config")[1]
    assert all(f"\n{name}: Command. " in every for name in ("evaluate", "walker train"))


def test_interruption_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("gpc_ros.cli.tasks.run", interrupted)
    assert output(capsys, "tasks") == (130, "", "")
