"""Services of a host and what keeps them: systemd, supervisors, web servers, configuration agents."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar

_SYSTEMCTL = Writer(programs="systemctl")
_JOURNAL = Writer(programs="journalctl")
_SERVICE = Writer(programs="service rc-service invoke-rc.d")
_SUPERVISOR = Writer(programs="supervisorctl")
_SV = Writer(programs="sv")
_OMNIBUS = Writer(programs="gitlab-ctl chef-server-ctl")
_CTLS = Writer(programs="timedatectl hostnamectl loginctl resolvectl systemd-resolve networkctl coredumpctl busctl")
_ANALYZE = Writer(programs="systemd-analyze systemd-cgls systemd-detect-virt systemd-escape systemd-path")
_CGTOP = Writer(programs="systemd-cgtop")
_WEB = Writer(programs="nginx apachectl apache2ctl httpd haproxy varnishd squid envoy caddy")
_LAUNCH = Writer(programs="launchctl initctl start stop restart status reload update-rc.d chkconfig")
_MONIT = Writer(programs="monit")
_PM2 = Writer(programs="pm2")

SERVICES = Family(
    grammars=(
        grammar(
            "systemctl",
            valued="-H --host -M --machine -t --type --state -p --property -n --lines -o --output --root -s --signal",
            flags="--user --system --no-pager -q --quiet -a --all --no-legend --failed --now -l --full --no-block "
            "--plain --value --wait --force -f -r --recursive --reverse --runtime --no-ask-password -h --help",
        ),
        grammar("supervisorctl", valued="-c -s -u -p"),
        grammar("sv", valued="-w", flags="-v"),
        grammar("timedatectl hostnamectl loginctl resolvectl networkctl coredumpctl busctl", flags="--no-pager"),
    ),
    rows=(
        _SYSTEMCTL.read(
            "status is-active is-enabled is-failed is-system-running show cat list-units list-unit-files list-timers "
            "list-sockets list-dependencies list-jobs list-machines get-default show-environment help list-paths",
            "shows units and their state",
            """systemctl status nginx
            systemctl --no-pager status nginx
            systemctl --failed list-units""",
        ),
        _SYSTEMCTL.change(
            "start stop restart reload try-restart reload-or-restart try-reload-or-restart enable "
            "disable reenable mask "
            "unmask daemon-reload daemon-reexec reset-failed kill isolate set-property set-default link preset revert "
            "set-environment unset-environment import-environment clean freeze thaw",
            "changes which units run; it can be set back",
            """systemctl restart nginx
            systemctl stop nginx
            systemctl daemon-reload""",
        ),
        _SYSTEMCTL.change(
            "reboot soft-reboot suspend hibernate rescue emergency cancel",
            "stops what runs on the host until it is up again",
            "systemctl reboot",
        ),
        _SYSTEMCTL.destroy(
            "start isolate",
            "the host does not come back by itself",
            "systemctl start poweroff.target",
            option=r"(?:poweroff|halt|shutdown|kexec)\.target",
        ),
        _SYSTEMCTL.destroy("poweroff halt kexec exit", "the host does not come back by itself", "systemctl poweroff"),
        _SYSTEMCTL.asks("edit", "opens an editor", "systemctl edit nginx"),
        _JOURNAL.read("", "only shows the journal", "journalctl -u nginx --since -1h\njournalctl -xe"),
        _JOURNAL.change(
            "",
            "rotates, moves or marks the journal",
            "journalctl --rotate\njournalctl --flu",
            option=r"--(?:ro|fl|sy|rel|smart|setup|upd|cursor-f).*",
        ),
        _JOURNAL.destroy("", "drops old entries for good", "journalctl --vacuum-size=1G", option=r"--vac.*"),
        _SERVICE.read("*/status", "shows the state of a service", "service nginx status"),
        _SERVICE.change(
            "*/start */stop */restart */reload */force-reload */condrestart */try-restart */zap",
            "changes whether a service runs",
            "service nginx restart",
        ),
        _SERVICE.unknown("*", "runs a script of the service", "service nginx frob\nservice nginx"),
        _SUPERVISOR.read(
            "status avail pid tail version maintail help", "shows what the supervisor runs", "supervisorctl status"
        ),
        _SUPERVISOR.change(
            "start stop restart reload update reread signal add clear",
            "changes what the supervisor runs",
            "supervisorctl restart all",
        ),
        _SUPERVISOR.destroy("remove shutdown", "ends the supervisor or forgets a program", "supervisorctl shutdown"),
        _SUPERVISOR.asks("fg", "holds the terminal", "supervisorctl fg api"),
        _SV.read("status s check", "shows a service", "sv status prometheus"),
        _SV.change(
            "up down restart start stop reload force-reload force-restart force-stop once hup term "
            "kill int u d t h 1 2",
            "changes whether a service runs",
            "sv restart prometheus",
        ),
        _OMNIBUS.read(
            "status tail service-list show-config diff-config check-config get-redis-master version",
            "shows the services of the package",
            "gitlab-ctl status",
        ),
        _OMNIBUS.change(
            "start stop restart hup int kill once term usr1 usr2 reconfigure pgbouncer-notify "
            "promote renew-le-certs upgrade",
            "changes which services of the package run",
            "gitlab-ctl restart gitaly",
        ),
        _OMNIBUS.destroy("uninstall cleanse remove-accounts", "removes the package's data", "gitlab-ctl cleanse"),
        _OMNIBUS.read(
            "patroni/members patroni/check-leader patroni/check-replica",
            "shows the members of a cluster",
            "gitlab-ctl patroni members",
        ),
        _CTLS.read(
            "status show show-timesync timesync-status list list-sessions list-users session-status user-status query "
            "statistics list-seats lldp tree introspect get-property info list-timezones",
            "shows settings of the host",
            "timedatectl status\ntimedatectl\nresolvectl query example.com",
        ),
        _CTLS.read("", "shows settings of the host", "hostnamectl"),
        _CTLS.change(
            "set-time set-timezone set-ntp set-hostname hostname set-local-rtc flush-caches "
            "reset-statistics reset-server-features dns "
            "domain terminate-session kill-session kill-user lock-session activate reload "
            "reconfigure up down renew call "
            "set-property emit revert enable-linger disable-linger terminate-user set-icon-name "
            "set-chassis set-deployment "
            "set-location delete forcerenew debug dump gdb monitor capture dnssec dnsovertls llmnr "
            "mdns nta default-route log-level",
            "changes a setting of the host",
            "timedatectl set-timezone UTC\nhostnamectl set-hostname x",
        ),
        _CTLS.unknown(
            "",
            "has an option that is not known",
            "systemd-resolve --flush-caches",
            option=r"--(?!no-pager|status|statistics|help|version|all|full)\w.*",
        ),
        _ANALYZE.read("", "shows how the host started", "systemd-analyze blame"),
        _ANALYZE.change("", "changes a setting", "systemd-analyze set-log-level debug", option=r"set-.*|log-.*|edit"),
        _CGTOP.asks("", "holds the terminal", "systemd-cgtop"),
        _WEB.unknown("", "starts a server or signals it", "nginx\nhaproxy -f x"),
        _WEB.change(
            "",
            "signals the server, which may reload or stop it",
            "nginx -s reload\napachectl graceful",
            option=r"-s\w*|-k|graceful|graceful-stop|restart|start|stop|reload",
            instead=True,
        ),
        _WEB.read(
            "",
            "only checks the configuration or shows the version",
            "nginx -t\nnginx -T\nnginx -V\nhaproxy -vv\napachectl configtest",
            option=r"-[tTvV]|-vv|configtest|-S|-M|--version|status|fullstatus|-tT?",
            instead=True,
        ),
        _WEB.read(
            "", "only checks the configuration", "haproxy -c -f /etc/haproxy/haproxy.cfg", option=r"-c", instead=True
        ),
        _LAUNCH.change("", "changes which services run", "launchctl load x\ninitctl restart api"),
        _LAUNCH.read(
            "", "shows services", "initctl list\nchkconfig --list", option=r"list|--list|status", instead=True
        ),
        _MONIT.read("summary status report", "shows what is watched", "monit summary"),
        _MONIT.change(
            "start stop restart monitor unmonitor reload validate",
            "changes what runs or is watched",
            "monit restart api",
        ),
        _PM2.read("list ls status show describe logs jlist prettylist info env", "shows processes", "pm2 list"),
        _PM2.change(
            "start stop restart reload scale save resurrect startup flush reset update",
            "changes which processes run",
            "pm2 restart api",
        ),
        _PM2.destroy("delete kill del", "removes processes from the list", "pm2 delete api"),
        _PM2.asks("monit", "holds the terminal", "pm2 monit"),
    ),
)
