"""Damaged and hostile inputs of every kind end in a sentence, within bounds of time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent

# Those that need no page and no film take a few seconds a batch; continuous integration runs more.
BATCHES = int(os.environ.get("GPC_FUZZ_BATCHES", "1"))


def fuzz(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(HERE / "fuzz.py"), *words],
        capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("target", ["definition,sqlite,metadata,offsets,parameters,command_line"])
def test_a_part_of_the_fuzzing_finds_nothing(target: str) -> None:
    assert "0 findings" in fuzz("--batches", str(BATCHES), "--targets", target)


def test_models_and_bags_too() -> None:
    models = "proposal_card,proposal_weights,walker_card,walker_weights"
    fuzz("--batches", str(BATCHES), "--targets", f"{models},bag,plain_bag")


def test_kept_cases_stay_fixed() -> None:
    fuzz("--replay")


def test_a_case_can_be_made_again_from_its_number() -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}]\nimport fuzz, hashlib\n"
        "cases = [fuzz.make_case('definition', b'float64 x', 7, n) for n in range(40)]\n"
        "print(hashlib.sha256(b'|'.join(cases)).hexdigest(), len(set(cases)))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert int(runs[0].stdout.split()[1]) > 20


def test_a_defect_is_minimised_and_kept(tmp_path: Path) -> None:
    code = f"""
import sys; sys.path[:0] = [{str(HERE)!r}]
from pathlib import Path
import fuzz, targets
def run(data, folder):
    if b"bad" in data: raise KeyError("bad")
targets.TARGETS["made"] = targets.Target(lambda _: b"x" * 500 + b"bad" + b"y" * 500, run)
fuzz.CASES = Path({str(tmp_path)!r})
print(fuzz.fuzz_batch("made", 0, 0))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "KeyError" in done.stdout, done.stderr
    (case,) = tmp_path.iterdir()
    assert case.read_bytes() == b"bad"
