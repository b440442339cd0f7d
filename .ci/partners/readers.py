"""What partners read with: feedparser, and their pages."""

import calendar
import io
import re
from html.parser import HTMLParser

import feedparser

from demands import demand, demand_equal


def read(url, answer):
    """The entries of a feed as feedparser reads them when it is told not to change HTML.

    Most partners let it clean HTML once more. What they get then has to have the same words, links and pictures.
    """
    headers = {"content-type": answer.headers["content-type"], "content-location": url}
    cleaned = feedparser.parse(io.BytesIO(answer.body), response_headers=headers)
    demand(not cleaned.bozo, url, f"feedparser complains: {cleaned.get('bozo_exception')}")
    exact = feedparser.parse(
        io.BytesIO(answer.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    for one, other in zip(cleaned.entries, exact.entries, strict=True):
        found, expected = (Words(first_of(entry.get("content")).get("value", "")) for entry in (one, other))
        demand_equal(f"{url}: {one.id}", "cleaned content", found.text.split(), expected.text.split())
        demand_equal(f"{url}: {one.id}", "addresses in the cleaned content", found.addresses, expected.addresses)
    return exact.entries


def as_read(entry):
    """An item or a notice whose texts went through XML and feedparser.

    XML has no U+FFFE and no U+FFFF, and one kind of line break. feedparser cuts off the spaces at both ends.
    """
    return type(entry)(**{name: text_as_read(value) for name, value in vars(entry).items()})


def text_as_read(value):
    match value:
        case str():
            return re.sub("\r\n?", "\n", re.sub("[\ufffe\uffff]", "", value)).strip()
        case list() | tuple():
            return type(value)(map(text_as_read, value))
        case _:
            return value


def first_of(details):
    return details[0] if details else {}


def seconds(parsed):
    return calendar.timegm(parsed) if parsed else None


class Words(HTMLParser):
    """The text of a piece of HTML, where its links and pictures lead, and what has no place in a partner's page."""

    def __init__(self, content):
        super().__init__()
        self.text, self.addresses, self.unwelcome = "", [], []
        self.feed(content)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attributes):
        addresses = [value for name, value in attributes if name in ("href", "src")]
        self.addresses += addresses
        self.unwelcome += [tag] if tag in ("script", "style", "iframe", "object", "embed", "form") else []
        self.unwelcome += [name for name, _ in attributes if name.startswith("on")]
        # Whatever is no whole address leads elsewhere on the partner's site, or runs.
        self.unwelcome += [address for address in addresses if not re.match("https?:", address, re.IGNORECASE)]
