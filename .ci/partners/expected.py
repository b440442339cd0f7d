"""What is to be found in the feeds: what the JSON API shows to everyone."""

import dataclasses
import html
import re
from datetime import datetime

from archive import PUBLIC, WITHDRAWN
from demands import demand, demand_equal

DETAILS = (
    "category category_status country period marking license image trends events actors sources translations"
    " corrections related"
).split()


@dataclasses.dataclass
class Item:
    """What there is to read, in the terms of feeds."""

    title: str
    link: str
    summary: str | None
    published: int
    updated: int
    categories: list
    content: str | None = None
    texts: list = dataclasses.field(default_factory=list)
    """What the content has to show where the API has no HTML to compare it with: of a trend, of an event."""
    language: str | None = None
    authors: list = dataclasses.field(default_factory=list)
    license: str | None = None
    image: str | None = None
    credit: str | None = None
    related: list = dataclasses.field(default_factory=list)
    details: dict | None = None
    """What JSON Feed has beside them for programs: members of the JSON API."""


@dataclasses.dataclass
class Notice:
    """That something is not to be read any more: of what is retracted, of which the page stays, why."""

    updated: int
    title: str | None = None
    link: str | None = None
    reason: str = ""


class Expected:
    def __init__(self, server):
        self.server = server
        self.last_changes = {urn(row): row for row in server.changes()}
        self.briefs = list(server.rows("/v1/briefs?include=body,trends,events,actors"))
        self.items = {
            "briefs": {urn(row): self._of_brief(row) for row in self.briefs if row["state"] == "published"},
            "trends": {urn(row): self._of_trend(row) for row in server.rows("/v1/trends")},
            "events": {urn(row): self._of_event(row) for row in server.rows("/v1/events")},
        }
        self.notices = {f"{kind}s": self._of_removed(kind) for kind in ("brief", "trend", "event")}
        retracted = [row for row in self.briefs if row["state"] == "retracted"]
        self.notices["briefs"] |= {urn(row): self._of_retracted(row) for row in retracted}

    def __str__(self):
        shown = ", ".join(f"{len(items)} {kind}" for kind, items in self.items.items())
        return f"{shown}; withdrawn: {sum(map(len, self.notices.values()))}"

    def demand_what_was_sent(self, made):
        """The API is what the feeds are held against; so it has to show what was sent, and nothing else."""
        sent = {brief["slug"]: (fate, brief) for fate, brief in made if fate in (*PUBLIC, "retracted")}
        shown = {brief["slug"]: brief for brief in self.briefs}
        demand_equal("/v1/briefs", "slug", sorted(shown), sorted(sent))
        for slug, (fate, brief) in sent.items():
            members = ("title", "canonical_url")
            if fate in PUBLIC:
                members += ("summary", "body", "category_status", "language", "country", "image", "authors", "license")
            for member in members:
                demand_equal(f"/v1/briefs/{slug}", member, shown[slug].get(member) or None, brief.get(member) or None)
        withdrawn = sum(fate in WITHDRAWN for fate, _ in made)
        demand_equal("/v1/changes", "briefs that were withdrawn", len(self.notices["briefs"]), withdrawn)

    def of_feed(self, kind, query):
        """The items of a feed that is narrowed to a query, and its notices."""
        passing = {urn(row) for row in self.server.rows(f"/v1/{kind}?{query}")}
        items = {id: item for id, item in self.items[kind].items() if id in passing}
        # What was withdrawn stays in every feed of its kind, whatever that is narrowed to.
        return items | self.notices[kind]

    def slug(self, id):
        """For whoever reads of a difference: that of a brief has its fate in it."""
        return self.last_changes.get(id, {}).get("slug")

    def _of_brief(self, brief):
        status, content = self._page_of_brief(brief)
        image = brief["image"] or {}
        categories = [(brief["category"]["slug"], brief["category"]["name"])]
        categories += [(brief["category_status"], status)] if brief["category_status"] else []
        return Item(
            title=brief["title"],
            link=self._page(brief["slug"], brief["canonical_url"]),
            summary=brief["summary"],
            published=seconds(brief["published_at"]),
            updated=self._updated(brief),
            categories=categories + country(brief) + actors(brief["actors"]),
            content=content,
            language=brief["language"],
            authors=brief["authors"],
            license=brief["license"],
            image=image.get("url"),
            credit=image.get("credit"),
            related=[(link["title"], self._page(link["slug"])) for link in brief["related"]],
            details={name: brief[name] for name in DETAILS},
        )

    def _of_trend(self, trend):
        names = [name for name in (trend["direction"], trend["series"]) if name]
        return Item(
            title=trend["statement"],
            link=self._page(trend["brief"]["slug"]),
            summary=trend["statement"],
            published=seconds(trend["brief"]["published_at"]),
            updated=self._updated(trend),
            categories=[(name, None) for name in names] + actors(trend["actors"]),
            texts=[trend["statement"], trend["limits"], trend["brief"]["title"]],
            details={"trend": trend},
            language=trend["brief"]["language"],
        )

    def _of_event(self, event):
        participants = [participant["actor"] for participant in event["participants"]]
        sources = [source["title"] for source in event["sources"]]
        return Item(
            title=event["title"],
            link=f"{self.server.base}/v1/events/{event['slug']}",
            summary=event["description"],
            published=seconds(event["created_at"]),
            updated=self._updated(event),
            categories=[(event["kind"], None), *country(event), *actors(participants)],
            texts=[event["occurred"], event["title"], event["description"], *sources],
            details={"event": event},
        )

    def _of_retracted(self, brief):
        link = self._page(brief["slug"], brief["canonical_url"])
        return Notice(self._updated(brief), brief["title"], link, brief["retraction"]["reason"])

    def _of_removed(self, kind):
        rows = self.last_changes.values()
        removed = [row for row in rows if row["resource"] == kind and row["change"] == "removed"]
        return {urn(row): Notice(seconds(row["at"])) for row in removed}

    def _page_of_brief(self, brief):
        """What the brief as HTML calls its category status, and what it has below its heading."""
        path = f"/v1/briefs/{brief['slug']}?format=html"
        text = self.server.get(path).body.decode()
        heading = re.match(r"<article[^>]*><h1>.*?</h1><p>(.*?)</p>", text, re.DOTALL)
        demand(heading and text.endswith("</article>"), path, "is not an article with a heading")
        content = text[heading.end() : -len("</article>")]
        demand((brief["body_html"] or "") in content, path, "does not show `body_html`")
        demand_texts(path, content, texts_of_brief(brief))
        # Below its title stand its category, the status if it has one, and its day.
        status = html.unescape(heading[1]).removeprefix(brief["category"]["name"]).split(" · ")[1]
        return status, content

    def _updated(self, row):
        return seconds(self.last_changes[urn(row)]["at"])

    def _page(self, slug, canonical=None):
        return canonical or f"{self.server.base}/v1/briefs/{slug}?format=html"


def urn(row):
    return f"urn:uuid:{row['id']}"


def seconds(time):
    """A time of the API as feedparser has times: in whole seconds."""
    return int(datetime.fromisoformat(time).timestamp())


def country(row):
    return [(row["country"], None)] if row["country"] else []


def actors(rows):
    return [(actor["slug"], actor["name"]) for actor in rows]


def texts_of_brief(brief):
    texts = [brief["summary"], *brief["authors"], *(correction["note"] for correction in brief["corrections"])]
    texts += [text for trend in brief["trends"] for text in (trend["statement"], trend["limits"])]
    texts += [text for event in brief["events"] for text in (event["title"], event["description"])]
    return texts + [source["title"] for source in brief["sources"]]


def demand_texts(where, content, texts):
    """That a piece of HTML shows these texts, as texts. They may be missing."""
    content = content.replace("&quot;", '"')
    for text in filter(None, texts):
        demand(html.escape(text, quote=False) in content, where, f"does not show {text!a}")
