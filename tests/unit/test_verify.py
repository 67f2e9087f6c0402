"""The static judge: what each expectation of one topology comes to, and why; what is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from reconciler import cli
from reconciler.expectations import read_expectation
from reconciler.model import DesiredState, EngineInfo, ObservedState
from reconciler.planner import plan
from reconciler.topology import load_text
from reconciler.topology.schema import schema_text
from reconciler.verify import expand, implied, judge, judge_file, promised, world_of

WORLD = """\
name: shop
networks:
  front: {subnet: 10.9.1.0/24}
  back: {subnet: 10.9.2.0/24, internal: true}
  other: {subnet: 10.9.3.0/24}
  open: {subnet: 10.9.4.0/24, driver_opts: {com.docker.network.bridge.gateway_mode_ipv4: routed}}
  mute: {subnet: 10.9.5.0/24, driver_opts: {com.docker.network.bridge.enable_icc: false}}
  six: {enable_ipv6: true, subnet: "fd00:9::/64"}
  seven: {enable_ipv6: true, subnet: "fd00:7::/64"}
  lan: {driver: macvlan, subnet: 10.9.6.0/24, driver_opts: {parent: eth0}}
  corp: {external: true}
containers:
  client: {image: b, hostname: front-client, networks: [front]}
  server:
    image: b
    ports: ["127.0.0.1:8080:80"]
    networks: {front: {ipv4_address: 10.9.1.9}, back: {aliases: [www], ipv4_address: 10.9.2.9}}
  vault: {image: b, ports: ["81:81"], networks: [back]}
  loner: {image: b, networks: [other]}
  routed: {image: b, networks: [open]}
  mute-1: {image: b, networks: [mute]}
  mute-2: {image: b, networks: [mute]}
  six-1: {image: b, networks: [six]}
  seven-1: {image: b, networks: [seven]}
  lan-1: {image: b, networks: [lan]}
  lan-2: {image: b, networks: [lan]}
  old-1: {image: b, network_mode: bridge}
  old-2: {image: b, network_mode: bridge}
  side: {image: b, network_mode: "container:server"}
  outsider: {image: b, network_mode: "container:elsewhere"}
  machine: {image: b, network_mode: host}
  hermit: {image: b, network_mode: none}
  admin: {image: b, cap_add: [NET_ADMIN], networks: [front]}
  hosts: {image: b, extra_hosts: ["vault:10.1.1.1"], networks: [front]}
  resolver: {image: b, dns: 10.1.1.1, networks: [front]}
  batch: {image: b, one_shot: true, networks: [front]}
  theirs: {networks: [front]}
  partner: {networks: [corp]}
  guest: {optional: true, networks: [front]}
