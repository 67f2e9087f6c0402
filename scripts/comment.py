#!/usr/bin/env python3
"""Puts a Markdown file into one comment of a pull or merge request: the first time it is made, after that it is edited.

The comment is known by the file's first line, the hidden marker `<!-- netplan:NAME -->`, and by its author: nobody else's comment is taken
for it. Needs nothing but Python.

    comment.py [--failed] plan.md [FILE]

FILE, what was planned, is noted in the comment. With --failed there is no plan: the text takes the place of the one that was made of FILE
before, if there is one.

GitHub: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN, NETPLAN_REQUEST (the pull request's number; else from GITHUB_REF), NETPLAN_AUTHOR
(default: github-actions[bot], who comments with the token of a workflow).
GitLab: CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID, and in NETPLAN_TOKEN an access token with the scope `api`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

MARKER = re.compile(r"<!-- netplan:\S+ -->")
PER_PAGE, MOST_PAGES, SECONDS = 100, 100, 30
LONGEST = 65_536
"""Characters that GitHub takes."""


class Forge(NamedTuple):
    """Where comments are. `author` takes one as the API shows it and says whose it is; `edit` is the method that changes one."""

    comments: str
    one: str
    headers: Mapping[str, str]
    edit: str
    me: str
    author: Callable[[Mapping[str, Any]], str]


def call(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None) -> Any:
    """The JSON of one answer. Raises OSError, of which urllib's errors are, or ValueError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json", "User-Agent": "netplan"}, method=method)
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
    number = environ.get("NETPLAN_REQUEST") or re.sub(r"^refs/pull/(\d+)/.*", r"\1", environ.get("GITHUB_REF", ""))
    if not number.isdigit():
        raise KeyError("NETPLAN_REQUEST")
    headers = {"Authorization": f"Bearer {environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"}
    author = environ.get("NETPLAN_AUTHOR") or "github-actions[bot]"
    return Forge(f"{root}/{number}/comments", f"{root}/comments", headers, "PATCH", author, lambda comment: comment["user"]["login"])


def gitlab(environ: Mapping[str, str]) -> Forge:
    """A merge request's notes."""
    root = environ["CI_API_V4_URL"]
    headers = {"PRIVATE-TOKEN": environ["NETPLAN_TOKEN"]}
    notes = f"{root}/projects/{environ['CI_PROJECT_ID']}/merge_requests/{environ['CI_MERGE_REQUEST_IID']}/notes"
    me = call("GET", f"{root}/user", headers)["username"]
    return Forge(notes, notes, headers, "PUT", me, lambda note: note["author"]["username"])


def comments(where: Forge) -> Iterator[Mapping[str, Any]]:
    """All of the request, page by page."""
    for page in range(1, MOST_PAGES + 1):
        found = call("GET", f"{where.comments}?per_page={PER_PAGE}&page={page}", where.headers)
        yield from found
        if len(found) < PER_PAGE:
            return


def put(where: Forge, text: str, file: str) -> str:
    """Makes or edits the comment; says which."""
    marker = first_line(text)
    if not MARKER.fullmatch(marker):
        raise ValueError("the file does not begin with netplan's hidden marker")
    whole = f"{text.rstrip()}\n\n{noted(file)}\n"
    whole = whole if len(whole) <= LONGEST else text
    for comment in comments(where):
        if first_line(comment.get("body") or "") == marker and where.author(comment) == where.me:
            return edit(where, comment, whole)
    call("POST", where.comments, where.headers, {"body": whole})
    return "made"


def put_failure(where: Forge, text: str, file: str) -> str:
    """Puts the text into every comment that holds a plan of that file; says whether there is one."""
    said = "not needed: no plan of this file is commented"
    for comment in list(comments(where)):
        body = (comment.get("body") or "").rstrip()
        if MARKER.fullmatch(first_line(body)) and body.endswith(noted(file)) and where.author(comment) == where.me:
            said = edit(where, comment, f"{first_line(body)}\n{text.rstrip()}\n\n{noted(file)}\n")
    return said


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
    return f"<!-- netplan-file:{urllib.parse.quote(file)} -->"


def main() -> int:
    """0 if the comment is there; otherwise one line says why not."""
    how, arguments = (put_failure, sys.argv[2:]) if sys.argv[1:2] == ["--failed"] else (put, sys.argv[1:])
    try:
        path, file = [*arguments, ""][:2]
        text = Path(path).read_text(encoding="utf-8")
        print(f"[comment] {how(forge(os.environ), text, file)}", file=sys.stderr)
    except KeyError as error:
        print(f"[comment] error: {error.args[0]} is not set, or the answer has no such key", file=sys.stderr)
    except (OSError, ValueError, TypeError) as error:
        print(f"[comment] error: {error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
