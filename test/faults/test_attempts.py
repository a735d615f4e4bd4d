"""A robot that falls by itself is a mishap: the attempt is repeated and counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from fault_injection.cases import ReactionError, attempt
from fault_injection.kills import wait_for_push
from fault_injection.live_graph import MISHAPS, LiveGraph, MishapError
from fault_injection.observer import SilentError


class Watched:
    """What a graph is to an attempt."""

    def __init__(self) -> None:
        self.mishaps: list[str] = []
        self.reasons: list[tuple[str, ...] | None] = []

    @contextlib.contextmanager
    def watched(self, reasons: tuple[str, ...] | None) -> Iterator[None]:
        self.reasons.append(reasons)
        yield


def falling(times: int) -> Callable[[], str]:
    """Return what succeeds after a number of mishaps."""
    left = iter([MishapError("by itself: the base is tilted")] * times)

    def act() -> str:
        error = next(left, None)
        if error is not None:
            raise error
        return "done"

    return act


def test_after_a_mishap_it_is_begun_again_and_counted() -> None:
    graph = Watched()
    assert attempt(cast(LiveGraph, graph), falling(2)) == "done"
    assert graph.mishaps == ["by itself: the base is tilted"] * 2
    assert graph.reasons == [MISHAPS] * 3


def test_too_many_mishaps_are_told() -> None:
    with pytest.raises(MishapError, match="tilted"):
        attempt(cast(LiveGraph, Watched()), falling(9), attempts=3)


def test_another_reaction_is_no_mishap() -> None:
    def act() -> str:
        raise ReactionError("it walks on")

    graph = Watched()
    with pytest.raises(ReactionError):
        attempt(cast(LiveGraph, graph), act, watched=False)
    assert graph.mishaps == [] and graph.reasons == [None]


@pytest.mark.parametrize("heard", [["ground_truth"], ["walker_state"], []])
def test_a_robot_that_neither_pushes_nor_walks_is_a_mishap(heard: list[str]) -> None:
    def wait(topic: str, *_: object, **__: object) -> None:
        if topic not in heard:
            raise SilentError(topic)

    graph = cast(LiveGraph, SimpleNamespace(observer=SimpleNamespace(wait=wait)))
    if heard:
        assert wait_for_push(graph, 1.0) == (heard == ["ground_truth"])
    else:
        with pytest.raises(MishapError, match="did not walk"):
            wait_for_push(graph, 1.0)
