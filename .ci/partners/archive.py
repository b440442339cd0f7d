"""An archive made by chance, from the same seed the same, and its upload."""

import json
import random

from demands import demand, demand_equal
from server import Refusal

SECRET = "Zyxomma"
"""A word that stands wherever nobody without a key may look."""

FATES = {
    "published": 38,
    "corrected": 6,
    "retracted": 6,
    "deleted": 5,
    "narrowed": 4,
    "draft": 5,
    "amber": 5,
    "embargoed": 3,
}
"""What becomes of the briefs, and of how many."""

PUBLIC = ("published", "corrected")
WITHDRAWN = ("retracted", "deleted", "narrowed")
UNSEEN = ("draft", "amber", "embargoed")
"""Those that nobody without a key has ever seen, and that no notice may tell of."""

LANGUAGES = {
    "en": "the army officers moved up while both ministries signed a protocol on border security".split(),
    "ru": "военные укрепляют позиции а министерства подписали протокол о безопасности границы".split(),
    "be": "вайскоўцы ўмацоўваюць пазіцыі а міністэрствы падпісалі пратакол аб бяспецы мяжы".split(),
    "ar": "الجيش يعزز مواقعه بينما وقعت الوزارتان بروتوكولا بشأن أمن الحدود".split(),
    "zh": "军官 得到 晋升 两 部 签署 了 边境 安全 议定书".split(),
}

# fmt: off
ODD = [
    "]]>", "<![CDATA[x]]>", "<script>alert(1)</script>", "&amp;", "&lt;b&gt;", "&nbsp;", "&#0;", "&", "<", ">", '"',
    "'", "<b>bold</b>", "</item>", "</entry>", "<!-- x -->", "<?xml version='1.0'?>", "<!DOCTYPE x>", "<!ENTITY x 'y'>",
    "--", "\u202eright to left\u202c", "\u200fעברית\u200e", "\u2067سلام\u2069", "e\u0301",
    "Z\u0321\u0335\u0353a\u0300\u0301\u0302", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e7\U0001f1fe",
    "\ufeff", "\u2028", "\u00a0", "\u3000", "\u00ad", "\ufffd", "\uffff", "\ufdd0", "\U0001fffe", "\U0010ffff", "İı",
    "ﷺ", "ẞ", "«ё»", "100 %", "%00", "{{x}}", "${x}", "\\",
]
"""What stands among the words."""

MARKUP = [
    "**bold** and _slanted_ and `code ]]> &amp; <b>`", "# A heading", "- one\n- two\n  - three", "> quoted\n> on",
    "---", "1. one\n2. two", "```\n<script>]]></script>\n```",
    '[a link](https://www.example.org/?a=1&b=2 "its title ]]> \\" &")',
    '![a picture](https://images.example.org/x.png "]]>")', '<b onclick="run()" title="]]>">b</b>',
    "<script>run()</script>", "<style>p { color: red }</style>", "<!-- hidden -->", "[run](javascript:run())",
    "<https://www.example.org/>", "a\\\nb", "&copy; &amp; &nbsp; &#x202e; &unknown;",
    "<table><tr><td>cell</td></tr></table>", "<ruby>漢<rp>(</rp><rt>kan</rt></ruby>",
    "<details><summary>more</summary>text</details>", "<p dir=rtl>\u05d0", "a <unknown-tag>b</unknown-tag>",
    "first  \nsecond",
]

ADDRESSES = [
    "https://www.example.org/{}", "https://www.example.org/{}?a=1&b=2&copy=3#part", "https://www.example.org/шлях/{}",
    "https://[2001:db8::1]:8443/{}", "HTTPS://WWW.EXAMPLE.ORG/{}", "https://www.example.org/it's/({})?q=%D0%B6,%20;*",
]

BAD_ADDRESSES = [
    "http:www.example.org/x", "https:\\\\www.example.org\\x", "https:///www.example.org/x",
    "https://www.example.org/a|b", "https://www.example.org/<b>", "https://www.example.org/%zz",
    "https://www.example.org/#a#b", "https://www.example.org/\u202ex",
]
"""What a browser takes for an address, and RFC 3987 does not."""

