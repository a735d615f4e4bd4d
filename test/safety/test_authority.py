"""Authority over the topics of an armed robot, and replacement of nodes."""

from __future__ import annotations

import pytest

from gpc_ros.safety.authority import CommandAuthority

PLANNER, INTRUDER, RESTARTED = b"planner", b"intruder", b"restarted"


def armed(**present: str) -> CommandAuthority:
    """Return the authority over plans of a robot that was armed with some publishers."""
    made = CommandAuthority({"plan": "/planner"})
    made.observe("plan", {name.encode(): node for name, node in present.items()}, 0.0)
    made.fix()
    return made


def test_the_publisher_at_arming_keeps_the_topic() -> None:
    a = armed(planner="/planner")
    assert a.admit("plan", PLANNER, 1.0) == ""
    a.observe("plan", {PLANNER: "/planner", INTRUDER: "/intruder"}, 2.0)
    assert a.admit("plan", PLANNER, 2.1) == ""
    assert a.admit("plan", INTRUDER, 2.1) == (
        "from /intruder; plan belongs to /planner since arming"
    )
    assert a.complaints() == ["/intruder publishes plan; plan belongs to /planner since arming"]
    assert a.holders() == {"authority of plan": "/planner"}


def test_a_message_that_outruns_the_graph_is_rejected() -> None:
    reason = armed(planner="/planner").admit("plan", INTRUDER, 1.0)
    assert "not in the graph yet" in reason


def test_error_ends_when_the_intruder_leaves() -> None:
    a = armed(planner="/planner")
    a.observe("plan", {PLANNER: "/planner", INTRUDER: "/intruder"}, 2.0)
    a.observe("plan", {PLANNER: "/planner"}, 3.0)
    assert a.complaints() == []


def test_two_publishers_prevent_arming_and_both_are_rejected() -> None:
    a = CommandAuthority({"plan": "/planner"})
    a.observe("plan", {PLANNER: "/planner", INTRUDER: "/intruder"}, 0.0)
    assert a.complaints() == ["/intruder and /planner publish plan; stop all but one"]
    assert a.admit("plan", PLANNER, 1.0) and a.admit("plan", INTRUDER, 1.0)


def test_restarted_node_replaces_its_predecessor() -> None:
    a = armed(planner="/planner")
    a.admit("plan", PLANNER, 1.0)  # its last message before it is killed
    a.observe("plan", {PLANNER: "/planner", RESTARTED: "/planner"}, 3.0)
    assert a.admit("plan", RESTARTED, 3.1)  # the middleware still shows the dead one
    a.observe("plan", {RESTARTED: "/planner"}, 5.0)
    assert a.admit("plan", RESTARTED, 5.1) == ""
    assert a.complaints() == []


def test_node_of_another_name_is_no_replacement() -> None:
    a = armed(planner="/planner")
    a.observe("plan", {INTRUDER: "/intruder"}, 2.0)
    assert a.admit("plan", INTRUDER, 2.1)
    assert a.complaints()


@pytest.mark.parametrize("silent_but_present", [False, True])
def test_namesake_of_a_living_node_never_replaces_it(silent_but_present: bool) -> None:
    a = armed(planner="/planner")
    both = {PLANNER: "/planner", INTRUDER: "/planner"}
    a.observe("plan", both, 2.0)
    if not silent_but_present:
        a.admit("plan", PLANNER, 2.8)
    a.observe("plan", both, 40.0 if silent_but_present else 3.0)
    a.observe("plan", {INTRUDER: "/planner"}, 50.0)
    assert a.admit("plan", INTRUDER, 50.1)
    assert a.complaints()


def test_only_the_successor_takes_an_unpublished_topic() -> None:
    a = armed()
    a.observe("plan", {INTRUDER: "/intruder"}, 1.0)
    assert a.complaints() == [
        "/intruder publishes plan; nobody published plan when the robot was armed"
    ]
    a.observe("plan", {PLANNER: "/planner"}, 2.0)
    assert a.admit("plan", PLANNER, 2.1) == ""


def test_two_namesakes_for_a_free_topic_get_neither() -> None:
    a = armed()
    a.observe("plan", {PLANNER: "/planner", INTRUDER: "/planner"}, 1.0)
    assert a.admit("plan", PLANNER, 1.1) and a.admit("plan", INTRUDER, 1.1)


def test_each_arming_assigns_the_authority_anew() -> None:
    a = armed(planner="/planner")
    a.observe("plan", {INTRUDER: "/other"}, 1.0)
    a.release()
    assert a.complaints() == []
    a.fix()
    assert a.admit("plan", INTRUDER, 2.0) == ""


def test_shared_topic_admits_all_publishers_at_arming() -> None:
    a = CommandAuthority({"goal_pose": ""}, shared=("goal_pose",))
    a.observe("goal_pose", {b"rviz": "/rviz", b"panel": "/panel"}, 0.0)
    assert a.complaints() == [] and a.admit("goal_pose", b"rviz", 0.1) == ""
    a.fix()
    assert a.admit("goal_pose", b"panel", 1.0) == ""
    a.observe("goal_pose", {b"rviz": "/rviz", b"panel": "/panel", INTRUDER: "/x"}, 2.0)
    assert "belongs to /panel, /rviz" in a.admit("goal_pose", INTRUDER, 2.1)


def test_without_gids_in_messages_a_second_publisher_silences_the_topic() -> None:
    a = CommandAuthority({"plan": "/planner"}, by_message=False)
    a.observe("plan", {PLANNER: "/planner"}, 0.0)
    a.fix()
    assert a.admit("plan", b"anything", 1.0) == ""
    a.observe("plan", {PLANNER: "/planner", INTRUDER: "/x"}, 2.0)
    assert "belongs to /planner" in a.admit("plan", b"anything", 2.1)
