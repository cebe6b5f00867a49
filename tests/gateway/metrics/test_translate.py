"""What a node told, as a real one did, in our own names."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stationmaster.gateway.metrics.translate import translate

TOLD = (Path(__file__).parent / "node.prom").read_bytes()


def samples(body: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(body.decode())
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


def value(found: dict[tuple[str, tuple[tuple[str, str], ...]], float], name: str, **labels: str) -> float:
    return found[f"stationmaster_{name}", tuple(sorted(labels.items()))]


@pytest.mark.parametrize(
    ("name", "labels", "wanted"),
    [
        ("api_requests_total", {"api": "public", "code_class": "2xx"}, 6),
        ("api_requests_total", {"api": "public", "code_class": "3xx"}, 0),
        ("api_requests_total", {"api": "public", "code_class": "4xx"}, 3),
        ("api_requests_total", {"api": "public", "code_class": "5xx"}, 3),
        ("api_requests_total", {"api": "both", "code_class": "4xx"}, 2),
        ("api_retries_total", {"api": "public"}, 9),
        ("api_retries_total", {"api": "both"}, 0),
        ("api_request_duration_seconds_bucket", {"api": "public", "le": "0.005"}, 6),
        ("api_request_duration_seconds_bucket", {"api": "public", "le": "1"}, 12),
        ("api_request_duration_seconds_bucket", {"api": "public", "le": "+Inf"}, 12),
        ("api_request_duration_seconds_count", {"api": "public"}, 12),
        ("api_request_duration_seconds_sum", {"api": "public"}, 2.496425),
        ("gateway_unrouted_requests_total", {"code_class": "4xx"}, 3),
        ("gateway_requests_total", {"code_class": "4xx"}, 8),
        ("gateway_connections_total", {}, 18),
        ("gateway_uptime_seconds", {}, 3),
        ("virtual_host_requests_total", {"virtual_host": "shop", "code_class": "2xx"}, 7),
        ("virtual_host_retries_total", {"virtual_host": "shop"}, 9),
        ("virtual_host_circuit_open", {"virtual_host": "shop", "bound": "pending"}, 0),
        ("target_healthy", {"virtual_host": "shop", "target": "127.0.0.1:26539"}, 1),
    ],
)
def test_figures_of_a_node_become_metrics_of_the_platform(name: str, labels: dict[str, str], wanted: float) -> None:
    assert value(samples(translate(TOLD)), name, **labels) == wanted


def test_the_nodes_own_connections_are_no_virtual_hosts_and_no_api_is_nameless() -> None:
    told = translate(TOLD)
    assert b"stationmaster.control" not in told
    assert b'api=""' not in told
    assert b"envoy" not in told


def test_every_metric_stands_together_under_one_type() -> None:
    heads = [line for line in translate(TOLD).decode().splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))
    kinds = {name: kind for _, _, name, kind in (line.split() for line in heads)}
    assert kinds["stationmaster_api_requests_total"] == "counter"
    assert kinds["stationmaster_api_request_duration_seconds"] == "histogram"


def test_the_same_figures_are_told_in_the_same_words() -> None:
    assert translate(TOLD) == translate(TOLD)


def test_a_caller_that_went_away_is_in_a_class_of_its_own() -> None:
    told = b'# TYPE envoy_api_requests counter\nenvoy_api_requests{api="a",code="0",tries="1"} 4\n'
    assert value(samples(translate(told)), "api_requests_total", api="a", code_class="none") == 4


def test_names_with_dots_stay_whole() -> None:
    told = (
        b'# TYPE envoy_api_requests counter\nenvoy_api_requests{api="shop.v1~2",code="204",tries="1"} 2\n'
        b'# TYPE envoy_cluster_upstream_rq_2xx counter\nenvoy_cluster_upstream_rq_2xx{pool="a.b.upstream"} 2\n'
    )
    found = samples(translate(told))
    assert value(found, "api_requests_total", api="shop.v1~2", code_class="2xx") == 2
    assert value(found, "virtual_host_requests_total", virtual_host="a.b.upstream", code_class="2xx") == 2


@pytest.mark.parametrize("body", [b"", b"\n", b"# TYPE envoy_x counter\n", b"<html>no</html>", b"# TYPE envoy_x"])
def test_nothing_of_ours_is_nothing(body: bytes) -> None:
    assert translate(body) == b""
