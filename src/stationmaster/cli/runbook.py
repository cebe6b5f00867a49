"""`runbook …`: the verbs that read, check, choose and work runbooks, without a running platform."""

import typer

from stationmaster.cli import (
    runbook_approver,
    runbook_lint,
    runbook_list,
    runbook_match,
    runbook_read,
    runbook_rules,
    runbook_run,
    runbook_runs,
)

verbs = typer.Typer(
    help="Runbooks: read them, check them, find the one that answers an alert, work it.", no_args_is_help=True
)

verbs.command("read", epilog=runbook_read.EXAMPLES)(runbook_read.read)
verbs.command("list", epilog=runbook_list.EXAMPLES)(runbook_list.list_runbooks)
verbs.command("match", epilog=runbook_match.EXAMPLES)(runbook_match.match)
verbs.command("lint", epilog=runbook_lint.EXAMPLES)(runbook_lint.lint)
verbs.command("rules", epilog=runbook_rules.EXAMPLES)(runbook_rules.rules)
verbs.command("plan", epilog=runbook_run.PLAN_EXAMPLES)(runbook_run.plan)
verbs.command("run", epilog=runbook_run.RUN_EXAMPLES)(runbook_run.run)
verbs.command("resume", epilog=runbook_run.RESUME_EXAMPLES)(runbook_run.resume)
verbs.command("runs", epilog=runbook_runs.RUNS_EXAMPLES)(runbook_runs.runs)
verbs.command("transcript", epilog=runbook_runs.TRANSCRIPT_EXAMPLES)(runbook_runs.transcript)
verbs.command("approve", epilog=runbook_approver.APPROVE_EXAMPLES)(runbook_approver.approve)
verbs.add_typer(runbook_approver.verbs, name="approver")
