"""Which role every route of the API needs; a new route has to be decided on here."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.api.app import make_api
from stationmaster.api.guard import Public, needed_role
from stationmaster.config import StateDir
from stationmaster.runtime.db import Database
from stationmaster.runtime.serve import Asgi
from tests.api.only_access import OnlyAccess

ANYONE = Public.ANYONE
VIEWER, OPERATOR, APPROVER, ADMIN = Role

NEEDED: dict[tuple[str, str], Role | Public] = {
    ("GET", "/api/v1/on-call"): VIEWER,
    ("GET", "/api/v1/schedules/{name}/shifts"): VIEWER,
    ("GET", "/api/v1/overrides"): VIEWER,
    ("POST", "/api/v1/overrides"): OPERATOR,
    ("POST", "/api/v1/overrides/swap"): OPERATOR,
    ("DELETE", "/api/v1/overrides/{number}"): OPERATOR,
    ("GET", "/api/v1/calendar/{token}"): ANYONE,
    ("GET", "/api/v1/calendars/{kind}/{name}"): OPERATOR,
    ("POST", "/api/v1/calendars/{kind}/{name}/revoke"): OPERATOR,
    ("POST", "/api/v1/schedules/{name}/import"): OPERATOR,
    ("GET", "/api/v1/incidents/{number}/export"): VIEWER,
    ("GET", "/api/v1/audit/export"): VIEWER,
    ("GET", "/api/v1/audit/key"): VIEWER,
    ("GET", "/api/v1/responders"): VIEWER,
    ("DELETE", "/api/v1/responders/{name}"): ADMIN,
    ("GET", "/api/v1/responders/{name}"): VIEWER,
    ("PATCH", "/api/v1/responders/{name}"): ADMIN,
    ("PUT", "/api/v1/responders/{name}"): ADMIN,
    ("GET", "/api/v1/channels"): VIEWER,
    ("DELETE", "/api/v1/channels/{name}"): ADMIN,
    ("GET", "/api/v1/channels/{name}"): VIEWER,
    ("PATCH", "/api/v1/channels/{name}"): ADMIN,
    ("PUT", "/api/v1/channels/{name}"): ADMIN,
    ("GET", "/api/v1/schedules"): VIEWER,
    ("DELETE", "/api/v1/schedules/{name}"): OPERATOR,
    ("GET", "/api/v1/schedules/{name}"): VIEWER,
    ("PATCH", "/api/v1/schedules/{name}"): OPERATOR,
    ("PUT", "/api/v1/schedules/{name}"): OPERATOR,
    ("GET", "/api/v1/escalation-policies"): VIEWER,
    ("DELETE", "/api/v1/escalation-policies/{name}"): OPERATOR,
    ("GET", "/api/v1/escalation-policies/{name}"): VIEWER,
    ("PATCH", "/api/v1/escalation-policies/{name}"): OPERATOR,
    ("PUT", "/api/v1/escalation-policies/{name}"): OPERATOR,
    ("POST", "/api/v1/access-tokens/revoke"): OPERATOR,
    ("GET", "/api/v1/apis"): VIEWER,
    ("DELETE", "/api/v1/apis/{name}"): OPERATOR,
    ("GET", "/api/v1/apis/{name}"): VIEWER,
    ("PATCH", "/api/v1/apis/{name}"): OPERATOR,
    ("PUT", "/api/v1/apis/{name}"): OPERATOR,
    ("POST", "/api/v1/apply"): OPERATOR,
    ("GET", "/api/v1/approvals"): VIEWER,
    ("GET", "/api/v1/runbooks/drills"): VIEWER,
    ("GET", "/api/v1/runbooks/runs"): VIEWER,
    ("POST", "/api/v1/approvals/{run}/{step}"): APPROVER,
    ("GET", "/api/v1/audit"): VIEWER,
    ("GET", "/api/v1/checks"): VIEWER,
    ("POST", "/api/v1/checks/{name}/run"): OPERATOR,
    ("GET", "/api/v1/logs"): VIEWER,
    ("POST", "/api/v1/gateway-nodes/{name}/restart"): OPERATOR,
    ("GET", "/api/v1/cipher"): ADMIN,
    ("POST", "/api/v1/cipher/rotate"): ADMIN,
    ("POST", "/api/v1/credentials"): OPERATOR,
    ("GET", "/api/v1/declared"): VIEWER,
    ("POST", "/api/v1/diff"): VIEWER,
    ("GET", "/api/v1/drills"): VIEWER,
    ("GET", "/api/v1/drills/reports"): VIEWER,
    ("POST", "/api/v1/drills/replay"): OPERATOR,
    ("POST", "/api/v1/drills/reports"): OPERATOR,
    ("GET", "/api/v1/drills/{name}"): VIEWER,
    ("POST", "/api/v1/drills/{name}/token"): OPERATOR,
    ("GET", "/api/v1/faults"): VIEWER,
    ("POST", "/api/v1/faults"): OPERATOR,
    ("GET", "/api/v1/services/{name}/versions"): VIEWER,
    ("POST", "/api/v1/services/{name}/deploy"): OPERATOR,
    ("POST", "/api/v1/services/{name}/rollback"): OPERATOR,
    ("POST", "/api/v1/services/{name}/scale"): OPERATOR,
    ("GET", "/api/v1/instances/{name}/log/follow"): VIEWER,
    ("GET", "/api/v1/instances/{name}/usage"): VIEWER,
    ("POST", "/api/v1/instances/{name}/exec"): ADMIN,
    ("DELETE", "/api/v1/faults"): OPERATOR,
    ("DELETE", "/api/v1/faults/{number}"): OPERATOR,
    ("GET", "/api/v1/gateway-nodes"): VIEWER,
    ("GET", "/api/v1/gateway-nodes/{name}"): VIEWER,
    ("POST", "/api/v1/gateway-nodes/{name}/drain"): OPERATOR,
    ("POST", "/api/v1/gateway-nodes/{name}/start"): OPERATOR,
    ("POST", "/api/v1/gateway-nodes/{name}/stop"): OPERATOR,
    ("GET", "/api/v1/incidents"): VIEWER,
    ("GET", "/api/v1/incidents/{number}"): VIEWER,
    ("POST", "/api/v1/incidents/{number}/acknowledge"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/unacknowledge"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/mitigate"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/resolve"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/reopen"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/review"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/snooze"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/escalate"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/assign"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/raise"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/notes"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/merge"): OPERATOR,
    ("POST", "/api/v1/incidents/{number}/split"): OPERATOR,
    ("PATCH", "/api/v1/incidents/{number}"): OPERATOR,
    ("PUT", "/api/v1/incidents/{number}/notes/{note}"): OPERATOR,
    ("GET", "/i/{token}"): ANYONE,
    ("POST", "/i/{token}"): ANYONE,
    ("GET", "/i/{token}/update"): ANYONE,
    ("POST", "/i/{token}/update/{after}"): ANYONE,
    ("POST", "/i/{token}/escalate/{level}"): ANYONE,
    ("GET", "/i/{token}/resolve"): ANYONE,
    ("POST", "/i/{token}/resolve"): ANYONE,
    ("GET", "/i/{token}/runbook"): ANYONE,
    ("GET", "/i/{token}/approve/{run}/{step}"): ANYONE,
    ("POST", "/i/{token}/approve/{run}/{step}/{digest}"): ANYONE,
    ("POST", "/i/{token}/approve/{run}/{step}/{digest}/deny"): ANYONE,
    ("GET", "/incidents/{number}"): ANYONE,
    ("GET", "/api/v1/incidents/{number}/updates"): VIEWER,
    ("POST", "/api/v1/incidents/{number}/updates"): OPERATOR,
    ("GET", "/api/v1/incidents/{number}/updates/draft"): VIEWER,
    ("GET", "/api/v1/instances/{name}/log"): VIEWER,
    ("POST", "/api/v1/instances/{name}/restart"): OPERATOR,
    ("POST", "/api/v1/instances/{name}/start"): OPERATOR,
    ("POST", "/api/v1/instances/{name}/stop"): OPERATOR,
    ("POST", "/api/v1/login"): ANYONE,
    ("POST", "/api/v1/logout"): VIEWER,
    ("GET", "/api/v1/nodes"): VIEWER,
    ("DELETE", "/api/v1/nodes/{name}"): OPERATOR,
    ("GET", "/api/v1/nodes/{name}"): VIEWER,
    ("PATCH", "/api/v1/nodes/{name}"): OPERATOR,
    ("PUT", "/api/v1/nodes/{name}"): OPERATOR,
    ("GET", "/api/v1/objectives"): VIEWER,
    ("GET", "/api/v1/objectives/{api}"): VIEWER,
    ("PUT", "/api/v1/password"): VIEWER,
    ("GET", "/api/v1/people"): ADMIN,
    ("POST", "/api/v1/people"): ADMIN,
    ("DELETE", "/api/v1/people/{name}"): ADMIN,
    ("GET", "/api/v1/people/{name}"): ADMIN,
    ("PATCH", "/api/v1/people/{name}"): ADMIN,
    ("GET", "/api/v1/registry"): VIEWER,
    ("GET", "/api/v1/registry/{part}"): VIEWER,
    ("GET", "/api/v1/review-tasks"): VIEWER,
    ("PATCH", "/api/v1/review-tasks/{number}"): OPERATOR,
    ("GET", "/api/v1/reviews"): VIEWER,
    ("GET", "/api/v1/reviews/stats"): VIEWER,
    ("GET", "/api/v1/reviews/{number}"): VIEWER,
    ("PUT", "/api/v1/reviews/{number}"): OPERATOR,
    ("GET", "/api/v1/reviews/{number}/draft"): VIEWER,
    ("POST", "/api/v1/reviews/{number}/finish"): OPERATOR,
    ("GET", "/api/v1/reviews/{number}/proposals"): VIEWER,
    ("POST", "/api/v1/reviews/{number}/tasks"): OPERATOR,
    ("GET", "/api/v1/services"): VIEWER,
    ("DELETE", "/api/v1/services/{name}"): ADMIN,
    ("GET", "/api/v1/services/{name}"): VIEWER,
    ("PATCH", "/api/v1/services/{name}"): ADMIN,
    ("PUT", "/api/v1/services/{name}"): ADMIN,
    ("GET", "/api/v1/settings"): VIEWER,
    ("PATCH", "/api/v1/settings"): ADMIN,
    ("PUT", "/api/v1/settings"): ADMIN,
    ("POST", "/api/v1/shutdown"): ADMIN,
    ("GET", "/api/v1/signing-keys"): VIEWER,
    ("POST", "/api/v1/signing-keys/rotate"): ADMIN,
    ("GET", "/api/v1/status"): VIEWER,
    ("GET", "/status"): ANYONE,
    ("HEAD", "/status"): ANYONE,
    ("GET", "/status/style.css"): ANYONE,
    ("HEAD", "/status/style.css"): ANYONE,
    ("GET", "/status/history.atom"): ANYONE,
    ("HEAD", "/status/history.atom"): ANYONE,
    ("GET", "/status/history.rss"): ANYONE,
    ("HEAD", "/status/history.rss"): ANYONE,
    ("GET", "/status/history"): ANYONE,
    ("HEAD", "/status/history"): ANYONE,
    ("GET", "/status/history/{month}"): ANYONE,
    ("HEAD", "/status/history/{month}"): ANYONE,
    ("GET", "/status/incidents/{name}"): ANYONE,
    ("HEAD", "/status/incidents/{name}"): ANYONE,
    ("GET", "/status/maintenances/{name}"): ANYONE,
    ("HEAD", "/status/maintenances/{name}"): ANYONE,
    ("GET", "/status/api/v2/{name}"): ANYONE,
    ("HEAD", "/status/api/v2/{name}"): ANYONE,
    ("GET", "/status/subscribe"): ANYONE,
    ("HEAD", "/status/subscribe"): ANYONE,
    ("GET", "/status/confirm/{token}"): ANYONE,
    ("GET", "/status/unsubscribe/{token}"): ANYONE,
    ("POST", "/status/subscribe"): ANYONE,
    ("POST", "/status/confirm/{token}"): ANYONE,
    ("POST", "/status/unsubscribe/{token}"): ANYONE,
    ("GET", "/api/v1/status-page"): VIEWER,
    ("POST", "/api/v1/status-page/incidents/{number}/posts"): OPERATOR,
    ("POST", "/api/v1/status-page/incidents/{number}/preview"): OPERATOR,
    ("PUT", "/api/v1/status-page/components/{component}"): OPERATOR,
    ("DELETE", "/api/v1/status-page/components/{component}"): OPERATOR,
    ("POST", "/api/v1/status-page/maintenances"): OPERATOR,
    ("POST", "/api/v1/status-page/maintenances/{number}/posts"): OPERATOR,
    ("POST", "/api/v1/status-page/maintenances/{number}/end"): OPERATOR,
    ("GET", "/api/v1/status-page/subscribers"): OPERATOR,
    ("POST", "/api/v1/status-page/subscribers"): OPERATOR,
    ("DELETE", "/api/v1/status-page/subscribers/{number}"): OPERATOR,
    ("GET", "/api/v1/targets"): VIEWER,
    ("GET", "/api/v1/token-issuers"): VIEWER,
    ("DELETE", "/api/v1/token-issuers/{name}"): OPERATOR,
    ("GET", "/api/v1/token-issuers/{name}"): VIEWER,
    ("PATCH", "/api/v1/token-issuers/{name}"): OPERATOR,
    ("PUT", "/api/v1/token-issuers/{name}"): OPERATOR,
    ("GET", "/api/v1/tokens"): ADMIN,
    ("POST", "/api/v1/tokens"): ADMIN,
    ("DELETE", "/api/v1/tokens/{number}"): ADMIN,
    ("GET", "/api/v1/tokens/{number}"): ADMIN,
    ("GET", "/metrics"): VIEWER,
    ("GET", "/api/v1/usage"): VIEWER,
    ("GET", "/api/v1/users"): VIEWER,
    ("DELETE", "/api/v1/users/{name}"): OPERATOR,
    ("GET", "/api/v1/users/{name}"): VIEWER,
    ("PATCH", "/api/v1/users/{name}"): OPERATOR,
    ("PUT", "/api/v1/users/{name}"): OPERATOR,
    ("DELETE", "/api/v1/users/{user}/client-secret"): OPERATOR,
    ("POST", "/api/v1/users/{user}/client-secret"): OPERATOR,
    ("GET", "/api/v1/users/{user}/keys"): VIEWER,
    ("POST", "/api/v1/users/{user}/keys"): OPERATOR,
    ("DELETE", "/api/v1/users/{user}/keys/{key_id}"): OPERATOR,
    ("GET", "/api/v1/users/{user}/keys/{key_id}"): VIEWER,
    ("POST", "/api/v1/users/{user}/keys/{key_id}/rotate"): OPERATOR,
    ("GET", "/api/v1/virtual-hosts"): VIEWER,
    ("DELETE", "/api/v1/virtual-hosts/{name}"): OPERATOR,
    ("GET", "/api/v1/virtual-hosts/{name}"): VIEWER,
    ("PATCH", "/api/v1/virtual-hosts/{name}"): OPERATOR,
    ("PUT", "/api/v1/virtual-hosts/{name}"): OPERATOR,
    ("GET", "/api/v1/virtual-hosts/{name}/targets"): VIEWER,
    ("DELETE", "/api/v1/virtual-hosts/{name}/targets/{target}"): OPERATOR,
    ("PUT", "/api/v1/virtual-hosts/{name}/targets/{target}"): OPERATOR,
    ("POST", "/api/v1/virtual-hosts/{name}/targets/{target}/auto"): OPERATOR,
    ("POST", "/api/v1/virtual-hosts/{name}/targets/{target}/drain"): OPERATOR,
    ("GET", "/api/v1/virtual-hosts/{name}/targets/{target}/explain"): VIEWER,
    ("POST", "/api/v1/virtual-hosts/{name}/targets/{target}/in"): OPERATOR,
    ("POST", "/api/v1/virtual-hosts/{name}/targets/{target}/out"): OPERATOR,
    ("GET", "/api/v1/watchdog"): VIEWER,
    ("GET", "/api/v1/whoami"): VIEWER,
    ("GET", "/healthz"): ANYONE,
    ("GET", "/alertmanager/-/healthy"): VIEWER,
    ("GET", "/alertmanager/-/ready"): VIEWER,
    ("GET", "/alertmanager/api/v2/alerts"): VIEWER,
    ("POST", "/alertmanager/api/v2/alerts"): OPERATOR,
    ("GET", "/alertmanager/api/v2/alerts/groups"): VIEWER,
    ("GET", "/alertmanager/api/v2/receivers"): VIEWER,
    ("DELETE", "/alertmanager/api/v2/silence/{number}"): OPERATOR,
    ("GET", "/alertmanager/api/v2/silence/{number}"): VIEWER,
    ("GET", "/alertmanager/api/v2/silences"): VIEWER,
    ("POST", "/alertmanager/api/v2/silences"): OPERATOR,
    ("GET", "/alertmanager/api/v2/status"): VIEWER,
    ("GET", "/api/v1/heartbeats"): VIEWER,
    ("DELETE", "/api/v1/heartbeats/{name}"): OPERATOR,
    ("GET", "/api/v1/heartbeats/{name}"): OPERATOR,
    ("POST", "/api/v1/heartbeats/{name}"): OPERATOR,
    ("PUT", "/api/v1/heartbeats/{name}"): OPERATOR,
    ("GET", "/api/v1/intake/alerts"): VIEWER,
    ("POST", "/api/v1/intake/alertmanager"): OPERATOR,
    ("POST", "/api/v1/intake/json/{name}"): OPERATOR,
    ("GET", "/api/v1/intake/mappings"): VIEWER,
    ("DELETE", "/api/v1/intake/mappings/{name}"): OPERATOR,
    ("PUT", "/api/v1/intake/mappings/{name}"): OPERATOR,
    ("GET", "/api/v1/intake/routing-keys"): VIEWER,
    ("POST", "/api/v1/intake/routing-keys"): OPERATOR,
    ("DELETE", "/api/v1/intake/routing-keys/{number}"): OPERATOR,
    ("GET", "/api/v1/silences"): VIEWER,
    ("POST", "/api/v1/silences"): OPERATOR,
    ("DELETE", "/api/v1/silences/{number}"): OPERATOR,
    ("POST", "/v2/change/enqueue"): ANYONE,
    ("POST", "/v2/enqueue"): ANYONE,
    ("GET", "/pagerduty/abilities"): VIEWER,
    ("GET", "/pagerduty/abilities/{own}"): VIEWER,
    ("GET", "/pagerduty/escalation_policies"): VIEWER,
    ("GET", "/pagerduty/escalation_policies/{own}"): VIEWER,
    ("GET", "/pagerduty/incidents"): VIEWER,
    ("POST", "/pagerduty/incidents"): OPERATOR,
    ("PUT", "/pagerduty/incidents"): OPERATOR,
    ("GET", "/pagerduty/incidents/{own}"): VIEWER,
    ("PUT", "/pagerduty/incidents/{own}"): OPERATOR,
    ("GET", "/pagerduty/incidents/{own}/alerts"): VIEWER,
    ("PUT", "/pagerduty/incidents/{own}/alerts"): OPERATOR,
    ("GET", "/pagerduty/incidents/{own}/alerts/{alert}"): VIEWER,
    ("PUT", "/pagerduty/incidents/{own}/alerts/{alert}"): OPERATOR,
    ("GET", "/pagerduty/incidents/{own}/log_entries"): VIEWER,
    ("PUT", "/pagerduty/incidents/{own}/merge"): OPERATOR,
    ("GET", "/pagerduty/incidents/{own}/notes"): VIEWER,
    ("POST", "/pagerduty/incidents/{own}/notes"): OPERATOR,
    ("POST", "/pagerduty/incidents/{own}/responder_requests"): OPERATOR,
    ("POST", "/pagerduty/incidents/{own}/snooze"): OPERATOR,
    ("GET", "/pagerduty/log_entries"): VIEWER,
    ("GET", "/pagerduty/log_entries/{own}"): VIEWER,
    ("GET", "/pagerduty/oncalls"): VIEWER,
    ("GET", "/pagerduty/priorities"): VIEWER,
    ("GET", "/pagerduty/schedules"): VIEWER,
    ("GET", "/pagerduty/schedules/{own}"): VIEWER,
    ("GET", "/pagerduty/schedules/{own}/overrides"): VIEWER,
    ("POST", "/pagerduty/schedules/{own}/overrides"): OPERATOR,
    ("DELETE", "/pagerduty/schedules/{own}/overrides/{override}"): OPERATOR,
    ("GET", "/pagerduty/schedules/{own}/users"): VIEWER,
    ("GET", "/pagerduty/services"): VIEWER,
    ("GET", "/pagerduty/services/{own}"): VIEWER,
    ("GET", "/pagerduty/teams"): VIEWER,
    ("GET", "/pagerduty/users"): VIEWER,
    ("GET", "/pagerduty/users/me"): VIEWER,
    ("GET", "/pagerduty/users/{own}"): VIEWER,
    ("GET", "/prometheus/-/healthy"): VIEWER,
    ("GET", "/prometheus/-/ready"): VIEWER,
    ("GET", "/prometheus/api/v1/alerts"): VIEWER,
    ("GET", "/prometheus/api/v1/format_query"): VIEWER,
    ("POST", "/prometheus/api/v1/format_query"): VIEWER,
    ("GET", "/prometheus/api/v1/label/{name}/values"): VIEWER,
    ("GET", "/prometheus/api/v1/labels"): VIEWER,
    ("POST", "/prometheus/api/v1/labels"): VIEWER,
    ("GET", "/prometheus/api/v1/metadata"): VIEWER,
    ("GET", "/prometheus/api/v1/query"): VIEWER,
    ("POST", "/prometheus/api/v1/query"): VIEWER,
    ("GET", "/prometheus/api/v1/query_exemplars"): VIEWER,
    ("POST", "/prometheus/api/v1/query_exemplars"): VIEWER,
    ("GET", "/prometheus/api/v1/query_range"): VIEWER,
    ("POST", "/prometheus/api/v1/query_range"): VIEWER,
    ("GET", "/prometheus/api/v1/rules"): VIEWER,
    ("GET", "/prometheus/api/v1/series"): VIEWER,
    ("POST", "/prometheus/api/v1/series"): VIEWER,
    ("GET", "/prometheus/api/v1/status/buildinfo"): VIEWER,
    ("GET", "/prometheus/api/v1/status/flags"): VIEWER,
    ("GET", "/prometheus/api/v1/status/runtimeinfo"): VIEWER,
    ("GET", "/prometheus/api/v1/targets"): VIEWER,
    ("GET", "/schema"): VIEWER,
    ("GET", "/schema/openapi.json"): VIEWER,
    ("GET", "/schema/openapi.yaml"): VIEWER,
    ("GET", "/schema/openapi.yml"): VIEWER,
    ("GET", "/schema/{path}"): VIEWER,
}


def routes(app: Litestar) -> Iterator[tuple[str, str, Role | Public]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    yield method, route.path_format, needed_role(handler, method)


@pytest.fixture
async def access(database: Database, tmp_path: Path) -> Access:
    made = Access(database, StateDir(tmp_path / "state"))
    await made.start()
    return made


@pytest.fixture
def app(access: Access) -> Litestar:
    return make_api(OnlyAccess(access))  # type: ignore[arg-type]


def test_every_route_needs_the_role_that_was_decided_on(app: Litestar) -> None:
    found = {(method, path): needed for method, path, needed in routes(app)}
    undecided = found.keys() - NEEDED.keys()
    assert not undecided, f"decide who may do this, and add it to NEEDED: {sorted(undecided)}"
    assert found == NEEDED


def test_only_the_login_and_the_health_check_are_open(app: Litestar) -> None:
    public = {(method, path) for method, path, needed in routes(app) if needed is ANYONE}
    by_routing_key = {("POST", "/v2/enqueue"), ("POST", "/v2/change/enqueue")}
    signed = {each for each in public if each[1].startswith("/i/{token}")} | {("GET", "/api/v1/calendar/{token}")}
    status_page = {each for each in public if each[1] == "/status" or each[1].startswith("/status/")}
    changing = {path for method, path in status_page if method not in ("GET", "HEAD")}
    assert changing == {"/status/subscribe", "/status/confirm/{token}", "/status/unsubscribe/{token}"}
    assert public - status_page == {
        ("GET", "/healthz"),
        ("GET", "/incidents/{number}"),
        ("POST", "/api/v1/login"),
        *signed,
        *by_routing_key,
    }


def test_nothing_that_changes_something_is_open_to_viewers_but_their_own_session(app: Litestar) -> None:
    changing = {
        (method, path)
        for method, path, needed in routes(app)
        if method != "GET" and needed is VIEWER and not path.startswith("/prometheus/")  # queries, sent as forms
    }
    assert changing == {("POST", "/api/v1/logout"), ("PUT", "/api/v1/password"), ("POST", "/api/v1/diff")}


@pytest.mark.parametrize("role", [None, *Role])
async def test_every_role_is_let_through_or_refused_as_the_table_says(
    app: Litestar, access: Access, role: Role | None
) -> None:
    """A refusal is asked for over HTTP. What is permitted goes to the guards alone: it would do what it says."""
    headers = {}
    if role is not None:
        _row, token = await access.machines.create("asker", role, None, by="test")
        headers["authorization"] = f"Bearer {token}"
    asgi: Asgi = app
    transport = httpx.ASGITransport(app=asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        for (method, path), needed in NEEDED.items():
            if permitted(role, needed):
                await let_through(app, method, path, headers)
            else:
                await refused(client, method, path, role, needed)


def permitted(role: Role | None, needed: Role | Public) -> bool:
    order = list(Role)
    if needed is ANYONE:
        return True
    return role is not None and isinstance(needed, Role) and order.index(role) >= order.index(needed)


async def let_through(app: Litestar, method: str, path: str, headers: dict[str, str]) -> None:
    route = next(each for each in app.routes if isinstance(each, HTTPRoute) and each.path_format == path)
    handler, _ = route.route_handler_map[method]  # type: ignore[index]
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "state": {}, "query_string": b""}
    request = handler.resolve_request_class()(scope)  # type: ignore[arg-type]
    await handler.authorize_connection(request)


async def refused(client: httpx.AsyncClient, method: str, path: str, role: Role | None, needed: Role | Public) -> None:
    answer = await client.request(
        method, path.replace("{number}", "1").replace("{note}", "1").replace("{", "").replace("}", "")
    )
    told = f"{method} {path} as {role}: {answer.text}"
    if path.startswith("/pagerduty/"):  # refuses in PagerDuty's words
        expected = (401, 2006) if role is None else (403, 2010)
        assert (answer.status_code, answer.json()["error"]["code"]) == expected, told
        return
    if role is None:
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), told
        assert answer.headers["www-authenticate"] == 'Bearer realm="stationmaster"'
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), told
        assert needed.value in answer.json()["detail"]
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert answer.headers["content-type"] == "application/problem+json"
