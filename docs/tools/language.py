"""Count ten patterns of unclear English in every text of the repository; a count may only fall.

``python docs/tools/language.py`` prints the counts by pattern, ``--show`` also every line, and
``--lower`` stores counts that fell in language_counts.json. The counts find candidates; only a
reader can say whether a sentence is clear.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE = Path(__file__).with_name("language_counts.json")
PATTERNS = {
    "what clause": r"(?i:\bwhat (is|was|has|had|it|they|are|were|do|does|did|can|cannot|came)\b)",
    "is no X": r"(?i:\b(is|are|was|were) no [a-z]+)",
    "none as a predicate": r"\b(is|are|was|were) none\b",
    "data that speaks": r"(?i:\b(says?|said|tells?|told)\b)",
    "filter that believes": r"(?i:\b(believ\w+|trust\w*|doubt\w*|forgiv\w+|forg[eo]t\w*)\b)",
    "unnamed thing": r"(?i:\b(those|one|ones) (that|which|who)\b|\bthat which\b|\btheirs\b)",
    "goes on": r"(?i:\b(goes?|going|went) on\b)",
    "process as a person": r"(?i:\b(nobody|somebody|whoever)\b|\bwho (has|have|is|are|does)\b)",
    "stands in": r"(?i:\bstands? (in|beside|there|on)\b)",
    "of one's own": r"(?i:\bof (its|our|their|one's) own\b)",
}
SUFFIXES = {".py", ".md", ".msg", ".srv", ".yaml", ".js", ".html", ".toml", ".xml", ".sh"}
# Histories and measured results keep the words that they were written with.
LEFT_OUT = ("docs/results/", "docs/tools/language", "test/docs/test_language", "models/")


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of every file in version control that people read."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        known = Path(name).suffix in SUFFIXES or Path(name).name in ("Makefile", "run")
        if known and not name.startswith(LEFT_OUT) and (root / name).is_file():
            yield name, (root / name).read_text(encoding="utf-8")


def counts(root: Path) -> dict[str, dict[str, int]]:
    """Return how often each pattern occurs, by file; files without any are left out."""
    found: dict[str, dict[str, int]] = {}
    for name, text in texts(root):
        hits = {title: len(re.findall(p, text)) for title, p in PATTERNS.items()}
        hits = {title: number for title, number in hits.items() if number}
        if hits:
            found[name] = hits
    return found


def stored() -> dict[str, dict[str, int]]:
    """Return the counts that are accepted, by file."""
    found: dict[str, dict[str, int]] = json.loads(STORE.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Print the counts, or store those that fell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--show", action="store_true", help="print every line with a pattern")
    parser.add_argument("--lower", action="store_true", help="store counts that fell")
    parser.add_argument("--root", type=Path, default=ROOT, help="clone to count in")
    args = parser.parse_args()
    found = counts(args.root)
    if args.lower:
        accepted = stored() if STORE.is_file() else found
        lowered = {
            name: {
                title: min(number, accepted.get(name, {}).get(title, 0))
                for title, number in hits.items()
                if accepted.get(name, {}).get(title, 0)
            }
            for name, hits in found.items()
        }
        kept = {name: hits for name, hits in sorted(lowered.items()) if hits}
        STORE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if args.show:
        for name, text in texts(args.root):
            for number, line in enumerate(text.splitlines(), 1):
                for title, pattern in PATTERNS.items():
                    if re.search(pattern, line):
                        print(f"{name}:{number}: [{title}] {line.strip()}")
    for title in PATTERNS:
        print(f"{sum(hits.get(title, 0) for hits in found.values()):5d}  {title}")


if __name__ == "__main__":
    main()
