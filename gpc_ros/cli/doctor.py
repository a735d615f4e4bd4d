"""``gpc doctor``: what is installed, what is missing and what to do about it."""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gpc_ros.cli.doctor_probe import Finding
from gpc_ros.cli.doctor_probe import installed as _installed
from gpc_ros.cli.doctor_probe import last_line as _last_line
from gpc_ros.cli.doctor_probe import run_python as _python
from gpc_ros.cli.doctor_probe import user as _user
from gpc_ros.common.errors import GpcError
from gpc_ros.common.process_environment import check_environment

if TYPE_CHECKING:
    from gpc_ros.cli.parser import CommandParser

# What runs in the robot.
ROBOT_DDS = "0.10.2"
_TRAINING = ("torch", "onnx", "onnxruntime", "matplotlib", "rsl-rl-lib", "tensordict")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox", "xdg-open")


def configure(parser: CommandParser) -> None:
    """Describe ``gpc doctor``."""
    parser.description = "Checks everything that the package needs; exits 1 if a part will not run."


def run(args: argparse.Namespace) -> int:
    """Run every check and print one line each."""
    failed = False
    for name, check in CHECKS.items():
        finding = _finding(check)
        failed |= finding.level == "fail"
        print(f"[{finding.level:^4}] {name:<18} {finding.text}")
        if finding.remedy and finding.level != "ok":
            print(f"       {'':<18} -> {finding.remedy}")
    print("Something will not run; see above." if failed else "Everything needed is here.")
    return 1 if failed else 0


def _finding(check: Callable[[], Finding]) -> Finding:
    """Run one check; an exception of any kind is a finding too."""
    try:
        return check()
    except Exception as error:
        reason = _last_line(f"{type(error).__name__}: {error}")
        return Finding("fail", f"the check itself failed ({reason})", "reinstall this part")


def check_python() -> Finding:
    """Python is new enough."""
    version = platform.python_version_tuple()
    if (int(version[0]), int(version[1])) < (3, 11):
        return Finding("fail", ".".join(version), "use Python 3.11, 3.12 or 3.13")
    return Finding("ok", f"{'.'.join(version)} at {sys.prefix}")


def check_cores() -> Finding:
    """There are cores enough for planner and robot at once."""
    # Not every system has affinity masks.
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    if cores < 2:
        return Finding("warn", f"{cores} core", "expect missed deadlines; lower num_rollouts:=")
    return Finding("ok", f"{cores} cores")


def check_compiler() -> Finding:
    """A compiler and Python's headers, which building gpc_msgs takes."""
    header = Path(sysconfig.get_path("include")) / "Python.h"
    remedy = "only needed to build gpc_msgs: sudo apt-get install g++ python3-dev"
    if shutil.which("g++") is None:
        return Finding("warn", "no g++", remedy)
    if not header.is_file():
        return Finding("warn", f"no {header}", remedy)
    return Finding("ok", "g++ and Python headers")


def check_ros() -> Finding:
    """Rclpy can be imported, in a process of its own since a broken one can end it."""
    if importlib.util.find_spec("rclpy") is None:
        remedy = "run make sim, or source /opt/ros/*/setup.bash"
        return Finding("fail", "rclpy is not installed", remedy)
    code, output = _python("import rclpy; print(rclpy.get_rmw_implementation_identifier())")
    if code:
        return Finding(
            "fail",
            f"rclpy does not load: {_last_line(output)}",
            "do not mix the wheels with a sourced /opt/ros: open a new shell",
        )
    distribution = os.environ.get("ROS_DISTRO", "from wheels")
    return Finding("ok", f"rclpy ({distribution}), {_last_line(output)}")


def check_messages() -> Finding:
    """The package's own messages can be imported and serialised."""
    code, output = _python(
        "from rclpy.serialization import serialize_message; from gpc_msgs.msg import SceneState; "
        "serialize_message(SceneState())"
    )
    if code:
        return Finding("fail", f"gpc_msgs: {_last_line(output)}", "pip install ./gpc_msgs")
    return Finding("ok", "gpc_msgs")


