"""Networks: questions to names and hosts, addresses and routes, firewalls, captures, transfers."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar, long


def _of(programs: str) -> Writer:
    return Writer(programs=programs)


_ASK = _of(
    "dig nslookup host drill kdig delv whois ping ping6 fping traceroute traceroute6 tracepath tracepath6 arping"
)
_IP = _of("ip")
_IP_KINDS = "addr address a route r ro link l li neigh neighbour n rule ru netns maddr mroute tunnel xfrm nexthop"

NETWORK = Family(
    grammars=(
        grammar(
            "ip bridge",
            flags="-4 -6 -s -d -o -br -c -j -p -brief -details -stats -statistics -oneline -json -pretty "
            "-color -a -all -h -human -r -resolve",
            valued="-n -netns -f -family",
        ),
        grammar("tc", flags="-s -d -p -j -statistics -details -pretty -json"),
        grammar("nmcli", flags="-t -p -g -o", valued="-f -m -c"),
        grammar("ufw firewall-cmd"),
        grammar(
            "ovs-vsctl ovn-nbctl ovn-sbctl ovs-ofctl ovs-appctl ovn-appctl ovs-dpctl",
            valued="--db -t --timeout",
            flags="--no-leader-only --oneline --columns --bare --if-exists",
        ),
    ),
    rows=(
        _ASK.read("", "only asks other hosts", "dig +short example.com\nping -c 3 web-1\ntraceroute 10.0.0.1"),
        _of("ping ping6").change("", "floods a host with packets", "ping -f web-1", option=r"-\w*f"),
        _of("mtr").asks("", "holds the terminal", "mtr web-1"),
        _of("mtr").read(
            "",
            "reports the way to a host",
            "mtr -r -c 10 web-1\nmtr --report web-1",
            option=r"-r|-rw|-rwc?\d*|-wr|--report(?:-wide)?",
            instead=True,
        ),
        _of("ss").read("", "shows connections", "ss -tlnp"),
        _of("ss").change(
            "", "closes connections", "ss -K dst 10.0.0.1\nss -tK", option=rf"-[a-zA-Z]*K.*|{long('kill')}"
        ),
        _of("ss").unknown("", "reads or writes a file of sockets", "ss -D x", option=rf"-[a-zA-Z]*D.*|{long('diag')}"),
        _of("ifconfig").read("", "shows addresses", "ifconfig\nifconfig -a\nifconfig eth0"),
        _of("ifconfig").change(
            "",
            "changes addresses",
            "ifconfig eth0 down\nifconfig eth0 10.0.0.1",
            option=r"up|down|add|del|netmask|mtu|hw|-?promisc|-?arp|\d+\.\d+.*|-?\w+multi|[0-9a-f:]+/\d+",
        ),
        _of("route").read("", "shows routes", "route -n"),
        _of("route").change(
            "", "changes routes", "route add default gw 10.0.0.1", option=r"add|del|delete|flush|change"
        ),
        _IP.read(
            " ".join(
                [
                    *_IP_KINDS.split(),
                    *(
                        f"{kind}/{verb}"
                        for kind in _IP_KINDS.split()
                        for verb in ("show", "list", "ls", "get", "sh", "lst")
                    ),
                ]
            ),
            "shows addresses, links or routes",
            "ip a\nip -br addr show\nip route get 10.0.0.1\nip link show",
        ),
        _IP.change(
            " ".join(
                f"{kind}/{verb}"
                for kind in _IP_KINDS.split()
                for verb in (
                    "add",
                    "set",
                    "change",
                    "replace",
                    "append",
                    "up",
                    "down",
                    "restore",
                    "save",
                    "a",
                    "s",
                    "chg",
                    "ad",
                    "se",
                    "exec",
                    "attach",
                )
            ),
            "changes addresses, links or routes",
            "ip link set eth0 up\nip route add default via 10.0.0.1",
        ),
        _IP.destroy(
            " ".join(
                f"{kind}/{verb}"
                for kind in _IP_KINDS.split()
                for verb in ("del", "delete", "flush", "d", "f", "de", "fl")
            ),
            "removes addresses, links or routes, perhaps the one we come by",
            "ip addr del 10.0.0.1/24 dev eth0\nip route flush cache",
        ),
        _IP.unknown("netns/exec vrf/exec", "runs another program", "ip netns exec a rm x"),
        _IP.unknown("*", "runs a batch of commands", "ip addr -batch x", option=r"-b|-batch|-force"),
        _of("bridge").read("link/show fdb/show vlan/show fdb/list link vlan fdb", "shows bridges", "bridge fdb show"),
        _of("bridge").change(
            "link/set fdb/add fdb/del fdb/append fdb/replace vlan/add vlan/del link/add fdb/flush "
            "vlan/set fdb/delete vlan/delete",
            "changes a bridge",
            "bridge vlan add vid 2 dev eth0",
        ),
        _of("brctl").read("show showmacs showstp", "shows bridges", "brctl show"),
        _of("brctl").change("addbr delbr addif delif stp", "changes a bridge", "brctl addbr br0"),
        _of("tc").read(
            "qdisc/show class/show filter/show qdisc/ls qdisc/list class/ls qdisc",
            "shows the shaping of traffic",
            "tc -s qdisc show dev eth0",
        ),
        _of("tc").change(
            "qdisc/add qdisc/del qdisc/change qdisc/replace class/add class/del filter/add "
            "filter/del qdisc/delete qdisc/d qdisc/a class/change class/replace filter/replace",
            "changes the shaping of traffic",
            "tc qdisc add dev eth0 root netem delay 1s",
        ),
        _of("iptables ip6tables arptables ebtables iptables-legacy iptables-nft").change(
            "", "changes which traffic passes", "iptables -A INPUT -j DROP\niptables -I INPUT 1 -p tcp -j ACCEPT"
        ),
        _of("iptables ip6tables arptables ebtables iptables-legacy iptables-nft").destroy(
            "",
            "drops rules for good",
            "iptables -F\niptables -t nat --flush",
            option=r"-[FXD]|--flush|--fl.*|--delete.*|--del.*",
        ),
        _of("iptables ip6tables iptables-legacy iptables-nft").read(
            "",
            "lists rules",
            "iptables -L -n -v\niptables -S\niptables -nvL\niptables -t nat -L",
            option=r"-[nvx]*L[nvx]*|-S|--list(?:-rules)?",
            instead=True,
        ),
        _of("iptables ip6tables iptables-legacy iptables-nft").change(
            "", "sets counters to zero", "iptables -L -Z", option=r"-\w*Z\w*|--z.*"
        ),
        _of("iptables-save ip6tables-save").read("", "shows rules", "iptables-save"),
        _of("iptables-save ip6tables-save").change(
            "", "writes a file", "iptables-save -f x", option=r"-\w*f.*|--f.*|-\w*M.*|--mod.*"
        ),
        _of("iptables-restore ip6tables-restore netplan ifup ifdown dhclient nmtui wg-quick").change(
            "", "changes the network of the host", "iptables-restore x\nifdown eth0"
        ),
        _of("nft").read("list", "lists rules", "nft list ruleset"),
        _of("nft").change(
            "add create insert replace rename reset import", "changes which traffic passes", "nft add table inet x"
        ),
        _of("nft").destroy("flush delete destroy", "drops rules for good", "nft flush ruleset"),
        _of("ipset ipvsadm").change("", "changes sets or servers", "ipset add a 10.0.0.1"),
        _of("ipset").read("list", "lists sets", "ipset list"),
        _of("ipset").destroy("destroy flush", "drops sets for good", "ipset destroy a"),
        _of("ipvsadm").destroy(
            "", "drops servers for good", "ipvsadm -C\nipvsadm -D -t 10.0.0.1:80", option=r"-[CDd]|--(?:cl|del).*"
        ),
        _of("ipvsadm").read("", "lists servers", "ipvsadm -Ln", option=r"-L|-l|-Ln|-ln|--list", instead=True),
        _of("conntrack").read("", "lists connections", "conntrack -L\nconntrack -C\nconntrack -S"),
        _of("conntrack").change(
            "",
            "changes the table of connections",
            "conntrack -D -s 10.0.0.1",
            option=r"-\w*[DIUAE].*|--(?:del|cr|up|ev|add).*",
        ),
        _of("conntrack").destroy("", "cuts every connection", "conntrack -F", option=r"-\w*F.*|--fl.*"),
        _of("ufw").read("status show version app", "shows the firewall", "ufw status verbose"),
        _of("ufw").change(
            "allow deny enable disable reload limit reject insert route logging default prepend",
            "changes which traffic passes",
            "ufw allow 22",
        ),
        _of("ufw").destroy("delete reset", "drops rules", "ufw delete 3"),
        _of("firewall-cmd").change("", "changes which traffic passes", "firewall-cmd --add-port=80/tcp"),
        _of("firewall-cmd").read(
            "",
            "shows the firewall",
            "firewall-cmd --list-all\nfirewall-cmd --state",
            option=r"--list-.*|--state|--get-.*",
            instead=True,
        ),
        _of("nmcli").read(
            "general/status device/status device/show connection/show dev/status con/show device dev "
            "connection con general",
            "shows networks",
            "nmcli device status",
        ),
        _of("nmcli").change(
            "connection/up connection/down connection/modify connection/add connection/reload "
            "device/connect device/disconnect networking radio con/up con/down con/mod "
            "con/modify con/add dev/set device/set device/reapply "
            "general/hostname con/edit connection/edit con/reload device/modify "
            "device/wifi dev/wifi dev/connect dev/disconnect dev/reapply dev/modify",
            "changes networks",
            "nmcli con up eth0",
        ),
        _of("nmcli").destroy(
            "con/delete connection/delete dev/delete device/delete",
            "removes a network for good",
            "nmcli con delete eth0",
        ),
        _of("tcpdump tshark dumpcap").read("", "shows traffic", "tcpdump -i any -nn -c 100 port 53"),
        _of("tcpdump tshark dumpcap").change(
            "", "writes a file of traffic", "tcpdump -w x.pcap", option=r"-[a-zA-Z]*w.*"
        ),
        _of("tcpdump tshark dumpcap").unknown(
            "",
            "runs another program or changes its user",
            "tcpdump -z x -G 1",
            option=r"-[a-zA-Z]*[zZX].*|--lua.*|-[a-zA-Z]*[EV].*",
        ),
        _of("nc ncat netcat").read(
            "",
            "only tries whether a port is open",
            "nc -zv web-1 443\nnc -z -w 3 web-1 80\nnc -vz web-1 1",
            option=r"-[vnw46u]*z[vnw46u]*\d*",
            instead=True,
        ),
        _of("nc ncat netcat").unknown("", "sends what it is fed", "nc web-1 6379"),
        _of("nc ncat netcat").unknown(
            "",
            "runs another program or listens",
            "nc -z -e /bin/sh web-1 80",
            option=r"-[a-zA-Z]*[eclk].*|--(?:ex|sh|lua|li|ke).*",
        ),
        _of("nmap").read("", "asks hosts for open ports", "nmap -p 443 web-1"),
        _of("nmap").unknown(
            "",
            "runs scripts, sends more than it needs or writes files",
            "nmap --script=x web-1",
            option=r"-o\w.*|--(?:sc|data|re).*|-A|-sC",
        ),
        _of("telnet ftp sftp lftp mosh minicom").asks("", "opens a session", "telnet web-1 80"),
        _of("scp rcp").change("", "copies files", "scp a web-1:/tmp/a"),
        _of("scp sftp").unknown("", "may run another program", "scp -o ProxyCommand=x a b:", option=r"-\w*[oSFD].*"),
        _of("rsync").change("", "copies files", "rsync -a a/ web-1:/b"),
        _of("rsync").destroy(
            "",
            "removes files that the source does not have",
            "rsync -a --delete a/ b\nrsync -a --remove-source-files a b",
            option=r"--(?:del|rem).*",
        ),
        _of("rsync").unknown(
            "", "runs another program", "rsync -e x a b:", option=r"-(?!-)\w*e.*|--(?:rsh|rsync-path).*"
        ),
        _of("rsync").read(
            "",
            "only says what it would do",
            "rsync -avn a b",
            option=r"-[avzhrltpgoD]*n[avzhrltpgoD]*|--dry-run",
            instead=True,
        ),
        _of("rsync").destroy(
            "",
            "removes files that the source does not have",
            "rsync -an --no-dry-run --delete a b",
            option=r"--no-(?:n|dry-run)",
        ),
        _of("ssh-keyscan").read("", "asks hosts for their keys", "ssh-keyscan web-1"),
        _of(
            "ab wrk wrk2 hey vegeta siege locust k6 iperf iperf3 fio sysbench pgbench stress "
            "stress-ng redis-benchmark memtier_benchmark apib"
        ).change("", "puts a load on what it measures", "ab -n 1000 http://web-1/\niperf3 -c web-1"),
        _of("socat").unknown("", "joins any two ends", "socat - TCP:web-1:80"),
        _of("ovs-vsctl ovn-nbctl ovn-sbctl").read(
            "show list get find list-br list-ports list-ifaces ls-list lr-list lsp-list "
            "lr-route-list list-ports lsp-get-addresses lr-nat-list lflow-list",
            "shows the virtual network",
            "ovs-vsctl show\novn-nbctl show",
        ),
        _of("ovs-vsctl ovn-nbctl ovn-sbctl").change(
            "set add-port del-port add-br del-br add remove clear create destroy set-controller "
            "lr-route-del lr-route-add lsp-add lsp-del",
            "changes the virtual network",
            "ovs-vsctl add-port a b",
        ),
        _of("ovs-ofctl ovs-dpctl").read(
            "show dump-flows dump-ports dump-groups dump-tables dump-ports-desc",
            "shows flows",
            "ovs-ofctl dump-flows br0",
        ),
        _of("ovs-ofctl ovs-dpctl").change(
            "add-flow del-flows mod-flows replace-flows del-flow add-dp del-dp",
            "changes flows",
            "ovs-ofctl del-flows br0",
        ),
        _of("ovs-appctl ovn-appctl").unknown("*", "asks a daemon to do anything", "ovs-appctl exit"),
        _of("ovs-appctl ovn-appctl").read("version", "asks a daemon for its state", "ovs-appctl version"),
        _of("aria2c axel").change("", "downloads into a file", "axel http://x"),
        _of("http https xh").unknown("", "may send data", "http POST web-1 a=1"),
    ),
)
