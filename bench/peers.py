"""What the gateway is measured beside: a bare Envoy, nginx, HAProxy, each with one worker and one route."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.ground import free_address
from stationmaster.gateway.node import program

_TYPES = "type.googleapis.com/envoy.extensions.filters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    name: str
    address: str
    pid: int


@contextmanager
def upstream(folder: Path) -> Iterator[str]:
    """The address of something that answers every request at once with a few bytes."""
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "good"}}}
    with _envoy(folder, "upstream", answer, clusters=[]) as peer:
        yield peer.address


@contextmanager
def peers(folder: Path, target: str) -> Iterator[list[Peer]]:
    """A bare Envoy and those of nginx and HAProxy that are installed, in front of `target`."""
    route = {"match": {"prefix": "/"}, "route": {"cluster": "target"}}
    with ExitStack() as stack:
        found = [stack.enter_context(_envoy(folder, "bare Envoy", route, clusters=[_cluster(target)]))]
        found += [stack.enter_context(_nginx(folder, target))] if shutil.which("nginx") else []
        found += [stack.enter_context(_haproxy(folder, target))] if shutil.which("haproxy") else []
        yield found


@contextmanager
def _envoy(folder: Path, name: str, route: object, *, clusters: list[object]) -> Iterator[Peer]:
    address = free_address()
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"},
            }
        ],
    }
    listener = {
        "name": "bench",
        "address": _socket(address),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    file = folder / f"{name.replace(' ', '-')}.yaml"
    file.write_text(yaml.safe_dump({"static_resources": {"listeners": [listener], "clusters": clusters}}))
    command = (str(program()), "-c", str(file), "--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
    with _running(command, address) as pid:
        yield Peer(name=name, address=address, pid=pid)


def _cluster(target: str) -> object:
    endpoint = {"endpoint": {"address": _socket(target)}}
    return {
        "name": "target",
        "connect_timeout": "1s",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "target", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _socket(address: str) -> dict[str, object]:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}


@contextmanager
def _nginx(folder: Path, target: str) -> Iterator[Peer]:
    address, file = free_address(), folder / "nginx.conf"
    file.write_text(f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000;
  upstream target {{ server {target}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen {address};
    location / {{ proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
""")
    with _running(("nginx", "-c", str(file), "-p", str(folder)), address) as pid:
        yield Peer(name="nginx", address=address, pid=pid)


@contextmanager
def _haproxy(folder: Path, target: str) -> Iterator[Peer]:
    address, file = free_address(), folder / "haproxy.cfg"
    file.write_text(f"""
global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend entrance
  bind {address}
  default_backend target
backend target
  server one {target}
""")
    with _running(("haproxy", "-db", "-f", str(file)), address) as pid:
        yield Peer(name="HAProxy", address=address, pid=pid)


@contextmanager
def _running(command: tuple[str, ...], address: str) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(address)
        yield process.pid
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def _wait(address: str, limit_s: float = 15.0) -> None:
    host, _, port = address.rpartition(":")
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {address} after {limit_s:g} s")
