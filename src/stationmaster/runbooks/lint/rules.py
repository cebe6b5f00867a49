"""Every rule of the linter; a code keeps its meaning for ever, and the hundreds are the families."""

from stationmaster.runbooks.lint.finding import Finding, Level, Rule

_E, _W, _I = Level.ERROR, Level.WARNING, Level.INFO

_ROWS: tuple[tuple[str, str, Level, str], ...] = (
    ("SM101", "unreadable", _E, "The file cannot be read: it is no UTF-8 text, too large, or not permitted."),
    ("SM102", "broken-front-matter", _E, "The front matter is not YAML, or a value in it cannot be used."),
    ("SM103", "broken-template", _W, "A Liquid tag or include cannot be rendered, or its data is missing."),
    ("SM104", "attribute-syntax", _E, "The attributes of a step are not of the form key=value."),
    ("SM105", "attribute-value", _E, "An attribute is not known, or its value is not one that it may have."),
    ("SM106", "reader-problem", _W, "The reader could not use something in the document."),
    ("SM107", "no-steps", _W, "Nothing in the document was read as a step."),
    ("SM201", "unbound-parameter", _W, "Nothing says what a place in a command is to be filled with."),
    ("SM202", "dead-link", _E, "A relative link leads to a file that is not there."),
    ("SM203", "dead-anchor", _W, "A link leads to a heading that is not there."),
    ("SM204", "dead-url", _W, "A web address does not answer (asked with --online only)."),
    ("SM301", "unknown-command", _W, "It cannot be told what a command does, so it never runs by itself."),
    ("SM302", "not-on-path", _W, "A command's program is not installed here (asked with --on-path only)."),
    ("SM303", "not-shell", _W, "A command is not valid shell."),
    (
        "SM304",
        "session-not-composed",
        _W,
        "A command is typed into a session that no single command line can stand for.",
    ),
    ("SM305", "interactive-command", _I, "A command waits for a person at a terminal."),
    ("SM401", "unchecked-change", _W, "After a change, nothing says what has to be seen."),
    ("SM402", "unguarded-destroy", _E, "Something is destroyed without a backup before it and without a rollback."),
    ("SM403", "risk-understated", _W, "The author calls a command less dangerous than it is; the class found is kept."),
    ("SM404", "forbidden-command", _I, "A warning forbids a command: it is shown and never run."),
    ("SM405", "done-by-hand", _I, "A person does what the platform has an action for."),
    ("SM501", "no-owner", _W, "Nobody is named who keeps the runbook."),
    ("SM502", "review-overdue", _W, "The day of the next review is over."),
    ("SM503", "no-review-date", _I, "No day is given for the next review."),
    ("SM504", "broken-suppression", _E, "A lint-disable comment names no known rule or gives no reason."),
    ("SM505", "unused-suppression", _I, "A lint-disable comment hides nothing."),
    ("SM506", "never-drilled", _W, "It answers an alert and was never worked in a drill (asked with --drills only)."),
    ("SM507", "edited-since-drill", _W, "It was edited after its last drill (asked with --drills only)."),
    ("SM508", "drill-failed", _W, "The last drill in which it was worked did not pass (asked with --drills only)."),
    ("SM601", "alert-unanswered", _E, "No runbook answers an alert of the given rules."),
    ("SM602", "alert-answered-twice", _E, "Two runbooks answer the same alert, so that neither is run."),
    ("SM603", "duplicate-title", _W, "Two runbooks have the same title."),
    ("SM604", "retired-but-matched", _W, "A retired runbook is still the one that answers an alert."),
    ("SM605", "unknown-alert", _I, "A runbook answers an alert that the given rules do not have."),
    ("SM606", "answers-nothing", _I, "It names no alert, quotes none and is no procedure: no alert finds it."),
    ("SM607", "broken-rules", _E, "A file of alert rules cannot be read."),
)

RULES = tuple(Rule(code=code, name=name, level=level, summary=text) for code, name, level, text in _ROWS)
BY_CODE = {rule.code: rule for rule in RULES}


def finding(code: str, file: str, line: int, message: str, *, hint: str = "") -> Finding:
    """A finding at the level that its rule has by itself."""
    rule = BY_CODE[code]
    return Finding(rule=rule, level=rule.level, file=file, line=max(line, 1), message=message, hint=hint)