def check_dds() -> Finding:
    """A message crosses from one process to another, as between the nodes."""
    code, output = _python("from gpc_ros.ros.loopback import main; main()")
    if code:
        return Finding(
            "fail",
            f"no message crosses between two processes: {_last_line(output)}",
            "allow UDP on the loopback interface and multicast; "
            "try ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST",
        )
    return Finding("ok", _last_line(output))


def check_mujoco() -> Finding:
    """MuJoCo is new enough for batched stepping."""
    if importlib.util.find_spec("mujoco") is None:
        return Finding("fail", "mujoco is not installed", "pip install mujoco")
    # Drawing is another check.
    code, output = _python(
        "import mujoco, mujoco.batch; print(mujoco.__version__)", MUJOCO_GL="disable"
    )
    if code:
        return Finding("fail", f"mujoco: {_last_line(output)}", "pip install 'mujoco>=4'")
    return Finding("ok", f"mujoco {_last_line(output)}")


def check_graphics() -> Finding:
    """MuJoCo can draw without a screen, which the video of a run needs."""
    from gpc_ros.common.process_environment import check_rendering

    environment = dict(os.environ)
    try:
        check_rendering(environment)
    except GpcError as error:
        return Finding("fail", str(error))
    backend = environment.get("MUJOCO_GL") or "egl"
    code, output = _python(
        "import mujoco; r = mujoco.Renderer(mujoco.MjModel.from_xml_string("
        "'<mujoco><worldbody><geom size=\"1\"/></worldbody></mujoco>'), 64, 64); r.close()",
        MUJOCO_GL=backend,
    )
    if code:
        return Finding(
            "warn",
            f"no drawing with MUJOCO_GL={backend}: {_last_line(output)}",
            "runs leave no episode.mp4; sudo apt-get install libegl1, then export MUJOCO_GL=egl",
        )
    return Finding("ok", f"off-screen drawing with MUJOCO_GL={backend}")


def check_video() -> Finding:
    """The ffmpeg of imageio-ffmpeg runs."""
    code, output = _python(
        "import subprocess, imageio_ffmpeg as f; "
        "subprocess.run([f.get_ffmpeg_exe(), '-version'], check=True, capture_output=True); "
        "print(f.get_ffmpeg_version())"
    )
    if code:
        remedy = "runs leave no episode.mp4; pip install imageio-ffmpeg"
        return Finding("warn", f"ffmpeg does not run: {_last_line(output)}", remedy)
    return Finding("ok", f"ffmpeg {_last_line(output)}")


def check_browser() -> Finding:
    """``gpc view`` can serve its page, and there is a browser to look at it."""
    code, output = _python("import viser, trimesh; print(viser.__version__)")
    if code:
        remedy = "only gpc view needs it: pip install viser trimesh"
        return Finding("warn", f"the viewer does not load: {_last_line(output)}", remedy)
    text = f"viser {_last_line(output)}"
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        remedy = "open gpc view from another computer, or: make browser"
        return Finding("warn", f"{text}, but no browser on this machine", remedy)
    return Finding("ok", f"{text}, {found}")


def check_training() -> Finding:
    """The packages that training needs load."""
    missing = [name for name in _TRAINING if not _installed(name)]
    if missing:
        remedy = "only training needs it: make training"
        return Finding("warn", f"missing: {', '.join(missing)}", remedy)
    code, output = _python(
        "import torch, onnx, onnxruntime, tensordict; "
        "print(torch.__version__, 'with a GPU' if torch.cuda.is_available() else 'without a GPU')"
    )
    if code:
        return Finding("warn", f"torch does not load: {_last_line(output)}", "make training")
    return Finding("ok", f"torch {_last_line(output)}")


def check_optional() -> Finding:
    """Packages that only parts of the package need."""
    wanted = {
        "pin": "kinematics tests",
        "rosbags": "recording",
        "mcap": "recording",
        "pyarrow": "gpc export",
        "motioncapture": "motion capture on a robot: make hardware",
    }
    missing = [f"{name} ({use})" for name, use in wanted.items() if not _installed(name)]
    if missing:
        return Finding("warn", "missing: " + ", ".join(missing), "pip install them by these names")
    return Finding("ok", ", ".join(wanted))


