"""As much of a platform as the routes of reviews need, and a server of it."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
from litestar import Litestar

from stationmaster.api.routes.reviews import ReviewRoutes, ReviewTaskRoutes
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.worked import Work
from stationmaster.runtime.db import Database
from tests.api.only import app_of, asked, control_of
from tests.incidents.review.desk_world import Desk
from tests.incidents.review.test_review_loop import STORY


@dataclass(frozen=True, slots=True)
class OnlyReviews:
    reviews: Reviews | None


def make_app(reviews: Reviews | None) -> Litestar:
    return app_of(OnlyReviews(reviews), [ReviewRoutes, ReviewTaskRoutes])


def client_of(reviews: Reviews | None) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return asked(make_app(reviews))


def control(state: Path, port: int, work: Work) -> AbstractContextManager[None]:
    """Serves one resolved incident with its review."""

    async def make(database: Database) -> Litestar:
        desk = Desk(database, work=work)
        await desk.facts(*STORY)
        return make_app(desk.reviews)

    return control_of(state, port, make)
