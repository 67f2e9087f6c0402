"""The canonical forms of what a container is run with: every form that a file or an engine may
write.
"""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.marks import secret_digest
from reconciler.settings import BadValueError, mounts, parse_words, ports, units
from reconciler.settings.ports import Port
from reconciler.topology.envfile import parse

FORMS: list[tuple[Callable[..., Any], Any, Any]] = [
    (units.nanoseconds, "30s", 30 * 10**9),
    (units.nanoseconds, "1m30s", 90 * 10**9),
    (units.nanoseconds, "1h0.5m", 3630 * 10**9),
    (units.nanoseconds, "500ms", 5 * 10**8),
    (units.nanoseconds, "1.5us", 1500),
    (units.nanoseconds, "7ns", 7),
    (units.seconds, "2m", 120),
    (units.seconds, "1000ms", 1),
    (units.seconds, "0s", 0),
    (units.duration_text, 90 * 10**9, "1m30s"),
    (units.duration_text, 5 * 10**8, "500ms"),
    (units.duration_text, 0, "0s"),
    (units.size_bytes, "4096", 4096),
    (units.size_bytes, "4096b", 4096),
    (units.size_bytes, "64m", 64 * 2**20),
    (units.size_bytes, "64MB", 64 * 2**20),
    (units.size_bytes, "64MiB", 64 * 2**20),
    (units.size_bytes, "1.5g", 3 * 2**29),
    (units.size_bytes, "2 k", 2048),
    (units.size_text, 64 * 2**20, "64m"),
    (units.size_text, 1025, "1025"),
    (units.size_text, 0, "0"),
    (units.cpus_text, "1.50", "1.5"),
    (units.cpus_text, 2.0, "2"),
    (units.cpus_text, 10, "10"),
    (units.cpus_text, "0.01", "0.01"),
    (
        parse_words.words,
        "sh -c 'echo a b' \"$HOME\" c\\ d",
        ("sh", "-c", "echo a b", "$HOME", "c d"),
    ),
    (parse_words.words, "", ()),
    (parse_words.capability, "cap_net_admin", "NET_ADMIN"),
    (parse_words.capability, "ALL", "ALL"),
    (parse_words.restart_policy, "no", "no"),
    (parse_words.restart_policy, "unless-stopped", "unless-stopped"),
    (parse_words.restart_policy, "on-failure", "on-failure"),
    (parse_words.restart_policy, "on-failure:0", "on-failure"),
    (parse_words.restart_policy, "on-failure:03", "on-failure:3"),
    (parse_words.device, "/dev/a", "/dev/a:/dev/a:rwm"),
    (parse_words.device, "/dev/a:/dev/b", "/dev/a:/dev/b:rwm"),
    (parse_words.device, "/dev/a:mr", "/dev/a:/dev/a:rm"),
    (parse_words.device, "/dev/a:/dev/b:wr", "/dev/a:/dev/b:rw"),
    (parse_words.host_address, "[FD00:0::1]", "fd00::1"),
    (parse_words.split_extra_host, "db:10.0.0.1", "db:10.0.0.1"),
    (parse_words.split_extra_host, "db=10.0.0.1", "db:10.0.0.1"),
    (parse_words.split_extra_host, "db:FD00::1", "db:fd00::1"),
    (parse_words.split_extra_host, "db=[fd00::1]", "db:fd00::1"),
    (parse_words.split_extra_host, "db:host-gateway", "db:host-gateway"),
    (ports.exposed, "80", ("80/tcp",)),
    (ports.exposed, "80-81/UDP", ("80/udp", "81/udp")),
    (mounts.target, "/data/../x/", "/x"),
    (mounts.target, "//x", "/x"),
    (mounts.split_mount, "/data", ("", "/data", ())),
    (mounts.split_mount, "./a:/b/", ("./a", "/b", ())),
    (mounts.split_mount, "data:/b:ro,Z", ("data", "/b", ("ro", "Z"))),
    (mounts.split_tmpfs, "/run", ("/run", "tmpfs:")),
    (mounts.split_tmpfs, "/run:size=64M,rw,mode=1777", ("/run", "tmpfs:mode=1777,size=64m")),
    (mounts.split_tmpfs, "/run:size=50%,noexec", ("/run", "tmpfs:noexec,size=50%")),
]


@pytest.mark.parametrize(("form", "written", "canonical"), FORMS)
def test_a_form(form: Callable[..., Any], written: Any, canonical: Any) -> None:
    assert form(written) == canonical


PORTS = [
    ("80", ["80/tcp"]),
    ("80/UDP", ["80/udp"]),
    ("80-81", ["80/tcp", "81/tcp"]),
    ("0:80", ["80/tcp"]),
    ("8080:80", ["8080->80/tcp"]),
    ("8080:80/sctp", ["8080->80/sctp"]),
    ("8000-8002:80-82", ["8000->80/tcp", "8001->81/tcp", "8002->82/tcp"]),
    ("8000-8010:80", ["8000-8010->80/tcp"]),
    ("8000-8000:80", ["8000->80/tcp"]),
    ("127.0.0.1:8080:80", ["127.0.0.1:8080->80/tcp"]),
    ("127.0.0.1::80", ["127.0.0.1:->80/tcp"]),
    ("0.0.0.0:8080:80", ["0.0.0.0:8080->80/tcp"]),
    ("[::1]:8080:80", ["[::1]:8080->80/tcp"]),
    ("[FD00:0::1]::80/udp", ["[fd00::1]:->80/udp"]),
]