def check_realtime() -> Finding:
    """The bridge may ask for real-time priority; without it, late cycles under load."""
    try:
        previous = os.sched_getscheduler(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, previous, os.sched_param(0))
    except OSError:  # no permission, or a kernel without it
        return Finding(
            "warn",
            "no permission for real-time priority",
            "the 500 Hz loop is a few milliseconds late at times; to allow it, put the line "
            f"'{_user()} - rtprio 50' into /etc/security/limits.d/gpc.conf and log in "
            "again (ulimit -r then says 50; in a container: docker run --ulimit rtprio=50 "
            "--cap-add SYS_NICE)",
        )
    share = _real_time_share()
    if share < 1.0:
        return Finding("ok", f"may use real-time priority, {100 * share:.0f} % of a core at most")
    return Finding("ok", "may use real-time priority")


def _real_time_share() -> float:
    """Return how much of a core the kernel leaves to real-time threads before it stops them."""
    try:
        runtime, period = (
            int(Path(f"/proc/sys/kernel/sched_rt_{name}_us").read_text())
            for name in ("runtime", "period")
        )
    except (OSError, ValueError):
        return 1.0
    return 1.0 if runtime < 0 else runtime / period


def check_sdk() -> Finding:
    """Unitree's SDK loads, over the version of Cyclone DDS that runs in the robot."""
    if importlib.util.find_spec("unitree_sdk2py") is None:
        old = " (with Python 3.11 or 3.12)" if sys.version_info >= (3, 13) else ""
        return Finding("warn", "not installed", f"only a real Go2 needs it: make hardware{old}")
    code, output = _python("from gpc_ros.unitree.dds import load; print(load())")
    if code:
        return Finding("warn", f"the SDK does not load: {_last_line(output)}", "make hardware")
    version = _last_line(output)
    if version != ROBOT_DDS:
        return Finding(
            "warn",
            f"unitree_sdk2py over Cyclone DDS {version}",
            f"the robot runs {ROBOT_DDS}, and another version can end its processes: make hardware",
        )
    return Finding("ok", f"unitree_sdk2py over Cyclone DDS {version}")


def check_domains() -> Finding:
    """ROS is not on the domain that a robot uses by default."""
    from gpc_ros.unitree.domains import ros_domain

    try:
        domain = ros_domain()
    except GpcError as error:
        return Finding("fail", str(error))
    if domain == 0:
        return Finding(
            "warn",
            "ROS_DOMAIN_ID is 0, as the domain of a Go2",
            "before a robot is near: export ROS_DOMAIN_ID=1",
        )
    return Finding("ok", f"ROS_DOMAIN_ID is {domain}, not that of a Go2")


def check_network() -> Finding:
    """Who can reach the graphs."""
    from gpc_ros.graph.reach import reach

    found = reach()
    text = f"gpc sim: {found.simulation}; gpc hardware: {found.hardware}"
    if found.is_open:
        return Finding("warn", text, "all of them may command a robot: docs/security.md, networks")
    return Finding("ok", text)


def check_parent_death() -> Finding:
    """The kernel can end the nodes when the launcher is killed."""
    if sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "prctl"):
        return Finding("warn", "not Linux", "a killed launcher would leave nodes running")
    return Finding("ok", platform.platform(terse=True))


def check_variables() -> Finding:
    """Check variables and home folder, and set a log folder where there is none."""
    try:
        check_environment(ros=True)
    except GpcError as error:
        return Finding("fail", str(error))
    return Finding("ok", "MUJOCO_GL, ROS_DOMAIN_ID and the log folder can be used")


CHECKS: dict[str, Callable[[], Finding]] = {
    "python": check_python,
    "environment": check_variables,
    "system": check_parent_death,
    "cores": check_cores,
    "compiler": check_compiler,
    "ROS": check_ros,
    "gpc_msgs": check_messages,
    "DDS": check_dds,
    "mujoco": check_mujoco,
    "graphics": check_graphics,
    "video": check_video,
    "browser": check_browser,
    "other packages": check_optional,
    "real time": check_realtime,
    "training": check_training,
    "hardware SDK": check_sdk,
    "domain": check_domains,
    "network": check_network,
}
