"""Checks of the machine before anything starts: each fault is one sentence with its remedy.

``gpc`` and every node call :func:`check_environment` before they import MuJoCo or ROS, which
answer the same faults with a traceback.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from gpc_ros.common.errors import ConfigError, suggest

# Largest DDS domain: the UDP ports of the next one are beyond 65535.
MAX_DOMAIN = 232
# Free space that a run needs at least [bytes].
RUN_SPACE = 100_000_000
# Values of MUJOCO_GL with the libraries that each loads, and the package that has them.
_BACKENDS: dict[str, tuple[tuple[str, ...], str]] = {
    "egl": (("libEGL.so.1", "libEGL.so"), "libegl1"),
    "osmesa": (("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"), "libosmesa6"),
    "glfw": ((), ""),
}
_SWITCHES = (
    "enable", "enabled", "on", "true", "1", "disable", "disabled", "off", "false", "0", "glx",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_environment(
    ros: bool,
    environment: MutableMapping[str, str] = os.environ,
    words: Sequence[str] = (),
) -> None:
    """Correct the environment where possible, else refuse it with one sentence.

    Args:
        ros: whether this process uses ROS.
        environment: the variables; ``MUJOCO_GL`` and ``ROS_LOG_DIR`` may be changed.
        words: command line of a node, whose namespace is checked.

    Raises:
        ConfigError: one sentence with the remedy.
    """
    check_rendering(environment)
    if not ros:
        return
    ros_domain(environment)
    for word in words:
        if word.startswith("__ns:="):
            check_namespace(word.removeprefix("__ns:="))
    choose_log_folder(environment)


def check_rendering(environment: MutableMapping[str, str] = os.environ) -> None:
    """Put ``MUJOCO_GL`` into lower case and check that its library can be loaded.

    Raises:
        ConfigError: an unknown value, or a missing library.
    """
    given = environment.get("MUJOCO_GL", "")
    backend = given.strip().lower()
    if given:
        environment["MUJOCO_GL"] = backend
    if not backend or backend in _SWITCHES:
        return
    if backend not in _BACKENDS:
        raise ConfigError(
            f"MUJOCO_GL={given} is not a way to draw; {suggest(backend, _BACKENDS)} "
            "(export MUJOCO_GL=egl)"
        )
    libraries, package = _BACKENDS[backend]
    if libraries and not any(_loads(library) for library in libraries):
        raise ConfigError(
            f"MUJOCO_GL={backend} needs {libraries[0]}, which cannot be loaded: "
            f"sudo apt-get install {package}, or export MUJOCO_GL=disable to run without video"
        )


def ros_domain(environment: Mapping[str, str] = os.environ) -> int:
    """Return the DDS domain of ROS, from ``ROS_DOMAIN_ID``; 0 if it is not set.

    Raises:
        ConfigError: the value is not a whole number from 0 to 232.
    """
    text = environment.get("ROS_DOMAIN_ID", "").strip() or "0"
    if not (text.isascii() and text.isdecimal()):
        raise ConfigError(
            f"ROS_DOMAIN_ID={text} is not a number; for example export ROS_DOMAIN_ID=1"
        )
    if len(text) > 9 or int(text) > MAX_DOMAIN:
        raise ConfigError(
            f"ROS_DOMAIN_ID={text} is larger than {MAX_DOMAIN}, the last domain of DDS; "
            "for example export ROS_DOMAIN_ID=1"
        )
    return int(text)


def check_namespace(text: str) -> str:
    """Return a namespace with a leading slash.

    Raises:
        ConfigError: ROS does not accept it; a valid one is named.
    """
    parts = [part for part in text.strip("/").split("/") if part]
    for part in parts:
        if not _NAME.fullmatch(part):
            valid = re.sub(r"[^A-Za-z0-9_]", "_", part)
            valid = valid if _NAME.fullmatch(valid) else f"_{valid}"
            raise ConfigError(
                f"namespace {text}: '{part}' is not a name in ROS: use letters, digits and _, and "
                f"begin with a letter, as in '{valid}'"
            )
    return "/" + "/".join(parts)


def choose_log_folder(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set ``ROS_LOG_DIR`` where the home folder is missing or cannot be written.

    That is common under systemd and cron; rclpy does not start without a log folder.

    Raises:
        ConfigError: the given log folder, or every possible one, cannot be written.
    """
    for name, tail in (("ROS_LOG_DIR", ""), ("ROS_HOME", "log")):
        folder = environment.get(name, "")
        if folder:
            problem = write_problem(Path(folder, tail))
            if problem:
                raise ConfigError(f"{name}={folder}: {problem}; name another folder or unset it")
            return
    home = environment.get("HOME", "")
    if not home or write_problem(Path(home, ".ros", "log")):
        environment["ROS_LOG_DIR"] = str(private_folder("log", "set ROS_LOG_DIR to a folder"))


def private_folder(name: str, remedy: str) -> Path:
    """Return a folder of this user below the system's temporary folder.

    Raises:
        ConfigError: it cannot be made; the text ends with the remedy.
    """
    top = Path(tempfile.gettempdir(), f"gpc_ros-{os.getuid()}")
    try:
        top.mkdir(mode=0o700, exist_ok=True)
        # Another user may have made a folder or a link of this name.
        if top.is_symlink() or top.stat().st_uid != os.getuid():
            top = Path(tempfile.mkdtemp(prefix="gpc_ros-"))
        folder = top / name
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{top}: cannot be made ({error.strerror}); {remedy}") from None
    return folder


def check_output_folder(folder: Path, option: str, space: int = RUN_SPACE) -> None:
    """Check that a folder can be written and that its disk has space.

    Args:
        folder: may not exist yet.
        option: how the user names another one.
        space: free space that is needed [bytes].

    Raises:
        ConfigError: it cannot be written, or the disk is full.
    """
    problem = write_problem(folder)
    if problem:
        raise ConfigError(f"{folder}: {problem}; name another folder, as in {option}/tmp/run")
    free = shutil.disk_usage(_existing(folder)).free
    if free < space:
        raise ConfigError(
            f"{folder}: the disk is nearly full ({free / 1e6:.0f} MB free, {space / 1e6:.0f} MB "
            f"needed); make room or name another folder, as in {option}/data/run"
        )


def write_problem(folder: Path) -> str:
    """Return why nothing can be written into a folder that may not exist yet; empty if it can."""
    try:
        existing = _existing(folder)
        if not existing.is_dir():
            return f"{existing} is not a folder"
    except OSError as error:
        return f"cannot be reached ({error.strerror})"
    try:
        with tempfile.TemporaryFile(dir=existing):
            return ""
    except OSError as error:
        where = "" if existing == folder else f"{existing} "
        return f"{where}cannot be written ({error.strerror})"


def make_output_robust() -> None:
    """Let stdout and stderr replace characters that the locale cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _existing(folder: Path) -> Path:
    """Return a folder or its nearest parent that exists."""
    path = folder.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _loads(library: str) -> bool:
    import ctypes  # only where MUJOCO_GL is set

    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
