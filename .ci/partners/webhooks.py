"""Takes the messages of a webhook, and has the libraries of partners verify their signatures."""

import dataclasses
import http.server
import json
import os
import queue
import subprocess
import threading
from pathlib import Path

from archive import demand_no_secret
from demands import Difference, demand, demand_equal
from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclasses.dataclass
class Message:
    headers: dict
    body: bytes


@dataclasses.dataclass
class Case:
    """A message and a secret, and whether the one is to count as signed with the other."""

    what: str
    message: Message
    secret: str
    is_good: bool


def check(reader):
    """Takes all that has happened, and messages by changed secrets. Returns how many there were."""
    receiver = Receiver()
    webhook = reader.post("/v1/webhooks", url=receiver.url, since=0).json()
    cases = changes(reader, receiver, webhook["secret"])
    cases += rotations(reader, receiver, webhook)
    for library, verdicts in (("Python", verdicts_of_python(cases)), ("npm", verdicts_of_npm(cases))):
        for case, verdict in zip(cases, verdicts, strict=True):
            demand_equal(case.what, f"verified by standardwebhooks from {library}", verdict, case.is_good)
    return len({case.message.headers["webhook-id"] for case in cases})


def changes(reader, receiver, secret):
    """That the change feed comes, row by row. Each is to be verified as it came, and not with one letter changed."""
    cases, ids = [], set()
    for row in reader.changes():
        what = f"webhook: {row['resource']} {row['slug'] or row['id']} at position {row['position']}"
        message = receiver.next(what)
        told = {"type": f"{row['resource']}.{row['change']}", "timestamp": row["at"], "data": row}
        demand_equal(what, "body", json.loads(message.body), told)
        demand_no_secret(what, message.body)
        demand(message.headers["webhook-id"] not in ids, what, "has the `webhook-id` of another")
        ids.add(message.headers["webhook-id"])
        forged = Message(message.headers, message.body.replace(b'"timestamp"', b'"Timestamp"', 1))
        cases += [Case(what, message, secret, True), Case(f"{what}, forged", forged, secret, False)]
    return cases


def rotations(reader, receiver, webhook):
    """Messages after a change of the secret: the new one is to verify them, and the old one if they may overlap."""
    cases, old, path = [], webhook["secret"], f"/v1/webhooks/{webhook['id']}"
    for members, is_old_good in [({}, True), ({"overlap_hours": 0}, False)]:
        what = f"webhook: rotated with {members}"
        new = reader.post(f"{path}/rotate", **members).json()["secret"]
        reader.post(f"{path}/test")
        message = receiver.next(what)
        cases += [Case(f"{what}, old", message, old, is_old_good), Case(f"{what}, new", message, new, True)]
        old = new
    return cases


def verdicts_of_python(cases):
    for case in cases:
        try:
            Webhook(case.secret).verify(case.message.body, case.message.headers)
            yield True
        except WebhookVerificationError:
            yield False


def verdicts_of_npm(cases):
    lines = [
        json.dumps({"secret": case.secret, "headers": case.message.headers, "body": case.message.body.decode()})
        for case in cases
    ]
    run = subprocess.run(
        [os.environ["NODE"], Path(__file__).with_name("verify_webhook.mjs"), os.environ["NODE_MODULES"]],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
    )
    demand(run.returncode == 0, "verify_webhook.mjs", run.stderr)
    return json.loads(run.stdout)


class Receiver:
    """An endpoint that takes every message, until the program ends."""

    def __init__(self):
        self.messages = messages = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                messages.put(Message({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def next(self, what):
        try:
            return self.messages.get(timeout=20)
        except queue.Empty:
            raise Difference(f"{what}: no message came within 20 seconds") from None
