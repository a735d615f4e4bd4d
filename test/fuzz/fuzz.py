"""Fuzz every kind of input: ``make fuzz``. Seeded, resumable, with limits of time and memory.

Every case is made from a seed, the name of its target and a running number, so that it can be made
again. A failing input is minimised and kept in test/fuzz/cases, where the tests replay it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / "support")]

CASES = _HERE / "cases"
_SECONDS = 60
_MEMORY = 6_000_000_000  # of address space; the libraries alone map more than two
_BATCH = 20


class OutOfTimeError(BaseException):
    """A case took too long; no handler of the code under test may swallow it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in this thread after some seconds."""

    def stop(*_: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def run_case(name: str, data: bytes) -> str:
    """Run one input; return the defect, or an empty text."""
    from targets import TARGETS

    folder = Path(tempfile.mkdtemp(prefix="gpc_fuzz_"))
    try:
        with time_limit(_SECONDS):
            TARGETS[name].run(data, folder)
    except OutOfTimeError:
        return f"not finished after {_SECONDS} s"
    except Exception:
        return traceback.format_exc(limit=-4)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ""


def make_case(name: str, example: bytes, seed: int, number: int) -> bytes:
    """Return the input of a number; the first one is the valid example."""
    from targets import TARGETS

    if number == 0:
        return example
    rng = random.Random(f"{seed} {name} {number}")
    return rng.choice(TARGETS[name].mutations)(example, rng)


def _batch(name: str, seed: int, first: int, current: Path, found: Path) -> None:
    """Run some cases in a process of its own; the current one is in a file in case of a crash."""
    from mutation import minimise
    from targets import TARGETS

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with tempfile.TemporaryDirectory() as scratch:
        example = TARGETS[name].example(Path(scratch))
    for number in range(first, first + _BATCH):
        data = make_case(name, example, seed, number)
        current.write_bytes(data)
        defect = run_case(name, data)
        if defect:
            with contextlib.suppress(OutOfTimeError), time_limit(2 * _SECONDS):
                data = minimise(data, lambda d: bool(run_case_quick(name, d)), 60)
            found.write_text(json.dumps({"number": number, "defect": defect, "data": data.hex()}))
            return


def run_case_quick(name: str, data: bytes) -> str:
    """Run one input without a time limit of its own."""
    from targets import TARGETS

    folder = Path(tempfile.mkdtemp(prefix="gpc_fuzz_"))
    try:
        TARGETS[name].run(data, folder)
    except Exception as error:
        return repr(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ""


def fuzz_batch(name: str, seed: int, first: int) -> str:
    """Run a batch of cases in a child process and keep a failing input; return the defect."""
    with tempfile.TemporaryDirectory() as scratch:
        current, found = Path(scratch) / "current", Path(scratch) / "found"
        process = multiprocessing.get_context("fork").Process(
            target=_batch, args=(name, seed, first, current, found)
        )
        process.start()
        process.join(_BATCH * _SECONDS + 4 * _SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        if found.exists():
            finding = json.loads(found.read_text())
            return _keep(name, bytes.fromhex(finding["data"]), finding["defect"])
        if process.exitcode != 0:
            data = current.read_bytes() if current.exists() else b""
            return _keep(name, data, f"the process ended with code {process.exitcode}")
    return ""


def _keep(name: str, data: bytes, defect: str) -> str:
    CASES.mkdir(exist_ok=True)
    path = CASES / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return f"{path.name}: {defect}"


def _replay() -> int:
    """Run every kept case again and return 1 if one fails."""
    failed = 0
    for path in sorted(CASES.glob("*-*")):
        defect = run_case(path.name.rpartition("-")[0], path.read_bytes())
        if defect:
            failed += 1
            print(f"{path.name}: {defect}")
    print(f"{failed} kept cases fail")
    return 1 if failed else 0


def main() -> int:
    """Fuzz all targets in turn until the time is over."""
    from targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--batches", type=int, help="batches of every target, in place of a time")
    parser.add_argument("--seed", type=int, default=0, help="of the cases (default: 0)")
    parser.add_argument("--targets", default=",".join(TARGETS), help="names, separated by commas")
    parser.add_argument("--state", type=Path, default=Path(".fuzz.json"), help="where it goes on")
    parser.add_argument("--replay", action="store_true", help="only run the kept cases again")
    args = parser.parse_args()
    if args.replay:
        return _replay()
    state: dict[str, int] = {}
    if args.batches is None and args.state.exists():
        state = json.loads(args.state.read_text())
    end = time.monotonic() + 60.0 * args.minutes
    names = args.targets.split(",")
    findings: list[str] = []
    rounds = 0
    while (rounds < args.batches) if args.batches is not None else (time.monotonic() < end):
        for name in names:
            key = f"{args.seed} {name}"
            defect = fuzz_batch(name, args.seed, state.get(key, 0))
            state[key] = state.get(key, 0) + _BATCH
            if defect:
                findings.append(defect)
                print(defect, flush=True)
            if args.batches is None:
                args.state.write_text(json.dumps(state))
        rounds += 1
    print(f"{rounds} rounds of {len(names)} targets, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
