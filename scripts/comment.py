#!/usr/bin/env python3
"""Puts a Markdown file into one comment of a pull or merge request: the first time it is made, after that it is edited.

The comment is known by the file's first line, the hidden marker `<!-- netplan:NAME -->`, and by its author: nobody else's comment is taken
for it. Needs nothing but Python.

    comment.py plan.md

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
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PER_PAGE, MOST_PAGES, SECONDS = 100, 100, 30


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


def put(where: Forge, text: str) -> str:
    """Makes or edits the comment; says which."""
    marker = text.partition("\n")[0].strip()
    if not re.fullmatch(r"<!-- netplan:\S+ -->", marker):
        raise ValueError("the file does not begin with netplan's hidden marker")
    for comment in comments(where):
        if (comment.get("body") or "").partition("\n")[0].strip() == marker and where.author(comment) == where.me:
            if comment["body"].rstrip() == text.rstrip():
                return "unchanged"
            call(where.edit, f"{where.one}/{comment['id']}", where.headers, {"body": text})
            return "edited"
    call("POST", where.comments, where.headers, {"body": text})
    return "made"


def main() -> int:
    """0 if the comment is there; otherwise one line says why not."""
    try:
        text = Path(sys.argv[1]).read_text(encoding="utf-8")
        print(f"[comment] {put(forge(os.environ), text)}", file=sys.stderr)
    except KeyError as error:
        print(f"[comment] error: {error.args[0]} is not set, or the answer has no such key", file=sys.stderr)
    except (OSError, ValueError, TypeError) as error:
        print(f"[comment] error: {error}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
