"""What a command may do, told from its parsed words."""

from stationmaster.runbooks.risk.classes import Risk, worst
from stationmaster.runbooks.risk.judge import Assessment, assess
from stationmaster.runbooks.risk.programs import KNOWN_PROGRAMS

__all__ = ["KNOWN_PROGRAMS", "Assessment", "Risk", "assess", "worst"]
