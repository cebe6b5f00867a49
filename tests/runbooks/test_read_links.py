"""Links are found with what they lead to; jumps inside the document and code are no links."""

import pytest

from stationmaster.runbooks.read.knowledge import Link, LinkKind
from stationmaster.runbooks.read.links import links_of
from tests.runbooks.chapters import chapter


@pytest.mark.parametrize(
    ("text", "url", "kind"),
    [
        ("[API](http://grafana:3000/d/api)", "http://grafana:3000/d/api", LinkKind.DASHBOARD),
        ("[The API dashboard](https://x.io/1)", "https://x.io/1", LinkKind.DASHBOARD),
        ("[search](https://log.x.io/app/kibana)", "https://log.x.io/app/kibana", LinkKind.LOGS),
        ("[the logs](https://x.io/2)", "https://x.io/2", LinkKind.LOGS),
        ("[Kibana how-to](../kibana.md)", "../kibana.md", LinkKind.DOCUMENT),
        ("[x](https://x.io/docs/a)", "https://x.io/docs/a", LinkKind.DOCUMENT),
        ("<https://x.io/3>", "https://x.io/3", LinkKind.OTHER),
        ("see https://x.io/4, please", "https://x.io/4", LinkKind.OTHER),
        ("[x][ref]\n\n[ref]: https://x.io/5", "https://x.io/5", LinkKind.OTHER),
        ("[a]({{site.data[site.target].x.links.a.link}})", "{{site.data[site.target].x.links.a.link}}", LinkKind.OTHER),
    ],
)
def test_a_link_and_its_kind(text: str, url: str, kind: LinkKind) -> None:
    assert [(each.url, each.kind) for each in links_of(chapter(text))] == [(url, kind)]


@pytest.mark.parametrize(
    "text", ["[below](#x)", "![picture](a.png)", "`https://x.io`", "```\nhttps://x.io\n```", "[mail](mailto:a@b.c)"]
)
def test_what_is_no_link(text: str) -> None:
    assert links_of(chapter(text)) == ()


def test_a_link_stands_on_its_own_line() -> None:
    text = "# X\n\nFirst\nsecond [a\nb](http://x.io) and\n\n| a | b |\n|---|---|\n| x | [c](http://y.io) |\n"
    assert links_of(chapter(text)) == (
        Link(text="a b", url="http://x.io", line=4),
        Link(text="c", url="http://y.io", line=9),
    )
