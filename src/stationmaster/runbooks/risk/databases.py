"""Databases and stores: what their own tools do; clients that take statements are judged in `clients`."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar


def _of(programs: str) -> Writer:
    return Writer(programs=programs)


_REDIS = _of("redis-cli valkey-cli keydb-cli")
_ETCD = _of("etcdctl")
_CH = _of("rabbitmqctl rabbitmq-diagnostics rabbitmq-queues")

DATABASES = Family(
    grammars=(
        grammar(
            "redis-cli valkey-cli keydb-cli",
            valued="-h -p -a -n -u --user --pass -s -t --cacert --cert --key --sni -i -3 --pattern --count "
            "--type --rdb --functions-rdb --eval --intrinsic-latency",
            flags="--raw --no-raw --tls --csv --json -c -x --no-auth-warning --insecure -2 --quoted-json "
            "--verbose --bigkeys --memkeys --hotkeys --scan --stat --latency --latency-history "
            "--latency-dist --version --pipe",
            alone="interactive",
            folded=True,
        ),
        grammar(
            "etcdctl",
            valued="--endpoints --cacert --cert --key --user --password -w --write-out --dial-timeout "
            "--command-timeout "
            "--ca-file --cert-file --key-file -C --peers --timeout --total-timeout -o --output",
            flags="--debug --insecure-skip-tls-verify --cluster --no-sync",
        ),
        grammar(
            "rabbitmqctl rabbitmq-diagnostics rabbitmq-queues",
            valued="-n --node -t --timeout -p --vhost --formatter",
            flags="-q --quiet -s --silent -l --longnames",
        ),
        grammar("patronictl", valued="-c --config-file -d --dcs --dcs-url", flags="-k --insecure"),
        grammar("mysqladmin", valued="-u -h -P --user --host --port -S --socket --defaults-file --defaults-extra-file"),
        grammar("nodetool", valued="-h -p -u -pw --host --port"),
        grammar("pg_ctl pg_ctlcluster", valued="-D --pgdata -l --log -o -t --timeout -m --mode", flags="-w -W -s"),
        grammar("wal-g wal-e pgbackrest barman", valued="--config --stanza"),
    ),
    rows=(
        _REDIS.read(
            "ping info get mget ttl pttl type exists llen lrange lindex hgetall hget hlen hkeys "
            "hvals hmget scard smembers sismember "
            "zcard zrange zscore zcount zrank dbsize keys scan sscan hscan zscan strlen time "
            "lastsave role echo getrange "
            "randomkey xlen xinfo xrange xpending pubsub command bitcount object memory/usage "
            "memory/stats memory/doctor "
            "slowlog/get slowlog/len latency/latest latency/history latency/doctor config/get client/list client/info "
            "client/getname client/id cluster/info cluster/nodes cluster/slots cluster/shards cluster/keyslot "
            "cluster/countkeysinslot cluster/myid sentinel/masters sentinel/master sentinel/replicas sentinel/slaves "
            "sentinel/sentinels sentinel/get-master-addr-by-name sentinel/ckquorum module/list "
            "acl/whoami acl/list acl/users "
            "debug/object-never zrangebyscore zrevrange exists lpos hexists script/exists function/list",
            "reads keys or the state of the server",
            "redis-cli ping\nredis-cli -h x -p 6379 INFO replication\nredis-cli config get "
            "maxmemory\nredis-cli client list",
        ),
        _REDIS.change(
            "set expire pexpire persist bgsave bgrewriteaof save incr decr incrby append lpush rpush "
            "sadd hset zadd rename setex "
            "setnx mset publish config/set config/rewrite config/resetstat client/kill client/pause client/unpause "
            "client/no-evict client/setname slowlog/reset latency/reset cluster/failover "
            "cluster/meet cluster/replicate "
            "cluster/addslots cluster/setslot replicaof slaveof failover sentinel/failover "
            "sentinel/set sentinel/monitor "
            "sentinel/reset sentinel/remove memory/purge wait swapdb move copy touch script/load "
            "script/kill acl/setuser "
            "acl/save acl/load module/load select getset getdel lmove restore migrate",
            "changes keys, settings or roles",
            "redis-cli set a 1\nredis-cli config set maxmemory 1gb\nredis-cli bgsave",
        ),
        _REDIS.destroy(
            "flushall flushdb del unlink shutdown lpop rpop ltrim hdel srem zrem spop "
            "zremrangebyscore zremrangebyrank xtrim xdel "
            "cluster/reset cluster/forget cluster/delslots cluster/flushslots acl/deluser script/flush function/flush",
            "removes keys or stops the server",
            "redis-cli -h x FLUSHALL\nredis-cli del a\nredis-cli SHUTDOWN",
        ),
        _REDIS.asks("monitor subscribe psubscribe", "holds the terminal", "redis-cli monitor"),
        _REDIS.read(
            "",
            "looks through keys or measures",
            "redis-cli --bigkeys\nredis-cli --scan --pattern 'a*'\nredis-cli --stat",
            option=r"--(?:bigkeys|memkeys|hotkeys|scan|stat|latency|latency-history|latency-dist|"
            r"intrinsic-latency|version)",
            instead=True,
        ),
        _REDIS.change("", "writes a file", "redis-cli --rdb x", option=r"--(?:rdb|functions-rdb)"),
        _REDIS.unknown(
            "",
            "runs a script or what it is fed",
            "redis-cli --eval x.lua\nredis-cli --pipe",
            option=r"--(?:eval|pipe|ldb|cluster).*",
        ),
        _REDIS.unknown(
            "*", "runs a script or what it is fed", "redis-cli get a --eval x", option=r"--(?:eval|pipe|ldb|cluster).*"
        ),
        _ETCD.read(
            "get version member/list endpoint/health endpoint/status endpoint/hashkv alarm/list snapshot/status ls "
            "cluster-health role/list role/get user/list user/get lease/list watch check/perf auth/status",
            "reads keys or the state of the cluster",
            "etcdctl version\netcdctl endpoint health --cluster\netcdctl member list -w table",
        ),
        _ETCD.change(
            "put set mk mkdir update snapshot/save member/add member/update member/promote "
            "move-leader defrag alarm/disarm "
            "lease/grant user/add role/add auth/enable role/grant-permission user/grant-role lock "
            "elect txn make-mirror "
            "backup import user/passwd lease/keep-alive",
            "changes keys or the cluster; it can be set back",
            "etcdctl defrag\netcdctl snapshot save x\netcdctl alarm disarm",
        ),
        _ETCD.destroy(
            "del rm rmdir compaction compact member/remove lease/revoke auth/disable user/delete role/delete "
            "snapshot/restore",
            "removes keys, their history or members",
            "etcdctl del a\netcdctl member remove abc",
        ),
        _CH.read(
            "status list_queues list_exchanges list_bindings list_connections list_channels list_consumers list_users "
            "list_vhosts list_permissions cluster_status environment report node_health_check ping check_running "
            "list_policies list_parameters check_alarms check_port_connectivity memory_breakdown list_feature_flags "
            "quorum_status list_user_permissions check_local_alarms server_version "
            "list_deprecated_features alarms help "
            "list_node_auth_attempt_stats check_if_node_is_quorum_critical listeners resolve_hostname",
            "shows the state of the broker",
            "rabbitmqctl list_queues name messages\nrabbitmqctl -p vhost1 list_exchanges\nrabbitmqctl cluster_status",
        ),
        _CH.change(
            "start_app stop_app set_policy clear_policy add_user change_password set_permissions "
            "set_user_tags add_vhost "
            "join_cluster sync_queue cancel_sync_queue close_connection close_all_connections enable_feature_flag "
            "set_parameter set_vm_memory_high_watermark set_disk_free_limit rotate_logs "
            "await_startup update_cluster_nodes "
            "rebalance grow shrink set_cluster_name clear_permissions clear_parameter stop wait trace_on trace_off "
            "restart_vhost await_online_nodes force_boot",
            "changes the broker; it can be set back",
            "rabbitmqctl stop_app\nrabbitmqctl set_policy ha . '{}'",
        ),
        _CH.destroy(
            "reset force_reset purge_queue delete_queue delete_vhost delete_user forget_cluster_node "
            "shutdown delete_member",
            "removes queues, members or everything the broker keeps",
            "rabbitmqctl purge_queue a\nrabbitmqctl reset",
        ),
        _of("rabbitmqadmin").read("list show", "shows the state of the broker", "rabbitmqadmin list queues"),
        _of("rabbitmqadmin").change(
            "declare publish get export import close", "changes the broker", "rabbitmqadmin declare queue name=a"
        ),
        _of("rabbitmqadmin").destroy("delete purge", "removes queues or messages", "rabbitmqadmin purge queue name=a"),
        _of("pg_isready").read("", "asks whether the server answers", "pg_isready -h x"),
        _of(
            "pg_dump pg_dumpall mysqldump mongodump mongoexport pg_basebackup clickhouse-backup xtrabackup mysqlpump"
        ).change("", "writes a dump, and loads the server", "pg_dump -Fc api -f api.dump\nmysqldump api"),
        _of(
            "pg_restore mysqlimport mongorestore mongoimport pg_resetwal pg_rewind pg_upgrade initdb "
            "dropdb dropuser mysql_upgrade"
        ).destroy("", "overwrites data", "pg_restore -c -d api api.dump\ndropdb api"),
        _of("pg_restore").read(
            "",
            "lists what a dump holds",
            "pg_restore -l api.dump\npg_restore --list api.dump",
            option=r"-l|--list",
            instead=True,
        ),
        _of("createdb createuser vacuumdb reindexdb clusterdb pg_repack").change(
            "", "changes the server or its tables", "vacuumdb -z api\ncreatedb api"
        ),
        _of("pg_ctl").read("status", "shows the state of the server", "pg_ctl -D /data status"),
        _of("pg_ctl").change(
            "start stop restart reload promote logrotate",
            "starts, stops or promotes the server",
            "pg_ctl -D /data promote",
        ),
        _of("pg_ctl").destroy("initdb init", "makes a new data folder", "pg_ctl initdb -D /data"),
        _of("pg_ctlcluster").change("*", "starts, stops or promotes a server", "pg_ctlcluster 15 main restart"),
        _of("pg_lsclusters pg_controldata pg_config pg_waldump pgmetrics").read(
            "", "shows servers and their state", "pg_lsclusters"
        ),
        _of("pg_archivecleanup").destroy("", "removes archived logs", "pg_archivecleanup /a 1"),
        _of("patronictl").read(
            "list topology show-config history dsn version",
            "shows the members of a cluster",
            "patronictl list\npatronictl -c x.yml list",
        ),
        _of("patronictl").change(
            "restart reload pause resume switchover failover flush edit-config scaffold",
            "changes roles or settings of a cluster",
            "patronictl switchover\npatronictl pause",
        ),
        _of("patronictl").destroy("reinit remove", "makes a member anew or forgets a cluster", "patronictl reinit c m"),
        _of("patronictl").unknown("query", "runs a statement", "patronictl query -c x"),
        _of("mysqladmin").read(
            "status extended-status ping processlist variables version",
            "shows the state of the server",
            "mysqladmin -u root status",
        ),
        _of("mysqladmin").change(
            "kill flush-logs flush-hosts flush-privileges flush-tables flush-status refresh reload "
            "create password start-slave stop-slave start-replica stop-replica debug",
            "changes the server",
            "mysqladmin kill 7",
        ),
        _of("mysqladmin").destroy("shutdown drop", "stops the server or removes a database", "mysqladmin drop api"),
        _of("nodetool").read(
            "status info ring tpstats tablestats cfstats netstats compactionstats describecluster "
            "gossipinfo version getcompactionthroughput describering tablehistograms proxyhistograms "
            "getendpoints listsnapshots gcstats statusbinary statusgossip statusthrift",
            "shows the state of a cluster",
            "nodetool status",
        ),
        _of("nodetool").change(
            "repair flush drain compact cleanup rebuild setcompactionthroughput enablegossip "
            "disablegossip snapshot scrub upgradesstables enablebinary disablebinary stop move "
            "refresh setstreamthroughput enableautocompaction disableautocompaction",
            "changes a node; it can be set back",
            "nodetool repair",
        ),
        _of("nodetool").destroy(
            "decommission removenode assassinate clearsnapshot truncatehints stopdaemon",
            "removes nodes or data",
            "nodetool decommission",
        ),
        _of("cqlsh influx sqlcmd sqlplus isql bsqlodbc duckdb neo4j cypher-shell").unknown(
            "", "runs statements that are not looked into", "cqlsh -e x"
        ),
        _of("wal-g wal-e").read(
            "backup-list wal-show wal-verify backup-show st/ls", "lists backups", "wal-g backup-list"
        ),
        _of("wal-g wal-e").change(
            "backup-push wal-push backup-fetch wal-fetch backup-mark copy",
            "writes or fetches a backup",
            "wal-g backup-push /data",
        ),
        _of("wal-g wal-e").destroy("delete st/rm", "removes backups", "wal-g delete retain 3"),
        _of("pgbackrest").read("info check version verify", "shows backups", "pgbackrest info"),
        _of("pgbackrest").change(
            "backup start stop archive-push archive-get stanza-create stanza-upgrade",
            "writes a backup",
            "pgbackrest backup",
        ),
        _of("pgbackrest").destroy(
            "restore expire stanza-delete", "overwrites data or removes backups", "pgbackrest restore"
        ),
        _of("barman").read(
            "list-server list-backup show-server show-backup status check list-files list-servers list-backups",
            "shows backups",
            "barman check main",
        ),
        _of("barman").change("backup cron switch-wal receive-wal keep", "writes a backup", "barman backup main"),
        _of("barman").destroy("delete recover", "removes backups or overwrites data", "barman delete main x"),
    ),
)
