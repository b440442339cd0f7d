#!/usr/bin/env python3
"""Keep a folder of Markdown files equal to the public briefs of a Briefwire server.

    partner_sync.py http://127.0.0.1:8080 briefs/            follows the changes until it is stopped
    partner_sync.py http://127.0.0.1:8080 briefs/ --once     goes up to now, and ends

Each brief is one file, named by its id, so that a new slug does not leave an old file behind. A correction or a retraction
writes the file anew, with its notice; what is deleted, or is not public any more, loses its file. How far the copy has come
stands in `.position`, which is written after the files: whenever the script is stopped, even in the midst of writing, it goes
on from there, and does some of it a second time.
"""

import argparse
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

WAIT = 30
"""How many seconds the server holds an answer back while nothing happens."""


class Server:
    """The API, with an API key if there is one."""

    def __init__(self, base, key=None):
        self.base = base.rstrip("/")
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def get(self, path, **parameters):
        """The body of an answer, or None for what is not there, or not any more."""
        query = urllib.parse.urlencode(parameters)
        request = urllib.request.Request(f"{self.base}{path}?{query}", headers=self.headers)
        while True:
            try:
                with urllib.request.urlopen(request, timeout=WAIT + 30) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                if error.code in (404, 410):
                    return None
                if error.code != 429:
                    raise
                time.sleep(int(error.headers.get("Retry-After", "5")))


class Copy:
    """The folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def position(self):
        try:
            return int((self.folder / ".position").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    @position.setter
    def position(self, position):
        self._write(".position", str(position).encode())

    def put(self, brief, text):
        self._write(f"{brief}.md", text)

    def remove(self, brief):
        (self.folder / f"{brief}.md").unlink(missing_ok=True)

    def clear(self):
        self.position = 0
        for file in self.folder.glob("*.md"):
            file.unlink()

    def _write(self, name, content):
        """Puts a whole file in the place of the old one, or none: nobody sees half of it."""
        new = self.folder / f".{name}.new"
        with open(new, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.folder / name)


def follow(server, copy, wait):
    """Takes over the next changes. Returns whether there were any."""
    since = copy.position
    page = json.loads(server.get("/v1/changes", since=since, limit=100, wait=wait))
    briefs = set()
    for row in page["data"]:
        if row["resource"] == "brief":
            briefs.add(row["id"])
        elif row["resource"] in ("actor", "category") and row["change"] == "updated":
            # Whoever has a new name has it in every brief.
            lines = server.get("/v1/briefs", **{row["resource"]: row["id"]}, fields="id", format="ndjson") or b""
            briefs.update(json.loads(line)["id"] for line in lines.splitlines())
    for brief in briefs:
        # It may have changed once more since: then what comes is newer, and its own row will come too.
        text = server.get(f"/v1/briefs/{brief}", format="markdown")
        if text is None:
            copy.remove(brief)
        else:
            copy.put(brief, text)
    copy.position = page["page"]["next"]
    return page["page"]["next"] != since


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="the address of the server")
    parser.add_argument("folder", help="where the files are to be")
    parser.add_argument("--once", action="store_true", help="go up to now, and end")
    parser.add_argument("--key", default=os.environ.get("BRIEFWIRE_KEY"), help="an API key, to see more than everyone does")
    arguments = parser.parse_args()
    server, copy = Server(arguments.server, arguments.key), Copy(arguments.folder)
    while True:
        try:
            more = follow(server, copy, 0 if arguments.once else WAIT)
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                sys.exit(f"{arguments.server} refuses the key: {error}")
            if error.code == 400 and copy.position > 0:
                # The archive was set back to an older state: what this copy knows may never have happened.
                copy.clear()
                continue
            raise
        except (OSError, http.client.HTTPException) as error:
            if arguments.once:
                sys.exit(f"{arguments.server} does not answer: {error}")
            print(f"{arguments.server} does not answer: {error}; trying again", file=sys.stderr)
            time.sleep(5)
            continue
        if arguments.once and not more:
            return


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
