"""A provider of jobs as it should be, for the vendor of ``queue_server``, in three kinds.

They differ in what can be done about a submission whose answer was lost: the vendor takes an
idempotency key, or only a tag that jobs can be looked up by, or neither.
"""

import base64
import http.client
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from qcos_core import (
    Handle,
    InvalidArguments,
    JobFailed,
    JobNodeProvider,
    Limits,
    NodeOffline,
    NodeType,
    OutcomeUnknown,
    PackedCounts,
    QPUNodeSpec,
    Recovery,
    State,
    Status,
    TaskResult,
    Throttled,
)
from qcos_core.providers.arguments import check_positive


class QueueProvider(JobNodeProvider):
    """The vendor takes an idempotency key."""

    DISPLAY_NAME = "A queue on loopback"
    RECOVERY = Recovery.IDEMPOTENT

    _url = ""
    _token = ""
    _timeout_s = 5.0

    def configure(self, url="", token="", n_nodes=2, timeout_s=5.0):
        check_positive(n_nodes=n_nodes)
        if urlsplit(url).scheme != "http":
            message = f"url must be an http address, not {url!r}."
            raise InvalidArguments(message)
        self._url, self._token, self._timeout_s = url, token, timeout_s

    def build_nodes(self, url="", token="", n_nodes=2, timeout_s=5.0):
        return [
            QPUNodeSpec(f"queue-{i}", NodeType.OTHER, 20, credentials={"token": token})
            for i in range(n_nodes)
        ]

    @classmethod
    def estimate_nodes(cls, **kwargs):
        return {"queue": kwargs.get("n_nodes", 2)}

    def health_check(self):
        return self._ask("GET", "/accepted")[0] == 200

    def limits(self, node):
        return Limits(max_tasks=10, simulated=True, paid=False, seeded=True)

    def submit(self, submission, load, node):
        body = {
            "tag": submission.key,
            "deadline_s": submission.deadline_s,
            "tasks": [
                {
                    "id": task.id,
                    "circuit": base64.b64encode(load(task.circuit_id)).decode(),
                    "blocks": [[block.shots, block.seed] for block in task.blocks],
                }
                for task in submission.tasks
            ],
        }
        status, answer = self._post(body, self._idempotency(submission.key))
        if status >= 500:
            message = f"the queue answered {status}: {answer['message']}."
            raise OutcomeUnknown(message, node=node.node_id)
        if status == 429:
            raise Throttled(f"{answer['message']}.", node=node.node_id)
        return Handle(submission.key, (answer["id"],))

    def poll(self, handles):
        found = {}
        for handle in handles:
            status, answer = self._ask("GET", f"/jobs/{quote(handle.remote_ids[0])}")
            if status == 200:
                found[handle.key] = Status(State(answer["state"]), answer["message"])
        return found

    def fetch(self, handle):
        status, answer = self._ask("GET", f"/jobs/{quote(handle.remote_ids[0])}/results")
        if status != 200:
            raise JobFailed(f"there are no results: {answer['message']}.")
        return [
            TaskResult(result["id"], self.packed(result["counts"]), simulated=True, exact=True)
            for result in answer
        ]

    def cancel(self, handle):
        _, answer = self._ask("DELETE", f"/jobs/{quote(handle.remote_ids[0])}")
        return State(answer["state"])

    def packed(self, counts):
        return PackedCounts.from_bitstrings(counts, len(next(iter(counts))))

    def _idempotency(self, key):
        return {"Idempotency-Key": key}

    def _post(self, body, headers):
        """Send a submission; once it may have been read, a lost answer is an unknown outcome."""
        connection = self._connection()
        try:
            connection.connect()
        except OSError as error:
            raise NodeOffline(f"the queue cannot be reached: {error}.") from error
        try:
            connection.request("POST", "/jobs", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise OutcomeUnknown(f"the queue's answer was lost: {error!r}.") from error
        finally:
            connection.close()

    def _ask(self, method, path, body=None):
        connection = self._connection()
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError as error:
            raise NodeOffline(f"the queue cannot be reached: {error}.") from error
        finally:
            connection.close()

    def _connection(self):
        host, port = urlsplit(self._url).hostname, urlsplit(self._url).port
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)


class TaggingProvider(QueueProvider):
    """The vendor takes a tag that jobs can be looked up by, a moment after they were made."""

    DISPLAY_NAME = "A queue on loopback, with tags"
    RECOVERY = Recovery.FIND
    SETTLE_S = 0.3

    def find(self, key):
        status, names = self._ask("GET", f"/jobs?tag={quote(key)}")
        if status != 200:
            return "unknown"
        return Handle(key, tuple(names)) if names else "absent"

    def _idempotency(self, key):
        return {}


class PlainProvider(QueueProvider):
    """The vendor takes neither."""

    DISPLAY_NAME = "A queue on loopback, and that is all"
    RECOVERY = Recovery.NONE

    def _idempotency(self, key):
        return {}


class QueueServer:
    """The vendor's process. Leave the context, and it ends."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("queue_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, *exc_info):
        with self._process:
            self._process.stdin.close()

    def accepted(self, key):
        """How many jobs were ever made with this tag."""
        return self._ask("GET", f"/accepted?tag={quote(key)}")

    @contextmanager
    def switched(self, **switches):
        """Misbehave until the context is left."""
        self._ask("PUT", "/switches", switches)
        try:
            yield
        finally:
            self._ask("PUT", "/switches", {"answers": "right", "hold": False})

    def _ask(self, method, path, body=None):
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        try:
            connection.request(method, path, json.dumps(body) if body else None)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
