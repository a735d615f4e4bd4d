"""Node ``monitor``: sets the goal, shows and judges the episode, leaves video and report.

Its end ends the graph; exit code 0 is success. It decides nothing that the robot does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import rclpy
from gpc_msgs.msg import PlannerStatus, SupervisorState
from gpc_msgs.msg import State as StateMsg
from gpc_msgs.srv import SetGoal
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from gpc_ros.errors import ConfigError
from gpc_ros.graph import parse_assignments, parse_goal
from gpc_ros.nodes import convert, qos
from gpc_ros.nodes.diagnostics import OK, WARN, Diagnostics, Report
from gpc_ros.nodes.episode import Figures, Judge, Verdict, status_line
from gpc_ros.nodes.intake import Intake
from gpc_ros.nodes.parameters import NodeParameters
from gpc_ros.nodes.polling import PolledSubscription
from gpc_ros.nodes.runner import Stop, run
from gpc_ros.nodes.settings import MonitorSettings
from gpc_ros.nodes.timing import Rate
from gpc_ros.tasks import make_task
