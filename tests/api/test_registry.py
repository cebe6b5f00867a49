"""The registry in parts: told only when it changed, and fast when it is large."""

import time
from dataclasses import replace

import httpx
import pytest

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.spec import Api, ApiUser
from stationmaster.platform import Platform
from tests.api.test_api import api, platform, spec, token  # noqa: F401 fixtures

PATH = "/api/v1/registry"


@pytest.mark.parametrize(("part", "first"), [("apis", "keys"), ("nodes", "gateway-1"), ("consumers", "ada")])
async def test_a_part_is_told_once_while_it_stays_the_same(
    api: httpx.AsyncClient,  # noqa: F811
    part: str,
    first: str,
) -> None:
    answer = await api.get(f"{PATH}/{part}")
    assert answer.status_code == 200
    document = answer.json()
    entry = document["data"][0]
    assert (document["environment"], entry.get("name", entry.get("username"))) == ("sample", first)
    known = {"if-none-match": answer.headers["etag"]}
    for _ in range(2):
        again = await api.get(f"{PATH}/{part}", headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    assert (await api.get(f"{PATH}/{part}", headers={"if-none-match": '"other"'})).status_code == 200


async def test_a_change_of_one_part_leaves_the_others_as_they_are(
    api: httpx.AsyncClient,  # noqa: F811
    platform: Platform,  # noqa: F811
) -> None:
    tags = {part: (await api.get(f"{PATH}/{part}")).headers["etag"] for part in ("apis", "nodes", "consumers")}

    async def changed() -> set[str]:
        return {
            part
            for part, tag in tags.items()
            if (await api.get(f"{PATH}/{part}", headers={"if-none-match": tag})).status_code != 304
        }

    declared = platform.declared.value
    platform.declared.set(replace(declared, api_users=(*declared.api_users, ApiUser(name=UserName("lin")))))
    assert await changed() == {"consumers"}
    platform.declared.set(declared)
    assert await changed() == set()
    await platform.gateway.rotation.take_out("sample_api", "sample-1", by="test", why="maintenance")
    assert await changed() == {"apis"}
    (_, sample) = (await api.get(f"{PATH}/apis")).json()["data"]
    assert [target["state"] for target in sample["targets"]] == ["out", "in", "in"]


async def test_a_part_that_there_is_not_is_a_problem(api: httpx.AsyncClient) -> None:  # noqa: F811
    assert (await api.get(f"{PATH}/plugins")).status_code in (400, 404)


async def test_ten_thousand_apis_and_a_hundred_thousand_consumers_cost_nothing_while_they_stay(
    api: httpx.AsyncClient,  # noqa: F811
    platform: Platform,  # noqa: F811
) -> None:
    host = platform.declared.value.virtual_hosts[0].name
    apis = tuple(Api(name=ApiName(f"a{at}"), paths=(f"/a{at}",), virtual_host=host) for at in range(10_000))
    users = tuple(ApiUser(name=UserName(f"u{at}"), apis=(ApiName("a1"),)) for at in range(100_000))
    platform.declared.set(replace(platform.declared.value, apis=apis, api_users=users))
    tags = {}
    for part, count in (("apis", 10_000), ("consumers", 100_000)):
        answer = await api.get(f"{PATH}/{part}")
        assert len(answer.json()["data"]) == count
        tags[part] = answer.headers["etag"]
    started = time.perf_counter()
    for part, tag in tags.items():
        assert (await api.get(f"{PATH}/{part}", headers={"if-none-match": tag})).status_code == 304
    assert time.perf_counter() - started < 0.2
