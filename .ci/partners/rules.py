"""The rules that several formats share."""

import email.utils
import re
from collections import Counter
from datetime import datetime

from demands import demand

LETTER = (
    r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}"
    # The letters of RFC 3987, without those that turn the direction of writing.
    r"|[\u00a0-\u200d\u2010-\u2029\u202f-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd])"
)
REST = rf"(?:{LETTER}|/)*(?:\?(?:{LETTER}|[/?])*)?(?:#(?:{LETTER}|[/?])*)?"
ADDRESS = re.compile(rf"https?://(?:\[[0-9A-Fa-f:.]+\](?::\d+)?|{LETTER}+)(?:/{REST}|[?#]{REST})?", re.IGNORECASE)
URN = re.compile(rf"urn:[a-z0-9-]+:{LETTER}+")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
RFC_822 = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})")
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def matches(pattern, value):
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def is_address(value):
    return matches(ADDRESS, value)


def is_iri(value):
    return is_address(value) or matches(URN, value)


def is_language(value):
    return matches(LANGUAGE, value)


def is_rfc_3339(value):
    try:
        return matches(RFC_3339, value) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def is_rfc_822(value):
    try:
        # Python does not look whether the day of the week is that of the date.
        return matches(RFC_822, value) and email.utils.parsedate_to_datetime(value).strftime("%a") == value[:3]
    except ValueError:
        return False


def demand_children(where, element, space, once="", at_most_once="", any_number=""):
    """That an element has no other children of a namespace than these. What it has of others is not looked at."""
    counts = Counter(child.tag for child in element if child.tag[: child.tag.rfind("}") + 1] == space)
    for name in once.split():
        demand(counts.pop(space + name, 0) == 1, where, f"{element.tag} has no {name}, or several")
    for name in at_most_once.split():
        demand(counts.pop(space + name, 0) <= 1, where, f"{element.tag} has several {name}")
    for name in any_number.split():
        counts.pop(space + name, 0)
    demand(not counts, where, f"{element.tag} has {', '.join(counts)}")