"""
HOLDS, BROKEN, OPEN = True, False, None
CASES = [
    # names
    ("client -> server", HOLDS, "both are on network front"),
    ("client -> SERVER.front (dns)", HOLDS, "SERVER.front is a name on front"),
    ("server -> front-client (dns)", HOLDS, "front-client is a name on front"),
    ("client -> www", BROKEN, "www is a name of server on back only, where client is not"),
    ("vault -> www", HOLDS, "both are on network back"),
    ("client -/> www (dns)", HOLDS, "www is a name of server on back only"),
    ("vault -/> www (dns)", BROKEN, "www is a name on back"),
    ("client -> vault", BROKEN, "they share no network: client is on front, vault is on back"),
    ("old-1 -> old-2", BROKEN, "Docker's default bridge knows no names"),
    ("old-1 -> old-2 (by address)", HOLDS, "both are on Docker's default bridge"),
    ("client -> side", BROKEN, "side is in the network of server, and has no name of its own"),
    ("client -> hermit", BROKEN, "hermit has only lo"),
    ("client -> machine", BROKEN, "machine is on the engine's machine (host mode)"),
    ("machine -> client", BROKEN, "which knows no names of containers"),
    ("hosts -> vault", OPEN, "extra_hosts or links of hosts say what vault is"),
    ("resolver -> vault (dns)", OPEN, "resolver has name servers of its own (dns)"),
    ("theirs -> vault", OPEN, "theirs is not managed by this file"),
    ("client -> example.com", OPEN, "example.com is a name outside the topology"),
    # packets
    ("vault -/> client", HOLDS, "they share no network"),
    ("client -/> server", BROKEN, "both are on network front"),
    ("side -> server", HOLDS, "both are in one network namespace"),
    ("side -/> client", BROKEN, "both are on network front"),
    ("hermit -/> server", HOLDS, "hermit has only lo"),
    ("hermit -> localhost", HOLDS, "its own lo"),
    ("client -/> routed", OPEN, "gateway_mode of network open lets other networks in"),
    ("routed -/> client", HOLDS, "they share no network"),
    ("mute-1 -> mute-2", BROKEN, "network mute keeps its containers apart (enable_icc: false)"),
    ("mute-1 -> mute-2 (dns)", HOLDS, "mute-2 is a name on mute"),
    ("six-1 -/> seven-1", OPEN, "not every engine keeps IPv6 networks apart"),
    ("lan-1 -> lan-2", HOLDS, "both are on network lan"),
    ("lan-1 -/> client", OPEN, "(macvlan)"),
    ("admin -/> loner", OPEN, "admin may set routes of its own"),
    ("loner -/> admin", HOLDS, "they share no network"),
    ("theirs -/> loner", OPEN, "theirs is not managed by this file"),
    ("partner -/> client", OPEN, "partner is not managed by this file"),
    ("client -> outsider (by address)", OPEN, "the file does not declare elsewhere"),
    ("client -> machine (by address)", OPEN, "whose firewall decides"),
    ("machine -> client (by address)", HOLDS, "the engine's machine has an address on network"),
    ("machine -> lan-1 (by address)", BROKEN, "does not reach its own macvlan containers"),
    ("client -> batch", OPEN, "batch ends by itself (one_shot)"),
    ("client -> guest", OPEN, "guest is optional, and may not exist"),
    # addresses
    ("client -> 10.9.1.9", HOLDS, "both are on network front"),
    ("client -> 10.9.2.9", BROKEN, "they share no network"),
    ("side -> 10.9.1.9", HOLDS, "it is its own address"),
    ("client -> 10.9.1.77", OPEN, "no container has 10.9.1.77 of network front by the file"),
    ("vault -> 8.8.8.8", BROKEN, "vault is on internal networks only (back)"),
    ("client -> 8.8.8.8", OPEN, "routes to 8.8.8.8 are not known"),
    # the way out
    ("vault -/> outside", HOLDS, "vault is on internal networks only (back)"),
    ("client -> outside", HOLDS, "network front leads out: it is not internal"),
    ("server -/> outside", BROKEN, "network front leads out: it is not internal"),
    ("hermit -/> outside", HOLDS, "hermit has only lo"),
    ("machine -> outside", OPEN, "which decides"),
    ("lan-1 -> outside", OPEN, "network lan may lead out (macvlan)"),
    ("old-1 -> outside", HOLDS, "the default bridge leads out"),
    # ports and pages
    ("client -> server:80", OPEN, "both are on network front; only a running topology shows"),
    ("client -/> server:80", OPEN, "both are on network front; only a running topology shows"),
    ("client -> vault:80/udp", BROKEN, "they share no network"),
    ("client -/> vault:80", HOLDS, "they share no network"),
    ("vault -> http://www/ == 200", OPEN, "both are on network back; only a running"),
    ("client -> http://www/ == 200", BROKEN, "www is a name of server on back only"),
    # from the machine
    ("host -> server:80", OPEN, "port 80/tcp of server is published as 8080; only a running"),
    ("host -> server:443", BROKEN, "server does not publish port 443/tcp"),
    ("host -/> client:80", HOLDS, "client does not publish port 80/tcp"),
    ("host -> vault:81", BROKEN, "engines publish nothing from internal networks"),
    ("host -> theirs:80", OPEN, "theirs is not managed by this file"),
    ("host -> client", HOLDS, "the engine's machine has an address on network front"),
    ("host -> lan-1", BROKEN, "a machine does not reach its own macvlan containers"),
    ("host -> 127.0.0.1:8080", OPEN, "127.0.0.1:8080->80/tcp leads to server; only a running"),
    ("host -> http://localhost:8080/", OPEN, "leads to server"),
    ("host -> 127.0.0.1:9", OPEN, "no container of this file publishes 127.0.0.1:9"),
    ("host -> 10.9.1.9", HOLDS, "the engine's machine has an address on network front"),
]


def declare(*items: str, text: str = WORLD) -> DesiredState:
    listed = "".join(f"  - {json.dumps(item)}\n" for item in items)
    return load_text(f"{text}expect:\n{listed}", "t").state


@pytest.mark.parametrize(("text", "value", "reason"), CASES, ids=[case[0] for case in CASES])
def test_the_judge(text: str, value: bool | None, reason: str) -> None:
    state = declare(text)
    answer = judge(world_of(state), state.expectations[0])
    assert answer.value is value, answer
    assert reason in answer.reason


def test_what_is_broken_says_what_would_mend_it() -> None:
    state = declare("client -> www", "client -> vault", "host -> client:80", "server -/> outside")
    assert [one.mend for one in judge_file(state).findings] == [
        "add aliases: [www] to server on front",
        "attach client to back",
        'add ports: ["80:80"] to client',
        "set internal: true on that network",
    ]


# --- what a topology implies ----------------------------------------------------------------------


def test_what_a_topology_implies() -> None:
    text = """\
