"""``gpc doctor``: what it says and when it fails."""

from __future__ import annotations

import os

import pytest

from gpc_ros.cli import doctor
from gpc_ros.cli.doctor import Finding
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
    code, output = doctor._python("raise ImportError('libfoo.so is missing')")
    assert code != 0
    assert doctor._last_line(output) == "ImportError: libfoo.so is missing"


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
