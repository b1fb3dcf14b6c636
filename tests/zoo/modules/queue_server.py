"""A vendor in small: a server process with a queue, which simulates what is sent to it.

``python queue_server.py`` binds loopback, prints its URL as one line, and ends with its standard
input, so that it never outlives the test that started it.

    POST   /jobs               a submission; the same Idempotency-Key gives the same job
    GET    /jobs?tag=KEY       ids of the jobs with this tag, LAG_S after they were made
    GET    /jobs/ID            its state
    GET    /jobs/ID/results    its results, once it is done
    DELETE /jobs/ID            cancels it, if it has not begun
    GET    /accepted?tag=KEY   how many jobs were ever made with this tag
    PUT    /switches           how to misbehave: {"answers": ..., "hold": ...}

``answers`` is what becomes of the answers to POST: ``"right"``; ``"lost"``, the job is made and
the connection closed; ``"late"``, the job is made and the answer takes LATE_S; ``"503"``, the job
is made and a server error returned; ``"429"``, no job is made. While ``hold`` is on nothing begins.
"""

import base64
import io
import itertools
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from qiskit import qpy

from qcos_core.circuits.numpy_simulator import sample

LAG_S = 0.2
LATE_S = 1.0
_FINAL = ("done", "failed", "cancelled")


class Job:
    """A submission with what became of it."""

    def __init__(self, name, body):
        self.name = name
        self.tag = body["tag"]
        self.tasks = body["tasks"]
        self.made = time.monotonic()
        self.deadline = self.made + (body.get("deadline_s") or float("inf"))
        self.state = "queued"
        self.message = ""
        self.results = []


class Queue:
    """All jobs ever accepted, and the thread that runs one after the other."""

    def __init__(self):
        self.jobs = {}
        self.switches = {"answers": "right", "hold": False}
        self.changed = threading.Condition()
        self._by_key = {}
        self._names = (f"job-{number}" for number in itertools.count(1))
        threading.Thread(target=self._run, daemon=True).start()

    def accept(self, body, key):
        with self.changed:
            if key and key in self._by_key:
                return self._by_key[key]
            job = Job(next(self._names), body)
            self.jobs[job.name] = job
            if key:
                self._by_key[key] = job
            self.changed.notify_all()
            return job

    def cancel(self, job):
        with self.changed:
            if job.state == "queued":
                job.state, job.message = "cancelled", "cancelled by its owner"

    def switch(self, switches):
        with self.changed:
            self.switches.update(switches)
            self.changed.notify_all()

    def _run(self):
        while True:
            with self.changed:
                job = self._next()
                if job is None:
                    self.changed.wait(0.02)
                    continue
                job.state = "running"
            try:
                results = [{"id": task["id"], "counts": _counts(task)} for task in job.tasks]
                job.results, job.state = results, "done"
            except Exception as error:  # noqa: BLE001 - told to whoever asks
                job.message, job.state = f"{type(error).__name__}: {error}", "failed"

    def _next(self):
        queued = [job for job in self.jobs.values() if job.state == "queued"]
        for job in queued:
            if time.monotonic() > job.deadline:
                job.state, job.message = "cancelled", "its deadline passed"
        waiting = [job for job in queued if job.state == "queued"]
        return waiting[0] if waiting and not self.switches["hold"] else None


def _counts(task):
    circuit = qpy.load(io.BytesIO(base64.b64decode(task["circuit"])))[0]
    total = {}
    for shots, seed in task["blocks"]:
        for key, number in sample(circuit, shots, seed).items():
            total[key] = total.get(key, 0) + number
    return total


class Handler(BaseHTTPRequestHandler):
    """One request."""

    queue = Queue()

    def do_POST(self):
        body = self._body()
        answers = self.queue.switches["answers"]
        if answers == "429":
            self._answer(429, {"message": "asked too often"})
            return
        job = self.queue.accept(body, self.headers.get("Idempotency-Key"))
        if answers == "lost":
            self.close_connection = True
            return
        if answers == "late":
            time.sleep(LATE_S)
        status = 503 if answers == "503" else 201
        self._answer(status, {"id": job.name, "message": "try again later"})

    def do_GET(self):
        path = urlsplit(self.path)
        (tag,) = parse_qs(path.query).get("tag", [""])
        tagged = [job for job in self.queue.jobs.values() if job.tag == tag]
        if path.path == "/accepted":
            self._answer(200, len(tagged))
        elif path.path == "/jobs":
            seen = time.monotonic() - LAG_S
            self._answer(200, [job.name for job in tagged if job.made < seen])
        elif job := self._job():
            if not path.path.endswith("/results"):
                self._answer(200, {"state": job.state, "message": job.message})
            elif job.state != "done":
                self._answer(409, {"message": f"{job.name} is {job.state}"})
            else:
                self._answer(200, job.results)

    def do_DELETE(self):
        if job := self._job():
            self.queue.cancel(job)
            self._answer(200, {"state": job.state})

    def do_PUT(self):
        self.queue.switch(self._body())
        self._answer(200, {})

    def log_message(self, *arguments):
        pass

    def _job(self):
        name = urlsplit(self.path).path.split("/")[2:3]
        job = self.queue.jobs.get(*name) if name else None
        if job is None:
            self._answer(404, {"message": f"no job {name}"})
        return job

    def _body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status, content):
        text = json.dumps(content).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except OSError:  # whoever asked has gone
            self.close_connection = True


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
