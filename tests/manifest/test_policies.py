"""Everything that an API, a virtual host, a node and an issuer may say: how it is read, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stationmaster.core.monitoring import Heartbeat, Traces
from stationmaster.core.names import VirtualHostName
from stationmaster.core.policy import (
    Canary,
    Cors,
    HeaderChanges,
    LimitBy,
    Maintenance,
    Mirror,
    RateLimit,
    Redirect,
    TokenRules,
)
from stationmaster.core.problem import Diagnostic, InvalidInputError, Severity
from stationmaster.core.spec import (
    Address,
    CheckKind,
    CircuitBreaker,
    GatewayLimits,
    HeaderRule,
    JsonValue,
    PlatformSpec,
    Protocol,
    TlsCertificate,
    TokenTerms,
)
from stationmaster.manifest.entities import join, parse_document

FULL = """\
environment: lab
regions: [north]
issuer: https://keys.example.org
gateway:
  nodes:
    - {name: g-1, listen: 127.0.0.1:8000, admin: 127.0.0.1:9901, listen_tls: 127.0.0.1:8443}
  limits: {max_connections: 1000, max_header_kb: 32, max_body: 2MB}
tokens: {lifetime: 15m, algorithm: EdDSA, rotate_every: 7d}
token_issuers:
  - {name: corp, issuer: "https://login.example.org", audiences: [shop], jwks_uri: "https://login.example.org/jwks"}
services:
  - name: shop
    port: 80
    health: {type: tcp}
    metrics: /metrics
    instances:
      - {name: shop-1, region: north, address: 10.0.0.1:80}
virtual_hosts:
  - name: shop
    protocol: h2c
    circuit_breaker: {max_requests: 10, retry_percent: 20}
    slow_start: 10s
    max_ejected_percent: 50
    health: {type: grpc, grpc_service: shop.Orders, timeout: 2s}
    maintenance: {}
    targets: [{instance: shop-1}]
  - name: next
    targets: [{instance: shop-1}]
apis:
  - name: orders
    paths: [/orders, =/orders/all, "~/orders/[0-9]+"]
    virtual_host: shop
    methods: [GET, POST]
    headers: {X-Tenant: blue, X-Beta: null}
    preserve_host: false
    accepts: [jwt, api-key]
    groups: [partners]
    any_user: true
    objectives: [99.9% over 30d, 99% under 300ms over 7d]
    probe: {user: grace}
    policies:
      rate_limits:
        - {requests: 10, per: 1s}
        - {requests: 1000, per: 1m, by: api}
      cors: {origins: ["https://shop.example.org"], credentials: true, max_age: 1h, response_headers: [X-Total]}
      request_headers: {set: {X-From: gateway}, add: {X-More: "1"}, remove: [X-Debug]}
      response_headers: {remove: [Server]}
      max_body: 64KB
      retries: 0
      canary: {virtual_host: next, percent: 5}
      mirror: {virtual_host: next}
      maintenance: {message: back soon, retry_after: 1d}
      tokens: {issuers: [stationmaster, corp], scopes: ["orders:read"], claims_to_headers: {tenant: X-Tenant-Name}}
  - name: old
    paths: [/old]
    policies: {redirect: {to: /orders, status: 301}}
api_users:
  - {name: ada, groups: [partners], rate_limits: [{requests: 5, per: 1s}]}
  - {name: grace, apis: [orders]}
monitoring:
  scrape_interval: 5s
  scrape_timeout: 3s
  retention: 35d
  scrape:
    - {name: node, targets: [10.0.0.1:9100], labels: {team: shop}, body_limit: 1MB}
  heartbeat: {url: "https://watch.example.org/1"}
  traces: {endpoint: "http://127.0.0.1:4318", percent: 10}
