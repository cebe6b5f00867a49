"""Clouds other than Amazon's, platforms that run applications, object stores, storage clusters."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar


def _of(programs: str) -> Writer:
    return Writer(programs=programs)


_GCP = _of("gcloud")
_AZ = _of("az")
_GSUTIL = _of("gsutil")
_CF = _of("cf")

_GCP_GROUPS = """
    alpha beta preview compute instances disks snapshots images networks subnets firewall-rules forwarding-rules
    target-pools backend-services health-checks http-health-checks https-health-checks url-maps addresses routes
    routers zones regions machine-types instance-groups managed unmanaged instance-templates ssl-certificates
    target-https-proxies target-http-proxies target-tcp-proxies container clusters node-pools operations
    get-server-config sql databases backups users projects iam service-accounts keys roles auth
    application-default config configurations logging logs sinks metrics monitoring dashboards pubsub topics
    subscriptions storage buckets objects dns managed-zones record-sets resource-record-sets kms keyrings
    secrets versions functions run services revisions app redis memcache dataflow jobs dataproc bigtable tables
    spanner artifacts repositories docker packages organizations folders billing accounts scheduler tasks queues
    builds triggers source repos endpoints network-endpoint-groups vpn-tunnels vpn-gateways security-policies
    interconnects filestore composer environments domains access-context-manager policies resource-manager
    transfer agents alloydb reservations commitments accelerator-types os-config ml-engine models ai hub
    memberships asset releases workflows notebooks certificate-manager certificates sole-tenancy
    """
_AZ_GROUPS = """
    vm vmss aks account group network vnet nsg rule lb public-ip nic dns record-set zone storage blob container
    share acr repository sql server db postgres flexible-server mysql redis cosmosdb webapp functionapp
    appservice plan keyvault secret certificate key monitor metrics alert activity-log log-analytics workspace
    ad user sp app role assignment definition resource deployment provider disk snapshot image nodepool
    eventhubs namespace servicebus queue topic subscription policy lock tag identity application-gateway
    frontdoor traffic-manager cdn extension config vpn-connection express-route route-table subnet vault backup
    item job recoverypoint firewall-rule a cname slot
    """

CLOUD = Family(
    grammars=(
        grammar(
            "gcloud",
            valued="--project --account --configuration --format --region --zone --verbosity --filter "
            "--location --cluster --limit --flatten --sort-by --impersonate-service-account",
            flags="-q --quiet --no-user-output-enabled --log-http -h --help",
            groups=_GCP_GROUPS,
            alone="unknown",
        ),
        grammar(
            "az",
            valued="--subscription -o --output --query -g --resource-group -n --name",
            flags="--verbose --debug --only-show-errors -h --help",
            groups=_AZ_GROUPS,
            alone="unknown",
        ),
        grammar("gsutil", valued="-h -o -u -i", flags="-m -q -D"),
        grammar("cf fly", valued="-t --target", flags="-v"),
        grammar(
            "bosh",
            valued="-e --environment -d --deployment --ca-cert",
            flags="-n --non-interactive --json --tty --no-color",
        ),
        grammar("s3cmd", valued="-c --config --access_key --region --host"),
        grammar(
            "doctl linode-cli hcloud ibmcloud ocm rosa openstack",
            groups="compute kubernetes database server volume network cluster clusters droplet apps nodepool image",
        ),
        grammar(
            "ceph rbd rados",
            flags="-s --status --health --version -v",
            valued="-n --name --id -c --conf --pool -p -f --format",
        ),
        grammar("bq", valued="--project_id --format --location --dataset_id", flags="-q --quiet"),
    ),
    rows=(
        _GCP.read(
            "list describe list-instances get-iam-policy read tail list-errors get-health "
            "get-serial-port-output list-tags "
            "get-value info version get-named-ports list-grantable-roles search-all-resources check-iam-policy "
            "get-server-config wait list-ip-addresses get-guest-attributes ls du cat get-status get-nat-mapping-info",
            "only asks",
            "gcloud compute instances list\ngcloud --project a container clusters describe b\ngcloud "
            "logging read 'severity>=ERROR' --limit 5\ngcloud config list",
        ),
        _GCP.unknown(
            "print-access-token print-identity-token access",
            "shows a secret, which does not belong on a page",
            "gcloud auth print-access-token\ngcloud secrets versions access latest --secret=a",
        ),
        _GCP.change(
            "create update set start stop restart reset resize add remove attach-disk detach-disk "
            "add-tags remove-tags add-metadata "
            "remove-metadata add-labels enable disable set-machine-type set-scheduling "
            "set-named-ports add-iam-policy-binding "
            "remove-iam-policy-binding set-iam-policy rolling-action promote-replica failover import "
            "export patch get-credentials "
            "activate login revoke deploy submit pull publish seek upgrade move rename copy cp mv "
            "sync rsync suspend resume "
            "add-access-config delete-access-config add-backend remove-backend snapshot clone switch "
            "simulate-maintenance-event "
            "set-autoscaling stop-autoscaling recreate-instances wait-until reschedule configure-docker unset migrate "
            "execute-sql drain cancel set-backup set-target add-instances remove-instances "
            "abandon-instances add-host-rule "
            "set-default-service set-url-map rotate accept transaction promote invalidate-cdn-cache "
            "run-now set-password",
            "changes something; it can be set back",
            "gcloud compute instances reset web-1\ngcloud sql instances restart a\ngcloud container "
            "clusters resize a --num-nodes 3\ngcloud container clusters get-credentials a",
        ),
        _GCP.destroy(
            "delete delete-instances rm destroy restore restore-backup purge clear remove-all delete-signed-url-key",
            "removes something for good",
            "gcloud compute instances delete web-1\ngcloud sql backups restore 1",
        ),
        _GCP.asks(
            "ssh connect-to-serial-port start-iap-tunnel connect init cloud-shell interactive",
            "opens a session",
            "gcloud compute ssh web-1",
        ),
        _GCP.change("scp components", "copies files or changes the tool", "gcloud compute scp a web-1:b"),
        _GCP.unknown(
            "*",
            "takes its settings from a file",
            "gcloud compute instances list --flags-file=x",
            option=r"--flags-file.*",
        ),
        _AZ.read(
            "list show list-locations get-instance-view list-ip-addresses list-skus list-sizes "
            "check-name-availability list-usage get-upgrades list-definitions "
            "query exists show-tags list-runtimes version list-instance-connection-info tail wait get-versions",
            "only asks",
            "az vm list -o table\naz aks show -g a -n b\naz account show",
        ),
        _AZ.unknown(
            "show-connection-string get-access-token list-keys download show-backup-url",
            "may show secrets, which do not belong on a page",
            "az account get-access-token",
        ),
        _AZ.unknown(
            "show list",
            "may show secrets, which do not belong on a page",
            "az keyvault secret show --name a",
            option=r"secret|keys|connection-string|appsettings",
        ),
        _AZ.change(
            "create update start stop restart deallocate redeploy set scale get-credentials upgrade "
            "resize attach detach "
            "add remove enable disable login logout generalize reimage rotate-certs "
            "upload import assign swap configure failover stop-replication regenerate-key browse "
            "copy rename invoke sync",
            "changes something; it can be set back",
            "az vm restart -g a -n b\naz aks scale --node-count 3 -n b -g a",
        ),
        _AZ.destroy(
            "delete purge delete-batch restore cleanup undelete clear empty abort",
            "removes something for good",
            "az vm delete -g a -n b\naz group delete -n a",
        ),
        _AZ.asks("ssh interactive console", "opens a session", "az ssh vm -n a -g b"),
        _GSUTIL.read(
            "ls du stat cat hash version help iam/get lifecycle/get versioning/get logging/get "
            "cors/get acl/get bucketpolicyonly/get",
            "only asks",
            "gsutil ls gs://a\ngsutil -m du -s gs://a",
        ),
        _GSUTIL.change(
            "cp mb setmeta acl iam lifecycle versioning logging cors compose rewrite defacl "
            "notification web label config signurl retention",
            "changes buckets or objects",
            "gsutil cp a gs://b",
        ),
        _GSUTIL.destroy(
            "rm rb rsync mv", "removes or overwrites objects", "gsutil rm -r gs://a\ngsutil rsync -d a gs://b"
        ),
        _of("s3cmd mc rclone").read(
            "ls info du la stat cat tree lsd lsl lsf size check about version",
            "only asks",
            "s3cmd ls s3://a\nrclone lsd a:",
        ),
        _of("s3cmd mc rclone").change(
            "put get cp copy mb setacl config alias copyto mkdir admin",
            "copies objects",
            "s3cmd put a s3://b\nrclone copy a b:",
        ),
        _of("s3cmd mc rclone").destroy(
            "del rm rb sync mv move delete purge expire cleanup mirror dedupe deletefile moveto rmdir rmdirs",
            "removes or overwrites objects",
            "s3cmd del s3://a/b\nrclone sync a b:",
        ),
        _of("bq").read("ls show head version help", "only asks", "bq ls a"),
        _of("bq").unknown("query", "runs a statement that is not looked into", "bq query x"),
        _of("bq").change("load mk update cp extract insert cancel init", "changes tables", "bq load a b"),
        _of("bq").destroy("rm truncate", "removes tables", "bq rm a"),
        _CF.read(
            "apps app services service routes domains spaces space orgs org target env logs events "
            "buildpacks buildpack marketplace security-groups "
            "org-users space-users quotas quota stacks running-security-groups feature-flags version "
            "service-keys network-policies tasks isolation-segments",
            "only asks",
            "cf apps\ncf logs api --recent\ncf target",
        ),
        _CF.change(
            "push restart restage start stop scale set-env unset-env bind-service unbind-service "
            "map-route unmap-route create-service update-service "
            "create-user set-org-role set-space-role unset-org-role unset-space-role create-org "
            "create-space share-private-domain run-task create-service-key rename cancel-deployment "
            "restart-app-instance set-quota enable-feature-flag disable-feature-flag create-route "
            "create-domain login auth logout rolling-restart allow-space-ssh enable-ssh api "
            "add-network-policy "
            "bind-security-group create-security-group update-security-group enable-service-access "
            "disable-service-access create-service-broker update-service-broker",
            "changes applications or rights",
            "cf restart api\ncf scale api -i 3",
        ),
        _CF.change("target", "changes what later commands speak to", "cf target -o a -s b", option=r"-[os]"),
        _CF.destroy(
            "delete delete-service delete-route delete-org delete-space delete-user "
            "delete-service-key purge-service-instance delete-orphaned-routes delete-service-broker "
            "delete-security-group purge-service-offering",
            "removes something for good",
            "cf delete api",
        ),
        _CF.asks("ssh", "opens a session", "cf ssh api"),
        _CF.unknown("curl", "asks the API for anything", "cf curl /v2/apps"),
        _CF.unknown("env service-key", "may show secrets", "cf service-key a b"),
        _of("fly").read(
            "targets workers containers volumes pipelines jobs builds get-pipeline status teams "
            "resources ps version validate-pipeline",
            "only asks",
            "fly -t a workers",
        ),
        _of("fly").change(
            "login sync trigger-job tj set-pipeline sp pause-pipeline unpause-pipeline pause-job "
            "unpause-job check-resource cr abort-build expose-pipeline land-worker retire-worker "
            "clear-task-cache",
            "changes pipelines",
            "fly -t a trigger-job -j a/b",
        ),
        _of("fly").destroy(
            "destroy-pipeline dp prune-worker destroy-team",
            "removes a pipeline or worker",
            "fly -t a destroy-pipeline -p b",
        ),
        _of("fly").asks("hijack intercept execute watch", "holds the terminal", "fly -t a hijack -j b/c"),
        _of("bosh").read(
            "vms deployments instances tasks releases stemcells deployment env envs events errands "
            "disks locks cloud-config configs config manifest variables inspect-release",
            "only asks",
            "bosh -d a vms\nbosh deployments",
        ),
        _of("bosh").change(
            "deploy restart start stop recreate run-errand upload-release upload-stemcell "
            "update-cloud-config update-runtime-config cancel-task logs scp login attach-disk "
            "take-snapshot update-config interpolate int cloud-check cck task unlock ignore unignore "
            "alias-env log-in update-resurrection",
            "changes a deployment or writes files",
            "bosh -d a restart api",
        ),
        _of("bosh").destroy(
            "delete-deployment delete-vm delete-disk clean-up delete-release delete-stemcell "
            "delete-env orphan-disk delete-config delete-snapshot delete-snapshots",
            "removes something for good",
            "bosh -d a delete-deployment",
        ),
        _of("bosh").asks("ssh", "opens a session", "bosh -d a ssh api"),
        _of("doctl linode-cli hcloud ibmcloud ocm rosa openstack").read(
            "list ls describe get show status",
            "only asks",
            "doctl compute droplet list\nocm list clusters\nopenstack server list",
        ),
        _of("doctl linode-cli hcloud ibmcloud ocm rosa openstack").change(
            "create update reboot restart start stop set add enable disable resize edit login patch post upgrade",
            "changes something",
            "openstack server reboot a",
        ),
        _of("doctl linode-cli hcloud ibmcloud ocm rosa openstack").destroy(
            "delete remove rm destroy rebuild", "removes something for good", "openstack server delete a"
        ),
        _of("aws-vault").read("list", "shows the accounts known here", "aws-vault list"),
        _of("aws-vault").asks("login add exec", "asks for a password or opens a shell", "aws-vault login a"),
        _of("ceph").read(
            "status health df osd/tree osd/df osd/stat osd/dump osd/pool/ls osd/pool/stats "
            "osd/pool/get osd/perf pg/stat pg/dump pg/ls pg/query mon/stat mon/dump mgr/stat "
            "mds/stat "
            "fs/ls fs/status fs/get quorum_status versions version crash/ls crash/info config/get "
            "config/dump config/show log/last time-sync-status osd/blocked-by osd/find osd/metadata "
            "osd/ok-to-stop osd/safe-to-destroy progress features health/detail orch/ls orch/ps "
            "orch/host/ls orch/status osd/lspools mgr/module/ls pg/dump_stuck pg/map",
            "shows the state of the cluster",
            "ceph status\nceph osd tree\nceph osd pool ls",
        ),
        _of("ceph").read(
            "", "shows the state of the cluster", "ceph -s", option=r"-s|--status|--health|--version|-v", instead=True
        ),
        _of("ceph").change(
            "osd/set osd/unset osd/in osd/out osd/reweight osd/down osd/pool/set osd/pool/create "
            "osd/crush osd/scrub osd/deep-scrub osd/primary-affinity osd/repair pg/repair pg/scrub "
            "pg/deep-scrub config/set crash/archive crash/archive-all "
            "balancer mgr/fail mgr/module/enable mds/fail fs/set tell health/mute health/unmute "
            "orch/restart orch/daemon orch/apply osd/test-reweight-by-utilization "
            "osd/reweight-by-utilization pg/force-recovery pg/force-backfill config/rm mon/add "
            "osd/unset-group osd/set-group osd/set-full-ratio osd/set-nearfull-ratio "
            "osd/set-backfillfull-ratio auth/get-or-create auth/caps",
            "changes the cluster; it can be set back",
            "ceph osd set noup\nceph osd pool set a size 3",
        ),
        _of("ceph").destroy(
            "osd/purge osd/rm osd/destroy osd/pool/delete osd/pool/rm osd/lost auth/del auth/rm "
            "fs/rm mon/remove mon/rm pg/mark_unfound_lost orch/rm orch/host/rm osd/crush/remove "
            "osd/crush/rm",
            "removes data or members",
            "ceph osd purge 3",
        ),
        _of("ceph").unknown("auth/get auth/list auth/ls auth/print-key config-key", "shows secrets", "ceph auth list"),
        _of("rbd").read(
            "ls list info status children du lock/ls showmapped snap/ls watch mirror/pool/status "
            "mirror/image/status trash/ls",
            "shows images",
            "rbd ls pool\nrbd info a",
        ),
        _of("rbd").change(
            "create map unmap resize snap/create clone cp export lock/add flatten trash/restore "
            "mirror/image/enable mirror/image/promote mirror/image/demote mirror/image/resync "
            "image-meta feature/disable feature/enable",
            "changes images",
            "rbd map a",
        ),
        _of("rbd").destroy(
            "rm remove snap/rm snap/purge snap/rollback lock/rm lock/remove trash/rm trash/purge",
            "removes images",
            "rbd rm a",
        ),
        _of("odf").read("get cephfs-snap/ls", "shows the state of the storage", "odf get health"),
    ),
)
