"""``gpc doctor``: what it says and when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpc_ros.cli import doctor
from gpc_ros.cli.doctor_probe import Finding, last_line, run_python
from gpc_ros.cli.main import main


def only(monkeypatch: pytest.MonkeyPatch, **findings: Finding) -> None:
    monkeypatch.setattr(
        doctor, "CHECKS", {name: (lambda f=finding: f) for name, finding in findings.items()}
    )


def test_all_is_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    only(monkeypatch, cores=Finding("ok", "2 cores", "not shown"))
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "2 cores" in out and "not shown" not in out and "Everything needed" in out


def test_a_warning_names_its_remedy_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, compiler=Finding("warn", "no g++", "apt-get install g++"))
    assert main(["doctor"]) == 0
    assert "-> apt-get install g++" in capsys.readouterr().out


def test_a_failure_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, ROS=Finding("fail", "rclpy is not installed", "make sim"))
    assert main(["doctor"]) == 1
    assert "Something will not run" in capsys.readouterr().out


def test_a_broken_import_is_told_with_its_last_line() -> None:
    code, output = run_python("raise ImportError('libfoo.so is missing')")
    assert code != 0
    assert last_line(output) == "ImportError: libfoo.so is missing"


def test_the_quick_checks_run_here() -> None:
    for name in ("python", "system", "cores", "compiler", "real time", "other packages"):
        assert doctor.CHECKS[name]().level in ("ok", "warn", "fail")


def test_ros_on_the_robots_domain_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "0")
    assert "export ROS_DOMAIN_ID=1" in doctor.check_domains().remedy
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    assert doctor.check_domains().level == "ok"
    monkeypatch.setenv("ROS_DOMAIN_ID", "seven")
    assert doctor.check_domains().level == "fail"


def test_without_permission_it_says_how_to_get_real_time_priority(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    finding = doctor.check_realtime()
    assert finding.level == "warn" and "/etc/security/limits.d" in finding.remedy


def test_without_the_sdk_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    finding = doctor.check_sdk()
    assert finding.level == "warn" and "make hardware" in finding.remedy


def test_another_middleware_than_the_robots_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(doctor, "_python", lambda code: (0, "11.0.1"))
    assert "can end its processes" in doctor.check_sdk().remedy
    monkeypatch.setattr(doctor, "_python", lambda code: (0, "0.10.2"))
    assert doctor.check_sdk().level == "ok"
    monkeypatch.setattr(doctor, "_python", lambda code: (1, "ImportError: no libddsc"))
    assert "no libddsc" in doctor.check_sdk().text


@pytest.mark.integration
def test_the_real_checks_find_what_the_tests_themselves_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    for name in ("ROS", "gpc_msgs", "DDS", "mujoco"):
        finding = doctor.CHECKS[name]()
        assert finding.level == "ok", (name, finding)


@pytest.mark.integration
def test_the_sdk_that_make_hardware_installs_is_the_right_one() -> None:
    pytest.importorskip("unitree_sdk2py")
    assert doctor.check_sdk().level == "ok"


def test_a_bad_environment_is_a_failure_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "233")
    finding = doctor.CHECKS["environment"]()
    assert finding.level == "fail" and "export ROS_DOMAIN_ID=1" in finding.text


def test_without_a_home_the_other_checks_get_a_log_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("ROS_LOG_DIR", "")
    assert doctor.CHECKS["environment"]().level == "ok"
    assert os.environ["ROS_LOG_DIR"]


def test_a_check_that_raises_is_a_failure_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Finding:
        raise ModuleNotFoundError("No module named 'numpy'")

    monkeypatch.setattr(
        doctor, "CHECKS", {"first": broken, "second": lambda: Finding("ok", "still checked")}
    )
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "ModuleNotFoundError: No module named 'numpy'" in out and "still checked" in out


def test_warnings_on_stderr_are_not_read_as_the_answer() -> None:
    code = "import sys; print('answer'); print('deprecated', file=sys.stderr)"
    assert run_python(code) == (0, "answer\n")


def test_a_python_that_dies_or_does_not_start_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, output = run_python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert code < 0 and "signal 11" in output
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    assert "does not start" in run_python("print(1)")[1]


def test_a_user_without_a_name_gets_the_remedy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    monkeypatch.setattr("getpass.getuser", nameless)
    assert "'USER - rtprio 50'" in doctor.check_realtime().remedy


def test_an_unknown_way_to_draw_is_a_failure_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "elg")
    finding = doctor.check_graphics()
    assert finding.level == "fail" and "export MUJOCO_GL=egl" in finding.text


def test_training_and_browser_name_the_target_that_brings_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "_installed", lambda name: name != "torch")
    assert doctor.check_training() == Finding(
        "warn", "missing: torch", "only training needs it: make training"
    )
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(doctor, "_python", lambda code: (0, "1.1.1"))
    assert "make browser" in doctor.check_browser().remedy


BROKEN = {
    "variables": {
        "HOME": "/nonexistent", "MUJOCO_GL": "bad", "ROS_DOMAIN_ID": "-1", "LC_ALL": "C",
        "RMW_IMPLEMENTATION": "rmw_nothing", "ROS_AUTOMATIC_DISCOVERY_RANGE": "NOWHERE",
        "PATH": "", "USER": "", "LOGNAME": "", "ROS_LOG_DIR": "/proc/nothing",
        "FASTRTPS_DEFAULT_PROFILES_FILE": "/nonexistent.xml", "TMPDIR": "/nonexistent",
    },
    "modules": {},
}  # fmt: skip


@pytest.mark.integration
@pytest.mark.parametrize("case", BROKEN)
def test_nothing_that_is_broken_ends_in_a_traceback(case: str, tmp_path: Path) -> None:
    environment = {**os.environ, **BROKEN[case]}
    if case == "modules":  # each is found and does not load
        for name in ("numpy", "yaml", "mujoco", "rclpy", "gpc_msgs", "viser", "rosbags", "torch"):
            text = f"raise ImportError('{name} is broken')\n"
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        environment["PYTHONPATH"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "gpc_ros.cli.main", "doctor"], env=environment,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "Something will not run" in done.stdout
    assert done.stdout.count("\n[") + 1 == len(doctor.CHECKS)
