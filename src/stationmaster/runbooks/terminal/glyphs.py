"""The marks and colours of a run; plain letters where the terminal's encoding knows no others."""

from dataclasses import dataclass

from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.transcript.words import MARKS

RISK_STYLES = {
    Risk.READ: "green",
    Risk.CHANGE: "yellow",
    Risk.DESTROY: "bold red",
    Risk.INTERACTIVE: "magenta",
    Risk.UNKNOWN: "magenta",
}
VERDICT_STYLES = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.SKIPPED: "dim",
    Verdict.REFUSED: "magenta",
    Verdict.MANUAL: "magenta",
}
_GOOD = {"cured", "passed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    verdicts: dict[Verdict, str]
    runs: str
    open: str
    bar: str
    rule: str
    more: str
    dot: str


RICH = Glyphs(verdicts=MARKS, runs="▸", open="·", bar="│", rule="─", more="…", dot="·")
PLAIN = Glyphs(
    verdicts={
        Verdict.PASSED: "+",
        Verdict.FAILED: "x",
        Verdict.SKIPPED: "-",
        Verdict.REFUSED: "!",
        Verdict.MANUAL: "?",
    },
    runs=">",
    open=".",
    bar="|",
    rule="-",
    more="~",
    dot="-",
)


def glyphs_for(encoding: str) -> Glyphs:
    return RICH if encoding.lower().replace("-", "").startswith("utf") else PLAIN


def outcome_style(outcome: Outcome) -> str:
    return "bold green" if outcome.value in _GOOD else "bold red"
