"""Run one job per seed on a Ray cluster; jobs of a lost machine run again on another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from gpc_ros.common.errors import ConfigError, InputError

R = TypeVar("R")

# Interval at which the size of the cluster, which may change, is read [s].
_LOOK = 5.0


def run_jobs_on_ray(job: Callable[[int], R], seeds: Sequence[int], address: str) -> Iterator[R]:
    """Yield the result of every seed exactly once, in the order of completion.

    Args:
        job: called with a seed on one core of the cluster; a module-level function or a partial.
        seeds: one job is run for each.
        address: address of the cluster, as for ``ray.init``.

    Raises:
        ConfigError: Ray is not installed.
        InputError: no cluster answers at the address.
    """
    try:
        import ray
    except ImportError:
        raise ConfigError(
            "--ray: Ray is not installed; pip install 'gpc_ros[cluster]', or make training"
        ) from None
    try:
        ray.init(address=address, logging_level=logging.WARNING, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"--ray {address}: no cluster answers ({error})") from None
    try:
        yield from _run(ray, job, seeds)
    finally:
        ray.shutdown()


def _run(ray: Any, job: Callable[[int], R], seeds: Sequence[int]) -> Iterator[R]:
    # Jobs are deterministic, so repeating them without limit is safe.
    remote = ray.remote(num_cpus=1, max_retries=-1)(_call)
    queue = iter(seeds)
    running: dict[Any, int] = {}
    while True:
        # One job more than cores, so that no core is idle.
        most = int(ray.cluster_resources().get("CPU", 1)) + 1
        while len(running) < most and (seed := next(queue, None)) is not None:
            running[remote.remote(job, seed)] = seed
        if not running:
            return
        done, _ = ray.wait(list(running), num_returns=1, timeout=_LOOK)
        for reference in done:
            del running[reference]
            yield ray.get(reference)


def _call(job: Callable[[int], R], seed: int) -> R:
    return job(seed)
