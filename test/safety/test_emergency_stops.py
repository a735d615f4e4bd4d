"""The labels of emergency stops, and their replacement."""

from __future__ import annotations

from gpc_ros.safety.emergency_stops import CROWD, MAX_STOPS, EmergencyStops

NODE = "/emergency_stop"
A, B = b"a" * 16, b"b" * 16


def beat(stops: EmergencyStops, gid: bytes, *times: float) -> str:
    """Let a stop send messages; return its label."""
    return [stops.hear(gid, time) for time in times][-1]


def test_each_publisher_has_a_unique_label() -> None:
    stops = EmergencyStops()
    added, _ = stops.observe({A: NODE, B: NODE}, 0.0)
    assert added[0] == NODE and added[1] != NODE and NODE in added[1]
    assert beat(stops, A, 0.1, 0.2) == added[0]
    assert beat(stops, B, 0.1) == added[1]
    assert stops.observe({A: NODE, B: NODE}, 1.0) == ([], [])


def test_a_stop_that_leaves_stays_known() -> None:
    stops = EmergencyStops()
    stops.observe({A: NODE}, 0.0)
    beat(stops, A, 0.1, 0.2)
    assert stops.observe({}, 5.0) == ([], [])
    assert stops.knows(A) and stops.forget_single_presses() == []


def test_later_stop_of_the_same_name_replaces_an_absent_one() -> None:
    stops = EmergencyStops()
    stops.observe({A: NODE}, 0.0)
    beat(stops, A, 0.1, 0.2)
    # The middleware still lists a killed publisher for a while beside its successor.
    assert stops.observe({A: NODE, B: NODE}, 2.0)[1] == []
    assert stops.observe({B: NODE}, 4.0)[1] == [NODE]
    assert not stops.knows(A)


def test_earlier_stop_is_not_a_replacement() -> None:
    stops = EmergencyStops()
    stops.observe({A: NODE, B: NODE}, 0.0)
    beat(stops, A, 0.1, 0.2)
    beat(stops, B, 0.1, 0.2)
    assert stops.observe({B: NODE}, 5.0)[1] == []


def test_stop_of_another_name_is_not_a_replacement() -> None:
    stops = EmergencyStops()
    stops.observe({A: NODE}, 0.0)
    beat(stops, A, 0.1, 0.2)
    stops.observe({}, 2.0)
    assert stops.observe({B: "/other"}, 3.0)[1] == []


def test_a_reset_drops_a_single_press_whose_publisher_has_left() -> None:
    stops = EmergencyStops()
    label = stops.hear(A, 0.0)
    assert stops.forget_single_presses() == []  # it is still alive
    stops.observe({}, 1.0)
    assert stops.forget_single_presses() == [label]


def test_an_unnamed_publisher_is_a_stop_too() -> None:
    assert EmergencyStops().hear(A, 0.0).startswith("unnamed")


def test_beyond_a_number_of_stops_they_share_a_name() -> None:
    stops = EmergencyStops()
    labels = {stops.hear(bytes([i]) * 16, 0.0) for i in range(2 * MAX_STOPS)}
    assert len(labels) == MAX_STOPS + 1 and CROWD in labels


def test_lost_heartbeat_is_silent_and_single_message_is_not() -> None:
    stops = EmergencyStops()
    stops.observe({A: NODE, B: "/once"}, 0.0)
    beat(stops, A, 0.1, 0.2, 0.3, 0.4)
    beat(stops, B, 0.1)
    assert stops.silent(0.8, 0.5) == {}
    assert list(stops.silent(1.0, 0.5)) == [NODE]
    beat(stops, A, 1.1)
    assert stops.silent(1.2, 0.5) == {}
