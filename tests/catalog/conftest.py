"""A small platform in the catalog."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from stationmaster.catalog.loop import Catalog
from stationmaster.catalog.start import open_catalog
from stationmaster.core.spec import PlatformSpec
from stationmaster.runtime.db import Database

PLATFORM = """\
environment: test
regions: [here]
gateway:
  nodes:
    - {name: gateway-1, listen: 127.0.0.1:8000, admin: 127.0.0.1:9901}
services:
  - name: shop
    port: 8080
    health: {path: /healthz}
    instances:
      - {name: shop-1, region: here, address: 127.0.0.1:8081}
      - {name: shop-2, region: here, address: 127.0.0.1:8082}
virtual_hosts:
  - name: shop
    targets:
      - {instance: shop-1}
      - {instance: shop-2}
  - name: spare
    targets:
      - {address: 127.0.0.1:9000}
apis:
  - {name: orders, paths: [/orders], virtual_host: shop, accepts: [api-key]}
  - {name: open, paths: [/open], virtual_host: shop, hosts: [open.example.org]}
api_users:
  - {name: ada, apis: [orders]}
"""


def meant(spec: PlatformSpec) -> Any:
    """What a spec says, wherever it stands."""
    return _without_origins(msgspec.to_builtins(spec, enc_hook=str))


def _without_origins(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_origins(each) for name, each in node.items() if name != "origin"}
    return [_without_origins(each) for each in node] if isinstance(node, list | tuple) else node


def rewrite(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "platform.yaml"
    path.write_text(PLATFORM, "utf-8")
    return path


@pytest.fixture
async def catalog(file: Path, database: Database) -> Catalog:
    return await open_catalog(database, file)
