"""Every command on a page is accepted by the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gpc_ros.cli.main import parse
from gpc_ros.common.errors import GpcError
from gpc_ros.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])


def commands(page: Path) -> list[str]:
    """Return the lines of code blocks that call gpc."""
    return [
        match[1].split("  #")[0].strip()
        for line in page.read_text(encoding="utf-8").splitlines()
        if (match := re.match(r"^ {4}(?:\.venv/bin/)?(gpc .*)$", line))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_is_accepted(page: Path) -> None:
    for command in commands(page):
        try:
            parse(shlex.split(command)[1:])
        except (GpcError, SystemExit) as error:
            pytest.fail(f"{page.name}: 'gpc' does not take: {command} ({error})")


def test_pages_contain_commands() -> None:
    found = [command for page in PAGES for command in commands(page)]
    assert any("gpc evaluate" in command for command in found)
    assert any("gpc proposal train" in command for command in found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_exists(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target} is not there"


def test_shipped_proposals_match_their_tasks() -> None:
    from gpc_ros.locomotion.registry import make_walker
    from gpc_ros.proposal.card import incompatibility
    from gpc_ros.proposal.flow_model import load_proposal
    from gpc_ros.tasks import make_task

    cards = sorted((ROOT / "models" / "proposals").glob("*.json"))
    assert {card.stem for card in cards} >= set(TASKS)
    for card in cards:
        proposal = load_proposal(card)
        task, walker = make_task(proposal.card.task), make_walker(proposal.card.walker)
        assert incompatibility(proposal.card, task, walker) == ""
        assert card.stem in (task.name, f"{task.name}_gaussian")
        assert proposal.card.reproduce or card.stem.endswith("_gaussian")
