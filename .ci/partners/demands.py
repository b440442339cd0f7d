"""How a check fails."""

import os


class Difference(Exception):
    """Something is not as it has to be."""


def demand(holds, where, what):
    if not holds:
        raise Difference(f"{where}: {what}")


def demand_equal(where, field, found, expected):
    if found == expected:
        return
    if isinstance(found, str) and isinstance(expected, str):
        # Of two long texts, what stands around the place where they part.
        start = max(0, len(os.path.commonprefix([found, expected])) - 30)
        found, expected = found[start : start + 150], expected[start : start + 150]
    raise Difference(f"{where}: `{field}` is\n  {found!a}\nwhere this was to be\n  {expected!a}")
