"""Atom: RFC 4287, with pages by RFC 5005 and notices by RFC 6721. Only what Briefwire makes use of has a rule here."""

import dataclasses
import xml.etree.ElementTree as ElementTree

import readers
from demands import demand, demand_equal
from expected import Item, Notice, seconds
from rules import MEDIA_TYPE, demand_children, is_iri, is_language, is_rfc_3339, matches

MEDIA_TYPE_OF_FEED = "application/atom+xml; charset=utf-8"
ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RELATIONS = ("alternate", "self", "first", "next", "related", "enclosure")

parse = ElementTree.fromstring


def links(element, relation):
    return [link.get("href") for link in element.findall(f"{ATOM}link") if link.get("rel", "alternate") == relation]


def next_page(feed):
    return next(iter(links(feed, "next")), None)


# --- the rules


def check(url, feed):
    demand_equal(url, "root", feed.tag, f"{ATOM}feed")
    demand_children(
        url, feed, ATOM, once="id title updated", at_most_once="generator subtitle", any_number="author entry link"
    )
    demand_equal(url, "link rel=self", links(feed, "self"), [url])
    demand(feed.findall(f"{ATOM}author"), url, "has no author, which an entry may be without only if the feed has one")
    for element in feed.iter():
        demand(is_language(element.get(LANG, "en")), url, f"xml:lang is {element.get(LANG)!a}")
    check_what_all_have(url, feed)
    for entry in feed.findall(f"{ATOM}entry"):
        check_entry(f"{url}: {entry.findtext(f'{ATOM}id')}", entry)
    for grave in feed.findall(f"{TOMBSTONES}deleted-entry"):
        demand(is_iri(grave.get("ref")), url, f"at:deleted-entry has ref={grave.get('ref')!a}")
        demand(is_rfc_3339(grave.get("when")), url, f"at:deleted-entry has when={grave.get('when')!a}")


def check_entry(where, entry):
    demand_children(
        where,
        entry,
        ATOM,
        once="id title updated content",
        at_most_once="published rights summary",
        any_number="author category link",
    )
    check_what_all_have(where, entry)
    content = entry.find(f"{ATOM}content")
    demand(content.get("type") == "html" and len(content) == 0, where, "content is not escaped HTML")
    for category in entry.findall(f"{ATOM}category"):
        demand(category.get("term"), where, "category has no term")
        demand(is_iri(category.get("scheme")), where, f"category has scheme={category.get('scheme')!a}")


def check_what_all_have(where, element):
    for child in element:
        match child.tag.removeprefix(ATOM):
            case "id":
                demand(is_iri(child.text), where, f"id is no IRI: {child.text!a}")
            case "updated" | "published":
                demand(is_rfc_3339(child.text), where, f"{child.tag} is no time: {child.text!a}")
            case "title" | "subtitle" | "summary" | "rights":
                demand(child.get("type", "text") == "text" and len(child) == 0, where, f"{child.tag} is no text")
            case "author":
                demand_children(where, child, ATOM, once="name")
            case "link":
                check_link(where, child)
    alternates = [link for link in element.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"]
    kinds = {(link.get("type"), link.get("hreflang")) for link in alternates}
    demand(len(kinds) == len(alternates), where, "has two alternate links of one type and language")


def check_link(where, link):
    demand(is_iri(link.get("href")), where, f"link has href={link.get('href')!a}, which is no IRI")
    demand(link.get("rel", "alternate") in RELATIONS, where, f"link has rel={link.get('rel')!a}")
    demand(matches(MEDIA_TYPE, link.get("type", "text/html")), where, f"link has type={link.get('type')!a}")


# --- what partners read


def read(url, answer, feed):
    """Each entry and each notice of a page, with its id."""
    # Where there is no summary, feedparser puts the content.
    summed_up = {entry.findtext(f"{ATOM}id") for entry in feed.iterfind(f"{ATOM}entry[{ATOM}summary]")}
    for entry in readers.read(url, answer):
        yield entry.id, item(entry, entry.id in summed_up)
    for grave in feed.findall(f"{TOMBSTONES}deleted-entry"):
        reason = grave.findtext(f"{TOMBSTONES}comment", "")
        yield grave.get("ref"), Notice(seconds(grave.get("when")), reason=reason)


def item(entry, is_summed_up):
    enclosure, content = readers.first_of(entry.enclosures), readers.first_of(entry.content)
    demand_equal(entry.id, "xml:lang of the content", content.language, entry.title_detail.language)
    return readers.as_read(
        Item(
            title=entry.title,
            # For feedparser it is a page of HTML, or else the id.
            link=entry.get("link"),
            summary=entry.summary if is_summed_up else None,
            published=readers.seconds(entry.get("published_parsed")),
            updated=readers.seconds(entry.updated_parsed),
            categories=[(tag.term, tag.label) for tag in entry.get("tags", [])],
            content=content.value,
            language=entry.title_detail.language,
            authors=[author.name for author in entry.get("authors", [])],
            license=entry.get("rights"),
            image=enclosure.get("href"),
            credit=enclosure.get("title"),
            related=[(link.get("title"), link.href) for link in entry.links if link.rel == "related"],
        )
    )


def as_read(expected):
    """An item or a notice, as far as there is a place for it in Atom."""
    if isinstance(expected, Notice):
        return readers.as_read(Notice(expected.updated, reason=expected.reason))
    return readers.as_read(dataclasses.replace(expected, details=None))
