"""JSON Feed 1.1. Only what Briefwire makes use of has a rule here."""

import dataclasses
import json

from demands import demand, demand_equal
from expected import Item, Notice, seconds
from rules import is_address, is_iri, is_language, is_rfc_3339

MEDIA_TYPE_OF_FEED = "application/feed+json; charset=utf-8"
OWN_DETAILS = ("status", "position", "slug", "version", "api_url")
"""The members of `_briefwire` that each item has, beside those of its kind."""

parse = json.loads


def next_page(feed):
    return feed.get("next_url")


# --- the rules


def is_text(value):
    return isinstance(value, str)


def is_list(value):
    return isinstance(value, list)


def is_list_of_texts(value):
    return is_list(value) and all(map(is_text, value))


def is_list_of_authors(value):
    return is_list(value) and all(is_text(author.get("name")) and len(author) == 1 for author in value)


FEED = {
    "version": "https://jsonfeed.org/version/1.1".__eq__,
    "title": is_text,
    "home_page_url": is_address,
    "feed_url": is_address,
    "next_url": is_address,
    "description": is_text,
    "items": is_list,
}
ITEM = {
    "id": is_iri,
    "url": is_address,
    "title": is_text,
    "content_html": is_text,
    "content_text": is_text,
    "summary": is_text,
    "image": is_address,
    "date_published": is_rfc_3339,
    "date_modified": is_rfc_3339,
    "authors": is_list_of_authors,
    "tags": is_list_of_texts,
    "language": is_language,
    # Extensions begin with `_`, and are objects.
    "_briefwire": lambda value: isinstance(value, dict),
}


def check(url, feed):
    check_members(url, feed, FEED, ("version", "title", "items"))
    demand_equal(url, "feed_url", feed.get("feed_url"), url)
    for item in feed["items"]:
        where = f"{url}: {item.get('id')}"
        check_members(where, item, ITEM, ("id", "date_modified", "_briefwire"))
        demand("content_html" in item or "content_text" in item, where, "has no content")


def check_members(where, value, rules, required):
    for name in required:
        demand(name in value, where, f"has no `{name}`")
    for name, member in value.items():
        demand(name in rules and rules[name](member), where, f"`{name}` may not be {repr(member)[:300]}")


# --- what partners read


def read(_url, _answer, feed):
    """Each item and each notice of a page, with its id. No library stands between: JSON is read by each its own way."""
    for entry in feed["items"]:
        if entry["_briefwire"].get("status") == "current":
            yield entry["id"], item(entry)
        else:
            updated = seconds(entry["date_modified"])
            yield entry["id"], Notice(updated, entry.get("title"), entry.get("url"), entry.get("content_text", ""))


def item(entry):
    details = entry["_briefwire"]
    published, image = entry.get("date_published"), details.get("image") or {}
    return Item(
        title=entry.get("title"),
        link=entry.get("url"),
        summary=entry.get("summary"),
        published=seconds(published) if published else None,
        updated=seconds(entry["date_modified"]),
        categories=entry.get("tags"),
        content=entry.get("content_html"),
        language=entry.get("language"),
        authors=[author["name"] for author in entry.get("authors", [])],
        license=details.get("license"),
        image=entry.get("image"),
        credit=image.get("credit"),
        related=[link["title"] for link in details.get("related", [])],
        details={name: value for name, value in details.items() if name not in OWN_DETAILS},
    )


def as_read(expected):
    """An item or a notice, as far as there is a place for it in JSON Feed."""
    if isinstance(expected, Notice):
        return expected
    categories = [label or name for name, label in expected.categories]
    return dataclasses.replace(expected, categories=categories, related=[title for title, _ in expected.related])
