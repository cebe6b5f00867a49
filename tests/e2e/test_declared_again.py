"""A user that is deleted and declared again: what it had is refused at every node and by the key service, what it gets
is taken at once; and it stays so over a restart."""

import httpx
import pytest

from tests.e2e.conftest import MakeStation
from tests.e2e.station import Station, wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture
def station(station_of: MakeStation) -> Station:
    """The sample platform without the check that asks in the name of the user who is deleted."""
    made = station_of()
    for api in made.document["apis"]:
        api.pop("probe", None)
    made.write_manifest()
    made.up()
    wait_until(lambda: made.status()["ready"], "the platform is ready")
    return made


def keys_url(station: Station) -> str:
    services = {each["name"]: each for each in station.document["services"]}
    return f"http://{services['api_key_service']['instances'][0]['address']}/api/auth"


def token(station: Station, made: dict[str, str]) -> str:
    client = (made["client_id"], made["client_secret"])
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{keys_url(station)}/token", data=form, auth=client, trust_env=False)
    found: str = answer.raise_for_status().json()["access_token"]
    return found


def statuses(station: Station, headers: dict[str, str]) -> list[int]:
    urls = [f"{station.node_url(number)}/sample/hello" for number in (0, 1)]
    return [httpx.get(url, headers=headers, trust_env=False).status_code for url in urls]


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def test_a_user_that_is_declared_again_starts_with_nothing(station: Station) -> None:
    old = station.json("key", "create", "ada")
    old_token = token(station, old)
    assert statuses(station, {"apikey": old["api_key"]}) == statuses(station, bearer(old_token)) == [200, 200]
    whole = station.json("user", "show", "ada")
    assert station.run("user", "delete", "ada").returncode == 0
    assert statuses(station, {"apikey": old["api_key"]}) == statuses(station, bearer(old_token)) == [401, 401]
    assert station.run("user", "create", "ada", *(f"--api={each}" for each in whole["apis"])).returncode == 0
    new = station.json("key", "create", "ada")
    new_token = token(station, new)
    for _ in range(2):
        for headers in ({"apikey": new["api_key"]}, bearer(new_token)):
            assert statuses(station, headers) == [200, 200]
        for headers in ({"apikey": old["api_key"]}, bearer(old_token)):
            assert statuses(station, headers) == [401, 401]
        asked = httpx.post(f"{keys_url(station)}/validate", json={"token": old_token}, trust_env=False)
        assert asked.json()["code"] == "REVOKED"
        with pytest.raises(httpx.HTTPStatusError):
            token(station, old)
        station.kill_control_plane()
        station.up()
