"""What every route is given."""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from stationmaster.platform import Platform

GivenPlatform: TypeAlias = NamedDependency[SkipValidation[Platform]]
