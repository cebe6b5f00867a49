"""Liquid is rendered on its lines, other templates are left alone, and what is missing stays visible."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.core.problem import Severity
from stationmaster.runbooks.read.context import ReadingContext
from stationmaster.runbooks.read.knowledge import Contact
from stationmaster.runbooks.read.liquid import Plain, rendered
from stationmaster.runbooks.read.parameters import parameters_of
from stationmaster.runbooks.read.reader import read_runbook

DATA = {
    "ibm": {
        "oss-contacts": {"contacts": {"team-1": {"name": "Ada Example", "slack": "@ada", "userid": "ADA1"}}},
        "oss-doctor": {"links": {"portal": {"name": "The portal", "link": "https://portal.example.com"}}},
    },
    "services": [{"name": "one"}, {"name": "two"}, {"name": "three"}],
}
CONTEXT = ReadingContext(
    data=DATA,
    target="ibm",
    site={"baseurl": "/docs"},
    includes={"guide.html": "Go through {{ include.host }} first.\nThen wait.", "loop.html": "{% include loop.html %}"},
)
_PIECES = (
    "{{", "}}", "{%", "%}", " if x ", " endif ", "site.baseurl", " for i in site.data.services ", " endfor ", "\n",
    "```", "raw", " endraw ", "capture a", " endcapture ",
    "include x.html", "|", "'", "text", "{% raw %}", "{{ page.a }}",
)  # fmt: skip
PATH = "site.data[site.target].oss-contacts.contacts.team-1"
INCLUDE = "{% include contact.html slack=team-1-slack name=team-1-name userid=team-1-userid notesid=team-1-notesid %}"


def plain(text: str, context: ReadingContext = CONTEXT) -> Plain:
    return rendered(text, file="x.md", context=context)


def told(found: Plain) -> list[tuple[str, int]]:
    assert all(each.severity is Severity.WARNING and each.hint for each in found.diagnostics)
    return [(each.code, each.origin.line) for each in found.diagnostics]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{{ site.baseurl }}/x", "/docs/x"),
        (f"{{{{ {PATH}.slack }}}}", "@ada"),
        ('{{ site.data["ibm"].oss-doctor.links.portal.name | upcase }}', "THE PORTAL"),
        ('{% assign who = "Ada" %}Ask {{ who }}.', "Ask Ada."),
        ("{% capture who %}{{ " + PATH + ".name }}{% endcapture %}Ask {{ who }}.", "Ask Ada Example."),
        ("{% if site.target == 'ibm' %}yes{% else %}no{% endif %}", "yes"),
        ("{% unless site.target == 'ibm' %}yes{% else %}no{% endunless %}", "no"),
        ("{% comment %}nobody sees this{% endcomment %}x", "x"),
        ("{% raw %}{{ site.baseurl }}{% endraw %} {{ site.baseurl }}", "{{ site.baseurl }} /docs"),
        ("[a]({{ site.baseurl }}{% link _docs/a.md %})", "[a](/docs/_docs/a.md)"),
        ('{{ site.nothing | default: "something" }}', "something"),
        ("{% highlight bash %}\nls\n{% endhighlight %}", "```bash\nls\n```"),
        ("{{ page.title }}", "{{page.title}}"),
        ("---\ntitle: A\n---\n{{ page.title }}", "---\ntitle: A\n---\nA"),
        ("{% include_relative guide.html host='h1' %}", "Go through h1 first.\nThen wait."),
    ],
)
def test_liquid_is_rendered(text: str, wanted: str) -> None:
    assert plain(text).text == wanted


@pytest.mark.parametrize(
    "text",
    [
        'See [this]({{< ref "./Other.md" >}}).',
        "{{% notice %}}text{{% /notice %}}",
        "<%= render 'x' %>",
        "```yaml\nimage: {{ .Values.image }}\n```",
        "```yaml\nsummary: {{ $labels.instance }} is down, {{ $value | humanize }}\n```",
        "```yaml\n- debug: msg={{ inventory_hostname }}\n```",
        "```\n{% if ansible_os == 'x' %}\n{% endif %}\n```",
        "kubectl get po -o go-template='{{range .items}}{{.metadata.name}}{{\"\\n\"}}{{end}}'",
        "```yaml\nref: ${{ github.ref }}\n```",
        "docker ps --format '{{.Names}}' and {{ pod_name }}",
        "{{#if x}}{{/if}}",
    ],
)
def test_templates_of_other_kinds_stay_as_they_are(text: str) -> None:
    assert plain(text) == Plain(text=text)


def test_other_templates_stay_beside_liquid() -> None:
    text = "{{ site.baseurl }}\n\n```yaml\na: {{ .Values.a }} {{ name }}\nb: {% if x %}\n```\n"
    assert plain(text).text == text.replace("{{ site.baseurl }}", "/docs")


def test_what_is_missing_stays_visible_and_is_told_with_its_line() -> None:
    found = plain(
        "{% assign a = 1 %}\nUse {{ site.data.x.link }} and {{ site.data.x.name }}.\n\n{{ nobody }} {{ page.x }}"
    )
    assert found.text == "\nUse {{site.data.x.link}} and {{site.data.x.name}}.\n\n{{nobody}} {{page.x}}"
    assert sorted(told(found)) == [("liquid-missing", 2), ("liquid-missing", 4), ("liquid-missing", 4)]
    assert [each.text for each in parameters_of(found.text)] == [
        "{{site.data.x.link}}",
        "{{site.data.x.name}}",
        "{{nobody}}",
        "{{page.x}}",
    ]


def test_a_contact_is_rendered_from_the_data() -> None:
    captures = "".join(
        f"{{% capture team-1-{field} %}}{{{{ {PATH}.{field} }}}}{{% endcapture %}}\n"
        for field in ("slack", "name", "userid")
    )
    found = plain(f"{captures}\n1. Escalate to level 2: {INCLUDE}.")
    assert found.people == (Contact(name="Ada Example", slack="@ada", user_id="ADA1", line=5, key="team-1"),)
    assert found.contacts == ("team-1",)
    assert found.text == "\n\n\n\n1. Escalate to level 2: contact:team-1 (Ada Example, @ada)."


def test_a_contact_comes_from_the_librarys_own_contacts_when_the_documents_data_has_none() -> None:
    context = ReadingContext(contacts={"team-1": {"name": "Team One", "email": "one@example.org"}})
    found = plain(f"{{% capture team-1-name %}}{{{{ {PATH}.name }}}}{{% endcapture %}}\n{INCLUDE}", context)
    assert found.people == (Contact(name="Team One", email="one@example.org", line=2, key="team-1"),)
    assert found.diagnostics == ()
    links = ReadingContext(links={"portal": {"link": "https://p.example"}})
    assert plain("{{ site.data[site.target].oss-doctor.links.portal.link }}", links).text == "https://p.example"


def test_a_contact_that_nobody_knows_is_named_and_told() -> None:
    found = plain(f"{{% capture team-1-slack %}}{{{{ {PATH}.slack }}}}{{% endcapture %}}\n{INCLUDE}", ReadingContext())
    assert found.people == (Contact(name="team-1", line=2, key="team-1", known=False),)
    assert found.text == "\ncontact:team-1"
    assert told(found) == [("liquid-missing", 1)]


def test_an_include_that_is_missing_is_told() -> None:
    found = plain("x\n{% include {{site.target}}/other.html %}\n")
    assert found.text == "x\n{{include:ibm/other.html}}\n"
    assert told(found) == [("include-missing", 2)]


def test_a_tag_of_a_plug_in_is_told_and_its_content_kept() -> None:
    found = plain("{{ site.baseurl }}\n{% mermaid id='x' %}\ngraph\n{% endmermaid %}\n{% last_modified_at %}\n")
    assert found.text == "/docs\n\ngraph\n\n{{last_modified_at}}\n"
    assert told(found) == [("liquid-tag", 5)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{{ site.baseurl }}\n{% if x %}\n1. Look.\n", 2),
        ("{{ site.baseurl }}\n{% endif %}\n1. Look.\n", 2),
        ("{{ site.baseurl }}\n\n{% assign = %}\n1. Look.\n", 3),
        ("{{ site.baseurl | nofilter }}\n1. Look.\n{{ site.baseurl }}", 1),
        ("{% for %}\n{% endfor %}\n1. Look.\n{{ site.baseurl }}", 1),
        ("{% capture x %}\n1. Look.\n{{ site.baseurl }}", 1),
    ],
)
def test_broken_liquid_never_fails_a_reading(text: str, line: int) -> None:
    found = plain(text)
    assert "1. Look." in found.text
    assert [code for code, _ in told(found)] == ["liquid-broken"]
    assert abs(told(found)[0][1] - line) <= 1
    assert read_runbook(text, file="x.md", context=CONTEXT).runbook.steps


def test_lines_keep_their_place_when_tags_and_branches_go() -> None:
    text = (
        "{% capture a %}\nlong\ntext\n{% endcapture %}\n{% if site.none %}\ngone\n"
        "{% endif %}\nhere {{ site.baseurl }}\n"
    )
    found = plain(text)
    assert found.origins is None
    assert found.text.split("\n")[7] == "here /docs"


def test_repeated_lines_know_where_they_come_from() -> None:
    text = (
        "# Services\n{% for item in site.data.services %}\n"
        "1. Restart `systemctl restart {{ item.name }}`.\n{% endfor %}\n\nEnd.\n"
    )
    found = plain(text)
    assert found.origins is not None
    lines = found.text.split("\n")
    origins = dict(zip(lines, found.origins, strict=True))
    assert {origin for line, origin in origins.items() if "Restart" in line} == {3}
    assert len([line for line in lines if "Restart" in line]) == 3
    assert origins["End."] == 6


def test_a_reading_of_repeated_lines_points_into_the_source() -> None:
    text = (
        "# Services\n\n{% for item in site.data.services -%}\n"
        "1. Run `systemctl restart {{ item.name }}`.\n{% endfor %}\n\n"
        "## Links\n\n- [Grafana](http://grafana/d/x)\n"
    )
    runbook = read_runbook(text, file="x.md", context=CONTEXT).runbook
    commands = [command for step in runbook.walk() for command in step.commands]
    assert [command.text for command in commands] == [f"systemctl restart {name}" for name in ("one", "two", "three")]
    assert {command.lines.first for command in commands} == {4}
    assert runbook.knowledge.links[0].line == 9


@pytest.mark.parametrize(
    "text",
    [
        "{{ site.baseurl }}{% for i in (1..999999999) %}{{ i }}{% endfor %}",
        "{% assign r = (1..999999999) %}{{ r | join: ',' }}",
        "{% assign n = 999999999 %}{% for i in (1..n) reversed %}x{% endfor %}",
        "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}",
        "{% assign a = '" + "x" * 5000 + "' %}{{ a | replace: 'x', a | replace: 'x', a }}",
        "{{ site.baseurl }}{% include loop.html %}",
        "{% for i in (1..900) %}{% for j in (1..900) %}{% for k in (1..900) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% assign a = 9 %}" + "{% assign a = a | times: a %}" * 40 + "{{ a }}",
        "{{ site.baseurl }}" + "{% if site %}" * 500 + "x" + "{% endif %}" * 500,
    ],
)
def test_no_template_takes_long_or_grows_without_end(text: str) -> None:
    started = time.monotonic()
    found = plain(text)
    assert time.monotonic() - started < 5
    assert len(found.text) < 5_000_000
    assert found.diagnostics


def test_aliases_that_multiply_without_end_are_not_rendered() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    text = f"---\n{bomb}---\n{{{{ page.a8 }}}}\n1. Go.\n"
    started = time.monotonic()
    reading = read_runbook(text, file="x.md", context=CONTEXT)
    assert time.monotonic() - started < 5
    assert reading.runbook.steps
    assert [each.code for each in reading.diagnostics] == ["liquid-missing"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(_PIECES),
        max_size=30,
    )
)
def test_no_text_breaks_it(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = plain(text)
    if found.origins is not None:
        assert len(found.origins) == found.text.count("\n") + 1
        assert all(1 <= each <= text.count("\n") + 1 for each in found.origins)
