"""Installed plugins: real distributions, in interpreters of their own."""

import pytest

WORKING = """
from qcos_core import NodeProvider, NodeType, QPUNodeSpec

class {name}(NodeProvider):
    DISPLAY_NAME = "{name} display"

    def build_nodes(self, **kwargs):
        return [QPUNodeSpec("{name}-0", NodeType.OTHER, 5)]
"""
NO_DISPLAY_NAME = WORKING.replace('DISPLAY_NAME = "{name} display"', "")
OTHER_SEAM = WORKING.replace("    DISPLAY_NAME", "    SEAM = 2\n    DISPLAY_NAME")
ABSTRACT = """
from qcos_core import NodeProvider

class Abstract(NodeProvider):
    DISPLAY_NAME = "Abstract"
"""

LIST = """
import json
from qcos_core import NodeProviderRegistry as R
print(json.dumps([R.list(), [str(b) for b in R.broken()]]))
"""
GET = """
import json
from qcos_core import NodeProviderRegistry as R, ProviderLoadError
try:
    R.get({key!r})
except ProviderLoadError as error:
    print(json.dumps(str(error)))
"""


def working(name):
    return WORKING.format(name=name)


def test_installed_provider_is_found_listed_and_built(site):
    site.add("acme-qcos", modules={"acme": working("Acme")}, providers={"acme": "acme:Acme"})
    found = site.run("""
import json
from qcos_core import NodeProviderRegistry as R
provider, nodes = R.instantiate("acme")
print(json.dumps([type(provider).__name__, nodes[0].node_id, R.list()["acme"], R.origin("acme")]))
""")
    assert found == ["Acme", "Acme-0", "Acme display", "acme-qcos 1.0"]


BROKEN = {
    "import_error": ("import no_such_module\n", "ModuleNotFoundError: No module named"),
    "exits": ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    "syntax": ("def f(:\n", "SyntaxError: "),
    "raises": ("raise RuntimeError('two\\nlines')\n", "RuntimeError: two lines"),
    "silent": ("raise ValueError\n", "ValueError"),
    "no_attribute": ("", "AttributeError: module 'no_attribute' has no attribute 'P'"),
    "not_a_class": ("P = 5\n", "5 is not a subclass of qcos_core.NodeProvider"),
    "stranger": ("class P: pass\n", "is not a subclass of qcos_core.NodeProvider"),
    "abstract": (ABSTRACT.replace("Abstract", "P"), "P does not define build_nodes"),
    "nameless": (NO_DISPLAY_NAME.format(name="P"), "P has no DISPLAY_NAME"),
    "seam": (OTHER_SEAM.format(name="P"), "it was written for version 2 of the provider interface"),
}


@pytest.fixture
def site_with_broken_ones(site):
    for key, (source, _) in BROKEN.items():
        site.add(f"bad-{key}", modules={key: source}, providers={key: f"{key}:P"}, version="0.3")
    site.add("acme-qcos", modules={"acme": working("Acme")}, providers={"acme": "acme:Acme"})
    return site


def test_broken_plugins_are_one_line_each_and_the_others_work(site_with_broken_ones):
    names, broken = site_with_broken_ones.run(LIST)
    assert names["acme"] == "Acme display"
    assert names["local_numpy"] == "Local numpy (reference)"
    assert not names.keys() & BROKEN.keys()
    assert len(broken) == len(BROKEN)
    for line, key in zip(broken, sorted(BROKEN), strict=True):
        assert line.startswith(f"{key} (bad-{key} 0.3): ")
        assert BROKEN[key][1] in line
        assert "\n" not in line


def test_using_a_broken_plugin_says_why_and_where_there_is_more(site_with_broken_ones):
    message = site_with_broken_ones.run(GET.format(key="exits"))
    assert message == (
        "the provider 'exits' of bad-exits 0.3 cannot be used: SystemExit: 3. "
        "Run `qcos doctor` for the traceback."
    )


def test_broken_plugin_keeps_its_traceback(site_with_broken_ones):
    details = site_with_broken_ones.run("""
import json
from qcos_core import NodeProviderRegistry as R
print(json.dumps({b.key: b.details for b in R.broken()}))
""")
    assert "raise RuntimeError" in details["raises"]
    assert details["raises"].startswith("Traceback")
    assert details["nameless"] == ""


def test_names_alone_import_nothing(site_with_broken_ones):
    keys, loaded = site_with_broken_ones.run("""
import json, sys
from qcos_core import NodeProviderRegistry as R
from qcos_core import ClusterBuilder
keys = R.keys()
for key in keys:
    R.require(key)
    R.origin(key)
    ClusterBuilder().add(key)
print(json.dumps([keys, sorted(sys.modules)]))
""")
    assert keys == sorted(keys)
    assert {"acme", "local_numpy", *BROKEN} <= set(keys)
    assert not {"acme", "qiskit", "numpy", "raises", "qcos_core.providers.local_numpy"} & set(
        loaded
    )


