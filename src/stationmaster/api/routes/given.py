"""What every route is given."""

from typing import TypeAlias

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from stationmaster.access.roles import Caller
from stationmaster.platform import Platform

GivenPlatform: TypeAlias = NamedDependency[SkipValidation[Platform]]
GivenCaller: TypeAlias = NamedDependency[SkipValidation[Caller]]
"""Who asks, as the guard has found out."""
