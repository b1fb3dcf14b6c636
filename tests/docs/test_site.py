"""What ``nox -s docs`` cannot see: names that no page shows, and links from outside the site."""

import re
from pathlib import Path

import qcos_core

ROOT = Path(__file__).parents[2]
DIRECTIVE = re.compile(r"^\.\. (?:auto\w+|py:\w+):: (?:qcos_core\.)?(\w+)(?:\(\))?$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def test_every_public_name_stands_in_the_reference():
    pages = [path.read_text() for path in ROOT.glob("docs/reference/api/*.md")]
    shown = {name for page in pages for name in DIRECTIVE.findall(page)}
    assert set(qcos_core.__all__) - shown == set()


def test_links_of_the_readme_lead_somewhere():
    links = LINK.findall((ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
