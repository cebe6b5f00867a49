"""Templates give what Prometheus' give, errors included; a table of them goes to promtool as well."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.alerting.template.errors import TemplateError
from stationmaster.monitor.alerting.template.expand import compile_template
from stationmaster.monitor.alerting.template.formatting import quoted
from stationmaster.monitor.alerting.template.functions import FUNCTIONS, Surroundings
from stationmaster.monitor.alerting.template.values import Data, Sample
from stationmaster.monitor.promql.results import Fault, QueryError
from tests.monitor.alerting import promtool

VALUE = 1234567.891
SERIES = (
    Sample({"__name__": "x", "a": "b", "instance": "web-1.example.org:9100", "job": "node"}, VALUE),
    Sample({"__name__": "x", "a": "c", "instance": "[::1]:80", "job": "node"}, 0.000012345),
)
FAILING = "<error expanding template: error executing template __alert_A: template: __alert_A:1:"

# What stands on the right is Prometheus' answer; only where `None` stands, it is not compared here but by promtool.
TEMPLATES: dict[str, str | None] = {
    "plain text, 50 % of it": "plain text, 50 % of it",
    "{{ $labels.instance }} of {{ $labels.job }}": "web-1.example.org:9100 of node",
    "{{ .Labels.instance }}|{{ $labels.nope }}|{{ .Value }}": "web-1.example.org:9100||1.234567891e+06",
    "{{ $value }} {{ 1.0 }} {{ 0.5 }} {{ 123456.0 }} {{ 1234567.0 }} {{ 0.00001 }} {{ 1e21 }}": None,
    "{{ $value | humanize }} {{ 0.0 | humanize }} {{ humanize 0.0015 }} {{ humanize -1500.0 }}": "1.235M 0 1.5m -1.5k",
    '{{ humanize 1e30 }} {{ humanize 1e-30 }} {{ humanize "12345" }} {{ humanize 5 }}': None,
    "{{ humanize1024 1048576.0 }} {{ humanize1024 1.0 }} {{ humanize1024 1e30 }} {{ humanize1024 -2048.0 }}": None,
    "{{ humanizeDuration 0.0 }} {{ humanizeDuration 0.25 }} {{ humanizeDuration 59.5 }}": "0s 250ms 59.5s",
    "{{ humanizeDuration 61.0 }} {{ humanizeDuration 3661.0 }} {{ humanizeDuration 90061.0 }}": None,
    "{{ humanizeDuration -90061.0 }} {{ humanizeDuration -0.001 }} {{ humanizeDuration 1e-9 }}": None,
    "{{ humanizePercentage 0.1234567 }} {{ humanizePercentage 2.0 }}": "12.35% 200%",
    "{{ humanizeTimestamp 1435065584.128 }} {{ humanizeTimestamp 0.0 }}": None,
    "{{ humanizeTimestamp -1.5 }}": None,
    "{{ 1e300 | humanizeTimestamp }}": None,
    "{{ if gt $value 100.0 }}high{{ else if gt $value 50.0 }}middle{{ else }}low{{ end }}": "high",
    '{{ if eq $labels.a "c" "b" }}one of them{{ end }}{{ if ne $labels.a "b" }}no{{ end }}': "one of them",
    "{{ if and (lt 1 2) (le 2 2) (ge 3 2) (not (eq 1 2)) }}yes{{ end }}": "yes",
    "{{ if or $labels.nope $labels.a }}some{{ end }}": "some",
    '{{ and 1 0 }} {{ or 0 "x" }} {{ not 1 }} {{ and "" 1 }}': None,
    "{{ with $labels.a }}[{{ . }}]{{ end }}{{ with $labels.nope }}x{{ else }}none{{ end }}": "[b]none",
    '{{ range query "sort_desc(x)" }}{{ .Labels.a }}={{ .Value | humanize }};{{ end }}': "b=1.235M;c=12.35u;",
    '{{ range $i, $e := query "sort_desc(x)" }}{{ $i }}:{{ $e.Labels.a }} {{ end }}': "0:b 1:c ",
    '{{ range query "nope" }}x{{ else }}nothing{{ end }}': "nothing",
    '{{ range query "sort_desc(x)" }}{{ if eq .Labels.a "b" }}{{ continue }}{{ end }}'
    "{{ .Labels.a }}{{ break }}{{ end }}": "c",
    "{{ range $k, $v := $labels }}{{ $k }}={{ $v }},{{ end }}": None,
    '{{ query "sort_desc(x)" | first | value | humanize }} {{ query "sort_desc(x)" | first | label "a" }}': "1.235M b",
    '{{ with query "sort_desc(x)" }}{{ . | first | value | printf "%.1f" }}{{ end }}': "1234567.9",
    '{{ query "sort_desc(x)" | sortByLabel "a" | first | label "a" }}': "b",
    '{{ first (query "nope") }}': FAILING
    + '115: executing "__alert_A" at <first (query "nope")>: error calling first: '
    "first() called on vector with no elements>",
    "{{ if gt $value 5 }}x{{ end }}": FAILING
    + '118: executing "__alert_A" at <gt $value 5>: error calling gt: incompatible types for comparison>',
    "{{ .Foo }}": None,
    "{{ $labels.a.b }}": None,
    "{{ $value.foo }}": None,
    '{{ template "nope" }}': None,
    '{{ template "nope" . }}': None,
    '{{ index $labels "a" }}{{ index $labels "nope" }}{{ (index (query "sort_desc(x)") 1).Labels.a }}': "bc",
    '{{ index (query "sort_desc(x)") 5 }}': None,
    "{{ index $labels 1 }}": None,
    "{{ toUpper 1 }}": None,
    "{{ $value | toUpper }}": None,
    "{{ humanize }}": None,
    "{{ humanize 1.0 2.0 }}": None,
    "{{ true | humanize }}": None,
    '{{ "abc" | humanize }}': None,
    '{{ len $labels }} {{ len "häß" }} {{ len (query "sort_desc(x)") }}': None,
    "{{ len 5 }}": None,
    '{{ slice "abcdef" 1 3 }}{{ slice "abc" 1 }}': None,
    '{{ slice "abc" 2 9 }}': None,
    '{{ printf "%d %s %.2f %v %q %5.1f|%-5s|%05d %x" $value "a" 1.5 $value "q" 2.25 "ab" 3 255 }}': None,
    '{{ printf "%s" }}|{{ printf "a" 1 "b" nil }}|{{ printf "%!" }}|{{ printf "%" }}': None,
    '{{ printf "%+d % d %+.1f %e %G %08.3f %t %v %c %U %o %X" 5 5 1.5 12345.678 1e30 3.14159 true nil 65 8364 8 '
    '"hi" }}': None,
    '{{ printf "%T %T %T %T %T %T" $value 1 "a" true $labels nil }}': None,
    '{{ printf "%s %d %t %q %x" 1.5 "a" 3 1 1.5 }}': None,
    '{{ printf "%*d|%.*f|%-8v|%8v" 5 42 2 3.14159 "l" "r" }}': None,
    '{{ printf "%v %v" $labels (query "sort_desc(x)" | first) }}': None,
    '{{ print 1 2 "a" 3 4.5 nil true }}{{ println "x" 1 }}': None,
    '{{ html "<a href=\'x\'>&</a>" }} {{ js "it\'s <b>" }} {{ urlquery "a b&c=d/é~" }}': None,
    "{{ $labels }}": None,
    '{{ args 1 2.5 "x" }} {{ (args 1).arg0 }} {{ (args 1).arg9 }}': None,
    '{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "in" }}{{ template "t" }}': "<in><<no value>>",
    '{{ define "r" }}{{ .arg0 }}/{{ .arg1 }}{{ end }}{{ template "r" (args 1 "b") }}': "1/b",
    "{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ if true }}{{ $x := 3 }}{{ $x }}{{ end }}{{ $x }}": "132",
    "a {{- 1 -}} b {{ 2 -}}  c {{- /* said */ -}} d": "a1b 2cd",
    '{{/* nothing */}}x{{ "}}" }}{{ `raw "` }}{{ \'a\' }}{{ 0x10 }}{{ -5 }}{{ 1e3 }}{{ 010 }}': None,
    '{{ "tab\\there\\u00e9" }}': None,
    '{{ $labels.instance | reReplaceAll "(.*):(\\\\d+)" "$2 on ${1}" }}': "9100 on web-1.example.org",
    '{{ reReplaceAll "(a)(b)?" "<$1$2>$$$3" "aab" }}': None,
    '{{ match "^web" $labels.instance }} {{ match "^x" $labels.instance }}': "true false",
    '{{ title "hello big world" }} {{ toUpper "abc" }} {{ toLower "ABC" }}': "Hello Big World ABC abc",
    '{{ stripPort $labels.instance }} {{ stripPort "[::1]:80" }} {{ stripPort "host" }}': None,
    '{{ stripDomain $labels.instance }} {{ stripDomain "1.2.3.4:80" }} {{ stripDomain "a.b.c" }}': None,
    '{{ parseDuration "1h30m" }} {{ parseDuration "1d" }}': "5400 86400",
    '{{ parseDuration "x" }}': None,
    "{{ toTime 1435065584.128 }} {{ (toTime 1435065584.5).Year }} {{ (toTime 0).Unix }}": None,
    '{{ (toTime 1435065584.0).Format "2006-01-02T15:04:05Z07:00 Mon Jan" }}': None,
    '{{ graphLink "up == 0" }} {{ tableLink "a{b=\\"c\\"}" }}': None,
    "{{ $externalLabels.env }}|{{ .ExternalLabels.nope }}": "lab|",
    "{{ nil }}": None,
    "{{ $value | }}": None,
    '{{ 1 | print }} {{ "a" | printf "%s-%s" "b" }}': "1 b-a",
    "{{ eq 1 1.0 }}": None,
    "{{ eq $labels.a 1 }}": None,
    '{{ lt "a" "b" }} {{ gt 2.5 2.4 }} {{ eq true true }} {{ ne 1 2 }}': "true true true true",
    "{{ lt true false }}": None,
    "{{ 1 2 }}": None,
    "{{ range $value }}x{{ end }}": None,
    "{{ range $labels.a }}x{{ end }}": None,
    '{{ query "x{" }}': None,
    '{{ (query "sort_desc(x)" | first).Value | humanize }}': "1.235M",
    '{{ with $x := query "sort_desc(x)" }}{{ len $x }}{{ end }}': "2",
    "{{ if $labels.a }}\n  lines\n{{- end }}.": "\n  lines.",
    "Grüße {{ .Nope }}": None,
    "{{ call 1 }}": None,
    '{{ label "a" (query "sort_desc(x)") }}': None,
    "{{ value 1.0 }}": None,
    '{{ strvalue (query "sort_desc(x)" | first) }}|': "|",
    '{{ block "bl" 5 }}{{ . }}{{ end }}': "5",
}

REFUSED = {
    "{{ nope }}": 'function "nope" not defined',
    "{{ $nope }}": 'undefined variable "$nope"',
    "{{ if }}x{{ end }}": "missing value for if",
    "{{ end }}": "unexpected {{end}}",
    "{{ if true }}x": "unexpected EOF",
    "{{ $value": "unclosed action",
    '{{ "a }}': "unterminated quoted string",
    "{{ ( 1 }}": "unclosed left paren",
    "{{ 1 ) }}": "unexpected right paren",
    "{{ $value | 5 }}": "non executable command in pipeline stage 2",
    "{{ | humanize }}": "in command",
    "{{ break }}": "outside {{range}}",
    "{{ /* x */ }}": "",
    "{{/* x }}": "unclosed comment",
    "{{ 1.2.3 }}": "in operand",
    "{{ template }}": "in template clause",
    "{{ $a, $b := 1 }}": "too many declarations",
    '{{ "a""b" }}': "in operand",
    "{{ ! }}": "unrecognized character in action",
    "{{ }}": "missing value for command",
    "{{ else }}": "unexpected {{else}}",
    "{{ . .}}{{ 5.foo }}": "",
    '{{ define "x" }}a': "unexpected EOF",
}


def surroundings() -> Surroundings:
    def query(text: str) -> tuple[Sample, ...]:
        if text == "x{":
            raise QueryError(Fault.BAD_DATA, "1:3: parse error: unexpected end of input inside braces")
        return SERIES if text == "sort_desc(x)" else ()  # in this order: promtool keeps none of its own

    return Surroundings(at_ms=60_000, query=query)


def expanded(text: str) -> str:
    data = Data(labels=SERIES[0].labels, value=VALUE, external_labels={"env": "lab"})
    try:
        return compile_template(text, "A").expand(data, surroundings())
    except TemplateError as error:
        return f"<error expanding template: {error}>"


@pytest.mark.parametrize("text", [text for text, given in TEMPLATES.items() if given is not None])
def test_a_template_gives_what_is_expected(text: str) -> None:
    assert expanded(text) == TEMPLATES[text]


def test_promtool_expands_every_template_of_the_table_to_the_same_text(tmp_path: Path) -> None:
    ours = {f"t{number}": expanded(text) for number, text in enumerate(TEMPLATES)}
    annotations = {f"t{number}": text for number, text in enumerate(TEMPLATES)}
    rule = {"alert": "A", "expr": 'x{a="b"}', "annotations": annotations}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}))
    series = [
        {"series": 'x{a="b", instance="web-1.example.org:9100", job="node"}', "values": f"{VALUE!r}x2"},
        {"series": 'x{a="c", instance="[::1]:80", job="node"}', "values": "0.000012345x2"},
    ]
    labels = {"a": "b", "instance": "web-1.example.org:9100", "job": "node"}
    case = {
        "eval_time": "1m",
        "alertname": "A",
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": ours}],
    }
    test = {"interval": "1m", "input_series": series, "alert_rule_test": [case], "external_labels": {"env": "lab"}}
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    passed, said = promtool.run_tests(tmp_path / "test.yml")
    assert passed, _differing(said, ours)


def _differing(said: str, ours: dict[str, str]) -> str:
    """Names the templates whose texts differ; promtool prints them all on one line."""
    got = said[said.find("got:") :]
    texts = list(TEMPLATES)
    differing = [name for name, text in ours.items() if f"{name}={quoted(text)}" not in got]
    return (
        "\n".join(f"{texts[int(name[1:])]!r}: ours {ours[name]!r}\n theirs {_their(got, name)}" for name in differing)
        or said
    )


def _their(got: str, name: str) -> str:
    start = got.find(f" {name}=")
    return got[start : start + 400] if start >= 0 else got[-300:]


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_a_template_that_cannot_be_one_is_refused_before_it_runs(text: str, why: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(text, "A")
    assert str(caught.value).startswith("template: __alert_A:1: ")
    assert why in str(caught.value)


def test_promtool_refuses_the_same_templates(tmp_path: Path) -> None:
    for text in REFUSED:
        rule = {"alert": "A", "expr": "x", "annotations": {"a": text}}
        file = tmp_path / "rules.yml"
        file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}))
        taken, said = promtool.check_rules(file)
        assert not taken, f"{text!r}: {said}"


DEADLY = {
    "a loop in a loop": '{{ range query "sort_desc(x)" }}' * 20 + "x" + "{{ end }}" * 20,
    "a template that calls itself": '{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}',
    "text that doubles": '{{ $x := "0123456789" }}' + "{{ $x = print $x $x }}" * 40 + "{{ $x }}",
    "a number as wide as memory": '{{ printf "%999999999d" 1 }}{{ printf "%.999999999f" 1.0 }}',
    "a replacement that grows": '{{ reReplaceAll "" "' + "x" * 5_000 + '" "' + "y" * 5_000 + '" }}',
    "queries without an end": '{{ range query "sort_desc(x)" }}' * 7 + '{{ query "sort_desc(x)" }}' + "{{ end }}" * 7,
}


@pytest.mark.parametrize("name", DEADLY)
def test_a_deadly_template_ends_within_its_bounds(name: str) -> None:
    text = expanded(DEADLY[name])
    assert len(text) < 1_100_000


@pytest.mark.parametrize(
    "text",
    ["{{ (" * 10_000, "(" * 50 + "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}", "x" * 200_000, "{{ if 1 }}" * 5_000],
)
def test_a_template_that_is_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        compile_template(text, "A")


PIECES = st.sampled_from(
    [
        *(
            "{{",
            "}}",
            "{{-",
            "-}}",
            "(",
            ")",
            "|",
            ":=",
            "=",
            ",",
            ".",
            "$",
            "$labels",
            "$value",
            "$x",
            ".a",
            ".Labels",
        ),
        *('"s"', "`r`", "'c'", "1", "2.5", "-3", "true", "nil", "if", "else", "end", "range", "with", "define"),
        *("template", "block", "break", "continue", "and", "or", "not", "eq", "lt", "index", "len", "slice", "print"),
        *("printf", '"%d"', "humanize", "query", "first", "value", "label", '"x"', "args", "reReplaceAll", '"("'),
        *("match", "title", "toTime", "/*", "*/", "{{/*", "*/}}", "text", "\\", '"', "'", "}", "{", "\n", "é"),
    ]
)


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_whatever_is_written_it_is_expanded_or_refused(text: str) -> None:
    for written in (text, f"{{{{ {text} }}}}", f"{{{{ if {text} }}}}{text}{{{{ end }}}}"):
        assert isinstance(expanded(written), str)


def test_every_function_of_prometheus_templates_is_there() -> None:
    names = (
        "args externalURL first graphLink humanize humanize1024 humanizeDuration humanizePercentage "
        "humanizeTimestamp label match now parseDuration pathPrefix query reReplaceAll safeHtml sortByLabel "
        "stripDomain stripPort strvalue tableLink title toLower toTime toUpper toDuration urlQueryEscape value "
        "and or not len index slice print printf println html js urlquery call eq ne lt le gt ge"
    )
    assert set(names.split()) <= set(FUNCTIONS)


def test_external_url_and_the_moment_of_the_evaluation_are_known() -> None:
    given = Surroundings(at_ms=61_500, external_url="http://station.example/monitor")
    template = compile_template("{{ externalURL }} {{ pathPrefix }} {{ now }} {{ toDuration 90.5 }}", "A")
    assert template.expand(Data(), given) == "http://station.example/monitor /monitor 61.5 1m30.5s"
