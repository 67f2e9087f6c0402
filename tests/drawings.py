"""A picture whose names are code of every language that pictures are written in."""

from __future__ import annotations

from reconciler.diagram.declared import whole
from reconciler.diagram.picture import Box, Link, Picture, Segment
from reconciler.terminal import safe

HOSTILE = """</script><script>alert(1)</script>"'`&#quot;]](){}|\\n\\" \u202e\x1b[31m<b>"""


def hostile() -> Picture:
    text = safe(HOSTILE)
    segment = Segment(text, text, subnets=(text,), flags=(text,), sign="drift", notes=(text,))
    link = Link(text, (text,), (text,), text, "drift", (text,))
    box = Box(text, (link,), text, text, (text,), flags=(text,), sign="drift", notes=(text,))
    return whole(text, text, [segment], [box, Box("guest", shares=text)])
