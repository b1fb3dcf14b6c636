import io
import sys

import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.utils import optionals

from qcos_core import InvalidArguments, load_circuits
from qcos_core.circuits.files import parse_circuits

BELL_2 = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
h q[0];
cx q[0],q[1];
measure q -> c;
"""
BELL_3 = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[2] c;
h q[0];
cx q[0], q[1];
c = measure q;
"""

needs_qasm3 = pytest.mark.optional_part("qiskit_qasm3_import")
each_text = pytest.mark.parametrize(
    "text", [BELL_2, pytest.param(BELL_3, marks=needs_qasm3)], ids=["qasm2", "qasm3"]
)


def names(circuit):
    return [item.name for item in circuit.data]


def as_qpy(*circuits):
    buffer = io.BytesIO()
    qpy.dump(list(circuits), buffer)
    return buffer.getvalue()


@each_text
def test_openqasm(text):
    (circuit,) = parse_circuits(text.encode())
    assert names(circuit) == ["h", "cx", "measure", "measure"]


@each_text
@pytest.mark.parametrize("prefix", ["\ufeff", "\n\n  ", "// one\n// two\n\n", "\ufeff// one\n"])
def test_openqasm_after_blanks_comments_and_a_byte_order_mark(text, prefix):
    (circuit,) = parse_circuits((prefix + text).encode())
    assert names(circuit) == ["h", "cx", "measure", "measure"]


@needs_qasm3
def test_openqasm_3_after_long_comments():
    prefix = "/* two\nlines */\n// one\n/* OPENQASM 2.0; */ /* more */"
    assert len(parse_circuits((prefix + BELL_3).encode())) == 1


@each_text
def test_openqasm_with_line_ends_of_windows(text):
    (circuit,) = parse_circuits(text.replace("\n", "\r\n").encode())
    assert circuit.num_clbits == 2


@pytest.mark.parametrize("gate", ["p(0.5) q[0]", "sx q[0]", "rzz(0.5) q[0],q[1]", "csx q[0],q[1]"])
def test_openqasm_2_has_the_gates_that_qiskit_wrote(gate):
    text = BELL_2.replace("h q[0]", gate)
    (circuit,) = parse_circuits(text.encode())
    assert names(circuit)[0] == gate.partition("(")[0].partition(" ")[0]


def test_openqasm_2_defines_gates_of_its_own():
    text = "OPENQASM 2.0; gate flip a { U(pi,0,pi) a; } qreg q[1]; flip q[0];"
    (circuit,) = parse_circuits(text.encode())
    assert names(circuit) == ["flip"]
    assert circuit.data[0].operation.definition is not None


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../../../etc/passwd", "secret.inc"])
def test_openqasm_2_reads_no_other_file(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("secret.inc").write_text("root:x:0:0")
    text = BELL_2.replace("qelib1.inc", path)
    with pytest.raises(InvalidArguments) as caught:
        parse_circuits(text.encode())
    assert path in str(caught.value)
    assert "root:" not in str(caught.value)


@needs_qasm3
def test_openqasm_3_reads_no_other_file():
    text = BELL_3.replace("stdgates.inc", "/etc/passwd")
    with pytest.raises(InvalidArguments) as caught:
        parse_circuits(text.encode())
    assert "root:" not in str(caught.value)


def test_openqasm_3_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "qiskit_qasm3_import", None)
    monkeypatch.setattr(optionals.HAS_QASM3_IMPORT, "_bool", None)
    with pytest.raises(InvalidArguments, match=r"pip install 'qcos-core\[cli\]'"):
        parse_circuits(BELL_3.encode())


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "no circuit"),
        (b"   \n", "no circuit"),
        (b"\xef\xbb\xbf", "no circuit"),
        (b"hello", "no circuit"),
        (b"// OPENQASM 2.0;", "no circuit"),
        (b"\x00\x01\x02", "no circuit"),
        (b"\xff\xfe\x00", "neither OpenQASM .* nor QPY"),
        (b"\x89PNG\r\n", "neither OpenQASM .* nor QPY"),
        (b"OPENQASM 1.0;", "OpenQASM 1; QCOS reads versions 2 and 3"),
        (b"OPENQASM 4;", "OpenQASM 4"),
        (b"OPENQASM 2.0; qreg", "not valid OpenQASM 2"),
        (b"OPENQASM 2.0; h q[0];", "not valid OpenQASM 2"),
        (b"OPENQASM 2.0; \x00", "not valid OpenQASM 2"),
        (b"QISKIT", "not readable as QPY"),
        (b"QISKIT" + b"\xff" * 200, "not readable as QPY"),
    ],
)
def test_junk_is_refused(content, reason):
    with pytest.raises(InvalidArguments, match=f"^circuit.x: {reason}"):
        parse_circuits(content, name="circuit.x")


@needs_qasm3
@pytest.mark.parametrize(
    "body", ["{{{{", "h q[0];", "(" * 3000, "qubit[" + "9" * 30 + "] q;", "\x00", "qubit"]
)
def test_junk_of_version_3_is_refused(body):
    with pytest.raises(InvalidArguments, match="OpenQASM 3") as caught:
        parse_circuits(f"OPENQASM 3.0; {body}".encode())
    assert str(caught.value).endswith(".")
    assert not str(caught.value).endswith("..")


def test_number_that_makes_the_parser_panic_is_refused(capfd):
    with pytest.raises(InvalidArguments, match="not valid OpenQASM 2"):
        parse_circuits(b"OPENQASM 2.0; qreg q[99999999999999999999999];")
    capfd.readouterr()  # the parser, which is compiled, has printed where it gave up


def test_comments_without_a_version_take_no_time():
    """With a pattern that may go back, forty comments take years."""
    with pytest.raises(InvalidArguments, match="no circuit"):
        parse_circuits(b"/**/ " * 40 + b"hello")


def test_qpy_of_several(bell):
    other = QuantumCircuit(3, 1, name="other")
    other.measure(2, 0)
    assert parse_circuits(as_qpy(bell, other)) == [bell, other]


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_damaged_qpy_is_refused(bell, keep):
    content = as_qpy(bell)
    with pytest.raises(InvalidArguments, match="QPY"):
        parse_circuits(content[: int(len(content) * keep)])


def test_qpy_without_a_circuit_is_refused():
    with pytest.raises(InvalidArguments, match="QPY"):
        parse_circuits(as_qpy())


def test_load_tells_the_format_from_the_content(tmp_path, bell):
    path = tmp_path / "bell.txt"
    path.write_bytes(as_qpy(bell))
    assert load_circuits(path) == [bell]
    assert load_circuits(str(path)) == [bell]


def test_load_names_a_circuit_after_its_file(tmp_path):
    path = tmp_path / "ghz.qasm"
    path.write_text(BELL_2)
    assert load_circuits(path)[0].name == "ghz"


def test_load_keeps_a_name_that_somebody_gave(tmp_path, bell):
    path = tmp_path / "file.qpy"
    path.write_bytes(as_qpy(bell))
    assert load_circuits(path)[0].name == "bell"


@pytest.mark.parametrize("path", ["nothing.qasm", "."])
def test_load_says_what_cannot_be_read(tmp_path, path):
    with pytest.raises(InvalidArguments, match=r"cannot read .*(No such file|Is a directory)"):
        load_circuits(tmp_path / path)


def test_load_names_the_file_that_is_wrong(tmp_path):
    path = tmp_path / "wrong.qasm"
    path.write_text("OPENQASM 2.0; qreg")
    with pytest.raises(InvalidArguments, match=r"wrong\.qasm: not valid OpenQASM 2"):
        load_circuits(path)
