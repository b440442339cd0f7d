"""Proves that the libraries of partners accept what a Briefwire server sends: python .ci/partners http://127.0.0.1:8080

It fills the empty server with briefs made by chance. Then it reads every feed to its end, in Atom and RSS with
feedparser, holds each page against the rules of its format, and each entry against what the JSON API shows. And it
takes the messages of a webhook, with standardwebhooks for Python and for Node.js. It ends at the first difference.

The environment has PUBLISHER_KEY and READER_KEY, two API keys; NODE, the command, and NODE_MODULES, the folder with the
npm package; and SEED, the number that the briefs are made from. `.ci/partners.sh` sets all of it.
"""

import os
import sys
import time

import archive
import feeds
import webhooks
from demands import Difference
from expected import Expected
from server import Server


def main():
    base, seed = sys.argv[1], int(os.environ["SEED"])
    started = time.monotonic()
    try:
        check(base, seed)
    except Difference as difference:
        sys.exit(f"{difference}\nThe seed was {seed}.")
    print(f"seed {seed}, {time.monotonic() - started:.1f} s")


def check(base, seed):
    everyone = Server(base)
    publisher = Server(base, os.environ["PUBLISHER_KEY"])
    reader = Server(base, os.environ["READER_KEY"])

    made = archive.fill(publisher, seed)
    archive.demand_that_bad_addresses_are_refused(publisher)

    expected = Expected(everyone)
    expected.demand_what_was_sent(made)
    print(f"made: {len(made)} briefs; public: {expected}")

    print(f"read: {feeds.check(everyone, expected)}")
    feeds.check_polling(everyone)

    print(f"verified: {webhooks.check(reader)} messages")


if __name__ == "__main__":
    main()
