"""`rules check|test|export|list|alerts`: rule files offline, and what the running platform evaluates."""

import typer

from stationmaster.cli import rules_check, rules_export, rules_list, rules_test

verbs = typer.Typer(help="Alerting and recording rules, in Prometheus' rule files.", no_args_is_help=True)

verbs.command("check", epilog=rules_check.EXAMPLES)(rules_check.check)
verbs.command("test", epilog=rules_test.EXAMPLES)(rules_test.run_tests)
verbs.command("export", epilog=rules_export.EXAMPLES)(rules_export.export)
verbs.command("list", epilog=rules_list.LIST_EXAMPLES)(rules_list.list_rules)
verbs.command("alerts", epilog=rules_list.ALERTS_EXAMPLES)(rules_list.list_alerts)