CATEGORIES = {
    "security": "Security", "r-d": 'R&D <"x"> ]]>', "biespieka": "Бяспека «ў»", "amn": "\u200fأمن", "anquan": "安全",
}
ACTORS = {
    "china": "中国", "sons": "O'Neil & Sons <Ltd> ]]>", "brother": 'The "Brother"', "lukashenka": "Аляксандр Лукашэнка",
    "jaysh": "الجيش", "combining": "Łukas\u0301enka \U0001f1e7\U0001f1fe", "bloc": "&amp; Bloc",
}
SHARED_EVENTS = [f"shared-{number}" for number in range(5)]
# fmt: on


def fill(publisher, seed):
    """Imports an archive, and lets the fate of each brief come upon it. Returns the briefs, each with its fate."""
    writer = Writer(seed)
    made = writer.briefs()
    ndjson = "".join(json.dumps(line) + "\n" for line in [*writer.ground(), *(brief for _, brief in made)])
    report = publisher.send("POST", "/v1/import", ndjson.encode(), "application/x-ndjson").json()
    demand(report["failed"] == 0, "POST /v1/import", report["errors"])
    for fate, brief in made:
        path, reason = f"/v1/briefs/{brief['slug']}", writer.prose(brief["language"])
        match fate:
            case "corrected":
                publisher.post(f"{path}/corrections", severity="minor", note=reason)
            case "retracted":
                publisher.post(f"{path}/retract", reason=reason)
            case "deleted":
                publisher.send("DELETE", f"{path}?reason={SECRET}")
            case "narrowed":
                publisher.patch(path, marking="TLP:AMBER")
    # Briefs come up again in the feeds when an event that they show changes.
    for slug in SHARED_EVENTS[:2]:
        publisher.patch(f"/v1/events/{slug}", description=writer.prose("en"))
    return made


def demand_that_bad_addresses_are_refused(publisher):
    """No feed could show them: each format demands an address by RFC 3987."""
    for address in BAD_ADDRESSES:
        places = {
            "canonical_url": address,
            "image": {"url": address},
            "sources": [{"title": "A source", "url": address}],
        }
        refused = []
        try:
            publisher.post("/v1/briefs", slug="bad", title="Bad", category="security", language="en", **places)
        except Refusal as refusal:
            refused = [error["pointer"] for error in refusal.problem.get("errors", [])]
        where = f"POST /v1/briefs with {address!a}"
        demand_equal(where, "what is refused", sorted(refused), ["/canonical_url", "/image/url", "/sources/0/url"])


def demand_no_secret(where, body):
    place = body.lower().find(SECRET.lower().encode())
    demand(place < 0, where, f"shows what nobody may see: {body[max(0, place - 200) : place + 50]!a}")