name: shop
networks: {front: , back: {internal: true}}
containers:
  client: {image: b, networks: [front]}
  server: {image: b, ports: ["8080:80"], networks: {front: , back: {aliases: [db]}}}
  vault: {image: b, networks: [back]}
  old-1: {image: b, network_mode: bridge}
  old-2: {image: b, network_mode: bridge}
  side: {image: b, network_mode: "container:server"}
  hermit: {image: b, network_mode: none}
"""
    world = world_of(load_text(text, "t").state)
    found = [(str(one), promised(world, one).value, one.pairs) for one in implied(world)]
    assert found == [
        ("client and server reach each other by name and alias (front)", True, 2),
        ("server and vault reach each other by name and alias (back)", True, 2),
        ("old-1 and old-2 reach each other by address, not by name (default bridge)", True, 2),
        ("client -/> vault, old-1 and old-2", True, 6),
        ("server -/> old-1 and old-2", True, 4),
        ("vault -/> old-1 and old-2", True, 4),
        ("vault -/> outside", True, 1),
        ("host -> server:80/tcp", None, 1),
        ("side: the address of server", True, 1),
        ("hermit: only lo", True, 1),
    ]
    for promise in implied(world):
        for expected in expand(world, promise):
            assert judge(world, expected).value is promised(world, promise).value, str(expected)


def test_many_containers_are_few_promises() -> None:
    boxes = "".join(f"  c{n}: {{image: b, networks: [n{n % 2}]}}\n" for n in range(1000))
    state = load_text(f"name: big\nnetworks: {{n0: , n1: }}\ncontainers:\n{boxes}", "t").state
    found = judge_file(state).findings
    assert [one.pairs for one in found] == [500 * 499, 500 * 499, 2 * 500 * 500]
    assert found[2].subject == "c0, c2, c4 and 497 others -/> c1, c3, c5 and 497 others"


# --- the plan -------------------------------------------------------------------------------------


def test_a_plan_warns_of_what_the_file_breaks() -> None:
    state = declare("client -> server", "client -> vault", "client -> server:80", text=SMALL)
    made = plan(state, ObservedState(EngineInfo("ID", "engine", "28.5.2")))
    assert made.warnings == (
        "t:9: client -> vault will not hold: they share no network: client is on front, vault is"
        " on back: attach client to back",
    )
    assert made.applyable
    without = plan(load_text(SMALL, "t").state, ObservedState(EngineInfo("ID", "engine", "28.5.2")))
    assert without.fingerprint == made.fingerprint
    assert without.steps == made.steps


# --- the command ----------------------------------------------------------------------------------

SMALL = """\
name: shop
networks: {front: , back: }
containers:
  client: {image: b, networks: [front]}
  server: {image: b, networks: [front, back]}
  vault: {image: b, networks: [back]}
"""
ITEMS = ("client -> server", "client -> vault", "client -> server:80")
TEXT = """\
netplan: topology "shop": expectations judged without an engine

  broken     client -> vault          they share no network: client is on front, vault is on back\
  (shop.yaml:9)
                                      -> attach client to back
  undecided  client -> server:80/tcp  both are on network front; only a running topology shows\
 whether anything answers there
  holds      client -> server         both are on network front

