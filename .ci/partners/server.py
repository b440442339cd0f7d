"""The server, over HTTP."""

import dataclasses
import email.message
import json
import urllib.error
import urllib.request

from demands import Difference


class Refusal(Difference):
    """A request was not answered with a success, but with a problem."""

    def __init__(self, where, status, body):
        super().__init__(f"{where}: {status} {body[:1000]!a}")
        self.problem = json.loads(body)


@dataclasses.dataclass
class Answer:
    headers: email.message.Message
    body: bytes

    def json(self):
        return json.loads(self.body)


class Server:
    """The API, with an API key if there is one."""

    def __init__(self, base, key=None):
        self.base = base
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def send(self, method, path, body=None, media_type="application/json"):
        """The answer to a request, which is to be a success."""
        headers = {**self.headers, "Content-Type": media_type}
        request = urllib.request.Request(self.base + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            raise Refusal(f"{method} {path}", error.code, error.read()) from None

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, **members):
        return self.send("POST", path, json.dumps(members).encode())

    def patch(self, path, **members):
        return self.send("PATCH", path, json.dumps(members).encode(), "application/merge-patch+json")

    def rows(self, path):
        """All rows of a list, page after page."""
        place, joint = "", "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{joint}limit=100{place}").json()
            yield from page["data"]
            if page["page"]["next"] is None:
                return
            place = f"&cursor={page['page']['next']}"

    def changes(self):
        """All rows of the change feed, in their order. It has no last page: its end is where it stands still."""
        since = 0
        while True:
            page = self.get(f"/v1/changes?since={since}&limit=100").json()
            yield from page["data"]
            if page["page"]["next"] == since:
                return
            since = page["page"]["next"]
