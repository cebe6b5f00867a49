"""What routes may refuse with, for the OpenAPI document."""

from litestar.openapi import ResponseSpec

from stationmaster.api.wire_catalog import ProblemList
from stationmaster.runtime.problems import PROBLEM_TYPE

_WORDS = {
    400: "The request is not valid; `problems` lists everything that is wrong with a document.",
    404: "There is nothing of that name.",
    409: "Something refers to it; `problems` lists what.",
    412: "If-Match or If-None-Match does not hold.",
    413: "The body is too large.",
}


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    return {
        status: ResponseSpec(ProblemList, description=_WORDS[status], media_type=PROBLEM_TYPE, generate_examples=False)
        for status in statuses
    }