@pytest.mark.parametrize(("written", "canonical"), PORTS)
def test_the_short_form_of_ports(written: str, canonical: list[str]) -> None:
    assert [str(port) for port in ports.short_ports(written)] == canonical


@pytest.mark.parametrize(
    ("arguments", "canonical"),
    [
        (("bind", "/a", ()), "bind:/a"),
        (("bind", "/a", ("rw",)), "bind:/a"),
        (("bind", "/a", ("z", "ro", "rslave", "cached")), "bind:/a:ro,rslave,z"),
        (("volume", "data", ()), "volume:data"),
        (("volume", "data", ("nocopy", "ro")), "volume:data:nocopy,ro"),
        (("volume", "", ()), "volume:"),
        (("tmpfs", "", ()), "tmpfs:"),
        (("tmpfs", "", ("size=65536k", "ro")), "tmpfs:ro,size=64m"),
    ],
)
def test_a_mount(arguments: tuple[Any, ...], canonical: str) -> None:
    assert mounts.mount(*arguments) == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("/a:/b:ro", ("/b", "bind:/a:ro")),
        ("./a:/b", ("/b", "bind:/there/./a")),
        ("data:/b", ("/b", "volume:data")),
        ("/b", ("/b", "volume:")),
    ],
)
def test_the_short_form_of_mounts(written: str, canonical: tuple[str, str]) -> None:
    assert (
        mounts.short_mount(written, lambda path: path if path.startswith("/") else f"/there/{path}")
        == canonical
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("", "", True),
        ("", "::1", True),
        ("127.0.0.1", "", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0", "::", False),
        ("::", "::1", True),
        ("::1", "::2", False),
        ("::", "127.0.0.1", False),
    ],
)
def test_whether_addresses_have_one_in_common(one: str, other: str, same: bool) -> None:
    assert ports.overlaps(one, other) is ports.overlaps(other, one) is same


REFUSED: list[tuple[Callable[..., Any], list[str]]] = [
    (
        units.nanoseconds,
        ["", "1", "1.s.", "s", "-1s", "1 s", "1d", "1s ", "1s\n", "9" * 5000 + "h", "300000000h"],
    ),
    (units.seconds, ["1500ms", "1.5s"]),
    (units.size_bytes, ["", "m", "-1", "1x", "1mm", "1 000", "1bb", "9" * 5000, "8192p"]),
    (units.cpus_text, ["", "0", "-1", "0.001", "nan", "inf", "1e9", "0.1234567891", "one"]),
    (parse_words.words, ["'", '"a', "a\\"]),
    (parse_words.capability, ["", "NET", "CAP_CAP_CHOWN"]),
    (
        parse_words.restart_policy,
        ["", "never", "always:3", "no:1", "on-failure:", "on-failure:-1", "on-failure:x"],
    ),
    (parse_words.device, ["", "tty", "/dev/a:b", "/dev/a:/dev/b:x", "/dev/a:/dev/b:rr"]),
    (parse_words.host_address, ["", "db", "10.1.0.01", "10.1.0.0/24", "[]"]),
    (parse_words.split_extra_host, ["db", "db:", "db=x", "=10.0.0.1", "a b:10.0.0.1"]),
    (
        ports.short_ports,
        [
            "",
            "0",
            "65536",
            "a",
            "80/icmp",
            "127.0.0.1:80",
            "1:2:3:4",
            "[::1]:80",
            "[::1",
            "x:1:2",
            "2-1",
            "1-3:1-2",
            "1:1-2",
        ],
    ),
    (ports.exposed, ["", "0", "1-", "80/x", "8080:80"]),
    (mounts.target, ["", "a", "/", "/..", "./a"]),
    (mounts.split_mount, ["", ":", "a:", ":/b", "a:/b:ro:x", "a:b"]),
]


@pytest.mark.parametrize(
    ("form", "written"), [(form, written) for form, values in REFUSED for written in values]
)
def test_what_means_nothing_is_refused_with_a_way_out(
    form: Callable[..., Any], written: str
) -> None:
    with pytest.raises(BadValueError, match=r"[:,] ") as caught:
        form(written)
    assert "\n" not in str(caught.value)


@given(st.integers(min_value=0, max_value=10**16))
def test_durations_and_sizes_survive_being_written(value: int) -> None:
    assert units.nanoseconds(units.duration_text(value)) == value
    assert units.size_bytes(units.size_text(value)) == value


ADDRESSES = st.sampled_from(["", "127.0.0.1", "0.0.0.0", "::", "fd00::1"])


