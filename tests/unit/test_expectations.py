"""`expect:` as people write it: its grammar, what is wrong with it and where, and that it is no
state.
"""

from __future__ import annotations

import pytest

from reconciler.errors import InputError
from reconciler.expectations import Expectation, ExpectationError, read_expectation
from reconciler.model import DesiredState
from reconciler.topology import load_text

LAB = """\
name: shop
networks:
  front: {subnet: 10.9.1.0/24}
  back: {subnet: 10.9.2.0/24, internal: true}
containers:
  client: {image: busybox, networks: [front]}
  server: {image: busybox, container_name: shop-server, networks: {front: , back: {aliases: [www]}}}
"""
"""The first item of its `expect:` stands in the ninth line."""


def with_expect(*items: str) -> str:
    return LAB + "expect:\n" + "".join(f"  - {item}\n" for item in items)


def load(*items: str) -> DesiredState:
    return load_text(with_expect(*items), "t").state


FORMS = {
    "a -> b": Expectation("a", "b"),
    "a -/> b": Expectation("a", "b", reaches=False),
    "  a   ->\tb ": Expectation("a", "b"),
    "a -> b (icmp)": Expectation("a", "b"),
    "a -> b:80": Expectation("a", "b", probe="tcp", port=80),
    "a -> b:80/TCP": Expectation("a", "b", probe="tcp", port=80),
    "a -> b:53/udp": Expectation("a", "b", probe="udp", port=53),
    "a -> www (dns)": Expectation("a", "www", probe="dns"),
    "a -> b (by address)": Expectation("a", "b", by_address=True),
    "a -> b:80 (tcp, By  Address)": Expectation("a", "b", probe="tcp", port=80, by_address=True),
    "a -> 10.0.0.7": Expectation("a", "10.0.0.7"),
    "a -> FD00::07": Expectation("a", "fd00::7"),
    "a -> [fd00::7]:80": Expectation("a", "fd00::7", probe="tcp", port=80),
    "a -> http://b/x?y=1": Expectation("a", "b", probe="http", port=80, url="http://b/x?y=1"),
    "a -> https://b == 404": Expectation(
        "a", "b", probe="http", port=443, url="https://b", status=404
    ),
    "a -/> http://[::1]:8080/": Expectation(
        "a", "::1", reaches=False, probe="http", port=8080, url="http://[::1]:8080/"
    ),
    "host -> 127.0.0.1:8080": Expectation("host", "127.0.0.1", probe="tcp", port=8080),
    "a -/> outside": Expectation("a", "outside", reaches=False),
}


@pytest.mark.parametrize("text", FORMS)
def test_the_short_form(text: str) -> None:
    found = read_expectation(text)
    assert found == FORMS[text]
    assert read_expectation(str(found)) == found


