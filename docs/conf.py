"""How Sphinx builds the documentation; ``nox -s docs`` runs it."""

from __future__ import annotations

import re
from typing import Any

from docutils.nodes import Element
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import qcos_core

project = "QCOS"
author = "The QCOS contributors"
release = qcos_core.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = [
    "changelog.d",
    "decisions/README.md",  # decisions/index.md includes it
]

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 110
toc_object_entries_show_parents = "hide"

# No inventories are fetched, so names of other projects lead nowhere; ours must lead somewhere.
nitpick_ignore_regex = [
    ("py:class", r"(collections\.abc|contextlib|np|npt|pathlib)\..+"),
    ("py:class", r"(BitArray|Figure|Path|PathLike|QuantumCircuit|SpanExporter)"),
]

highlight_options = {"python": {"stripnl": True}}  # doctests end on an empty line

html_theme = "furo"
html_title = f"QCOS {release}"
html_show_copyright = False
html_copy_source = False


def look_everywhere(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: Element
) -> Element | None:
    """Find what a docstring or an annotation calls by its last name alone."""
    node["refspecific"] = True
    return env.domains.python_domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], node["reftarget"], node, contnode
    )


def move_types(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Write types under ``Attributes:`` as autodoc writes others: short, beside the name.

    Attributes are left out of the page's own contents, which would be too long with them.
    """
    written: list[str] = []
    below_name = 0
    for line in lines:
        if line.startswith("   :type: "):
            written.insert(below_name, re.sub(r"(?<![\w.])(?=\w+\.)", "~", line))
            continue
        written.append(line)
        if line.startswith(".. attribute:: "):
            below_name = len(written)
            written.append("   :no-contents-entry:")
    lines[:] = written


def mend_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str]:
    """Leave out what an error inherits, and write a default that is made anew as ``...``."""
    if what == "exception" and "__init__" not in vars(obj):
        return "", returns
    return signature and signature.replace("<factory>", "..."), returns


def setup(app: Sphinx) -> None:
    """Connect the functions above; Sphinx calls this."""
    app.connect("missing-reference", look_everywhere)
    app.connect("autodoc-process-docstring", move_types, priority=600)  # after Napoleon
    app.connect("autodoc-process-signature", mend_signature)
