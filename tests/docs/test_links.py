"""Nothing in the documentation points into the void."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def _prose(page):
    """Without code: what looks like a link there is none."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def _anchors(page):
    """Anchors of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_and_image_exists(page):
    broken = []
    for target in LINK.findall(_prose(page)):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in _anchors(found)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page):
    named = re.findall(r"\b((?:benchmarks|configs|docs|envs|snnctl|tests)/[\w/]+\.(?:py|md|toml))\b", page.read_text())
    assert not {name for name in named if not (ROOT / name).exists()}


def test_every_picture_is_shown_and_every_page_is_linked():
    shown, linked = set(), set()
    for page in PAGES:
        for target in LINK.findall(_prose(page)):
            if not re.match(r"https?://|mailto:", target):
                linked.add((page.parent / target.partition("#")[0]).resolve())
        shown |= {(page.parent / p).resolve() for p in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text())}
    assert {p.name for p in (ROOT / "docs" / "img").glob("*.png")} == {p.name for p in shown}
    orphans = set((ROOT / "docs").rglob("*.md")) - linked
    assert not orphans


def test_pictures_are_small():
    pictures = [p for p in (ROOT / "docs" / "img").glob("*.png") if p.name != "balancer.png"]  # a photograph of sorts
    heavy = {p.name: p.stat().st_size for p in pictures if p.stat().st_size > 150_000}
    assert not heavy