class Writer:
    def __init__(self, seed):
        self.chance = random.Random(seed)

    def ground(self):
        """What briefs refer to."""
        yield from ({"type": "category", "slug": slug, "name": name} for slug, name in CATEGORIES.items())
        yield from ({"type": "actor", "slug": slug, "name": name, "kind": "group"} for slug, name in ACTORS.items())
        for slug in SHARED_EVENTS:
            yield {"type": "event", "slug": slug, "state": "published", **self.event("en", "")}

    def briefs(self):
        """Each with its fate, in no order."""
        fates = [fate for fate, count in FATES.items() for _ in range(count)]
        self.chance.shuffle(fates)
        made = []
        for number, fate in enumerate(fates):
            # A deleted brief would be a reference that leads nowhere; what is unseen must not show as one.
            others = [brief["slug"] for fate_of, brief in made if fate_of != "deleted"]
            made.append((fate, self.brief(number, fate, others)))
        return made

    def brief(self, number, fate, others):
        """A brief of which nothing may be seen that has the secret word, once its fate has come upon it."""
        language = self.chance.choice(list(LANGUAGES))
        # The page of a retracted brief stays with its title; an event of its own standing outlives the brief.
        content_mark = "" if fate in PUBLIC else f" {SECRET}"
        title_mark = "" if fate == "retracted" else content_mark
        event_mark = content_mark if fate in (*UNSEEN, "retracted") else ""
        brief = {
            "type": "brief",
            "slug": f"{fate}-{number}{title_mark}".lower().replace(" ", "-"),
            "title": self.line(language) + title_mark,
            "category": self.chance.choice(list(CATEGORIES)),
            "category_status": self.maybe(self.chance.choice(["progress", "regress", "no_change", "mixed"])),
            "language": language,
            "country": self.maybe("BY"),
            "summary": self.maybe(self.prose(language) + content_mark, "", " "),
            "body": self.maybe(f"{self.markdown(language)}\n\n{content_mark}", ""),
            "image": self.maybe(self.image(number, language)),
            "authors": self.several(lambda: self.line(language) + title_mark, 3),
            "sources": self.several(lambda: self.source(language), 3),
            "license": self.maybe("CC-BY-4.0", "© & ]]> <x>"),
            "canonical_url": self.maybe(self.address(number)),
            "trends": self.several(lambda: self.trend(language, content_mark), 3),
            "events": self.several(lambda: self.event(language, event_mark), 2)
            + self.several(lambda: self.chance.choice(SHARED_EVENTS), 1),
            "related": self.chance.sample(others, min(2, len(others))),
        }
        if fate != "draft":
            brief |= {"state": "published", "published_at": self.moment()}
        if fate == "amber":
            brief["marking"] = "TLP:AMBER"
        if fate == "embargoed":
            brief["embargo_until"] = "2999-01-01T00:00:00Z"
        return brief

    def trend(self, language, mark):
        return {
            "statement": self.prose(language) + mark,
            "direction": self.chance.choice(["increasing", "decreasing", "stable", "unresolved"]),
            "assessment": self.maybe("mixed"),
            "series": self.maybe("army-influence"),
            "limits": self.maybe(self.prose(language) + mark, ""),
            "actors": self.some_actors(),
        }

    def event(self, language, mark):
        return {
            "title": self.line(language) + mark,
            "kind": self.chance.choice(["meeting", "visit", "statement"]),
            "occurred": self.chance.choice([self.day(), self.day()[:7], self.day()[:4], self.day() + "~"]),
            "description": self.maybe(self.prose(language) + mark, ""),
            "country": self.maybe("CN"),
            "participants": [{"actor": actor, "role": "participant"} for actor in self.some_actors()],
            "sources": self.several(lambda: self.source(language), 1),
        }

    def image(self, number, language):
        ending = self.chance.choice([".jpg", ".PNG", ".webp?w=1&h=2", ".svg#x", ""])
        return {
            "url": f"https://images.example.org/{number}{ending}",
            "alt": self.maybe(self.prose(language), ""),
            "credit": self.maybe(self.line(language)),
        }

    def source(self, language):
        return {
            "title": self.line(language),
            "publisher": self.maybe(self.line(language)),
            "url": self.maybe(self.address("source")),
            "reliability": self.maybe("B"),
        }

    def some_actors(self):
        return self.chance.sample(list(ACTORS), self.chance.randint(0, 3))

    def line(self, language):
        """A title or a name, at times as long as the server allows, less a mark."""
        start = self.chance.choice(["", " ", "\u3000"]) + self.chance.choice(LANGUAGES[language])
        return f"{start} {self.words(language, 1, self.chance.choice([8, 8, 90]))}"[: 500 - len(f" {SECRET}")]

    def prose(self, language):
        lines = (self.words(language, 1, 30) for _ in range(self.chance.randint(1, 3)))
        return self.chance.choice(["\n", "\r\n", "\n\n"]).join(lines) + " end"

    def markdown(self, language):
        parts = [self.words(language, 5, 60) for _ in range(3)] + self.chance.choices(MARKUP, k=6)
        if self.chance.random() < 0.2:
            parts.append(self.words(language, 2000, 3000))
        self.chance.shuffle(parts)
        return "\n\n".join(parts)

    def words(self, language, fewest, most):
        """Words of a language with odd ones among them."""
        count = self.chance.randint(fewest, most)
        return " ".join(
            self.chance.choice(ODD if self.chance.random() < 0.2 else LANGUAGES[language]) for _ in range(count)
        )

    def address(self, name):
        return self.chance.choice(ADDRESSES).format(name)

    def moment(self):
        fraction = self.chance.choice(["", "", ".5", ".000001", ".999999"])
        return f"{self.day()}T{self.chance.randint(0, 23):02}:{self.chance.randint(0, 59):02}:07{fraction}Z"

    def day(self):
        return f"{self.chance.randint(2009, 2025)}-{self.chance.randint(1, 12):02}-{self.chance.randint(1, 28):02}"

    def maybe(self, value, *others):
        """The value, or nothing, or one of the others."""
        return self.chance.choice([value, value, None, *others])

    def several(self, make, most):
        return [make() for _ in range(self.chance.randint(0, most))]