Verified: 1 holds, 1 is broken, 1 is undecided without an engine.
"""
MARKDOWN = """\
### `shop`: expectations judged without an engine

**Verified: 1 holds, 1 is broken, 1 is undecided without an engine.**

| | Expectation | Why | Source |
|:-:|---|---|---|
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return tmp_path


def write(folder: Path, *items: str, name: str = "shop") -> None:
    listed = "".join(f"  - {item}\n" for item in items)
    text = SMALL.replace("shop", name) + (f"expect:\n{listed}" if items else "")
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> str:
    assert cli.main(["verify", "--static", *arguments]) == code
    return str(capsys.readouterr().out)


def test_the_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, *ITEMS)
    assert run(capsys, "shop.yaml", code=1) == TEXT
    assert run(capsys, "shop.yaml", "-q", code=1) == ""


def test_the_markdown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, *ITEMS)
    text = run(capsys, "shop.yaml", "-o", "markdown", code=1)
    assert text.startswith(MARKDOWN)
    assert "| ❌ broken | `client -> vault` | they share no network" in text
    assert "| `shop.yaml:9` |\n" in text


def test_the_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, *ITEMS)
    write(folder, name="bare")
    value = json.loads(run(capsys, ".", "-o", "json", code=1))
    jsonschema.validate(value, json.loads(schema_text("verify")))
    bare, shop = value["files"]
    assert [bare["declared"], shop["declared"]] == [False, True]
    assert shop["counts"] == {"broken": 1, "undecided": 1, "holds": 1}
    assert shop["findings"][0]["source"] == {"file": "shop.yaml", "line": 9, "column": 5}
    assert shop["findings"][1]["expectation"]["port"] == 80


def test_junit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, *ITEMS)
    [suite] = ElementTree.fromstring(run(capsys, "shop.yaml", "-o", "junit", code=1))
    counts = [suite.get(key) for key in ("tests", "failures", "errors", "skipped")]
    assert (suite.get("name"), suite.get("file"), counts) == ("shop", "shop.yaml", [*"3101"])
    found = {case.get("name"): [child.tag for child in case] for case in suite}
    assert found == {
        "client -> server": [],
        "client -> vault": ["failure"],
        "client -> server:80/tcp": ["skipped"],
    }


def test_exit_codes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "client -> server")
    run(capsys, "shop.yaml", code=0)
    write(folder)
    assert "client -/> vault" in run(capsys, "shop.yaml", code=0)
    (folder / "empty.yaml").write_text("name: empty\n", encoding="utf-8")
    assert "Nothing to judge" in run(capsys, "empty.yaml", code=2)
    write(folder, "client -> servr")
    run(capsys, "shop.yaml", code=4)
    assert cli.main(["verify", "empty.yaml"]) == 4
    assert "verify needs --static" in capsys.readouterr().err


EXAMPLES = sorted((Path(__file__).parents[2] / "topologies").glob("*.yaml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_expects_something_and_breaks_none_of_it(file: Path) -> None:
    found = judge_file(load_text(file.read_text(encoding="utf-8"), file.name).state)
    assert found.declared
    assert not found.count("broken")


# --- the document ---------------------------------------------------------------------------------

DOCUMENT = (Path(__file__).parents[2] / "docs/verify.md").read_text(encoding="utf-8")


def test_the_document_shows_what_is_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml, mappings = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT, re.M | re.S)
    [text] = re.findall(r"^```text\n(.*?)^```$", DOCUMENT, re.M | re.S)
    (folder / "shop.yaml").write_text(yaml, encoding="utf-8")
    assert run(capsys, "shop.yaml", code=1) == text
    assert len(load_text(mappings, "t").state.expectations) == 4


def test_the_document_lists_the_grammar() -> None:
    table = DOCUMENT.partition("| expectation | means |")[2].partition("\n\n")[0]
    forms = re.findall(r"^\| `([^`]+)` \|", table, re.M)
    assert len(forms) == 13
    for form in forms:
        assert read_expectation(form).source in ("client", "host")
