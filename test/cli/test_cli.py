"""The command ``gpc``: help, errors, listings."""

from __future__ import annotations

import pytest

from gpc_ros.cli import main as cli
from gpc_ros.cli.main import COMMANDS, main


def output(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run gpc; return exit code, stdout and stderr."""
    try:
        code = main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, command, "--help")
    assert code == 0
    assert f"gpc {command}" in out


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


def test_sim_help_lists_arguments_with_their_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = output(capsys, "sim", "--help")
    assert "rate:=" in out and "[20.0]" in out
    assert "task:=" in out and "[box_push]" in out


def test_sim_dry_run_shows_the_processes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "sim", "--dry-run", "seed:=3", "record:=false")
    assert code == 0
    assert [line.split()[2] for line in out.splitlines()] == [
        f"gpc_ros.nodes.{n}" for n in ("sim", "estimator", "planner", "bridge", "monitor")
    ]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("sim", "sed:=3"), "did you mean 'seed'"),
        (("sim", "task:=box_psh"), "did you mean 'box_push'"),
        (("sim", "seed=3"), "name:=value"),
        (("sim", "rate:=-1"), "outside"),
        (("config", "planer"), "did you mean 'planner'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = output(capsys, *words)
    assert code == 2
    assert err.startswith("gpc: error: ") and hint in err
    assert len(err.splitlines()) == 1


def test_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "tasks")
    assert code == 0
    assert "box_push" in out and "navigate" in out


def test_config_lists_units_and_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = output(capsys, "config", "planner")
    assert code == 0
    assert "rate: 20.0" in out and "Hz" in out and "sim:" not in out


def test_interruption_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("gpc_ros.cli.tasks.run", interrupted)
    assert output(capsys, "tasks")[0] == 130


def test_the_parser_of_a_command_is_lazy_about_its_help() -> None:
    assert cli.CommandParser(prog="x").more_help is None
