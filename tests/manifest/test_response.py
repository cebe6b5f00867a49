"""Who answers: responders, schedules, policies, routes, the status page; how they are read, and what is refused."""

import datetime
from pathlib import Path

import pytest

from stationmaster.core.problem import Diagnostic, InvalidInputError, Severity
from stationmaster.core.response import (
    Condition,
    ConditionKind,
    ContactKind,
    LabelMatch,
    NotifyRule,
    PageTarget,
    TargetKind,
    Urgency,
)
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.entities import join, parse_document

FULL = """\
environment: lab
regions: [north]
services:
  - name: shop
    port: 80
    escalation_policy: shop
    instances:
      - {name: shop-1, region: north, address: 10.0.0.1:80}
virtual_hosts:
  - {name: shop, targets: [{instance: shop-1}]}
apis:
  - {name: orders, paths: [/orders], virtual_host: shop}
responders:
  - name: ada
    full_name: Ada Lovelace
    time_zone: Europe/Berlin
    slack: U024BE7LH
    contacts:
      - {name: mail, kind: email, address: ada@example.org}
      - {name: sms, kind: apprise, secret_file: ada-sms}
    notify:
      - {contact: mail}
      - {contact: sms, after: 5m, urgency: high}
    quiet_hours: {since: "22:00", until: "07:00"}
  - {name: grace, contacts: [{name: mail, kind: email, address: grace@example.org}]}
channels:
  - {name: ops, kind: slack, secret_file: slack-hook}
schedules:
  - name: primary
    time_zone: Europe/Berlin
    layers:
      - {name: weeks, responders: [ada, grace], starts: "2026-01-05"}
      - name: nights
        responders: [grace]
        starts: "2026-01-05"
        turn: 1d
        restrictions: [{days: [mon, sat], since: "22:00", until: "06:00"}]
escalation_policies:
  - name: shop
    repeats: 2
    acknowledged_for: 0s
    levels:
      - targets: [schedule/primary, channel/ops]
      - after: 15m
        targets: [responder/grace]
        when: [open for 15m, restarts failed 2, security, severity critical]
incidents:
  policy: shop
  routes:
    - {match: ['severity=~"warning|info"', team!=web], policy: shop, urgency: low, channels: [ops]}
  inhibit:
    - {source: ['alertname="NodeDown"'], target: ['alertname=~"Api.*"'], equal: [environment]}
  group_by: [service, environment]
  channels: [ops]
  smtp: {host: mail.example.org, sender: ops@example.org, user: ops, password_file: smtp-password}
status_page:
  title: Our APIs
  time_zone: Europe/Berlin
  components:
    - {name: Orders, apis: [orders], services: [shop]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ada-sms", "slack-hook", "smtp-password"):
        (tmp_path / name).write_text("secret")
    return tmp_path


def read(text: str, folder: Path) -> PlatformSpec:
    parsed = parse_document(text, file="platform.yaml", folder=folder)
    assert join(parsed.entities) is not None
    return parsed.spec


def told(text: str, folder: Path) -> list[Diagnostic]:
    try:
        parsed = parse_document(text, file="platform.yaml", folder=folder)
    except InvalidInputError as error:
        return list(error.diagnostics)
    return list(parsed.warnings)


def test_responders_and_channels_are_read_whole(folder: Path) -> None:
    spec = read(FULL, folder)
    ada, grace = spec.responders
    assert (ada.full_name, ada.time_zone, ada.slack, ada.email) == (
        "Ada Lovelace",
        "Europe/Berlin",
        "U024BE7LH",
        "ada@example.org",
    )
    assert ada.contacts[1].kind is ContactKind.APPRISE
    assert ada.contacts[1].secret_file == folder / "ada-sms"
    assert ada.rules == (NotifyRule(contact="mail"), NotifyRule(contact="sms", after_s=300, urgency=Urgency.HIGH))
    assert ada.quiet_hours is not None
    assert ada.quiet_hours.since == datetime.time(22)
    assert (grace.rules, grace.quiet_hours) == ((), None)
    assert spec.channels[0].contact.secret_file == folder / "slack-hook"


def test_schedules_and_policies_are_read_whole(folder: Path) -> None:
    spec = read(FULL, folder)
    (primary,) = spec.schedules
    weeks, nights = primary.layers
    assert (weeks.responders, weeks.starts, weeks.handoff, weeks.turn_days) == (
        ("ada", "grace"),
        datetime.date(2026, 1, 5),
        datetime.time(9),
        7,
    )
    assert (nights.turn_days, nights.restrictions[0].days) == (1, frozenset({0, 5}))
    (policy,) = spec.escalation_policies
    assert (policy.repeats, policy.acknowledged_s, policy.last_wait_s) == (2, None, 900)
    assert policy.levels[0].targets == (
        PageTarget(kind=TargetKind.SCHEDULE, name="primary"),
        PageTarget(kind=TargetKind.CHANNEL, name="ops"),
    )
    assert policy.levels[1].conditions == (
        Condition(kind=ConditionKind.OPEN_FOR, seconds=900),
        Condition(kind=ConditionKind.RESTARTS_FAILED, count=2),
        Condition(kind=ConditionKind.SECURITY),
        Condition(kind=ConditionKind.SEVERITY, value="critical"),
    )


def test_the_settings_of_incidents_are_read_whole(folder: Path) -> None:
    spec = read(FULL, folder)
    (route,) = spec.incidents.routes
    assert route.matches == (
        LabelMatch(name="severity", value="warning|info", is_regex=True),
        LabelMatch(name="team", value="web", is_equal=False),
    )
    assert (route.policy, route.urgency, route.channels) == ("shop", Urgency.LOW, ("ops",))
    assert spec.incidents.group_by == ("service", "environment")
    assert spec.incidents.smtp is not None
    assert spec.incidents.smtp.password_file == folder / "smtp-password"
    assert spec.services[0].escalation_policy == "shop"
    assert spec.status_page.components[0].apis == ("orders",)


def test_what_is_not_said_has_the_defaults_of_the_field(tmp_path: Path) -> None:
    spec = read("environment: lab\n", tmp_path)
    assert spec.incidents.group_by == ("service", "environment", "region")
    assert (spec.incidents.group_window_s, spec.incidents.update_every_s) == (300, 900)


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("Europe/Berlin\n    slack", "Europe/Berlinn\n    slack", "bad-zone", "no time zone"),
        ("ada@example.org", "ada at example.org", "bad-contact", "no address of e-mail"),
        ("secret_file: ada-sms", "secret_file: nowhere", "no-file", "'nowhere' cannot be read"),
        (", secret_file: ada-sms", "", "bad-contact", "names no address"),
        ("secret_file: ada-sms", "secret_file: ada-sms, address: x", "bad-contact", "names two addresses"),
        ("kind: slack, secret_file: slack-hook", "kind: pagerduty, address: abc", "bad-contact", "is a secret"),
        (
            "name: sms, kind: apprise, ",
            "name: sms, kind: apprise, secret_file: ada-sms}\n      - {name: sms, kind: apprise, ",
            "duplicate-name",
            "the contact 'sms' is declared twice",
        ),
        ("kind: email, address: grace@example.org", "kind: outbox, address: ../keys", "bad-contact", "no name of an"),
        (
            "kind: email, address: grace@example.org",
            "kind: outbox, secret_file: smtp-password",
            "bad-contact",
            "outbox",
        ),
        ("contact: sms", "contact: smss", "unknown-reference", "no contact of 'ada'"),
        ('until: "07:00"}', 'until: "22:00"}', "out-of-range", "never end"),
        ('until: "07:00"}', 'until: "25:00"}', "bad-clock", "no time of a day"),
        ("responders: [ada, grace]", "responders: [adda]", "unknown-reference", "responder is called 'adda'"),
        ('starts: "2026-01-05"}', 'starts: "2026-02-30"}', "bad-date", "no calendar has"),
        ('starts: "2026-01-05"}', 'starts: "2026-01-05", ends: "2026-01-05"}', "out-of-range", "before it begins"),
        ("turn: 1d", "turn: 36h", "bad-duration", "no whole number of days"),
        ("name: nights", "name: weeks", "duplicate-name", "the layer 'weeks'"),
        ("days: [mon, sat]", "days: [monday]", "unknown-choice", "cannot be 'monday'"),
        ("channel/ops]", "channel/opps]", "unknown-reference", "channel is called 'opps'"),
        ("channel/ops]", "room/ops]", "bad-target", "does not say whether"),
        ("channel/ops]", "schedule/primary]", "duplicate-target", "twice"),
        ("open for 15m", "open since 15m", "bad-condition", "no condition"),
        ("restarts failed 2", "restarts failed 0", "bad-condition", "no condition"),
        ("policy: shop\n  routes", "policy: shopp\n  routes", "unknown-reference", "escalation policy is called"),
        ("warning|info", "warning|(info", "bad-match", "no regular expression"),
        ("team!=web", "team", "bad-match", "no condition on a label"),
        (", password_file: smtp-password", "", "missing-field", "a user without a password"),
        ("apis: [orders], services", "apis: [order], services", "unknown-reference", "API is called 'order'"),
        ("repeats: 2", "repeats: 10", "out-of-range", "between 0 and 9"),
        ("escalation_policy: shop", "escalation_policy: none", "unknown-reference", "escalation policy is called"),
    ],
)
def test_what_could_reach_nobody_is_refused_on_its_line(
    folder: Path, old: str, new: str, code: str, words: str
) -> None:
    assert old in FULL
    found = [each for each in told(FULL.replace(old, new, 1), folder) if each.severity is Severity.ERROR]
    assert [each.code for each in found] == [code], [str(each) for each in found]
    assert words in found[0].message
    assert found[0].origin.line > 1
    assert found[0].hint


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("[{name: mail, kind: email, address: grace@example.org}]", "[]", "unreachable-responder"),
        ("[schedule/primary, channel/ops]", "[channel/ops]", "pages-nobody"),
        (
            "after: 15m\n        targets: [responder/grace]\n        when: [open for 15m, restarts failed 2, "
            "security, severity critical]",
            "targets: [responder/grace]",
            "never-applies",
        ),
        ("apis: [orders], services: [shop]", "description: nothing", "never-applies"),
    ],
)
def test_what_pages_nobody_is_told(folder: Path, old: str, new: str, code: str) -> None:
    assert old in FULL
    assert [each.code for each in told(FULL.replace(old, new, 1), folder)] == [code]
