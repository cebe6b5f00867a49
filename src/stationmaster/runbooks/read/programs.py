"""The programs by whose names the reader knows a line of text for a command, as data."""

from stationmaster.runbooks.risk import KNOWN_PROGRAMS
from stationmaster.runbooks.risk.classes import cells

_NAMES = cells(
    """
    7z ab acme.sh ack adb ag amtool ansible ansible-playbook ansible-inventory ansible-vault ant apk apt apt-cache
    apt-get apt-key aptitude arp arping ash atop at augenrules autossh aws az awslocal base64 bash bat bazel bc
    bcrypt bin/rails birdc blkid bosh bpftool brctl brew bridge btrfs buildah bundle bunzip2 busybox bzip2 cal
    calicoctl cargo carbonara cassandra-cli cal cd ceph ceph-volume certbot certtool cf cfssl cfdisk chage
    chef-client chef-client-disable chef-client-enable chef-solo chkconfig chroot chronyc cilium cl clear
    clickhouse-client cloudflared cmctl cockroach composer conda conntrack consul consul-template containerd cordova
    corosync cosign createdb createuser crictl cron crontab crm crmsh cryptsetup csplit ctr cue curl cypher-shell
    dash deluser debugfs delv dep deb depmod desk diskutil dive dmesg dmidecode dmsetup dnf dns-sd docker
    docker-compose docker-machine dockerd dpkg dpkg-reconfigure drush dstat e2fsck e4defrag ebtables ecs-cli eksctl
    elasticdump elasticsearch-keystore emacs env envsubst erl etcdctl etcdutl ethtool exec exit export expect expr
    faas-cli factor falcoctl fallocate fio firewall-cmd flock flux fly flyctl fsck fstrim ftp fuser fzf g++ gcc
    gcloud gdb gem genisoimage getcap getconf getfacl gh git gitlab-backup gitlab-ctl gitlab-psql gitlab-rails
    gitlab-rake gitlab-runner gluster go gofmt gops gpasswd gpg gpg2 gpgconf gradle grafana-cli grpc_cli grpcurl
    gsutil gunzip gzip haproxy hdfs hdparm helm helmfile heroku hey hostnamectl htop http httpie httpx hub hug hvs
    i3 iconv id ifconfig ifdown iftop ifup influx influxd initctl insmod instana ioping ionice iotop iostat ip ipcs
    ip6tables ipcalc iperf iperf3 ipmitool iptables iptables-save iptables-restore ipvsadm irb istioctl iw java
    javac jbang jcmd jenkins-cli jinfo jmap join journalctl jps jq jstack jstat jsonnet jvm k k0s k3s k6 k9s
    kafka-acls.sh kafka-configs.sh kafka-consumer-groups kafka-consumer-groups.sh kafka-console-consumer.sh
    kafka-topics.sh kafkacat kcat kcadm.sh kinit klist knife ksh kubeadm kubectl kubectx kubens kustomize kvm
    lastlog launchctl ldapsearch ldapmodify ldd less lftp ln local locale localectl locate logger login loginctl
    logrotate losetup lp lsattr lsinitrd lshw lsmod lspci lsscsi lsusb ltrace lvcreate lvdisplay lvextend lvreduce
    lvremove lvresize lvs lxc lxd lz4 machinectl mail mailq make mariadb mc mcrouter mdadm memcached-tool microk8s
    minikube mimirtool mkdir mkfs.ext4 mkfs.xfs mkswap mktemp modinfo modprobe mongo mongod mongodump mongorestore
    mongosh monit mosh mosquitto_pub mount mountpoint mpstat mtr multipath mvn mysql mysqladmin mysqldump mysqlcheck
    mytop nano nats ncat nc ncdu ndctl netcat netstat netplan newrelic nft nginx nmap nmcli node nodetool nohup
    nomad npm npx nsenter nslookup ntpdate ntpq nvidia-smi nvm nvme oathtool objdump oc odo omnitty openssl
    openstack opa ovn-nbctl ovn-sbctl ovs-appctl ovs-ofctl ovs-vsctl packer pacman parallel partprobe passwd
    patronictl pcs perf perl pg_basebackup pg_ctl pg_ctlcluster pg_dump pg_dumpall pg_isready pg_lsclusters
    pg_repack pg_restore pg_resetwal pg_rewind pg_upgrade pgb-console pgbackrest pgbench pgbouncer php pidof pidstat
    ping ping6 pip pip3 pkg pkgutil pm2 pmap podman podman-compose poetry postqueue postsuper postconf postmap
    printf procdump promtool pry ps psql pssh pstack puma pv pvcreate pvdisplay pvresize pvs pwdx pyenv python
    python2 python3 qemu-img quota quotacheck rabbitmqadmin rabbitmqctl rabbitmq-diagnostics rabbitmq-plugins
    rabbitmq-queues rails rake rbd rclone readelf redis-benchmark redis-cli redis-sentinel repmgr reset resize2fs
    restorecon rkt rmmod rosa route rpm rpm-ostree ostree crio-status rsync rtmon ruby run-parts runuser rvm salt
    salt-call sar sc scp screen script sed semanage sendmail service set setcap setenforce setfacl setsid sftp sg
    sgdisk sh shuf sipcalc skaffold skopeo slabtop slcli smartctl smbclient snap snmpwalk snyk socat solr sops
    source sox sponge spctl sqlite3 sqlcmd ss ssh ssh-add ssh-agent ssh-copy-id ssh-keygen ssh-keyscan sshfs sshpass
    sslscan stern strace strings stty su subctl subscription-manager sudo supervisorctl sv svn swaks swapoff swapon
    sync sysctl sysdig systemctl systemd-analyze systemd-cgls systemd-cgtop systemd-resolve systemd-run tanka tar tc
    tcpdump tcptraceroute tdnf tee telnet terraform terragrunt tmutil timedatectl timeout tk tkn tmux tofu top
    toolbox touch tracepath traceroute trap trivy ts tsh tshark tune2fs udevadm uhd ulimit umount unalias unset
    unshare unxz unzip update-alternatives update-ca-certificates update-ca-trust update-grub update-rc.d updatedb
    uptime useradd userdel usermod uv vacuumdb vagrant vault vcluster velero vgchange vgcreate vgdisplay vgextend
    vgs vim vips virsh virt-install virtctl virtualenv visudo vmstat vtysh wal-e wal-g watch wget whereis wg
    wg-quick which whois wrk x509 xargs xfs_growfs xfs_repair xz xxd yamllint yarn yq yum zabbix_get zcat zfs zgrep
    zip zipinfo zless zookeeper-shell.sh zkCli.sh zpool zsh zstd zypper rook-ceph-tool radosgw-admin rados
    ovsdb-tool oadm hcloud doctl linode-cli ibmcloud bx bluemix eb sam cdk pulumi serverless argocd argo kn kubeseal
    krew logcli promscale thanos cortextool tempo-cli vmctl pgmetrics pg_controldata gitaly praefect sentinel mtail
    bundle credhub uaac fly cf-uaac aptly cfdot spruce bootstrap govukcli gds gcloud-sql plink dotnet nuget msbuild
    choco winget
    """
)
KNOWN = _NAMES | KNOWN_PROGRAMS
WORDS_TOO = cells(
    """
    test type true false host last which time cat who w top date sort find less more [ k at exec exit export file go
    hub hug id ip join less ln local login mail make mount node perf pass pry quota reset route salt script service set
    source split strings sync tee touch trap watch expect clear crm desk dive cue deb dep fly go gops http login make
    screen env sg sc ts mc cl bc ab ag ack ant as at bat cal command cut diff fold free group head jq kill log more
    nice paste patch print pr ps rename run seq sleep stat su tail tr tree users wait write yes unset local bridge
    cron factor flux heroku join opa parallel rake ruby rust sar snap tempo toolbox vault sentinel consul nomad
    bootstrap argo helm docker kubectl git terraform ansible python java php perl mysql redis postgres
    promscale thanos gitaly praefect puma haproxy nginx memcached containerd composer packer vagrant node minikube
    echo cd ceph zip history install update alias crane
    """
)
"""Programs whose names are also plain words: as inline code they need an argument that looks like one."""
VERBS_AFTER = frozenset(
    {
        "kubectl",
        "docker",
        "helm",
        "git",
        "terraform",
        "consul",
        "vault",
        "nomad",
        "argo",
        "service",
        "cd",
        "echo",
        "ip",
        "python",
        "java",
        "ceph",
        "go",
        "make",
        "rake",
        "heroku",
        "flux",
        "cat",
        "tail",
        "kill",
        "su",
        "watch",
        "ruby",
        "perl",
        "php",
        "node",
        "vagrant",
        "packer",
        "salt",
        "nginx",
        "exit",
        "history",
        "install",
        "sentinel",
        "export",
        "source",
        "mount",
        "ansible",
        "mysql",
        "fly",
        "sleep",
        "printf",
        "touch",
    }
)
"""Those of them of which a second word alone makes a command (`kubectl get`)."""
SHELL_ONLY = cells("kubectl oc docker ssh curl systemctl gcloud aws knife helm terraform git cat ls cd sudo")
"""Those of them that no prompt but a shell's reads, although they are plain words too."""