@given(
    st.integers(1, 65535), st.sampled_from(["tcp", "udp", "sctp"]), ADDRESSES, st.integers(0, 65535)
)
def test_a_port_means_itself(inside: int, kind: str, address: str, host: int) -> None:
    port = Port(inside, kind, address, str(host or ""))
    where = f"[{address}]:" if ":" in address else f"{address}:" if address else ""
    assert ports.short_ports(
        f"{where}{port.host}:{inside}/{kind}" if where or port.host else f"{inside}/{kind}"
    ) == (port,)
    assert ports.read_port(str(port)) == port


def refusal(form: Callable[..., Any], text: str) -> str:
    try:
        form(text)
    except BadValueError as error:
        return str(error)
    return ""


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_printable_words(text: str) -> None:
    assert "".join(refusal(form, text) for form, _ in REFUSED).isprintable()


@given(st.floats(min_value=0.01, max_value=1000, allow_nan=False))
def test_cpus_are_the_same_number(value: float) -> None:
    value = round(value, 6)
    assert float(units.cpus_text(value)) == pytest.approx(value)
    assert units.cpus_text(units.cpus_text(value)) == units.cpus_text(value)


# --- files of variables ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("\ufeff# a comment\n\n  \t\nA=1\r\nB=2", [("A", "1"), ("B", "2")]),
        ("export A=1\nexport\tB = 2 ", [("A", "1"), ("B", "2")]),
        ("A=\nB=''\nC=\"\"\n", [("A", ""), ("B", ""), ("C", "")]),
        ("A=a=b c\nA=again", [("A", "a=b c"), ("A", "again")]),
        ("A='single $X \\n' # why\nB=\"double $Y \\n\\\"x\\\"\"", [("A", "single $X \\n"), ("B", 'double $Y \n"x"')]),
        ("A=${X} $$ `y`", [("A", "${X} $$ `y`")]),
        ("A=x # comment\nB=x#y\nC=# comment", [("A", "x"), ("B", "x#y"), ("C", "# comment")]),
        ("A=#s3cret\nB= #x\nC: # y\nD=a\t#b", [("A", "#s3cret"), ("B", "#x"), ("C", "# y"), ("D", "a\t#b")]),
        ("A: x # c\nexport B: 'y'\nC:z\nD: e=f", [("A", "x"), ("B", "y"), ("C", "z"), ("D", "e=f")]),
        ("A='it\\'s'\nB='a\\\\b\\n'", [("A", "it's"), ("B", "a\\\\b\\n")]),
        ('A="a\\qb\\$X\\tc\\\\"', [("A", "a\\qb$X\tc\\")]),
        ("A='one\r\n# two\n' # c\nB=\"x\ny\"\nC=1", [("A", "one\n# two\n"), ("B", "x\ny"), ("C", "1")]),
        ("A=it's", [("A", "it's")]),
    ],
)  # fmt: skip
def test_a_file_of_variables(text: str, values: list[tuple[str, str]]) -> None:
    assert [(variable.key, variable.value) for variable in parse(text)] == values


def test_what_compose_would_expand_is_known_with_its_line() -> None:
    text = 'A=$X\nB=\'$X\n\'\nC="\\$X"\nD="${X}"\nE=$1 $\nF=$$\n'
    assert [variable.line for variable in parse(text) if variable.expands] == [1, 5, 7]


@pytest.mark.parametrize(
    "line",
    [
        "HUNTER2",
        "A",
        "=HUNTER2",
        "A B=HUNTER2",
        "'A'=HUNTER2",
        "A='HUNTER2",
        "A='x' HUNTER2",
        'A="HUNTER2\\"',
        "A:HUNTER2=x",
        "A=HUNTER2\0",
        'A="\\0HUNTER2"',
    ],
)
def test_a_line_that_is_no_variable_is_named_and_not_shown(line: str) -> None:
    with pytest.raises(BadValueError, match=r"^line 2 ") as caught:
        list(parse(f"# first\n{line}\n"))
    assert "HUNTER2" not in str(caught.value)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True),
        st.from_regex(r"[^'\\\r\0]*", fullmatch=True),
    )
)
def test_quoted_values_are_literal(values: dict[str, str]) -> None:
    found = parse("\n".join(f"{key}='{value}'" for key, value in values.items()))
    assert {variable.key: variable.value for variable in found} == values


def test_a_digest_depends_on_key_and_value() -> None:
    assert secret_digest("A", "x") == secret_digest("A", "x")
    assert (
        len({secret_digest("A", "x"), secret_digest("B", "x"), secret_digest("A", "y"), "x"}) == 4
    )
    assert len(secret_digest("A", "x")) == 12


@pytest.mark.parametrize(
    "text",
    ["9" * 30, "9" * 1_000_001, "9" * 1_000_001 + "g", "9" * 1_000_001 + "h"],
    ids=["long", "bytes", "size", "time"],
)
@pytest.mark.parametrize("read", [units.nanoseconds, units.seconds, units.size_bytes])
def test_a_number_however_long_is_refused_in_one_short_sentence(
    read: Callable[[str], int], text: str
) -> None:
    with pytest.raises(BadValueError) as refused:
        read(text)
    assert len(str(refused.value)) < 200
