"""Links inside the repository lead to files and headings that exist."""

import re
from pathlib import Path

FENCE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?[^)\n]*\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def links(text: str) -> list[str]:
    prose = CODE.sub("", FENCE.sub("", text))
    return [first or second for first, second in LINK.findall(prose)]


def anchors(text: str) -> set[str]:
    """The anchors that a renderer gives to the headings of a page."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(FENCE.sub("", text))}


def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8"))):
            lost.append(link)
    assert lost == []


def test_links_in_code_are_no_links() -> None:
    assert links("[a](b.md#c) `[d](e.md)`\n```\n[f](g.md)\n```\n[h](<i.md> 'title') <img src=\"j.png\">") == ["b.md#c", "i.md", "j.png"]


def test_anchors_are_those_of_the_headings() -> None:
    assert anchors("# What's `driftline` for?\n```\n# no heading\n```\n## Two words") == {"whats-driftline-for", "two-words"}
