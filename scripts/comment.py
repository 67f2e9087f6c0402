#!/usr/bin/env python3
"""Puts a Markdown file into one comment of a pull or merge request: the first time it is made,
after that it is edited.

The comment is known by the file's first line, the hidden marker `<!-- netplan:NAME -->`, and by its
author: nobody else's comment is taken for it. Needs nothing but Python.

    comment.py [--failed] plan.md [FILE]

FILE, what was planned, is noted in the comment. With --failed there is no plan: the text takes the
place of the one that was made of FILE before, if there is one.

GitHub: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN, NETPLAN_REQUEST (the pull request's number;
else from GITHUB_REF), NETPLAN_AUTHOR (default: github-actions[bot], who comments with the token of
a workflow). GitLab: CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID, and in NETPLAN_TOKEN an
access token with the scope `api`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

MARKER = re.compile(r"<!-- netplan:\S+ -->")
PER_PAGE, MOST_PAGES, SECONDS = 100, 100, 30
LONGEST = 65_536
"""Characters that GitHub takes; bytes are counted here, which are never fewer."""
LONGEST_NAME = 300
PAUSES = (1.0, 3.0)
"""Seconds before a call is tried once more."""
SUPERSEDED = """### netplan: this plan is out of date

The file now declares a topology of another name, which has a comment of its own.
"""


class Forge(NamedTuple):
    """Where comments are. `author` takes one as the API shows it and says whose it is; `edit` is
    the method that changes one.
    """

    comments: str
    one: str
    headers: Mapping[str, str]
    edit: str
    me: str
    author: Callable[[Mapping[str, Any]], str]


def call(
    method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None
) -> Any:
    """The JSON of one answer. Raises OSError, of which urllib's errors are, or ValueError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url,
        data,
        {**headers, "Content-Type": "application/json", "User-Agent": "netplan"},
        method=method,
    )
    for pause in () if method == "POST" else PAUSES:  # a second POST could make a second comment
        try:
            return send(request)
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise
        except urllib.error.URLError:
            pass
        time.sleep(pause)
    return send(request)


def send(request: urllib.request.Request) -> Any:
    """The JSON of one answer."""
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.loads(answer.read())


def forge(environ: Mapping[str, str]) -> Forge:
    """From the variables that a CI sets. Raises KeyError with the name of one that is missing."""
    if "GITHUB_REPOSITORY" in environ:
        return github(environ)
    return gitlab(environ)


def github(environ: Mapping[str, str]) -> Forge:
    """A pull request's comments are those of the issue of its number."""
    root = f"{environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{environ['GITHUB_REPOSITORY']}/issues"
    number = environ.get("NETPLAN_REQUEST") or re.sub(
        r"^refs/pull/(\d+)/.*", r"\1", environ.get("GITHUB_REF", "")
    )
    if not number.isdigit():
        raise KeyError("NETPLAN_REQUEST")
    headers = {
        "Authorization": f"Bearer {environ['GITHUB_TOKEN']}",
        "Accept": "application/vnd.github+json",
    }
    author = environ.get("NETPLAN_AUTHOR") or "github-actions[bot]"
    return Forge(
        f"{root}/{number}/comments",
        f"{root}/comments",
        headers,
        "PATCH",
        author,
        lambda comment: (comment.get("user") or {}).get("login", ""),
    )


def gitlab(environ: Mapping[str, str]) -> Forge:
    """A merge request's notes."""
    root = environ["CI_API_V4_URL"]
    headers = {"PRIVATE-TOKEN": environ["NETPLAN_TOKEN"]}
    project = f"{root}/projects/{environ['CI_PROJECT_ID']}"
    notes = f"{project}/merge_requests/{environ['CI_MERGE_REQUEST_IID']}/notes"
    me = call("GET", f"{root}/user", headers)["username"]
    return Forge(
        notes,
        notes,
        headers,
        "PUT",
        me,
        lambda note: (note.get("author") or {}).get("username", ""),
    )


def comments(where: Forge) -> Iterator[Mapping[str, Any]]:
    """All of the request, page by page."""
    for page in range(1, MOST_PAGES + 1):
        found = call("GET", f"{where.comments}?per_page={PER_PAGE}&page={page}", where.headers)
        yield from found
        if len(found) < PER_PAGE:
            return


