"""The command line: `stationmaster`, or `stm` for short."""

import os
from typing import Annotated

import typer

from stationmaster import __version__
from stationmaster.cli import (
    access,
    alert,
    api,
    apply,
    approval,
    audit,
    check,
    cipher,
    console,
    down,
    drill,
    edit,
    escalation,
    export,
    get,
    heartbeat,
    host,
    incident,
    instance,
    key,
    login,
    logs,
    maintenance,
    node,
    objective,
    oncall,
    query,
    recover,
    replay,
    review,
    roles,
    rules,
    runbook,
    service,
    service_good,
    service_restart,
    service_traffic,
    signing_key,
    silence,
    status,
    status_page,
    target,
    tls,
    token,
    up,
    usage,
    user,
    wait,
)
from stationmaster.cli.output import out
from stationmaster.cli.session import URL_VARIABLE

app = typer.Typer(
    name="stationmaster",
    help="An API platform that works its own runbooks: gateway, key service, monitoring, incidents.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def stationmaster(
    url: Annotated[
        str, typer.Option("--url", envvar=URL_VARIABLE, help="The control plane to ask, by the session of `login`.")
    ] = "",
) -> None:
    """Verbs read the URL where they read the state folder: in the environment."""
    if url:
        os.environ[URL_VARIABLE] = url


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__)


app.command(epilog=up.EXAMPLES)(up.up)
app.command(epilog=down.EXAMPLES)(down.down)
app.command(epilog=status.EXAMPLES)(status.status)
app.command(epilog=apply.APPLY_EXAMPLES)(apply.apply)
app.command(epilog=apply.DIFF_EXAMPLES)(apply.diff)
app.command(epilog=get.EXAMPLES)(get.get)
app.command(epilog=edit.EXAMPLES)(edit.edit)
export.audit_verbs.callback(invoke_without_command=True, epilog=audit.EXAMPLES)(audit.audit)
app.add_typer(export.audit_verbs, name="audit")
incident.verbs.command("export", epilog=export.INCIDENT_EXAMPLES)(export.export_incident)
app.command(epilog=usage.EXAMPLES)(usage.usage)
app.command(epilog=query.EXAMPLES)(query.query)
app.command(epilog=wait.EXAMPLES)(wait.wait)
app.command(epilog=login.LOGIN_EXAMPLES)(login.login)
app.command(epilog=login.LOGOUT_EXAMPLES)(login.logout)
app.command(epilog=login.WHOAMI_EXAMPLES)(login.whoami)
app.command(epilog=login.PASSWORD_EXAMPLES)(login.password)
app.add_typer(access.verbs, name="access")
app.add_typer(api.verbs, name="api")
app.add_typer(user.verbs, name="user")
app.add_typer(host.verbs, name="host")
app.add_typer(target.verbs, name="target")
app.add_typer(check.verbs, name="check")
app.add_typer(node.verbs, name="node")
app.add_typer(incident.verbs, name="incident")
app.add_typer(alert.verbs, name="alert")
app.add_typer(review.verbs, name="review")
app.add_typer(silence.verbs, name="silence")
app.add_typer(status_page.verbs, name="status-page")
app.add_typer(heartbeat.verbs, name="heartbeat")
app.add_typer(approval.verbs, name="approval")
app.add_typer(maintenance.verbs, name="maintenance")
app.add_typer(oncall.verbs, name="oncall")
app.add_typer(escalation.verbs, name="escalation")
app.add_typer(instance.verbs, name="instance")
service.verbs.command("last-good", epilog=service_good.EXAMPLES)(service_good.last_good)
service.verbs.command(epilog=service_restart.EXAMPLES)(service_restart.restart)
service.verbs.command(epilog=service_traffic.EXAMPLES)(service_traffic.maintenance)
app.add_typer(service.verbs, name="service")
app.add_typer(logs.verbs, name="logs")
app.add_typer(console.verbs, name="console")
app.command(epilog=recover.EXAMPLES)(recover.recover)
app.add_typer(objective.verbs, name="objective")
app.add_typer(rules.verbs, name="rules")
app.add_typer(runbook.verbs, name="runbook")
drill.verbs.command(epilog=replay.EXAMPLES)(replay.replay)
app.add_typer(drill.verbs, name="drill")
app.add_typer(key.verbs, name="key")
app.add_typer(token.verbs, name="token")
app.add_typer(signing_key.verbs, name="signing-key")
app.add_typer(tls.verbs, name="tls")
app.add_typer(cipher.verbs, name="cipher")
app.command(rich_help_panel="Roles, for one process each")(roles.control)
app.command(rich_help_panel="Roles, for one process each", epilog=roles.GATEWAY_EXAMPLE)(roles.gateway)
app.command(rich_help_panel="Roles, for one process each")(roles.keys)
app.command(rich_help_panel="Roles, for one process each")(roles.doctor)
app.command("sample-api", rich_help_panel="Roles, for one process each")(roles.sample_api)
app.command("stand-in", hidden=True)(roles.stand_in)


def run() -> None:
    """The entry point of both programs."""
    app()
