"""RSS 2.0 with the modules content, dc, dcterms, media and atom. Only what Briefwire makes use of has a rule here."""

import dataclasses
import html
import xml.etree.ElementTree as ElementTree

import readers
from demands import demand, demand_equal
from expected import Item, Notice
from rules import demand_children, is_address, is_language, is_rfc_822, is_rfc_3339

MEDIA_TYPE_OF_FEED = "application/rss+xml; charset=utf-8"
ATOM_LINK = "{http://www.w3.org/2005/Atom}link"
DC = "{http://purl.org/dc/elements/1.1/}"
DCTERMS = "{http://purl.org/dc/terms/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
STATUSES = "urn:briefwire:status"
"""The domain of the category that tells a notice from an item."""

parse = ElementTree.fromstring


def links(rss, relation):
    return [link.get("href") for link in rss.iterfind(f"channel/{ATOM_LINK}") if link.get("rel") == relation]


def next_page(rss):
    return next(iter(links(rss, "next")), None)


# --- the rules


def check(url, rss):
    demand_equal(url, "root", (rss.tag, rss.get("version")), ("rss", "2.0"))
    demand_children(url, rss, "", once="channel")
    channel = rss.find("channel")
    demand_children(
        url,
        channel,
        "",
        once="title link description lastBuildDate",
        at_most_once="docs generator language",
        any_number="item",
    )
    demand(is_address(channel.findtext("link")), url, "link of the channel is no address")
    demand(channel.findtext("title") and channel.findtext("description"), url, "title or description is empty")
    demand(is_rfc_822(channel.findtext("lastBuildDate")), url, "lastBuildDate is no time of RFC 822")
    demand_equal(url, "atom:link rel=self", links(rss, "self"), [url])
    for link in channel.findall(ATOM_LINK):
        demand(is_address(link.get("href")), url, f"atom:link has href={link.get('href')!a}")
    items = channel.findall("item")
    for item in items:
        check_item(f"{url}: {item.findtext('guid')}", item)
    # A channel has one language or none.
    languages = {
        item.findtext(f"{DC}language") for item in items if item.find(f"category[@domain='{STATUSES}']") is None
    }
    language = languages.pop() if len(languages) == 1 else None
    demand_equal(url, "language of the channel", channel.findtext("language"), language)


def check_item(where, item):
    demand_children(where, item, "", once="guid title pubDate", at_most_once="description link", any_number="category")
    demand_children(where, item, DC, at_most_once="language rights", any_number="creator")
    demand_children(where, item, DCTERMS, once="modified")
    demand_children(where, item, CONTENT, at_most_once="encoded")
    demand_children(where, item, MEDIA, at_most_once="content")
    demand(item.findtext("title"), where, "has an empty title")
    link, guid = item.findtext("link"), item.find("guid")
    demand(link is None or is_address(link), where, f"link is no address: {link!a}")
    # An id by itself leads nowhere, and unless it says so it is taken for a link.
    demand_equal(where, "isPermaLink", guid.get("isPermaLink"), "false")
    demand(is_rfc_822(item.findtext("pubDate")), where, f"pubDate is no time of RFC 822: {item.findtext('pubDate')!a}")
    modified, language = item.findtext(f"{DCTERMS}modified"), item.findtext(f"{DC}language", "en")
    demand(is_rfc_3339(modified), where, f"dcterms:modified is {modified!a}")
    demand(is_language(language), where, f"dc:language is {language!a}")
    demand(all(category.text for category in item.findall("category")), where, "has an empty category")
    for picture in item.findall(f"{MEDIA}content"):
        demand(is_address(picture.get("url")), where, f"media:content has url={picture.get('url')!a}")
        demand_equal(where, "medium of media:content", picture.get("medium"), "image")


# --- what partners read


def read(url, answer, rss):
    """Each item and each notice of a page, with its id."""
    # Where there is no description, feedparser puts the content, or else what the picture shows.
    described = {item.findtext("guid") for item in rss.iterfind("channel/item[description]")}
    for entry in readers.read(url, answer):
        if any(tag.scheme == STATUSES for tag in entry.get("tags", [])):
            yield entry.id, notice(entry)
        else:
            yield entry.id, item(entry, entry.id in described)


def notice(entry):
    reason = html.unescape(entry.summary)
    # RSS demands something to show where there is no title.
    title = None if entry.title == reason else entry.title
    return readers.as_read(Notice(readers.seconds(entry.updated_parsed), title, entry.get("link"), reason))


def item(entry, is_described):
    return readers.as_read(
        Item(
            title=entry.title,
            link=entry.get("link"),
            # A description is HTML.
            summary=html.unescape(entry.summary) if is_described else None,
            published=readers.seconds(entry.published_parsed),
            updated=readers.seconds(entry.updated_parsed),
            categories=[tag.term for tag in entry.get("tags", [])],
            content=readers.first_of(entry.get("content")).get("value"),
            language=entry.get("language"),
            authors=[author.name for author in entry.get("authors", [])],
            license=entry.get("rights"),
            image=readers.first_of(entry.get("media_content")).get("url"),
            credit=readers.first_of(entry.get("media_credit")).get("content"),
        )
    )


def as_read(expected):
    """An item or a notice, as far as there is a place for it in RSS."""
    if isinstance(expected, Item):
        categories = [label or name for name, label in expected.categories]
        expected = dataclasses.replace(expected, categories=categories, related=[], details=None)
    return readers.as_read(expected)