def test_plugin_is_loaded_once(site):
    source = "print('loaded')\n" + working("Acme")
    site.add("acme-qcos", modules={"acme": source}, providers={"acme": "acme:Acme"})
    printed = site.run("""
import contextlib, io, json
from qcos_core import NodeProviderRegistry as R
out = io.StringIO()
with contextlib.redirect_stdout(out):
    R.list(); R.get("acme"); R.broken()
print(json.dumps(out.getvalue()))
""")
    assert printed == "loaded\n"


def test_broken_plugin_is_tried_once(site):
    source = "print('loaded')\nraise RuntimeError\n"
    site.add("acme-qcos", modules={"acme": source}, providers={"acme": "acme:Acme"})
    printed = site.run("""
import contextlib, io, json
from qcos_core import NodeProviderRegistry as R
out = io.StringIO()
with contextlib.redirect_stdout(out):
    R.broken(); R.broken()
print(json.dumps(out.getvalue()))
""")
    assert printed == "loaded\n"


def test_two_distributions_that_claim_one_key_are_both_named(site):
    for name in ("acme-one", "acme-two"):
        module = name.replace("-", "_")
        site.add(name, modules={module: working("Acme")}, providers={"acme": f"{module}:Acme"})
    names, broken = site.run(LIST)
    assert "acme" not in names
    (line,) = broken
    assert line == (
        "acme (acme-one 1.0 and acme-two 1.0): the key is claimed by acme-one 1.0 and "
        "acme-two 1.0: uninstall one of them"
    )
    assert site.run(GET.format(key="acme")) == (
        "the provider 'acme' of acme-one 1.0 and acme-two 1.0 cannot be used: the key is claimed "
        "by acme-one 1.0 and acme-two 1.0: uninstall one of them."
    )


def test_core_s_own_key_has_no_privilege(site):
    site.add("acme", modules={"acme": working("Acme")}, providers={"local_numpy": "acme:Acme"})
    names, (line,) = site.run(LIST)
    assert "local_numpy" not in names
    assert "acme 1.0" in line
    assert "qcos-core" in line


def test_run_time_class_does_not_silently_take_an_installed_key(site):
    site.add("acme-qcos", modules={"acme": working("Acme")}, providers={"acme": "acme:Acme"})
    refused, taken, back = site.run(
        working("Mine")
        + """
import json
from qcos_core import InvalidArguments, NodeProviderRegistry as R
try:
    R.register("acme", Mine)
except InvalidArguments as error:
    refused = str(error)
R.register("acme", Mine, replace=True)
taken = R.list()["acme"], R.origin("acme")
R.unregister("acme")
print(json.dumps([refused, taken, R.list()["acme"]]))
"""
    )
    assert refused == (
        "the key 'acme' belongs to acme-qcos 1.0 (acme:Acme) already. "
        "Choose another key, or pass replace=True to take it over."
    )
    assert taken == ["Mine display", "registered at run time"]
    assert back == "Acme display"


def test_installed_class_may_be_registered_under_its_own_key(site):
    site.add("acme-qcos", modules={"acme": working("Acme")}, providers={"acme": "acme:Acme"})
    assert site.run("""
from qcos_core import NodeProviderRegistry as R
import acme
R.register("acme", acme.Acme)
print("true")
""")


def test_run_time_class_stands_in_for_a_broken_plugin(site):
    site.add("acme-qcos", modules={"acme": "import no_such"}, providers={"acme": "acme:Acme"})
    names, broken = site.run(
        working("Mine")
        + "from qcos_core import NodeProviderRegistry as R\n"
        + 'R.register("acme", Mine, replace=True)\n'
        + LIST
    )
    assert names["acme"] == "Mine display"
    assert broken == []


def test_entry_point_inside_a_class_and_with_an_extra(site):
    source = working("Acme") + "\nclass Outer:\n    Inner = Acme\n"
    entries = {"acme_inner": "acme:Outer.Inner", "acme_extra": "acme:Acme [gpu]"}
    site.add("acme-qcos", modules={"acme": source}, providers=entries)
    names, broken = site.run(LIST)
    assert broken == []
    assert names["acme_inner"] == names["acme_extra"] == "Acme display"


@pytest.mark.parametrize("value", ["", ":Acme", "no such module!", "acme", "acme:", "acme:1"])
def test_entry_point_that_names_no_class_is_one_broken_plugin(site, value):
    site.add("acme-qcos", modules={"acme": working("Acme")}, providers={"bad": value})
    names, (line,) = site.run(LIST)
    assert line.startswith("bad (acme-qcos 1.0): ")
    assert "local_numpy" in names