MISTAKES = {
    "a b": ("is no expectation: it has no arrow, and write it like", 0),
    "a->b": ("put spaces around the arrow", 0),
    "a => b": ("'=>' is no arrow: did you mean '->'?", 2),
    "a !-> b": ("'!->' is no arrow: did you mean '-/>'?", 2),
    "a -> b (ping)": ("(ping) says nothing here: write (icmp), (tcp), (udp), (dns), (http)", 8),
    "a -> b (icmp, dns)": ("one expectation has one probe", 8),
    "a -> b c": ("'b c' is no target", 5),
    "a -> b:0": ("'0' is no port: it is a number from 1 to 65535", 5),
    "a -> b:x": ("'x' is no port", 5),
    "a -> b:80/sctp": ("'sctp' is no protocol: write tcp or udp", 5),
    "a -> b (tcp)": ("tcp needs a port: server:80/tcp", 8),
    "a -> b:80 (dns)": ("(dns) contradicts /tcp: leave one of them out", 11),
    "a -> b == 200": ("only a page has a status", 10),
    "a -> http://b == 99": ("'99' is no status of HTTP", 17),
    "a -/> http://b == 200": ("leave the status out", 18),
    "a -> ftp://b": ("is no URL of a page", 5),
    "a -> http://": ("is no URL of a page", 5),
    "a -> http://b:99999/": ("'99999' is no port", 5),
    "a -> http://me:secret@b/": ("holds a user or password", 5),
    "a -> b (http)": ("http needs the page", 8),
    "a -> 10.0.0.1 (dns)": ("an address needs no name server", 5),
    "a -> www (dns, by address)": ("dns is about names, not addresses", 10),
    "a -> ü": ("'ü' is no name of a container", 5),
    "(a) -> b": ("'(a)' is no name of a container", 0),
    "host -> b (dns)": ("does not know the names of containers", 11),
    "a -> outside:80": ("outside has neither a port nor a name", 5),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_in_the_short_form(text: str) -> None:
    message, index = MISTAKES[text]
    with pytest.raises(ExpectationError) as caught:
        read_expectation(text)
    assert message in str(caught.value)
    assert caught.value.index == index


def test_a_password_is_in_no_message() -> None:
    with pytest.raises(ExpectationError) as caught:
        read_expectation("a -> http://me:secret@b/")
    assert "secret" not in str(caught.value)


MAPPINGS = {
    "{from: client, to: server}": "client -> server",
    "{from: client, to: server, reach: false}": "client -/> server",
    "{from: client, to: server, port: 53, probe: udp}": "client -> server:53/udp",
    "{from: client, to: www, probe: dns}": "client -> www (dns)",
    "{from: client, to: server, by: address}": "client -> server (by address)",
    "{from: client, url: http://server/x, status: 200}": "client -> http://server/x == 200",
    "{from: host, to: server, port: 80, x-why: later}": "host -> server:80/tcp",
}


@pytest.mark.parametrize("text", MAPPINGS)
def test_a_mapping_is_the_same_as_the_short_form(text: str) -> None:
    mapped, short = load(text, MAPPINGS[text]).expectations
    assert mapped == short
    assert str(mapped) == MAPPINGS[text]


def test_keys_and_names_are_both_known() -> None:
    by_key, by_name = load("client -> server", "client -> shop-server").expectations
    assert by_key.target_container == by_name.target_container == "shop-server"
    assert by_key.source_container == "client"
    assert str(by_key.place) == "t:9"


IN_A_FILE = {
    "clint -> server": "9:5: container 'clint' is not declared: did you mean 'client'?",
    "'clint -> server'": "9:6: container 'clint' is not declared: did you mean 'client'?",
    "client -> servr": (
        "9:15: no container and no alias of this file is called 'servr': did you mean 'server'?"
    ),
    "client -> zzzzz": (
        "9:15: no container and no alias of this file is called 'zzzzz': declare it, or write an"
        " address"
    ),
    "www -> client": (
        "9:5: container 'www' is an alias, and what it names is reached, but does not reach: name"
        " a container"
    ),
    "client -> host": ("9:15: 'host' is where something comes from: as a target write its address"),
    "client -> server:99999": "9:15: '99999' is no port: it is a number from 1 to 65535",
    "client => server": "9:12: '=>' is no arrow: did you mean '->'?",
    "7": (
        "9:5: an item of 'expect' is 7: an expectation is text such as client -> server:80/tcp,"
        " or a mapping with from and to"
    ),
    "{to: server}": "9:5: 'from' is missing: say who is to reach it, such as from: client",
    "{from: client}": "9:5: 'to' is missing: say what is reached, such as to: server",
    "{from: client, to: server, not: true}": (
        "9:32: 'not' is not a key of an expectation: write reach: false"
    ),
    "{from: client, to: server, status: 200}": (
        "9:40: only a page has a status: write http://... == 200"
    ),
    "{from: client, to: server, url: http://server}": (
        "9:37: a page says its host and port itself: leave to and port out"
    ),
    "{from: clint, to: server}": (
        "9:12: container 'clint' is not declared: did you mean 'client'?"
    ),
    "{from: client, to: server, probe: ping}": (
        "9:39: 'probe' is 'ping': it must be one of icmp, tcp, udp, dns, http"
    ),
}


@pytest.mark.parametrize("item", IN_A_FILE)
def test_an_error_has_its_place(item: str) -> None:
    with pytest.raises(InputError) as caught:
        load(item)
    assert [str(one).removeprefix("t:") for one in caught.value.problems] == [IN_A_FILE[item]]


@pytest.mark.parametrize(
    "target", ["www", "server.front", "shop-server.back", "example.com", "10.1.2.3", "localhost"]
)
def test_a_target_may_be_any_of_these(target: str) -> None:
    assert load(f"client -> {target}").expectations[0].target == target


def test_an_external_network_may_have_other_members() -> None:
    text = with_expect("client -> ldap").replace("  back: {", "  corp: {external: true}\n  back: {")
    loaded = load_text(text, "t")
    assert [str(one) for one in loaded.state.expectations] == ["client -> ldap"]
    [warning] = loaded.warnings
    assert "'ldap': one that it does not declare, on an external network?" in warning.message


def test_the_key_in_another_place_is_told() -> None:
    with pytest.raises(InputError) as caught:
        load_text(LAB.replace("{image: busybox, networks: [front]}", "{expect: []}"), "t")
    assert "'expect' is not a key of a container: it belongs at the top of the file" in str(
        caught.value.problems[0]
    )


def test_expectations_are_no_state() -> None:
    """A file that changes nothing else declares the same."""
    assert load("client -> server") == load("client -/> server") == load_text(LAB, "t").state
