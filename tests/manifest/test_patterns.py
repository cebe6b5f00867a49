"""Regular expressions of routes: what RE2 reads in the same way, and what is refused before the gateway sees it."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.manifest.patterns import parse_regex

TAKEN = [
    "/pets/[0-9]+",
    "/pets/(?P<id>[^/]+)/(?:toys|food)",
    r"/a\.b/\d{1,4}",
    r"/[]a]+/[^]b]",
    r"/[\]\[]",
    r"/\x41[a-z]{0,1000}",
    "/(?i:abc)?",
    "/a{x}",
    "/.*",
    r"/[\w\-\.~!@]+\B\b",
    "/((a{0,9}){0,9}){0,9}",
    "/(.{100}){10}",
    r"/\v\f\t\r\n\_\"\'\<",
    "/a|/b|(|a)*a??b*?",
    r"/[\W\S]x{0}(a*)*",
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_re2_reads_in_the_same_way_is_taken(text: str) -> None:
    assert parse_regex(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/(?=a)", "looks around"),
        ("/(?!a)", "looks around"),
        ("/(?<=a)b", "looks around"),
        ("/(?<!a)b", "looks around"),
        (r"/(a)\1", "refers back"),
        ("/(?P<n>a)(?P=n)", "refers back"),
        ("/(a)?(?(1)b|c)", "refers back"),
        ("/(?>a)", "the group"),
        ("/(?#x)", "the group"),
        ("/a++", "possessive"),
        ("/a{1,2}+", "possessive"),
        (r"/\Z", "the escape"),
        (r"/\u0041", "the escape"),
        (r"/\p{L}", "the escape"),
        (r"/\xZZ", "the escape"),
        (r"/[\b]", "the escape"),
        ("/" + "a" * 30 + "{1000}", "too large"),
        ("/[[:alpha:]]", "brackets within brackets"),
        ("/[a--b]", "set operation"),
        ("/a{1001}", "repeats more than"),
        ("/((a{100}){100}){2}", "repeats more than"),
        ("/a{,3}", "without its least number"),
        ("/(", "no regular expression"),
        ("/[a", "no regular expression"),
        ("/*a**", "no regular expression"),
        ("/a\\", "the escape"),
        ("/" + "a" * 500, "more than 500 characters"),
        ("/" + "(" * 400 + ")" * 99, "no regular expression"),
    ],
)
def test_what_re2_reads_in_another_way_or_not_at_all_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_regex(text)


def test_a_real_gateway_takes_them(tmp_path: Path) -> None:
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(bootstrap([{"safe_regex": {"regex": text}} for text in TAKEN])))
    argv = [
        str(Path(sys.executable).with_name("envoy")),
        "--mode",
        "validate",
        "--log-level",
        "error",
        "-c",
        str(config),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def bootstrap(matches: list[dict[str, object]]) -> dict[str, object]:
    routes = [{"match": match, "direct_response": {"status": 200}} for match in matches]
    types = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "x",
        "route_config": {"virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    sizes = {"re2": {"max_program_size": {"error_level": 100_000}}}
    return {
        "layered_runtime": {"layers": [{"name": "sizes", "static_layer": sizes}]},
        "static_resources": {"listeners": [{"name": "l", "address": address, "filter_chains": [chain]}]},
    }


@given(st.text(st.sampled_from(r"/ab[]^-()?:P<>=!{},019+*.|\dxZ&~#"), max_size=30))
def test_any_text_compiles_without_a_warning_or_is_refused(text: str) -> None:
    try:
        parse_regex(text)
    except ValueError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        re.compile(text)
