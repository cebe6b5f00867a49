"""A document says which alerts it answers, by details, labels, title or its own list; others are named apart."""

import pytest

from stationmaster.runbooks.read.front_matter import read_front_matter
from stationmaster.runbooks.read.match_rules import match_rules, other_alerts
from tests.runbooks.chapters import chapter


@pytest.mark.parametrize(
    ("front", "text", "title", "wanted"),
    [
        ("alert: A_b", "", "", ("A_b",)),
        ("alerts: [A, B]", "", "", ("A", "B")),
        ("", "- **Alert Name**: APIServiceDown\n", "", ("APIServiceDown",)),
        ("", "# KubeAPIDown\n\nText.\n", "KubeAPIDown", ("KubeAPIDown",)),
        ("", "# etcdNoLeader\n\nText.\n", "etcdNoLeader", ("etcdNoLeader",)),
        ("", "# KubeAPIDown [Deprecated]\n\nText.\n", "KubeAPIDown [Deprecated]", ("KubeAPIDown",)),
        ("", "# Kubernetes\n\nText.\n", "Kubernetes", ()),
        ("", "# API down\n\nIt is slow (triggering KubePodNotReady alerts) today.\n", "", ("KubePodNotReady",)),
        ("", "# Down\n\nSlow (triggering alarms like CPUHigh or RDSHighCPU) now.\n", "", ("CPUHigh", "RDSHighCPU")),
        ("", "## Alerts\n- ApiDown (this alert)\n- HighErrorRate\n", "", ("ApiDown",)),
    ],
)
def test_the_alerts_that_it_answers(front: str, text: str, title: str, wanted: tuple[str, ...]) -> None:
    matter, _ = read_front_matter(front, file="x.md")
    assert match_rules(matter, text, title=title, root=chapter(text)).alerts == wanted


def test_other_alerts_are_named_with_their_lines() -> None:
    root = chapter(
        "## Related alerts\n\n- `ApiDown` - the other\n- HighErrorRate\n- See the wiki\n\n## Notes\n\n- OtherThing\n"
    )
    assert other_alerts(root, ("ApiDown",)) == {"HighErrorRate": 4}


def test_quoted_alert_texts_come_from_prose_alone() -> None:
    text = "Look for `Service: x in env: is down, url is http://X.X.X.X`.\n\n```\n`the service y is down`\n```\n"
    matter, _ = read_front_matter("service: shop\ntags: a, b", file="x.md")
    rules = match_rules(matter, text, title="", root=chapter(text))
    assert rules.quoted == ("Service: x in env: is down, url is http://X.X.X.X",)
    assert (rules.service, rules.tags) == ("shop", ("a", "b"))
