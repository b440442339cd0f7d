"""Reads the feeds to their ends."""

import dataclasses
from collections import Counter

import atom
import feedparser
import json_feed
import rss
from archive import demand_no_secret
from demands import Difference, demand, demand_equal
from expected import Item, demand_texts
from readers import Words

FORMATS = {"atom": atom, "rss": rss, "json": json_feed}
FEEDS = [
    ("briefs", ""),
    ("briefs", "category=r-d"),
    ("briefs", "language=ar"),
    ("briefs", "category=security&language=zh"),
    ("trends", ""),
    ("trends", "direction=stable"),
    ("events", ""),
    ("events", "kind=meeting"),
]


def check(server, expected):
    """Returns what it has read, in words."""
    totals = Counter()
    for kind, query in FEEDS:
        for ending, format in FORMATS.items():
            # So short that most feeds have several pages.
            path = f"/feeds/{kind}.{ending}?limit=15&{query}".removesuffix("&")
            totals += check_feed(server, path, format, expected.of_feed(kind, query), expected.slug)
    return ", ".join(f"{count} {what}" for what, count in totals.items())


def check_feed(server, path, format, expected, slug):
    """Reads a feed, which is to have each of what is expected once and nothing else."""
    missing, count = dict(expected), Counter(feeds=1)
    for url, answer, document in pages(server, path, format):
        count["pages"] += 1
        demand_no_secret(url, answer.body)
        format.check(url, document)
        for id, found in format.read(url, answer, document):
            where = f"{url}: {id} ({slug(id)})"
            demand(id in expected, where, "is nothing that everyone may see")
            demand(id in missing, where, "comes twice")
            compare(where, found, format.as_read(missing.pop(id)))
            count["items" if isinstance(found, Item) else "notices"] += 1
    for id in missing:
        raise Difference(f"{path}: {id} ({slug(id)}): is missing")
    return count


def pages(server, path, format):
    """Every page of a feed, with its address and its document."""
    url = server.base + path
    while url:
        answer = server.get(url.removeprefix(server.base))
        demand_equal(url, "Content-Type", answer.headers["content-type"], format.MEDIA_TYPE_OF_FEED)
        try:
            document = format.parse(answer.body)
        # So do the parsers of XML and of JSON call it.
        except (SyntaxError, ValueError) as error:
            raise Difference(f"{url}: is not well-formed: {error}") from None
        yield url, answer, document
        url = format.next_page(document)


def compare(where, found, expected):
    demand_equal(where, "kind", type(found).__name__, type(expected).__name__)
    if isinstance(expected, Item):
        demand_equal(where, "what has no place in a partner's page", Words(found.content or "").unwelcome, [])
        demand_texts(where, found.content or "", expected.texts)
        # Of what the API has no HTML of, the texts are all that is known.
        found = dataclasses.replace(found, texts=expected.texts)
        expected = dataclasses.replace(expected, content=expected.content or found.content)
    else:
        # The notice has words of its own around the reason.
        demand(expected.reason in found.reason, where, f"the notice {found.reason!a} has no {expected.reason!a}")
        found = dataclasses.replace(found, reason=expected.reason)
    for name, value in vars(expected).items():
        demand_equal(where, name, getattr(found, name) or None, value or None)


def check_polling(server):
    """A partner who asks again with what feedparser has kept is told that nothing is new."""
    url = f"{server.base}/feeds/briefs.atom"
    first = feedparser.parse(url)
    again = feedparser.parse(url, etag=first.etag, modified=first.modified)
    demand_equal(url, "status and number of entries, asked again", (again.status, len(again.entries)), (304, 0))
