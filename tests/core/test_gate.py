"""Cores and memory of one machine, shared."""

import subprocess
import sys
import threading
import time

import pytest

from qcos_core.worker.gate import Cores, Memory

GIB = 1 << 30


def test_no_more_cores_are_given_out_than_there_are():
    cores, busy, most = Cores(3), [0], [0]
    lock = threading.Lock()

    def work(number):
        with cores.hold(number) as got:
            with lock:
                busy[0] += got
                most[0] = max(most[0], busy[0])
            time.sleep(0.005)
            with lock:
                busy[0] -= got

    threads = [threading.Thread(target=work, args=(n % 4,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 3
    assert busy[0] == 0


def test_zero_and_too_many_mean_all_cores():
    cores = Cores(2)
    with cores.hold(0) as got:
        assert got == 2
    with cores.hold(99) as got:
        assert got == 2


def test_a_wide_request_is_not_overtaken():
    cores, order = Cores(2), []
    first = cores.hold(1)
    first.__enter__()
    waiting = [threading.Thread(target=lambda: take(2, "wide"))]
    waiting.append(threading.Thread(target=lambda: take(1, "narrow")))

    def take(number, name):
        with cores.hold(number):
            order.append(name)

    waiting[0].start()
    time.sleep(0.05)
    waiting[1].start()
    time.sleep(0.05)
    assert order == []
    first.__exit__(None, None, None)
    for thread in waiting:
        thread.join()
    assert order == ["wide", "narrow"]


def test_cores_come_back_after_an_error():
    cores = Cores(1)
    with pytest.raises(RuntimeError), cores.hold(1):
        raise RuntimeError
    with cores.hold(1) as got:
        assert got == 1


def test_small_reservations_are_free(tmp_path):
    with Memory(tmp_path / "none", GIB).hold(1000):
        assert not (tmp_path / "none").exists()


def test_memory_is_held_and_given_back(tmp_path):
    memory = Memory(tmp_path, 4 * GIB)
    with memory.hold(GIB), memory.hold(2 * GIB):
        assert memory.held() == 3 * GIB
    assert memory.held() == 0
    assert not list(tmp_path.glob("*.bytes"))


def test_who_does_not_fit_waits(tmp_path):
    memory, order = Memory(tmp_path, 4 * GIB), []

    def second():
        with memory.hold(2 * GIB):
            order.append("second")

    with memory.hold(3 * GIB):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_more_than_there_is_waits_for_nobody_else(tmp_path):
    with Memory(tmp_path, GIB).hold(5 * GIB):
        pass


def test_a_process_that_is_killed_gives_its_memory_back(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from qcos_core.worker.gate import Memory\n"
        f"with Memory(Path(sys.argv[1]), {4 * GIB}).hold({3 * GIB}):\n"
        "    print('held', flush=True); time.sleep(3600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        memory = Memory(tmp_path, 4 * GIB)
        assert memory.held() == 3 * GIB
        other.kill()
    assert memory.held() == 0
    with memory.hold(4 * GIB):
        pass


@pytest.mark.parametrize("planted", ["link", "file", "open to all"])
def test_a_folder_that_is_not_ours_is_left_alone(tmp_path, caplog, planted):
    """In a temporary folder that everybody may write to, somebody may have been there first."""
    folder, target = tmp_path / "gate", tmp_path / "target"
    target.mkdir()
    if planted == "link":
        folder.symlink_to(target)
    elif planted == "file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with Memory(folder, 4 * GIB).hold(GIB):
        assert not list(target.iterdir())
    assert "is not ours" in caplog.text
