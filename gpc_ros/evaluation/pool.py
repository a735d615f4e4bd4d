"""Run one job per seed on all cores, in processes that leave Ctrl-C to their parent."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

R = TypeVar("R")

# prctl option (linux/prctl.h): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


def run_jobs(job: Callable[[int], R], seeds: Sequence[int], processes: int) -> Iterator[R]:
    """Yield the results of a job for every seed in the order of completion.

    Args:
        job: called with a seed in another process; a module-level function or a partial of it.
        seeds: one job is run for each.
        processes: number of parallel jobs.
    """
    if not seeds:
        return
    with _workers(min(processes, len(seeds))) as pool:
        # Submit a few at a time: queued jobs could not be cancelled on Ctrl-C.
        queue = iter(seeds)
        running: set[Future[R]] = set()
        while True:
            while len(running) < processes + 1 and (seed := next(queue, None)) is not None:
                running.add(pool.submit(job, seed))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _become_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end when the parent ends for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before prctl took effect
        os._exit(1)


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool whose workers leave Ctrl-C to the parent and end with it."""
    # Spawned, not forked: a fork of a process with simulation threads can hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        count, mp_context=context, initializer=_become_worker,
        initargs=(os.getpid(),),
    )  # fmt: skip
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
