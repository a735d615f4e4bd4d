"""Faults of the environment: one sentence before anything starts, or corrected."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpc_ros.cli.main import main
from gpc_ros.common import process_environment as env
from gpc_ros.common.crash import crash_sentence
from gpc_ros.common.errors import ConfigError
from gpc_ros.common.process_environment import (
    check_environment,
    check_namespace,
    check_output_folder,
    choose_log_folder,
    ros_domain,
    write_problem,
)

NODES = ("sim", "estimator", "planner", "bridge", "monitor", "recorder", "player", "mocap")


@pytest.fixture
def missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "_loads", lambda library: False)


@pytest.mark.parametrize("text", ["EGL", " egl", "Egl"])
def test_capitals_in_mujoco_gl_are_accepted(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "_loads", lambda library: True)
    variables = {"MUJOCO_GL": text}
    check_environment(False, variables)
    assert variables["MUJOCO_GL"] == "egl"


def test_an_unknown_mujoco_gl_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"MUJOCO_GL=osmessa .* did you mean 'osmesa'"):
        check_environment(False, {"MUJOCO_GL": "osmessa"})


@pytest.mark.parametrize(
    ("backend", "package"), [("egl", "libegl1"), ("osmesa", "libosmesa6"), ("OSMESA", "libosmesa6")]
)
def test_a_missing_library_of_mujoco_gl_names_its_package(
    backend: str, package: str, missing_library: None
) -> None:
    with pytest.raises(ConfigError, match=package):
        check_environment(False, {"MUJOCO_GL": backend})


@pytest.mark.parametrize("backend", ["", "disable", "glfw", "off", "0"])
def test_mujoco_gl_without_a_library_of_its_own_is_accepted(
    backend: str, missing_library: None
) -> None:
    check_environment(False, {"MUJOCO_GL": backend})


@pytest.mark.parametrize("text", ["seven", "-1", "1.5", "\u0663", "233", "4000000000", "9" * 400])
def test_a_bad_ros_domain_id_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"export ROS_DOMAIN_ID=1"):
        ros_domain({"ROS_DOMAIN_ID": text})


@pytest.mark.parametrize(("text", "domain"), [("", 0), ("0", 0), ("232", 232), (" 7 ", 7)])
def test_ros_domain_ids(text: str, domain: int) -> None:
    assert ros_domain({"ROS_DOMAIN_ID": text}) == domain


@pytest.mark.parametrize(
    ("text", "valid"), [("my-robot", "my_robot"), ("/a/1b", "_1b"), ("go2 b", "go2_b")]
)
def test_a_bad_namespace_names_a_valid_one(text: str, valid: str) -> None:
    with pytest.raises(ConfigError, match=f"as in '{valid}'"):
        check_namespace(text)


@pytest.mark.parametrize(("text", "full"), [("", "/"), ("a", "/a"), ("/a/b_2/", "/a/b_2")])
def test_namespaces(text: str, full: str) -> None:
    assert check_namespace(text) == full


def test_a_usable_home_is_left_alone(tmp_path: Path) -> None:
    variables = {"HOME": str(tmp_path)}
    choose_log_folder(variables)
    assert variables == {"HOME": str(tmp_path)}


@pytest.mark.parametrize("home", ["", "/proc/none", "/dev/null"])
def test_without_a_usable_home_the_log_goes_to_a_private_folder(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    variables = {"HOME": home} if home else {}
    choose_log_folder(variables)
    folder = Path(variables["ROS_LOG_DIR"])
    assert folder.is_relative_to(tmp_path) and folder.parent.stat().st_mode & 0o77 == 0


def test_a_foreign_link_is_not_used_as_the_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(tmp_path / "fresh"))
    (tmp_path / "fresh").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"gpc_ros-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    assert env.private_folder("log", "") == tmp_path / "fresh" / "log"


def test_a_given_log_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"ROS_LOG_DIR=/proc/log: .*unset it"):
        choose_log_folder({"ROS_LOG_DIR": "/proc/log", "HOME": "/root"})


def test_without_any_place_for_logs_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match="set ROS_LOG_DIR to a folder"):
        choose_log_folder({})


def test_a_read_only_output_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(ConfigError, match=r"Read-only file system\); .* out:=/tmp/run"):
        check_output_folder(Path("/tmp"), "out:=")


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is not a folder" in write_problem(tmp_path / "file" / "run")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=3e6))
    with pytest.raises(ConfigError, match=r"nearly full \(3 MB free, 100 MB needed\)"):
        check_output_folder(tmp_path / "new" / "run", "out:=")


def test_crash_details_are_kept_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    try:
        raise KeyError("knots")
    except KeyError as error:
        sentence = crash_sentence("gpc sim", error)
    path = Path(sentence.partition("the details are in ")[2].partition(";")[0])
    assert sentence.startswith("gpc sim: unexpected error: KeyError: 'knots'")
    assert len(sentence.splitlines()) == 1
    assert 'raise KeyError("knots")' in path.read_text()


def test_an_unforeseen_exception_of_a_command_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_args: object) -> int:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("gpc_ros.cli.tasks.run", broken)
    assert main(["tasks"]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1 and "ZeroDivisionError: boom; the details are in" in err


def run(words: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a changed environment."""
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **variables},
        check=False,
    )


BAD = {"MUJOCO_GL": "bogus", "ROS_DOMAIN_ID": "233", "ROS_LOG_DIR": "/proc/log"}


@pytest.mark.parametrize("variable", BAD)
@pytest.mark.parametrize("node", NODES)
def test_every_node_refuses_a_bad_environment_in_one_sentence(node: str, variable: str) -> None:
    ended = run(["-m", f"gpc_ros.nodes.{node}"], **{variable: BAD[variable]})
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ") and len(ended.stderr.splitlines()) == 1
    assert variable in ended.stderr


def test_a_node_refuses_a_namespace_with_a_hyphen() -> None:
    ended = run(["-m", "gpc_ros.nodes.sim", "--ros-args", "-r", "__ns:=/my-robot"])
    assert ended.returncode == 2 and "as in 'my_robot'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("variable", BAD)
@pytest.mark.parametrize("command", ["sim", "emulate-robot", "estop", "view", "bag play x"])
def test_every_command_with_ros_refuses_a_bad_environment_in_one_line(
    command: str,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, BAD[variable])
    assert main(command.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith("gpc: error: ") and len(err.splitlines()) == 1 and variable in err


def test_commands_without_ros_do_not_look_at_the_variables_of_ros(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "seven")
    assert main(["tasks"]) == 0


def test_output_survives_a_locale_without_the_characters() -> None:
    ended = run(["-m", "gpc_ros.cli.main", "sim", "t\u00e4sk:=1"], PYTHONIOENCODING="ascii")
    assert ended.returncode == 2 and "Traceback" not in ended.stderr


@pytest.mark.parametrize("module", ["gpc_ros.nodes.planner", "gpc_ros.cli.main"])
def test_ctrl_c_while_a_program_imports_is_quiet(module: str) -> None:
    """The signal comes when the first heavy module is about to be imported."""
    code = (
        "import os, signal, sys, runpy\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'mujoco':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        f"sys.orig_argv = ['python', '-m', {module!r}]\n"
        f"sys.argv = [{module!r}, 'tasks']\n"
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
    )
    ended = run(["-c", code])
    assert ended.returncode in (130, -signal.SIGINT)
    assert ended.stderr == ""
