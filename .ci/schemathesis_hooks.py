"""What schemathesis cannot know by itself: how an import's body is sent."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", errors="replace")