@pytest.mark.parametrize(
    "name, content",
    [
        ("entry_points.txt", b"no section and no equals sign"),
        ("entry_points.txt", b"[qcos.providers]\nother\n"),
        ("entry_points.txt", b"[qcos.providers]\nother = \xff\xfe\n"),
        ("METADATA", b""),
        ("METADATA", b"\xff\xfe"),
        ("METADATA", None),
    ],
)
def test_one_damaged_distribution_does_not_hide_the_others(site, name, content):
    site.add("acme-qcos", modules={"acme": working("Acme")}, providers={"acme": "acme:Acme"})
    path = site.add("damaged", providers={"other": "acme:Acme"}) / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    names, broken = site.run(LIST)
    assert names["acme"] == "Acme display"
    assert "local_numpy" in names
    assert broken == []


def test_damaged_distribution_is_logged_by_name(site):
    info = site.add("damaged", providers={"other": "acme:Acme"})
    info.joinpath("entry_points.txt").write_text("[any.group]\nnonsense")
    messages = site.run("""
import json, logging
records = []
handler = logging.Handler()
handler.emit = lambda record: records.append(record.getMessage())
logging.getLogger("qcos_core").addHandler(handler)
from qcos_core import NodeProviderRegistry as R
R.keys()
print(json.dumps(records))
""")
    assert len(messages) == 1
    assert "damaged 1.0" in messages[0]


def test_listing_logs_what_is_broken(site_with_broken_ones):
    messages = site_with_broken_ones.run("""
import json, logging
records = []
handler = logging.Handler()
handler.emit = lambda record: records.append((record.levelname, record.getMessage()))
logging.getLogger("qcos_core").addHandler(handler)
from qcos_core import NodeProviderRegistry as R
R.list()
print(json.dumps(records))
""")
    assert len(messages) == len(BROKEN)
    assert {level for level, _ in messages} == {"WARNING"}


HOOKS = """
from qcos_core import Execution, hookimpl

class Fallback:
    @hookimpl
    def execute(self, circuit, shots):
        return Execution({"0" * circuit.num_clbits: shots}, "acme fallback", simulated=True)
"""
RUN = """
import json, logging
records = []
handler = logging.Handler()
handler.emit = lambda record: records.append(record.getMessage())
logging.getLogger("qcos_core").addHandler(handler)
from qcos_core import DistributedQVM, NodeProvider, QPUNodeSpec, QPURegistry
from qiskit import QuantumCircuit

class Silent(NodeProvider):
    DISPLAY_NAME = "Silent"
    def build_nodes(self):
        return [QPUNodeSpec("silent", "other", 5)]

registry = QPURegistry()
registry.register(Silent().build_nodes()[0], Silent())
circuit = QuantumCircuit(1, 1)
circuit.x(0)
circuit.measure(0, 0)
result = DistributedQVM(registry).run(circuit, 10)
print(json.dumps([result.shards[0].executor, result.counts, records]))
"""


def test_installed_plugin_takes_what_a_provider_does_not_run(site):
    site.add("acme-hooks", modules={"hooks": HOOKS}, plugins={"zz_acme": "hooks:Fallback"})
    assert site.run(RUN) == ["acme fallback", {"0": 10}, []]


def test_broken_plugins_are_logged_and_left_out(site):
    broken = {
        "p_import": "import no_such_module\n",
        "p_exit": "raise SystemExit(3)\n",
        "p_syntax": "def f(:\n",
        "p_init": "class Fallback:\n    def __init__(self):\n        raise RuntimeError\n",
        "p_first": HOOKS.replace("@hookimpl", "@hookimpl(tryfirst=True)"),
        "p_arguments": HOOKS.replace("circuit, shots", "circuit, shots, no_such_argument"),
    }
    for module, source in broken.items():
        entry = {module: f"{module}:Fallback"}
        site.add(f"bad-{module}", modules={module: source}, plugins=entry)
    executor, counts, messages = site.run(RUN)
    assert executor != "acme fallback"
    assert counts == {"1": 10}
    assert len(messages) == len(broken)
    for key in broken:
        assert any(f"plugin {key} of bad-{key} is broken" in message for message in messages)


def test_keys_are_sorted_whatever_the_folder_s_order(site):
    for name in ("zeta", "alpha"):
        site.add(name, modules={name: working("Acme")}, providers={name: f"{name}:Acme"})
    keys = site.run("""
import json
from qcos_core import NodeProviderRegistry as R
print(json.dumps(R.keys()))
""")
    assert keys.index("alpha") < keys.index("local_numpy") < keys.index("zeta")
