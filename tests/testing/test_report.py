"""The page that an author can publish."""

from html.parser import HTMLParser

import pytest

SOURCE = """
from qcos_core import NodeProviderRegistry
from qcos_core.providers.local_numpy import LocalNumpyProvider
from qcos_core.testing import Profile, ProviderTests

class Acme(LocalNumpyProvider):
    DISPLAY_NAME = "<script>alert(1)</script>"

    def build_nodes(self, n_nodes=1, token=""):
        if n_nodes < 1:
            raise TypeError(f"<b>{token}</b>")
        return super().build_nodes(n_nodes)

NodeProviderRegistry.register("acme", Acme)
TOKEN = "very-secret-token"

class TestAcme(ProviderTests):
    profile = Profile(
        key="acme", kwargs={"token": TOKEN}, bad_kwargs=[{"n_nodes": 0, "token": TOKEN}]
    )

    def test_of_its_own(self):
        pass

class TestNumpy(ProviderTests):
    profile = Profile(key="local_numpy", kwargs={"n_nodes": 2})
"""


class Page(HTMLParser):
    """Every element, its attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of one run for all tests here."""
    return tmp_path_factory.mktemp("report")


@pytest.fixture
def page(author, written):
    path = written / "report.html"
    if not path.exists():
        printed = author(SOURCE, "--qcos-report", str(path), code=1)
        assert f"QCOS conformance report: {path}" in printed
    return Page(path.read_text(encoding="utf-8"))


def test_it_says_what_was_tested_and_with_what(page):
    from importlib.metadata import version

    for text in (
        "local_numpy",
        f"qcos-core {version('qcos-core')}",
        f"qiskit {version('qiskit')}",
        "CPython 3.",
        "Local numpy (reference)",
        "registered at run time",
    ):
        assert text in page.text


def test_it_says_what_came_out(page):
    assert "Does not conform: 4 of 40 checks failed" in page.text
    assert "Conforms: 35 checks passed, 4 skipped" in page.text
    assert "not claimed: mid_circuit" in page.text
    assert "raise InvalidArguments, or another ValueError" in page.text
    assert "test_of_its_own" in page.text


def test_names_are_text_and_nothing_is_loaded(page):
    assert "<script>alert(1)</script>" in page.text
    assert page.tags & {"script", "link", "img", "iframe", "b"} == set()
    names = {name for name, _ in page.attributes}
    assert names <= {"lang", "charset", "name", "content", "class"}


def test_secrets_are_masked(page):
    assert "very-secret-token" not in page.text
    assert "<b>***</b>" in page.text


def test_a_part_of_the_checks_is_no_conformance(author, tmp_path):
    author(SOURCE, "--qcos-report", "part.html", "-k", "TestNumpy and shots")
    text = tmp_path.joinpath("part.html").read_text()
    assert "Incomplete: 38 checks were not run" in text
    assert "Conforms" not in text


def test_without_providers_there_is_no_report(author, tmp_path):
    printed = author("def test_x(): pass\n", "--qcos-report", "none.html")
    assert "not written, because no provider was tested" in printed
    assert not tmp_path.joinpath("none.html").exists()