def put(where: Forge, text: str, file: str) -> str:
    """Makes or edits the comment; says which. One of the same file for a topology of another name
    loses its plan.
    """
    marker = first_line(text)
    if not MARKER.fullmatch(marker):
        raise ValueError("the file does not begin with netplan's hidden marker")
    said = ""
    for comment in list(comments(where)):
        body = comment.get("body") or ""
        if where.author(comment) != where.me or not MARKER.fullmatch(first_line(body)):
            continue
        if first_line(body) == marker and not said:
            said = edit(where, comment, whole(text, file))
        elif first_line(body) != marker and body.rstrip().endswith(noted(file)):
            edit(where, comment, whole(f"{first_line(body)}\n{SUPERSEDED}", file))
    return said or make(where, whole(text, file))


def make(where: Forge, text: str) -> str:
    """A new comment; says so, and where the next push would not find it again."""
    who = where.author(call("POST", where.comments, where.headers, {"body": text}))
    return (
        "made"
        if who == where.me
        else f"made by {who}, not {where.me}: set NETPLAN_AUTHOR, or each push makes a new one"
    )


def put_failure(where: Forge, text: str, file: str) -> str:
    """Puts the text into every comment that holds a plan of that file; says whether there is
    one.
    """
    said = "not needed: no plan of this file is commented"
    for comment in list(comments(where)):
        body = (comment.get("body") or "").rstrip()
        if (
            MARKER.fullmatch(first_line(body))
            and body.endswith(noted(file))
            and where.author(comment) == where.me
        ):
            said = edit(where, comment, whole(f"{first_line(body)}\n{text}", file))
    return said


def whole(text: str, file: str) -> str:
    """A comment's body: the text, cut where it is too long, and the file that it is of."""
    end = f"\n\n{noted(file)}\n"
    return cut(text.rstrip(), LONGEST - len(end)) + end


def cut(text: str, room: int) -> str:
    """As many lines as fit into so many bytes, and how many more there are."""
    if len(text.encode()) <= room:
        return text
    lines, kept = text.split("\n"), 0
    left = room - 100  # what is said below
    while (left := left - len(lines[kept].encode()) - 1) >= 0:
        kept += 1
    return "\n".join(
        [
            *lines[:kept],
            "",
            (
                f"**Too long for one comment, left out: {len(lines) - kept:,} lines**; the job's"
                " log has them."
            ),
        ]
    )


def edit(where: Forge, comment: Mapping[str, Any], text: str) -> str:
    """Changes a comment that says something else; says whether."""
    if comment["body"].rstrip() == text.rstrip():
        return "unchanged"
    call(where.edit, f"{where.one}/{comment['id']}", where.headers, {"body": text})
    return "edited"


def first_line(text: str) -> str:
    """Where the marker stands."""
    return text.partition("\n")[0].strip()


def noted(file: str) -> str:
    """The hidden line that says of which file a comment's plan is."""
    name = urllib.parse.quote(file, errors="surrogateescape")
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}:{hashlib.sha256(name.encode()).hexdigest()}"
    return f"<!-- netplan-file:{name} -->"


def from_root(file: str, environ: Mapping[str, str]) -> str:
    """The file as seen from the checkout's root: a job may plan several folders, each from
    within.
    """
    root = environ.get("GITHUB_WORKSPACE") or environ.get("CI_PROJECT_DIR")
    here = Path.cwd().resolve()
    if not root or here == Path(root).resolve() or not here.is_relative_to(Path(root).resolve()):
        return file
    return f"{here.relative_to(Path(root).resolve())}/{file}"


def main() -> int:
    """0 if the comment is there; otherwise one line says why not."""
    how, arguments = (
        (put_failure, sys.argv[2:]) if sys.argv[1:2] == ["--failed"] else (put, sys.argv[1:])
    )
    try:
        path, file = [*arguments, ""][:2]
        text = Path(path).read_text(encoding="utf-8", errors="replace")
        print(
            f"[comment] {how(forge(os.environ), text, from_root(file, os.environ))}",
            file=sys.stderr,
        )
    except KeyError as error:
        print(
            f"[comment] error: {error.args[0]} is not set, or the answer has no such key",
            file=sys.stderr,
        )
    except (OSError, ValueError, TypeError) as error:
        print(f"[comment] error: {error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
