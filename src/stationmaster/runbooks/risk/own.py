"""This platform's own commands: every verb of the command line has a class."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar

_STM = Writer(programs="stationmaster stm")

OWN = Family(
    grammars=(grammar("stationmaster stm", valued="--url --token --output -o", flags="--json --help -h"),),
    rows=(
        _STM.read(
            "status get diff version whoami query usage api/show host/show user/show target/list target/explain "
            "node/list node/show instance/list instance/logs instance/usage key/list key/show signing-key/list "
            "logs/search service/versions service/last-good tls/ca cipher/status",
            "shows the state of the platform",
            "stationmaster status\nstm get services\nstm target explain a\nstm instance logs a --tail 50\n"
            "stm query 'up == 0'",
        ),
        _STM.read(
            "incident/list incident/show incident/notes incident/updates alert/list alert/key/list approval/list "
            "silence/list maintenance/list heartbeat/list review/list review/show review/stats review/tasks "
            "oncall/list oncall/who oncall/gaps oncall/override/list status-page/show status-page/maintenance/list "
            "status-page/subscribers/list drill/list drill/faults drill/reports",
            "shows what happened and who looks after it",
            "stm incident show 3\nstm approval list\nstm oncall who\nstm drill faults\nstm review tasks 3",
        ),
        _STM.read(
            "audit audit/verify audit/key access/people/list access/tokens/list",
            "shows who changed what, and who may",
            "stm audit --since 2h --kind key\nstm audit verify bundle.ndjson\nstm access people list",
        ),
        _STM.read(
            "check/list check/run objective/list objective/explain rules/list rules/alerts rules/check rules/test",
            "shows checks, rules and objectives, or asks them now",
            "stm check run a\nstm objective list\nstm rules test a.yml",
        ),
        _STM.read("wait", "waits and looks", "stm wait instance/a --for up"),
        _STM.read(
            "escalation/simulate review/proposals status-page/preview",
            "only says what would be done",
            "stm escalation simulate --service a\nstm review proposals 3\nstm status-page preview 3",
        ),
        _STM.read(
            "runbook/read runbook/list runbook/lint runbook/match runbook/plan runbook/rules runbook/runs "
            "runbook/transcript runbook/approver/list",
            "shows runbooks and their runs",
            "stm runbook read a.md\nstm runbook plan a.md\nstm runbook rules",
        ),
        _STM.read("rules/export", "prints rules", "stm rules export"),
        _STM.change("rules/export", "writes a file", "stm rules export --out a.yml", option=r"--ou.*"),
        _STM.change("runbook/transcript", "writes a file", "stm runbook transcript run-1 -o a", option=r"--ou.*|-o.*"),
        _STM.change(
            "audit/export incident/export", "writes a file", "stm audit export --since 1d\nstm incident export 3"
        ),
        _STM.asks("instance/logs", "goes on until somebody ends it", "stm instance logs a -f", option=r"-f|--f.*"),
        _STM.change("review/proposals", "changes what is declared", "stm review proposals 3 --apply", option=r"--a.*"),
        _STM.change(
            "apply api/create api/set host/create host/set host/add user/create user/set user/allow user/forbid",
            "changes what is declared; it can be set back",
            "stm apply -f a.yaml\nstm user forbid a b\nstm host add a 10.0.0.1:80",
        ),
        _STM.change(
            "api/maintenance host/maintenance service/maintenance",
            "answers every request with 503, or stops doing so",
            "stm api maintenance a on\nstm host maintenance a off\nstm service maintenance a on",
        ),
        _STM.change(
            "target/drain target/out target/in target/auto node/drain node/start node/stop "
            "node/restart instance/restart instance/start instance/stop",
            "moves traffic or processes; it can be set back",
            "stm target out api 10.0.0.1:80\nstm instance restart a\nstm node drain a",
        ),
        _STM.change(
            "service/deploy service/rollback service/scale service/restart",
            "starts the instances of a service anew, one after the other",
            "stm service rollback a\nstm service scale a 3\nstm service restart a",
        ),
        _STM.change(
            "key/create key/rotate key/secret signing-key/rotate cipher/rotate cipher/new-key alert/key/create "
            "access/tokens/create access/people/create access/people/set access/reset-password runbook/approver/new "
            "runbook/approver/add oncall/calendar/link",
            "makes credentials, or says who may what",
            "stm key create a\nstm signing-key rotate\nstm access people set a --role viewer\nstm cipher new-key",
        ),
        _STM.change(
            "incident/ack incident/assign incident/edit incident/escalate incident/merge incident/mitigate "
            "incident/note incident/raise incident/reopen incident/resolve incident/review incident/snooze "
            "incident/split incident/unack incident/update",
            "changes an incident: people are paged or told, or no longer",
            "stm incident escalate 3\nstm incident update 3 -m a\nstm incident resolve 3",
        ),
        _STM.change(
            "status-page/post status-page/set status-page/release status-page/maintenance/add "
            "status-page/maintenance/tell status-page/maintenance/end status-page/subscribers/add",
            "tells the public",
            "stm status-page post 3 --status monitoring --message a\nstm status-page maintenance add a --for 1h",
        ),
        _STM.change(
            "silence/add silence/expire maintenance/on maintenance/off heartbeat/set heartbeat/beat oncall/import "
            "oncall/override/add oncall/override/end oncall/swap",
            "changes who is paged, and for what",
            "stm silence add service=a --for 1h\nstm oncall swap a b c\nstm heartbeat beat a",
        ),
        _STM.change(
            "review/write review/finish review/task/add review/task/assign review/task/done review/task/due "
            "review/task/reopen",
            "writes in a review, or into its tasks",
            "stm review finish 3\nstm review task done 7",
        ),
        _STM.change(
            "runbook/run runbook/resume recover",
            "does what the runbook says",
            "stm runbook run a.md\nstm runbook resume run-1\nstm recover a",
        ),
        _STM.change(
            "up control gateway keys doctor sample-api stand-in",
            "runs a process of the platform",
            "stm up --detach\nstm stand-in --kind slow",
        ),
        _STM.change("drill/stop", "takes a fault back", "stm drill stop 3"),
        _STM.change("logout", "ends a session", "stm logout"),
        _STM.asks("login password", "asks for a password", "stm login\nstm password"),
        _STM.asks("console/open", "is a person's shell where an instance runs", "stm console open a"),
        _STM.asks("edit", "opens an editor", "stm edit api a"),
        _STM.asks(
            "approval/allow approval/deny runbook/approve",
            "is the answer of a person, and never a runbook's",
            "stm approval allow run-7 --yes\nstm runbook approve a --as b",
        ),
        _STM.destroy(
            "user/delete api/delete host/delete host/remove heartbeat/remove status-page/subscribers/remove "
            "runbook/approver/remove access/people/remove",
            "removes something for good",
            "stm user delete a\nstm host remove a 10.0.0.1:80\nstm access people remove a",
        ),
        _STM.destroy(
            "key/revoke token/revoke alert/key/revoke access/tokens/revoke oncall/calendar/revoke",
            "shuts somebody out who has credentials",
            "stm key revoke a 1\nstm oncall calendar revoke --schedule a",
        ),
        _STM.destroy(
            "key/secret", "shuts somebody out who has credentials", "stm key secret a --revoke", option=r"--rev.*"
        ),
        _STM.destroy("down", "stops every process of the platform", "stationmaster down"),
        _STM.destroy(
            "drill/run drill/inject drill/replay",
            "breaks something on purpose",
            "stm drill run a\nstm drill inject kill a\nstm drill replay --incident 3",
        ),
        _STM.destroy(
            "instance/exec",
            "runs any command where an instance runs",
            "stm instance exec a -- cat /etc/hosts",
        ),
        _STM.read(
            "apply service/deploy service/rollback service/scale oncall/import oncall/override/add oncall/swap "
            "runbook/run recover drill/replay",
            "only says what it would do",
            "stm apply -f a.yaml --dry-run\nstm service scale a 3 --dry-run\nstm runbook run a.md --dry-run",
            option=r"--dry-run",
            instead=True,
        ),
    ),
)
