"""Messaging, service discovery, secrets, monitoring and security tools."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar


def _of(programs: str) -> Writer:
    return Writer(programs=programs)


def _kafka(name: str) -> Writer:
    return Writer(programs=f"{name} {name}.sh")


PLATFORMS = Family(
    grammars=(
        grammar(
            "kafka-topics kafka-topics.sh kafka-consumer-groups kafka-consumer-groups.sh "
            "kafka-configs kafka-configs.sh kafka-acls kafka-acls.sh",
            flags="--reset-offsets --to-latest --to-earliest --all-topics --all-groups --verbose --members "
            "--state --offsets --if-exists "
            "--if-not-exists --describe --list --under-replicated-partitions "
            "--unavailable-partitions --execute --dry-run --all",
        ),
        grammar(
            "openssl",
            flags="-noout -text -check -subject -issuer -dates -enddate -startdate -fingerprint -pubin "
            "-pubkey -serial -modulus -ext -purpose",
        ),
        grammar("consul", valued="-http-addr -token -datacenter -namespace", flags="-detailed"),
        grammar("vault bao nomad", valued="-address -namespace -region -token", flags="-tls-skip-verify"),
        grammar("amtool", valued="--alertmanager.url --config.file -o --output --timeout", flags="-v --verbose"),
        grammar("logcli", valued="--addr --org-id --username --password"),
        grammar("promtool thanos mimirtool cortextool tempo-cli", valued=""),
    ),
    rows=(
        _kafka("kafka-topics").read(
            "",
            "only lists topics",
            "kafka-topics.sh --bootstrap-server localhost:9092 --list\nkafka-topics --describe --topic a",
            option=r"--list|--describe",
            instead=True,
        ),
        _kafka("kafka-topics").unknown("", "names no action", "kafka-topics.sh --bootstrap-server x"),
        _kafka("kafka-topics").change(
            "", "changes topics", "kafka-topics.sh --create --topic a", option=r"--create|--alter", instead=True
        ),
        _kafka("kafka-topics").destroy(
            "",
            "deletes a topic",
            "kafka-topics.sh --delete --topic a\nkafka-topics.sh --list --delete",
            option=r"--delete",
        ),
        _kafka("kafka-consumer-groups").unknown("", "names no action", "kafka-consumer-groups.sh --group a"),
        _kafka("kafka-consumer-groups").read(
            "",
            "shows groups and their lag",
            "kafka-consumer-groups.sh --describe --group a\nkafka-consumer-groups --list",
            option=r"--list|--describe|--dry-run",
            instead=True,
        ),
        _kafka("kafka-consumer-groups").change(
            "",
            "moves what groups have read",
            "kafka-consumer-groups.sh --reset-offsets --to-latest --execute --group a",
            option=r"--execute",
            instead=True,
        ),
        _kafka("kafka-consumer-groups").destroy(
            "", "removes groups", "kafka-consumer-groups.sh --delete --group a", option=r"--delete.*"
        ),
        _kafka("kafka-configs").unknown("", "names no action", "kafka-configs.sh x"),
        _kafka("kafka-configs").read(
            "", "shows settings", "kafka-configs.sh --describe --entity-type topics", option=r"--describe", instead=True
        ),
        _kafka("kafka-configs").change(
            "", "changes settings", "kafka-configs.sh --alter --add-config a=1", option=r"--alter", instead=True
        ),
        _kafka("kafka-acls").unknown("", "names no action", "kafka-acls.sh x"),
        _kafka("kafka-acls").read("", "shows rights", "kafka-acls.sh --list", option=r"--list", instead=True),
        _kafka("kafka-acls").change(
            "", "changes rights", "kafka-acls.sh --add --allow-principal a", option=r"--add|--remove", instead=True
        ),
        _of(
            "kafka-broker-api-versions kafka-broker-api-versions.sh kafka-log-dirs kafka-log-dirs.sh "
            "kafka-get-offsets kafka-get-offsets.sh kafka-metadata-shell kafka-cluster.sh "
            "kafka-dump-log.sh kafka-dump-log kafka-metadata-quorum.sh kafka-metadata-quorum"
        ).read("", "shows brokers, offsets or logs", "kafka-log-dirs.sh --describe --bootstrap-server x"),
        _of("kafka-cluster.sh kafka-metadata-quorum.sh kafka-metadata-quorum").change(
            "", "changes members", "kafka-cluster.sh unregister", option=r"unregister|add-controller|remove-controller"
        ),
        _of("kafka-console-consumer kafka-console-consumer.sh kafka-verifiable-consumer.sh").change(
            "", "reads messages, and may move what a group has read", "kafka-console-consumer.sh --topic a"
        ),
        _of(
            "kafka-console-producer kafka-console-producer.sh kafka-producer-perf-test.sh "
            "kafka-consumer-perf-test.sh kafka-mirror-maker.sh kafka-storage.sh "
            "kafka-server-start.sh kafka-server-start kafka-preferred-replica-election.sh "
            "kafka-leader-election kafka-leader-election.sh"
        ).change(
            "", "sends messages or changes brokers", "kafka-console-producer.sh --topic a\nkafka-leader-election.sh --x"
        ),
        _of("kafka-reassign-partitions kafka-reassign-partitions.sh").change(
            "", "moves partitions", "kafka-reassign-partitions.sh --execute"
        ),
        _of("kafka-reassign-partitions kafka-reassign-partitions.sh").read(
            "",
            "shows the state of a move",
            "kafka-reassign-partitions.sh --list --bootstrap-server x",
            option=r"--list",
            instead=True,
        ),
        _of(
            "kafka-delete-records kafka-delete-records.sh kafka-server-stop kafka-server-stop.sh "
            "kafka-streams-application-reset.sh kafka-features.sh"
        ).destroy("", "removes messages or stops a broker", "kafka-delete-records.sh --x y"),
        _of("kcat kafkacat").unknown("", "sends or takes messages", "kcat -P -t a"),
        _of("kcat kafkacat").read("", "shows brokers and topics", "kcat -L -b x", option=r"-L", instead=True),
        _of("kcat kafkacat").unknown(
            "", "sends or takes messages, or takes its settings from a file", "kcat -L -F x", option=r"-[PCFGX].*"
        ),
        _of("zkCli.sh zookeeper-shell.sh zookeeper-shell nats pulsar-admin mosquitto_pub ksql").unknown(
            "", "may send or change anything", "zkCli.sh -server x"
        ),
        _of("consul").read(
            "members info version catalog/nodes catalog/services catalog/datacenters "
            "operator/raft/list-peers kv/get validate rtt monitor health intention/list "
            "intention/check acl/policy/list config/list operator/autopilot/state operator/autopilot/get-config",
            "shows members, services or keys",
            "consul members\nconsul operator raft list-peers",
        ),
        _of("consul").change(
            "kv/put reload join maint snapshot/save services/register services/deregister event "
            "intention/create leave connect config/write acl/policy/create acl/token/create keyring "
            "lock watch exec operator/autopilot/set-config login",
            "changes members or keys",
            "consul kv put a 1\nconsul reload",
        ),
        _of("consul").destroy(
            "kv/delete force-leave operator/raft/remove-peer snapshot/restore intention/delete "
            "config/delete acl/policy/delete acl/token/delete",
            "removes members or keys",
            "consul kv delete a",
        ),
        _of("vault bao").read(
            "status version policy/list secrets/list auth/list audit/list operator/raft/list-peers "
            "plugin/list operator/key-status operator/members namespace/list",
            "shows the state of the vault",
            "vault status",
        ),
        _of("vault bao").unknown(
            "read list kv kv/get kv/list token/lookup token/create policy/read unwrap print "
            "kv/metadata token/capabilities write operator/generate-root operator/init operator/rekey",
            "may show secrets, which do not belong on a page",
            "vault kv get a/b\nvault read a/b",
        ),
        _of("vault bao").change(
            "login operator/unseal operator/step-down kv/put kv/patch policy/write secrets/enable "
            "auth/enable lease/renew token/renew operator/rotate audit/enable secrets/tune auth/tune "
            "operator/raft/join operator/raft/snapshot/save",
            "changes the vault",
            "vault operator unseal\nvault policy write a b",
        ),
        _of("vault bao").destroy(
            "operator/seal delete kv/delete kv/destroy lease/revoke token/revoke secrets/disable "
            "auth/disable policy/delete operator/raft/remove-peer audit/disable kv/metadata/delete "
            "operator/raft/snapshot/restore secrets/move",
            "removes secrets or shuts the vault",
            "vault operator seal\nvault kv delete a",
        ),
        _of("nomad").read(
            "status node/status job/status server/members alloc/status alloc/logs version "
            "deployment/status deployment/list eval/status operator/raft/list-peers job/history "
            "namespace/list alloc/fs job/inspect volume/status quota/status",
            "shows jobs and nodes",
            "nomad status\nnomad job status a",
        ),
        _of("nomad").change(
            "job/run run job/restart alloc/restart node/drain node/eligibility deployment/promote "
            "deployment/fail job/revert job/scale alloc/signal job/dispatch job/eval "
            "system/reconcile deployment/pause deployment/resume server/join plan job/plan",
            "changes jobs or nodes",
            "nomad alloc restart a",
        ),
        _of("nomad").destroy(
            "job/stop stop alloc/stop system/gc server/force-leave node/purge namespace/delete "
            "volume/delete operator/raft/remove-peer volume/deregister",
            "stops or removes jobs",
            "nomad job stop -purge a",
        ),
        _of("nomad").asks("alloc/exec monitor", "holds the terminal", "nomad alloc exec a sh"),
        _of("promtool").read(
            "check/config check/rules check/metrics check/healthy check/ready query/instant "
            "query/range query/series query/labels test/rules tsdb/list tsdb/analyze query/analyze "
            "check/web-config check/service-discovery promql/format",
            "checks files or asks for figures",
            "promtool check config prometheus.yml\npromtool query instant http://x up",
        ),
        _of("promtool").change(
            "tsdb/create-blocks-from tsdb/bench tsdb/dump push debug",
            "writes files or figures",
            "promtool debug all http://x",
        ),
        _of("amtool").read(
            "alert silence alert/query silence/query config config/show config/routes check-config "
            "cluster template config/routes/show config/routes/test cluster/show",
            "shows alerts and silences",
            "amtool alert\namtool silence query",
        ),
        _of("amtool").change(
            "silence/add silence/expire silence/update silence/import alert/add",
            "changes alerts or silences",
            "amtool silence add alertname=a",
        ),
        _of("logcli").read(
            "query instant-query labels series stats volume volume_range fmt detected-fields",
            "asks for logs",
            "logcli query '{app=\"a\"}'",
        ),
        _of("logcli").change(
            "query", "writes files", "logcli query --part-path-prefix=x '{}'", option=r"--part-.*|--merge-.*"
        ),
        _of("mimirtool cortextool").read(
            "rules/list rules/get rules/print rules/check rules/lint alertmanager/get config/convert",
            "shows rules",
            "mimirtool rules list",
        ),
        _of("mimirtool cortextool").change(
            "rules/load rules/sync alertmanager/load rules/prepare", "changes rules", "mimirtool rules load x"
        ),
        _of("mimirtool cortextool").destroy(
            "rules/delete rules/delete-namespace alertmanager/delete", "removes rules", "mimirtool rules delete a b"
        ),
        _of("thanos").read(
            "tools/bucket/ls tools/bucket/inspect tools/rules-check", "shows blocks", "thanos tools bucket ls --x y"
        ),
        _of("thanos").unknown("*", "starts a part of the system or changes blocks", "thanos compact"),
        _of("opensearch-cli curator elasticdump elasticsearch-plugin").unknown("", "may change indices", "curator x"),
        _of("newrelic datadog-agent telegraf filebeat").unknown("", "runs or asks an agent", "datadog-agent run"),
        _of("datadog-agent").read(
            "status health version configcheck", "asks the agent for its state", "datadog-agent status"
        ),
        _of("pd pagerduty sentry-cli").unknown("", "may change incidents", "pd x"),
        _of("openssl").read(
            "x509 verify version s_client ciphers crl asn1parse dgst ocsp req rsa ec pkey sess_id "
            "errstr prime speed list help pkcs7",
            "shows certificates or opens a connection to look at them",
            "openssl x509 -in a.pem -noout -dates\nopenssl s_client -connect x:443 -servername "
            "x\nopenssl version\nopenssl req -in a.csr -noout -text",
        ),
        _of("openssl").change(
            "x509 verify s_client crl asn1parse dgst ocsp req rsa ec pkey sess_id pkcs7",
            "writes a file or makes a key",
            "openssl x509 -in a -out b\nopenssl req -new -newkey rsa:2048\nopenssl s_client -connect x:1 -keylogfile y",
            option=r"--?(?:out|keyout|new|newkey|x509|sess_out|keylogfile|msgfile|writerand|respout|reqout|"
            r"serial|CAcreateserial|CAserial|CA|sign|signkey|key_out|early_data|index|port|accept|"
            r"req_out)",
        ),
        _of("openssl").unknown(
            "x509 verify s_client crl dgst ocsp req rsa ec pkey",
            "loads code, or takes its settings from a file",
            "openssl x509 -engine x",
            option=r"--?(?:engine|config|provider.*|keygen_engine|ssl_client_engine)",
        ),
        _of("openssl").unknown(
            "rsa ec pkey", "shows a private key", "openssl rsa -in a.key", option=r"--?in", weak=True
        ),
        _of("openssl").read(
            "rsa ec pkey",
            "checks a key without showing it",
            "openssl rsa -in a.key -check -noout\nopenssl pkey -in a -noout",
            option=r"-noout",
            instead=True,
        ),
        _of("openssl").unknown(
            "rsa ec pkey", "shows a private key", "openssl rsa -in a -noout -text", option=r"--?text(?:_pub)?"
        ),
        _of("openssl").change(
            "genrsa genpkey ecparam gendsa dhparam enc rand passwd pkcs12 pkcs8 ca smime cms rehash "
            "genpkcs s_server ts srp pkeyutl rsautl",
            "makes keys or files",
            "openssl genrsa -out a 2048\nopenssl rand -hex 8",
        ),
        _of(
            "ssh-keygen ssh-add ssh-copy-id keytool certbot step gpg gpg2 gpgconf "
            "gpg-agent gpg-connect-agent ykman pwgen htpasswd sops age pass veracrypt acme.sh cfssl"
        ).change("", "makes or changes keys", "ssh-keygen -t ed25519\ncertbot renew\ngpg --import x\nsops x"),
        _of("ssh-agent").unknown("", "may run another program", "ssh-agent bash"),
        _of("gpg gpg2").destroy("", "removes keys", "gpg --delete-secret-keys a", option=r"--(?:yes-)?del.*"),
        _of("ssh-keygen").read(
            "", "shows a key", "ssh-keygen -l -f a\nssh-keygen -lf a", option=r"-[vE]*l[vf]*|-lf|-F", instead=True
        ),
        _of("ssh-keygen").destroy("", "removes a host's key", "ssh-keygen -R web-1", option=r"-R"),
        _of("ssh-add").read("", "lists keys", "ssh-add -l", option=r"-[lL]", instead=True),
        _of("gpg gpg2").read(
            "",
            "lists keys or checks a signature",
            "gpg --list-keys\ngpg -K\ngpg --card-status",
            option=r"--list-(?:keys|secret-keys|public-keys|packets|sigs)|-[kK]|--verify|--fingerprint|"
            r"--version|--card-status",
            instead=True,
        ),
        _of("gpg gpg2").asks(
            "",
            "holds the terminal",
            "gpg --edit-key a\ngpg --card-edit",
            option=r"--(?:edit|card-edit|edit-card|gen|full-gen|change).*",
        ),
        _of("gpg gpg2").change(
            "",
            "writes a file or sets a program that runs",
            "gpg --list-keys --output x",
            option=r"-\w*o.*|--(?:out|options|exec|photo|agent-p|dirmngr-p|homedir|imp|del|send|rec|sign|enc|"
            r"keyserver).*",
        ),
        _of("keytool").read(
            "",
            "lists keys",
            "keytool -list -keystore a\nkeytool -printcert -sslserver x:443",
            option=r"-list|-printcert",
            instead=True,
        ),
        _of("keytool").destroy("", "removes keys", "keytool -delete -alias a", option=r"-delete"),
        _of("certbot").read("certificates plugins", "lists certificates", "certbot certificates"),
        _of("certbot").destroy("delete revoke", "removes certificates", "certbot delete"),
        _of("certbot").unknown(
            "certificates",
            "runs another program",
            "certbot certificates --pre-hook x",
            option=r"--(?:pre|post|deploy|manual|renew).*",
        ),
        _of("virsh").read(
            "list dominfo domstate dumpxml nodeinfo version capabilities net-list pool-list vol-list "
            "domblklist domiflist domstats vcpuinfo snapshot-list net-info pool-info hostname uri "
            "nodememstats domdisplay domblkinfo domifaddr",
            "shows machines",
            "virsh list --all",
        ),
        _of("virsh").change(
            "start shutdown reboot suspend resume define autostart migrate setvcpus setmem "
            "attach-disk detach-disk net-start pool-start pool-refresh save snapshot-create-as "
            "snapshot-create send-key edit",
            "changes machines",
            "virsh reboot a",
        ),
        _of("virsh").destroy(
            "destroy undefine vol-delete pool-destroy net-destroy snapshot-delete reset "
            "snapshot-revert net-undefine pool-undefine vol-wipe pool-delete",
            "stops or removes machines",
            "virsh destroy a",
        ),
        _of("virsh").asks("console", "holds the terminal", "virsh console a"),
        _of("wp drush artisan drupal").unknown("", "runs a command of the application", "wp x"),
        _of("tctl tsh").read("status ls clusters version", "shows nodes", "tsh ls\ntctl status"),
        _of("tctl tsh").change(
            "login logout create users tokens get auth edit lock request apps db kube",
            "signs in or changes rights",
            "tsh login",
        ),
        _of("tctl tsh").destroy("rm", "removes something", "tctl rm a"),
        _of("tctl tsh").asks("ssh", "opens a session", "tsh ssh a"),
    ),
)
