"""The project's Markdown pages: their code, their links, and their headings."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "saved_models/*/*.md")
    for path in ROOT.glob(pattern)
)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block of code and its language."""

    language: str
    text: str


def read(page: Path) -> str:
    """The text of a page, whose path is relative to the root."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: Path, language: str = "") -> list[Block]:
    """The fenced blocks of a page, of all languages or of one."""
    found = [Block(*match.groups()) for match in _FENCE.finditer(read(page))]
    return [block for block in found if language in ("", block.language)]


def prose(page: Path) -> str:
    """The text of a page without its fenced blocks."""
    return _FENCE.sub("", read(page))


def spans(page: Path) -> list[str]:
    """The code within a page's sentences, each on one line."""
    return [" ".join(span.split()) for span in _SPAN.findall(prose(page))]


def links(page: Path) -> list[str]:
    """Where the links and pictures of a page lead."""
    return _LINK.findall(_SPAN.sub("", prose(page)))


def anchors(page: Path) -> set[str]:
    """The names by which links reach the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> list[list[str]]:
    """The commands of a shell's lines, split into words; comments and what is said in their place (`...`) left out."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            found.append([word for word in words if word != "..."])
    return found