"""


def test_what_is_declared_of_metrics_is_read_whole() -> None:
    spec = read(FULL)
    (job,) = spec.monitoring.scrape
    assert (job.name, job.targets, job.labels) == ("node", (Address(host="10.0.0.1", port=9100),), (("team", "shop"),))
    assert (job.body_limit_bytes, job.interval_ms, job.path) == (1024**2, None, "/metrics")
    assert (spec.monitoring.scrape_interval_ms, spec.monitoring.retention_s) == (5000, 35 * 86_400)
    assert spec.monitoring.heartbeat == Heartbeat(url="https://watch.example.org/1", interval_ms=60_000)
    assert spec.monitoring.traces == Traces(endpoint="http://127.0.0.1:4318", ratio=0.1)
    assert spec.services[0].metrics == "/metrics"
    first, second = spec.apis[0].objectives
    assert (first.percent, first.window_days, first.latency_ms) == (99.9, 30, None)
    assert (second.percent, second.window_days, second.latency_ms) == (99.0, 7, 300)
    assert spec.apis[0].probe is not None
    assert spec.apis[0].probe.user == "grace"


@pytest.mark.parametrize(
    ("written", "value"), [("Running", '"Running"'), ("0", "0"), ("true", "true"), ('"3"', "3"), ('"a b"', '"a b"')]
)
def test_a_wanted_json_value_is_text_number_or_truth(written: str, value: str) -> None:
    check = f"{{path: /, json: {{path: a.b, equals: {written}}}, max_latency: 200ms}}"
    (service,) = read(FULL.replace("{type: tcp}", check)).services
    assert service.health is not None
    assert service.health.json == JsonValue(path="a.b", value=value)
    assert service.health.max_latency_ms == 200


def test_nodes_look_at_the_port_of_what_they_cannot_check() -> None:
    spec = read(FULL.replace("{type: tcp}", "{type: redis, interval: 2s}"))
    assert spec.services[0].health is not None
    assert spec.services[0].health.kind is CheckKind.REDIS
    inherited = spec.virtual_hosts[1].health
    assert inherited is not None
    assert (inherited.kind, inherited.interval_ms) == (CheckKind.TCP, 2000)


def test_rule_files_have_to_be_there_and_become_absolute(tmp_path: Path) -> None:
    (tmp_path / "one.rules.yml").write_text("groups: []\n")
    text = FULL.replace("  retention: 35d\n", "  retention: 35d\n  rules: ['*.rules.yml', two.yml]\n")
    with pytest.raises(InvalidInputError) as refused:
        parse_document(text, file="platform.yaml", folder=tmp_path)
    assert ["two.yml" in each.message for each in refused.value.diagnostics] == [True]
    good = read(text.replace(", two.yml", ""), tmp_path)
    assert good.monitoring.rules == (tmp_path / "*.rules.yml",)


def test_an_objective_that_looks_back_further_than_samples_are_kept_is_told() -> None:
    found = told(FULL.replace("retention: 35d", "retention: 7d"))
    assert [(each.code, each.severity) for each in found] == [("window-not-kept", Severity.WARNING)]


def read(text: str, folder: Path = Path("/")) -> PlatformSpec:
    parsed = parse_document(text, file="platform.yaml", folder=folder)
    assert join(parsed.entities) is not None
    return parsed.spec


def told(text: str, folder: Path = Path("/")) -> list[Diagnostic]:
    try:
        return list(parse_document(text, file="platform.yaml", folder=folder).warnings)
    except InvalidInputError as error:
        return list(error.diagnostics)


def test_all_policies_of_an_api_are_read() -> None:
    api, old = read(FULL).apis
    assert api.methods == ("GET", "POST")
    assert api.headers == (HeaderRule(name="x-tenant", value="blue"), HeaderRule(name="x-beta"))
    assert (api.preserve_host, api.groups, api.any_user) == (False, ("partners",), True)
    policies = api.policies
    assert policies.rate_limits == (
        RateLimit(requests=10, per_ms=1000),
        RateLimit(requests=1000, per_ms=60_000, by=LimitBy.API),
    )
    assert policies.cors == Cors(
        origins=("https://shop.example.org",), credentials=True, max_age_s=3600, response_headers=("X-Total",)
    )
    assert policies.request_headers == HeaderChanges(
        set=(("X-From", "gateway"),), add=(("X-More", "1"),), remove=("X-Debug",)
    )
    assert policies.response_headers == HeaderChanges(remove=("Server",))
    assert (policies.max_body_bytes, policies.retries) == (64 * 1024, 0)
    other = VirtualHostName("next")
    assert (policies.canary, policies.mirror) == (
        Canary(virtual_host=other, percent=5),
        Mirror(virtual_host=other, percent=100),
    )
    assert policies.maintenance == Maintenance(message="back soon", retry_after_s=86_400)
    assert policies.tokens == TokenRules(
        issuers=("stationmaster", "corp"),
        scopes=("orders:read",),
        claims_to_headers=(("tenant", "X-Tenant-Name"),),
    )
    assert policies.origin.path == "apis[0].policies"
    assert (old.virtual_host, old.policies.redirect) == (None, Redirect(to="/orders", status=301))
    assert old.policies.origin.line == FULL[: FULL.index("policies: {redirect")].count("\n") + 1


def test_all_of_a_virtual_host_and_the_gateway_is_read() -> None:
    spec = read(FULL)
    shop, following = spec.virtual_hosts
    assert (shop.protocol, shop.slow_start_ms, shop.max_ejected_percent) == (Protocol.H2C, 10_000, 50)
    assert shop.circuit_breaker == CircuitBreaker(max_requests=10, retry_percent=20)
    assert shop.maintenance == Maintenance()
    assert shop.health is not None
    assert (shop.health.kind, shop.health.grpc_service, shop.health.timeout_ms) == (CheckKind.GRPC, "shop.Orders", 2000)
    assert following.health == spec.services[0].health
    assert following.health is not None
    assert following.health.kind is CheckKind.TCP
    assert spec.nodes[0].listen_tls == Address(host="127.0.0.1", port=8443)
    assert spec.limits == GatewayLimits(max_connections=1000, max_header_kb=32, max_body_bytes=2 * 1024 * 1024)
    assert spec.tokens == TokenTerms(lifetime_s=900, algorithm="EdDSA", rotate_every_s=7 * 86_400)
    (issuer,) = spec.token_issuers
    assert (issuer.name, issuer.audiences, issuer.jwks_uri) == ("corp", ("shop",), "https://login.example.org/jwks")
    user, _ = spec.api_users
    assert (user.groups, user.rate_limits) == (("partners",), (RateLimit(requests=5, per_ms=1000),))


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("virtual_host: next, percent: 5", "virtual_host: nxt, percent: 5", "unknown-reference", "called 'nxt'"),
        ("mirror: {virtual_host: next}", "mirror: {virtual_host: nxt}", "unknown-reference", "called 'nxt'"),
        ("virtual_host: next, percent: 5", "virtual_host: shop, percent: 5", "points-at-itself", "canary of 'orders'"),
        ("mirror: {virtual_host: next}", "mirror: {virtual_host: shop}", "points-at-itself", "mirror of 'orders'"),
        ("percent: 5", "percent: 101", "out-of-range", "between 0 and 100"),
        ("retries: 0", "retries: 11", "out-of-range", "between 0 and 10"),
        ("status: 301", "status: 305", "unknown-choice", "policies.redirect.status cannot be"),
        ("issuers: [stationmaster, corp]", "issuers: [crop]", "unknown-reference", "token issuer is called 'crop'"),
        (
            "services:\n",
            "  - {name: stationmaster, issuer: x, jwks_uri: 'https://x/'}\nservices:\n",
            "bad-name",
            "own key",
        ),
        ('issuer: "https://login.example.org"', "issuer: https://keys.example.org", "duplicate-issuer", "'settings'"),
        (', jwks_uri: "https://login.example.org/jwks"', "", "bad-issuer", "names no key set"),
        ("https://login.example.org/jwks", "ftp://login.example.org/jwks", "bad-url", "no URL of http"),
        ("lifetime: 15m", "lifetime: 8d", "out-of-range", "longer than a signing key signs"),
        ("rotate_every: 7d", "rotate_every: 30m", "bad-duration", "not between 1h and 365d"),
        ("algorithm: EdDSA", "algorithm: HS256", "unknown-choice", "cannot be 'HS256'"),
        ("max_body: 64KB", "max_body: 64kb", "bad-size", "is no size"),
        ("max_body: 64KB", "max_body: 2GB", "bad-size", "not between 1B and 1GB"),
        ("listen_tls: 127.0.0.1:8443", "listen_tls: 127.0.0.1:8000", "address-taken", "(listen_tls)"),
        ("{type: tcp}", "{type: tcp, path: /x}", "never-applies", "`path` belongs to checks of type http"),
        ("{type: tcp}", "{type: tcp, status: 200}", "never-applies", "`status` belongs to checks of type http"),
        ("{type: tcp}", "{}", "missing-field", "an HTTP check needs `path`"),
        ("{type: tcp}", "{type: dns}", "missing-field", "a DNS check needs `dns_name`"),
        ("{type: tcp}", "{type: command}", "missing-field", "a command check needs `command`"),
        ("{type: tcp}", "{type: command, command: ['true --now']}", "bad-command", "stand in one item"),
        ("{type: tcp}", "{type: redis, json: {path: a, equals: 1}}", "never-applies", "`json` belongs to checks of"),
        ("{type: grpc, grpc_service: shop.Orders, timeout: 2s}", "{type: redis}", "bad-check", "of type redis"),
        ("timeout: 2s}", "timeout: 2s, max_latency: 1s}", "never-applies", "do not look at `max_latency`"),
        ("metrics: /metrics", "metrics: metrics", "bad-path", "does not start with"),
        ("99.9% over 30d", "99.9 over 30d", "bad-objective", "99.9 over 30d"),
        ("99.9% over 30d", "100% over 30d", "bad-objective", "100%"),
        ("99.9% over 30d", "99.9% over 365d", "bad-objective", "365d"),
        ("user: grace}", "user: gracia}", "unknown-reference", "API user is called 'gracia'"),
        ("probe: {user: grace}", "probe: {}", "probe-refused", "has no credentials"),
        ("{redirect: {to: /orders, status: 301}}", "{redirect: {to: /x}}\n    probe: {}", "never-applies", "redirects"),
        ("scrape_timeout: 3s", "scrape_timeout: 6s", "out-of-range", "longer than the interval"),
        ("scrape_timeout: 3s", "scrape_timeout: 3s\n  budget_alerts_end_within: 2h", "out-of-range", "no short window"),
        ("scrape_timeout: 3s", "scrape_timeout: 3s\n  budget_alerts_end_within: 10s", "out-of-range", "too few"),
        ("team: shop", "job: shop", "reserved-label", "'job'"),
        ("team: shop", "__team: shop", "bad-label", "reserved"),
        ("targets: [10.0.0.1:9100]", "targets: []", "too-few-items", "is empty"),
        ("retention: 35d", "retention: 1h", "bad-duration", "not between 2h and 400d"),
        ("{type: tcp}", "{path: /, grpc_service: x}", "never-applies", "`grpc_service` belongs to checks of type grpc"),
        ("  - name: next", "  - name: Shop\n    targets: [{address: 'h:1'}]\n  - name: next", "similar-name", "'Shop'"),
        ("retry_percent: 20", "retry_percent: 120", "out-of-range", "between 0 and 100"),
        ("methods: [GET, POST]", "methods: [get]", "bad-method", "is no method"),
        ("X-Tenant: blue", "X Tenant: blue", "bad-header", "is no name of a header"),
        ("X-Tenant: blue", "Host: blue", "owned-header", "'Host' belongs to the gateway"),
        ("X-Tenant: blue", "x-beta: blue", "duplicate-header", "'x-beta' stands here twice"),
        ("set: {X-From: gateway}", "set: {X-Consumer-Id: me}", "owned-header", "'X-Consumer-Id'"),
        ("set: {X-From: gateway}", "set: {':path': /x}", "bad-header", "is no name of a header"),
        ("set: {X-From: gateway}", 'set: {X-From: "a\\r\\nX-Consumer: b"}', "bad-header", "holds a line break"),
        ("add: {X-More: ", "add: {X-Stationmaster-Api: ", "owned-header", "'X-Stationmaster-Api'"),
        ("remove: [X-Debug]", "remove: [Content-Length]", "owned-header", "'Content-Length'"),
        ("remove: [X-Debug]", "remove: [X-FROM]", "duplicate-header", "is set and removed"),
        ("tenant: X-Tenant-Name", "tenant: Transfer-Encoding", "owned-header", "'Transfer-Encoding'"),
        ("https://shop.example.org", "*", "bad-origin", "credentials of their visitors"),
        ("https://shop.example.org", "https://shop.example.org/", "bad-origin", "more than scheme, host and port"),
        ("https://shop.example.org", "shop.example.org", "bad-origin", "no URL of http"),
        ("https://shop.example.org", "null", "bad-origin", "no URL of http"),
        ('["https://shop.example.org"]', "[]", "too-few-items", "is empty"),
        ("per: 1m, by: api", "per: 1s", "never-applies", "stands here already"),
        ("requests: 10,", "requests: 0,", "out-of-range", "between 1 and"),
        ("{requests: 5, per: 1s}", "{requests: 5, per: 1s, by: api}", "never-applies", "its own"),
        ("to: /orders", "to: /old/now", "redirect-loop", "'old' redirects to itself"),
        ("to: /orders", "to: //example.org", "bad-url", "without saying how"),
        ("to: /orders", "to: 'javascript:x'", "bad-url", "no URL of http"),
        ("policies: {redirect: {to: /orders, status: 301}}", "strip_path: true", "missing-field", "leads nowhere"),
        ("status: 301}", "status: 301}, mirror: {virtual_host: next}", "never-applies", "because the API redirects"),
        ('"~/orders/[0-9]+"', '"~/orders/(?=x)"', "bad-path", "looks around"),
        ('"~/orders/[0-9]+"', '"~/orders/(a"', "bad-path", "is no regular expression"),
        ("=/orders/all", "=/orders/../x", "bad-path", "no request ever has the path"),
    ],
)
def test_what_could_not_do_what_it_says_is_refused_on_its_line(old: str, new: str, code: str, words: str) -> None:
    assert old in FULL
    changed = FULL.replace(old, new, 1)
    found = [each for each in told(changed) if each.severity is Severity.ERROR]
    assert [each.code for each in found] == [code], [str(each) for each in found]
    assert words in found[0].message
    assert found[0].hint
    assert 1 < found[0].origin.line <= changed.count("\n")


def apis(*written: str) -> str:
    host = "virtual_hosts: [{name: v, targets: [{address: 'h:1'}]}]"
    return "\n".join(["environment: lab", host, "api_users: [{name: ada, apis: [a]}]", "apis:", *written, ""])


A = "  - {name: a, virtual_host: v, paths: [/a], accepts: [jwt]%s}"
B = "  - {name: b, virtual_host: v, %s}"


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("", "paths: [/a]", True),
        ("", "paths: [/a/]", True),
        ("", "paths: [=/a]", False),
        ("", "paths: [~/a]", False),
        ("", "paths: [/a], methods: [GET]", False),
        ("", "paths: [/a], headers: {X-A: null}", False),
        ("", "paths: [/a], hosts: [a.org]", False),
        (", methods: [GET, PUT]", "paths: [/a], methods: [POST, GET]", True),
        (", methods: [GET]", "paths: [/a], methods: [POST]", False),
        (", headers: {X-A: '1'}", "paths: [/a], headers: {x-a: '1'}", True),
        (", headers: {X-A: '1'}", "paths: [/a], headers: {X-A: '2'}", False),
        (", hosts: [a.org, b.org]", "paths: [/a], hosts: [B.org]", True),
    ],
)
def test_routes_overlap_where_one_request_could_take_both_alike(first: str, second: str, overlap: bool) -> None:
    found = told(apis(A % first, B % second))
    assert [each.code for each in found] == (["overlapping-route"] if overlap else [])


@pytest.mark.parametrize(
    "written",
    [
        "policies: {rate_limits: [{requests: 1, per: 1s}]}",
        "policies: {tokens: {scopes: [x]}}",
        "policies: {tokens: {issuers: [stationmaster]}}",
        "policies: {tokens: {claims_to_headers: {sub: X-Who}}}",
        "groups: [partners]",
        "any_user: true",
        "accepts: [api-key], any_user: true, policies: {tokens: {scopes: [x]}}",
    ],
)
def test_rules_about_callers_that_nobody_looks_at_are_refused(written: str) -> None:
    found = told(apis(A % "", B % f"paths: [/b], {written}"))
    assert [each.code for each in found if each.severity is Severity.ERROR] == ["never-applies"]
    assert all(each.origin.line == 6 for each in found)


def test_a_public_api_may_limit_by_address_and_as_a_whole() -> None:
    limits = "policies: {rate_limits: [{requests: 1, per: 1s, by: address}, {requests: 9, per: 1s, by: api}]}"
    assert told(apis(A % "", B % f"paths: [/b], {limits}")) == []


def test_what_is_only_suspicious_is_told_and_taken() -> None:
    group = B % "paths: [/b], accepts: [jwt], groups: [nobody]"
    both = "  - {name: c, virtual_host: v, paths: [/c], policies: {redirect: {to: 'https://x.org'}}}"
    found = told(apis(A % "", group, both))
    assert {each.severity for each in found} == {Severity.WARNING}
    assert sorted(each.code for each in found) == ["empty-group", "never-applies", "nobody-may-call"]


def test_redirects_that_go_round_and_round_are_refused_at_the_last_of_them() -> None:
    ring = [
        f"  - {{name: {name}, paths: [/{name}], policies: {{redirect: {{to: /{to}/x?y=1}}}}}}"
        for name, to in ("bc", "cd", "db")
    ]
    (found,) = told(apis(A % "", *ring))
    assert (found.code, found.origin.line) == ("redirect-loop", 8)
    assert "'d' to 'b' to 'c' and back" in found.message


def test_a_redirect_below_its_own_path_is_taken_where_another_api_answers() -> None:
    redirect = "  - {name: b, paths: [/b], policies: {redirect: {to: /b/new}}}"
    assert told(apis(A % "", redirect, "  - {name: c, virtual_host: v, paths: [=/b/new]}")) == []


def certificate(folder: Path, key: ec.EllipticCurvePrivateKey) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "chain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


def private_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    return key


TLS = "environment: lab\ngateway: {tls: {certificate: chain.pem, key: key.pem}}\n"


def test_certificate_and_key_are_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    certificate(tmp_path, private_key(tmp_path))
    spec = read(TLS, tmp_path)
    assert spec.tls == TlsCertificate(certificate=tmp_path / "chain.pem", key=tmp_path / "key.pem")


def test_a_key_of_another_certificate_and_files_that_are_away_are_refused(tmp_path: Path) -> None:
    assert [(each.code, each.origin.line) for each in told(TLS, tmp_path)] == [("no-file", 2), ("no-file", 2)]
    certificate(tmp_path, private_key(tmp_path))
    private_key(tmp_path)
    assert [each.code for each in told(TLS, tmp_path)] == ["bad-certificate"]
    (tmp_path / "key.pem").write_text("no key")
    assert [each.code for each in told(TLS, tmp_path)] == ["bad-certificate"]


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (json.dumps({"keys": [{"kty": "RSA"}]}), []),
        (json.dumps({"keys": []}), ["bad-key-set"]),
        (json.dumps([]), ["bad-key-set"]),
        ("[" * 100_000, ["bad-key-set"]),
        ("\xff", ["bad-key-set"]),
        (None, ["no-file"]),
    ],
)
def test_the_key_set_of_an_issuer_has_to_be_one(tmp_path: Path, content: str | None, codes: list[str]) -> None:
    if content is not None:
        (tmp_path / "keys.json").write_text(content, encoding="latin-1")
    text = "environment: lab\ntoken_issuers: [{name: corp, issuer: x, jwks_file: keys.json}]\n"
    assert [each.code for each in told(text, tmp_path)] == codes
    if not codes:
        assert read(text, tmp_path).token_issuers[0].jwks_file == tmp_path / "keys.json"
