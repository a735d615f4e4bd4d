"""``gpc security init``: keys for a robot's graph, where ROS supports DDS security."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

from gpc_ros.cli.parser import CommandParser
from gpc_ros.common.errors import ConfigError

# One key for the nodes of the graph, one for people at other machines.
ENCLAVES = ("/gpc", "/gpc/operator")


def configure(parser: CommandParser) -> None:
    """Describe the arguments of ``gpc security init``."""
    parser.description = (
        "Makes a keystore for SROS2 with a key for the graph and one for its operator. The ROS\n"
        "wheels of PyPI have no DDS security; a ROS installation from packages.ros.org has. See\n"
        "docs/security.md."
    )
    parser.add_argument("folder", metavar="FOLDER", help="new folder; keep it off shared disks")


def run(args: argparse.Namespace) -> int:
    """Make the keystore and print the variables that use it."""
    from gpc_ros.graph.reach import has_security

    folder = Path(args.folder).absolute()
    if folder.exists():
        raise ConfigError(f"{folder} exists; name a new folder, so that no key is overwritten")
    if not has_security():
        raise ConfigError(
            "the installed Fast DDS was built without security, as the ROS wheels of PyPI are: use "
            "a ROS installation from packages.ros.org, or the firewall of docs/security.md"
        )
    if shutil.which("ros2") is None:
        raise ConfigError("'ros2 security' is missing; sudo apt-get install ros-$ROS_DISTRO-sros2")
    _ros2("create_keystore", str(folder))
    for enclave in ENCLAVES:
        _ros2("create_enclave", str(folder), enclave)
    folder.chmod(0o700)
    print(variables(folder, ENCLAVES[0]))
    return 0


def variables(folder: Path, enclave: str) -> str:
    """Return the shell commands that make every node of a shell use a key."""
    return "\n".join(
        (
            "# in every shell of the robot's computer; on other machines with /gpc/operator:",
            f"export ROS_SECURITY_KEYSTORE={folder}",
            "export ROS_SECURITY_ENABLE=true",
            "export ROS_SECURITY_STRATEGY=Enforce",
            f"export ROS_SECURITY_ENCLAVE_OVERRIDE={enclave}",
        )
    )


def _ros2(*words: str) -> None:
    """Run one command of SROS2.

    Raises:
        ConfigError: it fails.
    """
    result = subprocess.run(
        ["ros2", "security", *words], capture_output=True, text=True, check=False
    )
    if result.returncode:
        lines = (result.stderr + result.stdout).strip().splitlines() or ["no output"]
        raise ConfigError(f"ros2 security {words[0]}: {lines[-1]}")
