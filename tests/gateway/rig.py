"""A small platform under test: upstream processes, the gateway's loop in this process, and Envoy nodes."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from stationmaster.core.names import ApiName, NodeName, UserName, VirtualHostName
from stationmaster.core.problem import Origin
from stationmaster.core.proofs import ApiKeyProof, Proofs, shard_of
from stationmaster.core.spec import (
    Address,
    Api,
    ApiUser,
    CredentialKind,
    GatewayNode,
    HealthCheck,
    PlatformSpec,
    Target,
    VirtualHost,
)
from stationmaster.core.spec import Control as ControlAddresses
from stationmaster.gateway import node as gateway_node
from stationmaster.gateway.access_log import Served
from stationmaster.gateway.certificates import Certificates
from stationmaster.gateway.loop import Gateway
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.gateway import upstream

BOTH = frozenset({CredentialKind.JWT, CredentialKind.API_KEY})
ENVIRONMENT, ISSUER = "testing", "the-issuer"
HOST = VirtualHostName("shop")
KEYS = (("ada", "stm_adkey-of-ada"), ("mallory", "stm_11key-of-mallory"))
KEY = dict(KEYS)
"""API keys in the clear, by user."""


def proofs(jwks: str, keys: Iterable[tuple[str, str]] = KEYS, **more: Any) -> Proofs:
    """What the room of keys would show."""
    shards: dict[str, tuple[ApiKeyProof, ...]] = {}
    for user, key in keys:
        proof = ApiKeyProof(key=key, key_id=f"id-of-{user}", user=UserName(user))
        shards[shard_of(key)] = (*shards.get(shard_of(key), ()), proof)
    return Proofs(jwks=jwks, shards=shards, **more)


class Signer:
    """Signs tokens as the key service does."""

    def __init__(self, kid: str = "k1") -> None:
        self.key = ECKey.generate_key("P-256", {"kid": kid, "alg": "ES256", "use": "sig"})

    def jwks(self) -> str:
        return json.dumps(KeySet([self.key]).as_dict(private=False))

    def token(self, **claims: object) -> str:
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": ENVIRONMENT, "sub": "ada", "iat": now, "exp": now + 60}
        wanted = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, wanted, self.key)


def local(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


def declared(free_port: Callable[[], int], *, nodes: int, targets: int) -> PlatformSpec:
    def api(name: str, *accepts: CredentialKind) -> Api:
        return Api(name=ApiName(name), paths=(f"/{name}",), virtual_host=HOST, accepts=frozenset(accepts))

    def node(number: int) -> GatewayNode:
        origin = Origin(file="platform.yaml", line=10 + number)
        return GatewayNode(
            name=NodeName(f"node-{number}"), listen=local(free_port()), admin=local(free_port()), origin=origin
        )

    health = HealthCheck(path="/healthz", contains=upstream.HEALTHY, interval_ms=100, timeout_ms=500)
    return PlatformSpec(
        environment=ENVIRONMENT,
        issuer=ISSUER,
        virtual_hosts=(
            VirtualHost(
                name=HOST, health=health, targets=tuple(Target(address=local(free_port())) for _ in range(targets))
            ),
        ),
        apis=(
            api("public"),
            api("both", *BOTH),
            api("tokens", CredentialKind.JWT),
            api("keyed", CredentialKind.API_KEY),
        ),
        api_users=(
            ApiUser(name=UserName("ada"), apis=(ApiName("both"), ApiName("tokens"), ApiName("keyed"))),
            ApiUser(name=UserName("mallory")),
        ),
        nodes=tuple(node(number) for number in range(1, nodes + 1)),
        control=ControlAddresses(xds=local(free_port())),
    )


@dataclass(slots=True)
class Rig:
    spec: PlatformSpec
    database: Database
    folder: Path
    signer: Signer = field(default_factory=Signer)
    declared: Cell[PlatformSpec] = field(init=False)
    credentials: Cell[Proofs] = field(init=False)
    certificates: Certificates = field(init=False)
    gateway: Gateway = field(init=False)
    programs: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    loop: "asyncio.Task[None] | None" = None
    heard: list[Served] = field(default_factory=list)
    """What nodes told of requests that they served."""

    def __post_init__(self) -> None:
        self.declared = Cell(self.spec)
        self.certificates = Certificates(self.declared, self.folder)
        self.credentials = Cell(proofs(self.signer.jwks()))
        self.gateway = Gateway(
            self.database, self.declared, self.credentials, self.certificates, hear=self.heard.append
        )

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(str(target.address) for target in self.spec.virtual_hosts[0].targets)

    def start_upstreams(self, ports: Iterable[int] | None = None) -> None:
        for port in ports or [target.address.port for target in self.spec.virtual_hosts[0].targets]:
            self._start(f"127.0.0.1:{port}", (sys.executable, upstream.__file__, str(port)))

    async def upstreams_listen(self) -> None:
        """A node that checks a target before it listens takes it out, and back only after the next checks."""
        await eventually(lambda: all(_listens(target) for target in self.targets))

    def start_node(self, node: GatewayNode) -> None:
        file = gateway_node.bootstrap(node, self.spec.control.xds, self.spec.environment, self.folder)
        self._start(node.name, gateway_node.argv(file))

    def start_control(self) -> None:
        """A new control plane on the same database, as after a crash."""
        self.gateway = Gateway(
            self.database, self.declared, self.credentials, self.certificates, hear=self.heard.append
        )
        self.loop = asyncio.create_task(self.gateway.run())

    async def stop_control(self) -> None:
        if self.loop:
            self.loop.cancel()
            with suppress(asyncio.CancelledError):
                await self.loop
            self.loop = None

    def send(self, name: str, number: signal.Signals) -> None:
        self.programs[name].send_signal(number)

    async def converged(self, *, refused: bool = False) -> None:
        """Every node has taken what is published now, but for what it refused before."""
        await eventually(lambda: bool(self.gateway.publication.revision))
        revision = self.gateway.publication.revision
        reached = await self.gateway.publication.receipts.wait(
            revision, tuple(node.name for node in self.spec.nodes), 10
        )
        assert not reached.pending
        assert refused or not reached.rejected

    async def show(self, keys: Proofs) -> None:
        """New credentials, taken by every node."""
        before = self.gateway.publication.revision
        self.credentials.set(keys)
        await eventually(lambda: self.gateway.publication.revision > before)
        await self.converged()

    async def declare(self, spec: PlatformSpec, *, refused: bool = False) -> None:
        """A new declaration, taken by every node; or, if parts of it are known to be `refused`, all the rest of it."""
        self.spec = spec
        before = self.gateway.publication.revision
        self.declared.set(spec)
        await eventually(lambda: self.gateway.publication.revision > before)
        await self.converged(refused=refused)

    def client(self, node: int = 0) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{self.spec.nodes[node].listen}", trust_env=False, timeout=10)

    async def request(
        self, method: str, path: str, node: int = 0, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        async with self.client(node) as client:
            return await client.request(method, path, headers=headers)

    async def raw(self, request: str, node: int = 0, *, limit_s: float = 5) -> str:
        """The answer to bytes that no client library would send, or as much of it as comes within the limit."""
        listen = self.spec.nodes[node].listen
        reader, writer = await asyncio.open_connection(listen.host, listen.port)
        writer.write(request.encode())
        answer = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while part := await reader.read(65_536):
                    answer += part
        writer.close()
        return answer.decode()

    async def close(self) -> None:
        await self.stop_control()
        for program in self.programs.values():
            program.kill()
            program.wait(timeout=5)

    def _start(self, name: str, argv: tuple[str, ...]) -> None:
        if earlier := self.programs.get(name):
            earlier.wait(timeout=5)
        log = (self.folder / f"{name.replace(':', '-')}.log").open("ab")
        with log:
            self.programs[name] = subprocess.Popen(argv, stdout=log, stderr=log)


@asynccontextmanager
async def running(spec: PlatformSpec, database: Database, folder: Path) -> AsyncIterator[Rig]:
    """Everything of it, up and converged."""
    rig = Rig(spec=spec, database=database, folder=folder)
    try:
        rig.start_upstreams()
        await rig.upstreams_listen()
        rig.start_control()
        for node in spec.nodes:
            rig.start_node(node)
        await rig.converged()
        yield rig
    finally:
        await rig.close()


def _listens(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/healthz", trust_env=False, timeout=1).is_success
    except httpx.TransportError:
        return False


async def eventually(holds: Callable[[], bool], *, limit_s: float = 10.0) -> None:
    """Waits until a condition holds."""
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0.02)
