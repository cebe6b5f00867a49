"""Parsing: what is refused, what is mended, what a parsed query tells about itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.promql.nodes import Kind, Number, Selector, Word, walk
from stationmaster.monitor.promql.parsed import parse
from stationmaster.monitor.promql.quoting import quoted
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Matcher, MatchKind


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("SUM(a) BY (x, b)", "sum by (b, x) (a)"),
        ("a{b='c',d!~\"e\"}[90s]", 'a{b="c",d!~"e"}[1m30s]'),
        ("rate(a[5m:])", "rate(a[5m:])"),
        ("rate(a[5m:1ms] @ start() offset -1h)", "rate(a[5m:1ms] @ start() offset -1h)"),
        ("a @ -1.5", "a @ -1.500"),
        ("a @ 1_000", "a @ 1000.000"),
        ("1_000", "1000"),
        ("- - 1", "1"),
        ("-(a + b) ^ 2", "-(a + b) ^ 2"),
        ("(-a) ^ 2", "(-a) ^ 2"),
        ("(2 ^ 3) ^ 2", "(2 ^ 3) ^ 2"),
        ("2 ^ (3 ^ 2)", "2 ^ 3 ^ 2"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("(a + b) * c", "(a + b) * c"),
        ("a or b and c", "a or b and c"),
        ("(a or b) and c", "(a or b) and c"),
        ("a > bool on(x) group_left(y) b", "a > bool on (x) group_left (y) b"),
        ("a + ignoring(x) b", "a + ignoring (x) b"),
        ("a and on() b", "a and on () b"),
        ("topk without(x) (3, a)", "topk without (x) (3, a)"),
        ('{"odd.name", "odd label"="x"}', '{__name__="odd.name","odd label"="x"}'),
        ("(a + b)[5m:]", "(a + b)[5m:]"),
        ('"a\\x41\\u00e9\\101\\""', '"aAéA\\""'),
        ("holt_winters(a[5m], 0.1, 0.2)", "double_exponential_smoothing(a[5m], 0.1, 0.2)"),
        ("holt_winters", "holt_winters"),
        ("a # a remark\n + b", "a + b"),
        ("1e400", "+Inf"),
        ("0x1F", "31"),
    ],
)
def test_a_query_is_written_in_one_way(query: str, written: str) -> None:
    parsed = parse(query)
    assert parsed.pretty == written
    assert parse(written).pretty == written


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sum(rate(a[5m]", "1:9: parse error: unclosed left parenthesis"),
        ("a ==", "1:5: parse error: unexpected end of input"),
        ("a + * 3", "1:5: parse error: unexpected '*'"),
        ("a\n  + b c", "2:7: parse error: unexpected 'c'"),
        ("a / on (x) group_left sum(b) = 3", "1:30: parse error: unexpected '='"),
        ('a{b="(]}"', "1:2: parse error: unexpected end of input inside braces"),
        ("a[5m", "1:2: parse error: unexpected end of input inside brackets"),
        ("(a))", "1:4: parse error: unexpected right parenthesis ')'"),
        ("a + nosuch(b)", "1:5: parse error: unknown function with name 'nosuch'"),
        ("a + rate(b)", "1:5: parse error: expected type matrix in call to function 'rate', got vector"),
        ("a[5x]", "1:3: parse error: bad number or duration syntax: 5x"),
        ("a{b=c}", "1:5: parse error: unexpected identifier 'c' in label matching, expected string"),
        ('a + "b', "1:5: parse error: unterminated quoted string"),
        ("{}", "parse error: vector selector must contain at least one non-empty matcher"),
    ],
)
def test_a_refusal_says_where_in_the_query(query: str, said: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse(query)
    assert refused.value.message.startswith(said)


def test_the_place_in_a_long_query_is_found_in_bounded_time() -> None:
    with pytest.raises(QueryError, match="invalid promql query"):
        parse("+".join(["a"] * 900) + " b c")
    with pytest.raises(QueryError, match="1:399: parse error: unexpected 'b'"):
        parse("+".join(["a"] * 199) + " b")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "no expression"),
        ("sum(", "unclosed"),
        ("rate(a)", "expected type matrix"),
        ('a{b="c" or d="e"}', "`or` between label matchers is no PromQL"),
        ("a + fill(0) b", "`fill` is experimental"),
        ("info(a)", r"function info\(\) is not supported"),
        ("nosuch(a)", "unknown function"),
        ('a{b=~"a++"}', "bad regular expression"),
        ('a{b=~"(?=x)"}', "illegal regex"),
        ("{}", "at least one non-empty matcher"),
        ("a[0s]", "greater than 0"),
        ("a[0.0001]", "greater than 0"),
        ("a offset 1000000y", "out of bounds"),
        ('"a\\xc5z"', "is no UTF-8"),
        ('"a\\q"', "unknown escape"),
        ("a offset 1m1h", "duration"),
        ("a[5m][5m]", "ranges only allowed"),
        ("1 == 1", "BOOL"),
        ("a and group_left b", "unexpected 'b'"),
        ("a + on(x) group_left(x) b", "must not occur"),
    ],
)
def test_a_query_that_is_wrong_is_refused(query: str, words: str) -> None:
    with pytest.raises(QueryError, match=words) as refused:
        parse(query)
    assert refused.value.fault is Fault.BAD_DATA


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("1 + 1", Kind.SCALAR),
        ("-time()", Kind.SCALAR),
        ("scalar(a)", Kind.SCALAR),
        ('"x"', Kind.STRING),
        ("a + 1", Kind.VECTOR),
        ("1 + a + 1", Kind.VECTOR),
        ("sum(a)", Kind.VECTOR),
        ("(a[5m])", Kind.MATRIX),
        ("a[5m:]", Kind.MATRIX),
    ],
)
def test_a_parsed_query_knows_its_kind(query: str, kind: Kind) -> None:
    assert parse(query).kind is kind


def test_a_parsed_query_tells_what_it_reads() -> None:
    parsed = parse('rate(a_total{x="y"}[5m]) / on(x) {__name__=~"b|c"} > {"d"}')
    assert parsed.metric_names == {"a_total", "d"}
    assert parsed.functions == {"rate"}
    assert parsed.selectors[0] == (
        Matcher(name="__name__", kind=MatchKind.EQUAL, value="a_total"),
        Matcher(name="x", kind=MatchKind.EQUAL, value="y"),
    )
    assert parsed.selectors[1][0].kind is MatchKind.REGEX


def test_positions_are_those_of_the_text() -> None:
    query = (
        '{"x"} + sum by (a) (\n  rate(b{c="(d)"}[5m:1m] @ 5 offset -5m)) * on(e) -2 + quantile(0.5, "f" or g)'.replace(
            '"f" or ', ""
        )
    )
    places = {
        node.name or node.matchers[0].value if isinstance(node, Selector) else str(node.value): node.place
        for node in walk(parse(query.replace("on(e) ", "")).root)
        if isinstance(node, Selector | Number | Word)
    }
    shorter = query.replace("on(e) ", "")
    assert places == {
        "x": 0,
        "b": shorter.index("b{"),
        "-2.0": shorter.index("-2"),
        "0.5": shorter.index("0.5"),
        "g": shorter.index("g)"),
    }


@pytest.mark.parametrize(
    "query",
    ["by", "offset", "start", "end", "and{}", "sum{a='b'}", "a{on='x',by='y'}", "sum by (on, by, and) (x)", "group"],
)
def test_words_of_the_language_are_names_where_they_stand_as_names(query: str) -> None:
    assert parse(parse(query).pretty).pretty == parse(query).pretty


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_a_string_of_the_language(text: str) -> None:
    root = parse(quoted(text)).root
    assert isinstance(root, Word)
    assert root.value == text
    selector = parse(f"a{{b={quoted(text)}}}").root
    assert isinstance(selector, Selector)
    assert selector.matchers[-1].value == text


@given(st.text("a_1(){}[]\"'`\\+-@:.,=~!<> \n#e5mxby", max_size=40))
def test_no_text_gets_past_the_parser_unrefused(text: str) -> None:
    try:
        written = parse(text).pretty
    except QueryError:
        return
    assert parse(written).pretty == written
