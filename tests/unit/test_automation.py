"""The automation for pull and merge requests, run for real: the scripts, the action's and the
template's own commands, and the hook.

GitHub and GitLab are stood in for by a small server on loopback that keeps comments as their APIs
do.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

pytestmark = pytest.mark.slow  # each test starts many processes
ROOT = Path(__file__).parents[2]
NETPLAN = Path(sys.executable).with_name("netplan")
BOT, TOKEN = "github-actions[bot]", "s3cret-token"
NOTED = "\n<!-- netplan-file:{} -->\n"
LAB = "name: lab\nnetworks: {net: {subnet: 10.1.0.0/24}}\ncontainers: {api: {networks: [net]}}\n"


class Forge(ThreadingHTTPServer):
    """Comments of request 7 of me/lab on GitHub, and of merge request 7 of project 5 on GitLab."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []
        self.forbidden = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def say(self, body: str, who: str = "somebody") -> None:
        self.comments.append(
            {
                "id": len(self.comments) + 1,
                "body": body,
                "user": {"login": who},
                "author": {"username": who},
            }
        )


class Handler(BaseHTTPRequestHandler):
    server: Forge

    def answer(self) -> None:
        url = urlsplit(self.path)
        self.server.calls.append((self.command, self.path))
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        allowed = (
            f"Bearer {TOKEN}" == self.headers["Authorization"]
            or self.headers["PRIVATE-TOKEN"] == TOKEN
        )
        if not allowed or (self.server.forbidden and self.command != "GET"):
            self.reply(403, {"message": "Resource not accessible by integration"})
        elif url.path == "/user":
            self.reply(200, {"username": BOT})
        elif match := re.fullmatch(
            r"(?:/repos/me/lab/issues|/projects/5/merge_requests)/7/(?:comments|notes)", url.path
        ):
            self.collection(match, body, parse_qs(url.query))
        elif match := re.fullmatch(
            r"/repos/me/lab/issues/comments/(\d+)|/projects/5/merge_requests/7/notes/(\d+)",
            url.path,
        ):
            found = self.server.comments[int(match[1] or match[2]) - 1]
            assert self.command == ("PATCH" if match[1] else "PUT")
            if self.too_long(body):
                return
            found["body"] = body["body"]
            self.reply(200, found)
        else:
            self.reply(404, {"message": "Not Found"})

    do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815

    def collection(
        self, _: re.Match[str], body: Mapping[str, Any], query: Mapping[str, list[str]]
    ) -> None:
        if self.command == "GET":
            size, page = int(query["per_page"][0]), int(query["page"][0])
            self.reply(200, self.server.comments[size * (page - 1) : size * page])
        elif not self.too_long(body):
            self.server.say(body["body"], BOT)
            self.reply(201, self.server.comments[-1])

    def too_long(self, body: Mapping[str, Any]) -> bool:
        if len(body["body"]) > 65536:
            self.reply(422, {"message": "body is too long (maximum is 65536 characters)"})
        return len(body["body"]) > 65536

    def reply(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def forge() -> Iterator[Forge]:
    with Forge() as server:
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        yield server
        server.shutdown()


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    (tmp_path / "netplan.yaml").write_text(LAB)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    """None of a CI in which this runs itself."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not re.match(r"GITHUB_|CI_|NETPLAN|DOCKER_|RUNNER_", key)
    }
    return {**kept, "NETPLAN": str(NETPLAN), "DOCKER_HOST": "unix:///nowhere/docker.sock", **more}


def on_github(forge: Forge, folder: Path) -> dict[str, str]:
    return environment(
        GITHUB_ACTIONS="true",
        GITHUB_API_URL=forge.url,
        GITHUB_REPOSITORY="me/lab",
        GITHUB_TOKEN=TOKEN,
        GITHUB_REF="refs/pull/7/merge",
        GITHUB_OUTPUT=str(folder / "output"),
        GITHUB_STEP_SUMMARY=str(folder / "summary"),
    )


def on_gitlab(forge: Forge) -> dict[str, str]:
    return environment(
        CI_API_V4_URL=forge.url, CI_PROJECT_ID="5", CI_MERGE_REQUEST_IID="7", NETPLAN_TOKEN=TOKEN
    )


def run(
    command: list[str], folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def review(
    folder: Path, env: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return run([str(ROOT / "scripts/review"), *arguments], folder, env)


def outputs(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / "output").read_text().splitlines())


# --- one comment, kept up to date -----------------------------------------------------------------


def test_the_comment_is_made_then_edited(forge: Forge, lab: Path) -> None:
    env = on_github(forge, lab)
    first = review(lab, env, "netplan.yaml", "--state", "empty")
    assert first.returncode == 0, first.stderr
    assert outputs(lab) == {"exit-code": "0", "changes": "true"}
    [comment] = forge.comments
    assert comment["body"].startswith("<!-- netplan:lab -->\n")
    assert comment["body"] == (lab / "summary").read_text() + NOTED.format("netplan.yaml")
    assert "netplan apply netplan.yaml" in comment["body"]
    again = review(lab, env, "netplan.yaml", "--state", "empty")
    assert "[comment] unchanged" in again.stderr
    (lab / "netplan.yaml").write_text(LAB.replace("10.1.0.0", "10.2.0.0"))
    assert "[comment] edited" in review(lab, env, "netplan.yaml", "--state", "empty").stderr
    [comment] = forge.comments
    assert "10.2.0.0" in comment["body"]


def test_only_its_own_comment_is_edited(forge: Forge, lab: Path) -> None:
    for number in range(250):
        forge.say(f"comment {number}")
    forge.say("<!-- netplan:lab -->\nmine now", "somebody")
    forge.say("see <!-- netplan:lab -->", BOT)
    forge.say("<!-- netplan:other -->", BOT)
    forge.say("<!-- netplan:lab -->\r\nold", BOT)
    before = [comment["body"] for comment in forge.comments]
    review(lab, on_github(forge, lab), "netplan.yaml", "--state", "empty")
    assert [comment["body"] for comment in forge.comments][:-1] == before[:-1]
    assert "10.1.0.0/24" in forge.comments[-1]["body"]
    assert [call for call in forge.calls if call[0] != "GET"] == [
        ("PATCH", "/repos/me/lab/issues/comments/254")
    ]


def test_gitlab_has_one_note(forge: Forge, lab: Path) -> None:
    for _ in range(2):
        done = review(lab, on_gitlab(forge), "netplan.yaml", "--state", "empty")
        assert done.returncode == 0, done.stderr
        assert "<!-- netplan:lab -->" in done.stdout
        (lab / "netplan.yaml").write_text(LAB.replace("10.1.0.0", "10.2.0.0"))
    [note] = forge.comments
    assert "10.2.0.0/24" in note["body"]
    assert [method for method, path in forge.calls if "notes" in path] == [
        "GET",
        "POST",
        "GET",
        "PUT",
    ]


def test_a_fork_that_may_not_comment_is_planned_all_the_same(forge: Forge, lab: Path) -> None:
    forge.forbidden = True
    done = review(lab, on_github(forge, lab), "netplan.yaml", "--state", "empty")
    assert done.returncode == 0
    assert "HTTP Error 403" in done.stderr
    assert "no comment was made" in done.stderr
    assert "10.1.0.0/24" in (lab / "summary").read_text()


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REF"])
def test_what_a_comment_lacks_is_named(forge: Forge, lab: Path, missing: str) -> None:
    env = on_github(forge, lab)
    del env[missing]
    done = review(lab, env, "netplan.yaml", "--state", "empty")
    assert done.returncode == 0
    assert {"GITHUB_REF": "NETPLAN_REQUEST"}.get(missing, missing) + " is not set" in done.stderr


def test_a_file_that_is_no_plan_is_not_put_anywhere(forge: Forge, lab: Path) -> None:
    (lab / "notes.md").write_text("# Notes\n")
    done = run(
        [sys.executable, str(ROOT / "scripts/comment.py"), "notes.md"], lab, on_github(forge, lab)
    )
    assert (done.returncode, forge.comments) == (1, [])
    assert "hidden marker" in done.stderr


def test_lines_with_ends_of_any_kind_are_counted(forge: Forge, lab: Path) -> None:
    """What Python takes for the end of a line may be three bytes: a text may be too long whose
    lines alone would fit.
    """
    (lab / "plan.md").write_bytes(b"<!-- netplan:lab -->\n" + "\u2028".encode() * 21_900 + b"x")
    done = run(
        [sys.executable, str(ROOT / "scripts/comment.py"), "plan.md"], lab, on_github(forge, lab)
    )
    assert (done.returncode, done.stderr) == (0, "[comment] made\n")
    assert len(forge.comments[0]["body"]) <= 65_536


# --- exit codes -----------------------------------------------------------------------------------


def test_a_wrong_file_is_annotated_and_fails(forge: Forge, lab: Path) -> None:
    (lab / "netplan.yaml").write_text("name: LAB\n")
    done = review(lab, on_github(forge, lab), "netplan.yaml", "--state", "empty")
    assert done.returncode == 4
    assert done.stdout.startswith("::error file=netplan.yaml,line=1,col=7::")
    assert outputs(lab) == {"exit-code": "4", "changes": "false"}
    assert {method for method, _ in forge.calls} == {"GET"}, "there is nothing to correct"


@pytest.mark.parametrize("wrong", ["name: LAB\n", LAB])
def test_errors_take_the_place_of_a_plan_that_is_no_longer_one(
    forge: Forge, lab: Path, wrong: str
) -> None:
    """Whoever reads the comment after a push that broke the file does not read the plan of the push
    before.
    """
    env = on_github(forge, lab)
    review(lab, env, "netplan.yaml", "--state", "empty")
    forge.say(forge.comments[0]["body"], "somebody")
    (lab / "netplan.yaml").write_text(wrong)
    broken = "LAB" in wrong
    done = review(lab, env, "netplan.yaml", "--state", "empty" if broken else "nosuch.json")
    assert done.returncode == 4, done.stderr
    first, theirs = forge.comments
    assert first["body"].startswith("<!-- netplan:lab -->\n### netplan: ")
    assert (
        "netplan.yaml:1:7: 'name' is 'LAB'" if broken else "the snapshot nosuch.json cannot be read"
    ) in first["body"]
    assert "netplan apply" not in first["body"]
    assert "netplan apply" in theirs["body"]
    (lab / "netplan.yaml").write_text(LAB)
    review(lab, env, "netplan.yaml", "--state", "empty")
    assert forge.comments[0]["body"] == theirs["body"]


def test_a_refused_plan_is_commented_and_fails(forge: Forge, lab: Path) -> None:
    case = ROOT / "tests/golden/not-ours"
    done = review(case, on_github(forge, lab), "topology.yaml", "--state", "observed.json")
    assert done.returncode == 3
    assert "the plan is refused as unsafe" in done.stderr
    [comment] = forge.comments
    assert comment["body"] == (case / "plan.md").read_text() + NOTED.format("topology.yaml")
    assert outputs(lab)["exit-code"] == "3"


def test_no_engine_and_no_snapshot_fails_without_a_comment(forge: Forge, lab: Path) -> None:
    done = review(lab, on_github(forge, lab), "netplan.yaml")
    assert done.returncode == 1
    assert "there is no such socket" in done.stderr
    assert "there is no plan" in done.stderr
    assert forge.comments == []


def test_nothing_to_do_is_no_change(forge: Forge, lab: Path) -> None:
    review(
        ROOT / "tests/golden/nothing-to-do",
        on_github(forge, lab),
        "topology.yaml",
        "--state",
        "observed.json",
    )
    assert outputs(lab) == {"exit-code": "0", "changes": "false"}
    assert "Nothing to do" in forge.comments[0]["body"]


def test_files_that_contradict_each_other_are_annotated_commented_and_fail(
    forge: Forge, lab: Path
) -> None:
    (lab / "topologies").mkdir()
    for name in ("a", "b"):
        (lab / "topologies" / f"{name}.yaml").write_text(
            f"name: {name}\nnetworks: {{both: {{}}}}\n"
        )
    done = review(lab, on_github(forge, lab), "topologies", "--state", "empty")
    assert done.returncode == 3
    assert done.stdout.startswith("::error file=topologies/b.yaml,line=2,col=")
    [comment] = forge.comments
    assert "only one topology can own it" in comment["body"]


def test_a_folder_is_one_comment(forge: Forge, lab: Path) -> None:
    done = review(ROOT, on_github(forge, lab), "topologies", "--state", "empty")
    assert done.returncode == 0, done.stderr
    [comment] = forge.comments
    assert comment["body"].startswith("<!-- netplan:topologies -->\n")


# --- the action, the template, the hook -----------------------------------------------------------


def read_yaml(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_the_action_runs_what_it_says(forge: Forge, lab: Path) -> None:
    """Its last step, with the expressions that GitHub would fill in; the first installs netplan
    with pip, and here it is installed.
    """
    action = read_yaml("action.yml")
    assert action["runs"]["using"] == "composite"
    step = action["runs"]["steps"][-1]
    assert "${{" not in step["run"]
    given = {
        "file": "netplan.yaml",
        "state": "empty",
        "options": "--disrupt-foreign\n--adopt net",
        "token": TOKEN,
    }
    inputs = {name: given.get(name, body["default"]) for name, body in action["inputs"].items()}
    context = {f"inputs.{name}": value for name, value in inputs.items()} | {
        "runner.temp": str(lab),
        "github.event.pull_request.number": "7",
        "github.event_name == 'pull_request' && inputs.comment || 'false'": inputs["comment"],
    }
    filled = {
        key: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: context[match[1]], value)
        for key, value in step["env"].items()
    }
    env = {
        **on_github(forge, lab),
        **filled,
        "NETPLAN": str(NETPLAN),
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_REF": "refs/heads/x",
    }
    done = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], lab, env)
    assert done.returncode == 0, done.stderr
    [comment] = forge.comments
    assert "netplan apply netplan.yaml --adopt net --disrupt-foreign" in comment["body"]
    assert (lab / "netplan-plan.md").read_text() + NOTED.format("netplan.yaml") == comment["body"]
    used = re.findall(r"inputs\.([\w-]+)", json.dumps(action["runs"]))
    assert set(used) == set(action["inputs"])
    assert all(
        body["description"] for body in (*action["inputs"].values(), *action["outputs"].values())
    )


def test_the_gitlab_template_runs_what_it_says(forge: Forge, lab: Path) -> None:
    job = read_yaml("docs/ci/gitlab.yml")["netplan"]
    tools = lab / "tools"
    (tools / "venv/bin").mkdir(parents=True)
    (tools / "venv/bin/netplan").symlink_to(NETPLAN)
    (tools / "netplan").symlink_to(ROOT)
    variables = {name: str(value or "") for name, value in job["variables"].items()}
    env = {
        **on_gitlab(forge),
        **variables,
        "NETPLAN_TOOLS": str(tools),
        "NETPLAN_OPTIONS": "--disrupt-foreign --max-removals 3",
    }
    done = run(["bash", "-c", "\n".join(["set -eo pipefail", *job["script"]])], lab, env)
    assert done.returncode == 0, done.stderr
    [note] = forge.comments
    assert (lab / job["artifacts"]["paths"][0]).read_text() + NOTED.format("") == note["body"]
    assert "netplan apply --max-removals 3 --disrupt-foreign" in note["body"]


def installers() -> list[str]:
    """The commands that prepare netplan, of the action and of the template; another module stands
    for pip, which takes long.
    """
    action = read_yaml("action.yml")["runs"]["steps"][0]["run"]
    template = "\n".join(read_yaml("docs/ci/gitlab.yml")["netplan"]["before_script"])
    return [
        script.replace("-m venv", "-m venv --without-pip").replace(
            "pip install --quiet", "platform"
        )
        for script in (action, template)
    ]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=name)
        for script, name in zip(installers(), ("action", "template"), strict=True)
    ],
)
def test_no_module_of_the_request_is_run(forge: Forge, lab: Path, script: str) -> None:
    """Its tree may hold modules of any name, and variables may point to it."""
    for name in (
        "venv",
        "ensurepip",
        "pip",
        "shutil",
        "typing",
        "json",
        "sitecustomize",
        "urllib",
        "hashlib",
        "yaml",
        "reconciler",
    ):
        (lab / f"{name}.py").write_text("open(__file__ + '.ran', 'w')\nraise SystemExit(9)\n")
    (lab / "temp").mkdir()
    run(["git", "init", "--quiet", "tools"], lab, environment())
    commit = [
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@x",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "x",
    ]
    run(["git", "-C", "tools", *commit], lab, environment())
    env = {
        **on_github(forge, lab),
        "RUNNER_TEMP": str(lab / "temp"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "PYTHONPATH": ".",
    }
    env |= {"NETPLAN_REPOSITORY": f"file://{lab / 'tools'}", "TMPDIR": str(lab / "temp")}
    done = run(["bash", "-eo", "pipefail", "-c", script], lab, env)
    assert done.returncode == 0, done.stderr
    assert "Linux" in done.stdout
    assert review(lab, env, "netplan.yaml", "--state", "empty").returncode == 0
    assert len(forge.comments) == 1
    assert list(lab.glob("*.ran")) == []


def test_long_errors_take_the_place_of_the_plan_too(forge: Forge, lab: Path) -> None:
    env = on_github(forge, lab)
    review(lab, env, "netplan.yaml", "--state", "empty")
    networks = "".join(
        f"  network-with-a-long-name-{n}: {{subnet: this-is-not-a-subnet-{n}, sbnet: 3}}\n"
        for n in range(900)
    )
    (lab / "netplan.yaml").write_text(f"name: lab\nnetworks:\n{networks}")
    done = review(lab, env, "netplan.yaml", "--state", "empty")
    assert "[comment] edited" in done.stderr
    [comment] = forge.comments
    assert 60_000 < len(comment["body"]) <= 65_536
    assert "netplan apply" not in comment["body"]
    assert re.search(r"\*\*Too long for one comment, left out: \d+ lines\*\*", comment["body"])
    assert comment["body"].endswith(NOTED.format("netplan.yaml"))


def test_the_longest_plan_and_the_longest_name_are_found_again(forge: Forge, lab: Path) -> None:
    env = on_github(forge, lab)
    folder = lab / ("é" * 100) / ("b" * 250)
    folder.mkdir(parents=True)
    file = str((folder / "lab.yaml").relative_to(lab))
    networks = "".join(f"  {'n' * 50}{n}: {{}}\n" for n in range(1500))
    (lab / file).write_text(f"name: lab\nnetworks:\n{networks}")
    for text in (f"name: lab\nnetworks:\n{networks}", "name: LAB\n"):
        (lab / file).write_text(text)
        review(lab, env, file, "--state", "empty")
    [comment] = forge.comments
    assert len(comment["body"]) < 1000
    assert "the topology is wrong" in comment["body"]


def test_a_renamed_topology_takes_its_old_plan_back(forge: Forge, lab: Path) -> None:
    env = on_github(forge, lab)
    review(lab, env, "netplan.yaml", "--state", "empty")
    (lab / "netplan.yaml").write_text(LAB.replace("name: lab", "name: lab2"))
    review(lab, env, "netplan.yaml", "--state", "empty")
    old, new = forge.comments
    assert "this plan is out of date" in old["body"]
    assert "10.1.0.0" not in old["body"]
    assert "10.1.0.0" in new["body"]


def test_a_comment_without_an_author_is_nobodys(forge: Forge, lab: Path) -> None:
    forge.say("<!-- netplan:lab -->\nold")
    forge.comments[0]["user"] = None
    review(lab, on_github(forge, lab), "netplan.yaml", "--state", "empty")
    assert [comment["body"].count("10.1.0.0") > 0 for comment in forge.comments] == [False, True]


HOSTILE = (
    "::stop-commands::abc.yaml",
    "##[stop-commands]abc.yaml",
    "a\n::stop-commands::abc\n.yaml",
    "-o.yaml",
)


@pytest.mark.parametrize(
    "text",
    [
        "name: w{}\nnetworks: {{wn{}: {{subnet: 'fd00:{}::/64'}}}}\n",
        "name: W\nnetworks: {{'##[add-mask]': 3}}\n",
    ],
)
def test_no_file_name_is_a_command_to_the_runner(forge: Forge, lab: Path, text: str) -> None:
    (lab / "netplan.yaml").unlink()
    for number, name in enumerate(HOSTILE):
        (lab / name).write_text(text.format(number, number, number))
    for arguments in ((".",), ("--file", "-o.yaml")):
        done = review(lab, on_github(forge, lab), *arguments, "--state", "empty")
        assert done.returncode == (4 if "W" in text else 0), done.stderr
        for line in (done.stdout + done.stderr).splitlines():
            command = re.match(r"\s*::([\w-]+) ", line)
            assert command or not line.lstrip().startswith("::"), line
            assert not command or command[1] in ("warning", "error"), line
            assert command or "##[" not in line, line


def test_nothing_outside_of_the_checkout_is_read(forge: Forge, lab: Path) -> None:
    """Neither through a link to a file or a folder, nor by a path; nothing of it is in the log, the
    summary or the comment.
    """
    secret, repository = lab / "outside/secret.yaml", lab / "checkout"
    secret.parent.mkdir()
    secret.write_text("machine github.com login x password hunter2\n")
    repository.mkdir()
    (repository / "inside.env").write_text("A=1\n")
    (repository / "link.env").symlink_to("inside.env")
    box = "name: lab\ncontainers: {api: {image: x, env_file: %s}}\n"
    (repository / "netplan.yaml").write_text(box % "link.env")
    env = on_github(forge, lab)
    assert review(repository, env, "netplan.yaml", "--state", "empty").returncode == 0

    (repository / "link").symlink_to(secret)
    (repository / "folder").symlink_to(secret.parent)
    (repository / "envs.yaml").write_text(box % "../outside/secret.yaml")
    (repository / "deep.yaml").write_text(box % "folder/secret.yaml")
    (repository / "proc.yaml").write_text(box % "/proc/self/environ")
    (repository / ".git").mkdir()
    (repository / ".git/config").write_text("token: hunter2\n")
    (repository / "git.yaml").symlink_to(".git/config")
    (repository / "gits.yaml").write_text(box % ".git/config")
    for file in (
        "link",
        "folder/secret.yaml",
        "../outside",
        "envs.yaml",
        "proc.yaml",
        "git.yaml",
        "gits.yaml",
    ):
        done = review(repository, env, file, "--state", "empty")
        assert done.returncode == 4, file
        assert "is outside" in done.stdout + done.stderr
        said = (
            done.stdout + done.stderr + (lab / "summary").read_text() + json.dumps(forge.comments)
        )
        assert "hunter2" not in said
        assert "github.com" not in said


def test_a_link_where_the_plan_is_left_is_replaced(forge: Forge, lab: Path) -> None:
    victim = lab / "victim"
    victim.write_text("mine")
    (lab / "plan.md").symlink_to(victim)
    review(
        lab, {**on_gitlab(forge), "NETPLAN_MARKDOWN": "plan.md"}, "netplan.yaml", "--state", "empty"
    )
    assert victim.read_text() == "mine"
    assert "10.1.0.0/24" in (lab / "plan.md").read_text()


def test_netplan_does_not_see_the_token(forge: Forge, lab: Path) -> None:
    spy = lab / "spy"
    spy.write_text(f'#!/bin/sh\nenv >>{lab}/seen\nexec {NETPLAN} "$@"\n')
    spy.chmod(0o755)
    for env in (on_github(forge, lab), on_gitlab(forge)):
        review(lab, {**env, "NETPLAN": str(spy)}, "netplan.yaml", "--state", "empty")
    assert len(forge.comments) == 1
    assert "PATH=" in (lab / "seen").read_text()
    assert TOKEN not in (lab / "seen").read_text()


def test_the_hook_validates_what_it_is_for(lab: Path) -> None:
    [hook] = read_yaml(".pre-commit-hooks.yaml")
    assert hook["language"] == "python"
    names = (
        "netplan.yaml",
        "lab/topology.yml",
        "a/b/topology.json",
        "xnetplan.yaml",
        "compose.yaml",
        "netplan.yaml.bak",
    )
    assert [bool(re.search(hook["files"], name)) for name in names] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    words = hook["entry"].split()
    command = [str(NETPLAN.with_name(words[0])), *words[1:], "netplan.yaml"]
    assert run(command, lab, environment()).returncode == 0
    (lab / "netplan.yaml").write_text("name: LAB\n")
    wrong = run(command, lab, environment())
    assert (wrong.returncode, wrong.stderr.startswith("netplan.yaml:1:7:")) == (4, True)
