"""Files, text and processes: the programs that every host has."""

from stationmaster.runbooks.risk.rows import Family, Row, Writer, grammar, long

_TEXT = Writer(
    programs="""
    cat ls ll dir vdir grep egrep fgrep zgrep zcat bzcat xzcat zstdcat head tail wc cut tr nl od hexdump strings
    echo true false : test [ jq basename dirname readlink realpath seq md5sum sha1sum sha224sum sha256sum
    sha384sum sha512sum cksum b2sum sum cmp diff comm column fold fmt rev tac paste join expand unexpand tsort
    factor expr bc numfmt cal look zdiff zcmp ts md5 shasum figlet ghead gtail ggrep gls uuidgen apropos whatis
    egrep colordiff
    """
)
_STATE = Writer(
    programs="""stat du df free uptime uname arch whoami id groups pwd type which whereis ps pgrep pidof pstree lsof
    netstat getent vmstat iostat mpstat pidstat nproc lscpu lsblk lspci lsusb lsmod lsns lsattr getfacl getfattr last
     w who users sleep printenv cd pushd popd dirs tty locale logname hostid blkid findmnt namei getconf sensors
    numastat lslocks ipcs pmap runlevel lsscsi pwdx nstat wait times exit return break continue shift umask ulimit
    mountpoint getcap filefrag ifstat nfsstat nfsiostat  showmount lslogins  lsipc
    getenforce sestatus aa-status lsinitrd modinfo xfs_info dumpe2fs biosnoop biolatency
    execsnoop opensnoop tcpretrans tcplife cachestat sw_vers ntpstat  umask"""
)


def _unless(programs: str, read: str, raised: Row, *, of: str = "only shows things") -> tuple[Row, ...]:
    """A program that only shows things unless one of its options says otherwise."""
    return Writer(programs=programs).read("", of, read), raised


def _raise(programs: str, option: str, reason: str, examples: str) -> Row:
    return Writer(programs=programs).change("", reason, examples, option=option)


def _of(programs: str) -> Writer:
    return Writer(programs=programs)


_OUT = rf"-[a-zA-Z]*o.*|{long('output')}"

COREUTILS = Family(
    grammars=(grammar("busybox toybox"),),
    rows=(
        _TEXT.read(
            "",
            "only shows what it reads",
            "cat /etc/hosts\ngrep -c error log\njq -r '.items[].name' x.json\ntest -f /x",
        ),
        _STATE.read("", "only shows the state of the host", "df -h\nps aux\nlsof -i :80\nfree -m\ncd /tmp"),
        Writer(programs="cat grep egrep zgrep zcat head tail strings od hexdump tac nl cut fold rev paste").unknown(
            "",
            "shows a file of secrets, which does not belong on a page",
            "cat /etc/shadow\ncat ~/.aws/credentials\nhead "
            "/var/run/secrets/kubernetes.io/serviceaccount/token\ncat tls.key",
            option=r".*/g?shadow-?|.*\.aws/credentials|.*secrets/(?:.*/)?token|[\w./~<>-]*\w\.(?:key|p12|pfx|"
            r"keytab)|.*/id_(?:rsa|dsa|ecdsa|ed25519)"
            r"|.*\.(?:pgpass|netrc|vault-token|htpasswd)|.*\.kube/config|.*\.docker/config\.json",
            weak=True,
        ),
        *_unless(
            "base64 base32 iconv shuf pv",
            "base64 -d x",
            _raise("base64 base32 iconv shuf pv", _OUT, "writes a file", "shuf -o x y\niconv --outp=x y"),
        ),
        *_unless(
            "sort",
            "sort -rn -k 2 x\nsort -t: -k1",
            _raise(
                "sort",
                rf"-[a-zA-Z]*o.*|{long('output')}",
                "writes a file",
                "sort -o out in\nsort --ou=x in\nsort -uo x y",
            ),
        ),
        _of("sort").unknown("", "runs a compressor", "sort --compress-program=x y", option=long("compress-program")),
        *_unless(
            "date",
            "date +%s\ndate -d 'yesterday' +%F\ndate -u",
            _raise(
                "date",
                rf"-[a-zA-Z]*s.*|{long('set')}|\d+(?:\.\d\d)?",
                "sets the clock",
                "date -s 12:00\ndate --se=x\ndate 01011200",
            ),
        ),
        *_unless(
            "hostname",
            "hostname -f\nhostname",
            _raise(
                "hostname",
                r"[^-].*|-\w*[Fb].*|--(?:fi|bo).*",
                "sets the name of the host",
                "hostname web-1\nhostname -F x",
            ),
        ),
        *_unless(
            "dmesg",
            "dmesg -T",
            _raise(
                "dmesg",
                r"-[a-zA-Z]*[DEn].*|--console.*",
                "changes what the kernel says where",
                "dmesg -D\ndmesg -n 1",
            ),
        ),
        _of("dmesg").destroy(
            "", "clears the kernel's log", "dmesg -c\ndmesg -TC", option=r"-[a-zA-Z]*[cC].*|--(?:cl|re).*"
        ),
        *_unless(
            "uniq xxd",
            "uniq -c\nxxd -p",
            _raise("uniq xxd", r"[^-].*", "may write the file that it is given", "uniq in out\nxxd a b"),
        ),
        *_unless("tree", "tree -L 2", _raise("tree", r"-[a-zA-Z]*o.*|-R", "writes a file", "tree -o x")),
        *_unless("sar", "sar -u 1 3", _raise("sar", r"-[a-zA-Z]*o.*", "writes a file", "sar -o x 1 3")),
        *_unless("file", "file x", _raise("file", r"-[a-zA-Z]*C.*|--compi.*", "writes a file", "file -C -m x")),
        *_unless(
            "dmidecode",
            "dmidecode -t memory",
            _raise("dmidecode", r"--dump.*", "writes a file", "dmidecode --dump-bin x"),
        ),
        *_unless(
            "arp",
            "arp -a",
            _raise("arp", r"-\w*[sdf].*|--(?:set|del|file).*", "changes the table of neighbours", "arp -d 10.0.0.1"),
        ),
        *_unless("fuser", "fuser -v 80/tcp", _raise("fuser", r"-\w*k.*|--k.*", "ends processes", "fuser -k 80/tcp")),
        *_unless("history", "history 10", _raise("history", r"-[cdwarnsp].*", "changes the history", "history -w")),
        _of("history").destroy("", "forgets what was typed", "history -c", option=r"-[cd].*"),
        *_unless(
            "rg ag ack",
            "rg error x",
            _of("rg ag ack").unknown(
                "", "runs another program", "rg --pre x y", option=r"--(?:pre|pager|hostname-bin|pa).*"
            ),
        ),
        *_unless(
            "fd fdfind",
            "fd -e log",
            _of("fd fdfind").unknown("", "runs another program", "fd -x rm", option=r"-\w*[xX].*|--ex.*"),
        ),
        *_unless(
            "bat batcat",
            "bat x",
            _of("bat batcat").unknown("", "runs another program", "bat --pager=x y", option=r"--(?:pa|map|diff).*"),
        ),
        *_unless(
            "set",
            "set -euo pipefail\nset -x\nset +x",
            _of("set").unknown(
                "",
                "changes what later words mean",
                "set -- -o x\nset -a",
                option=r"--|-|[-+](?![euxo]+$).*|(?!pipefail$|errexit$|nounset$|xtrace$)[^-+].*",
            ),
        ),
        *_unless(
            "printf",
            "printf '%s\\n' x",
            _of("printf").unknown("", "sets a variable", "printf -v PATH x", option=r"-v.*"),
        ),
        *_unless(
            "yq",
            "yq '.a' x.yaml",
            _raise(
                "yq",
                rf"-[a-zA-Z]*[is].*|{long('inplace')}|--in-place.*|{long('split-exp')}",
                "edits files in place",
                "yq -i '.a=1' x.yaml\nyq -yi . x",
            ),
        ),
        *_unless(
            "xmllint",
            "xmllint --format x",
            _raise(
                "xmllint",
                r"-o|--output.*|--shell|-shell|-output",
                "writes a file or waits for commands",
                "xmllint --output x y",
            ),
        ),
        *_unless(
            "sysctl",
            "sysctl -a\nsysctl vm.swappiness",
            _raise(
                "sysctl",
                r"-\w*[wpf].*|--(?:w|l|s).*|[\w.]+=.*",
                "changes a setting of the kernel",
                "sysctl -w vm.swappiness=1\nsysctl -p\nsysctl a.b=1",
            ),
        ),
        *_unless(
            "smartctl",
            "smartctl -a /dev/sda",
            _raise(
                "smartctl",
                r"-\w*[tsXBo].*|--(?:test|smart|set|abort|off|save).*",
                "starts a test or changes a setting",
                "smartctl -t short /dev/sda",
            ),
        ),
        *_unless(
            "ethtool",
            "ethtool eth0\nethtool -S eth0",
            _raise(
                "ethtool",
                r"-(?![SiakgctTlnmPuwxdhe]$)\w+|--(?!show|statistics|driver).*",
                "changes a setting of the network card",
                "ethtool -K eth0 tso off",
            ),
        ),
        *_unless(
            "nvidia-smi",
            "nvidia-smi",
            _raise(
                "nvidia-smi",
                r"-(?![qLhiladf]$)\w+|--(?!query|format|list|help).*|[a-z]+",
                "changes a setting of the card",
                "nvidia-smi -r",
            ),
        ),
        *_unless(
            "swapon",
            "swapon --show",
            _raise(
                "swapon",
                r"(?!--show|-s$|--summary|--noheadings|--bytes|--raw).*",
                "changes the swap",
                "swapon -a\nswapon /x",
            ),
        ),
        *_unless(
            "lvs vgs pvs lvdisplay vgdisplay pvdisplay lvscan vgscan pvscan",
            "lvs\nvgdisplay vg0",
            _raise(
                "lvs vgs pvs lvdisplay vgdisplay pvdisplay lvscan vgscan pvscan",
                r"--(?:cache|mk|cl|config|activate).*|-a[ay].*",
                "changes what is active",
                "pvscan --cache",
            ),
        ),
        *_unless(
            "losetup",
            "losetup -a",
            _raise("losetup", r"(?!-a$|-l$|--list|--all|-j$).*", "changes loop devices", "losetup -f x"),
        ),
        _of("find").read("", "only looks for files", "find / -name x -size +1G\nfind . -type f -mtime +7 -print0"),
        _of("find").destroy("", "deletes what it finds", "find / -name x -delete", option=r"-delete"),
        _of("find").change("", "writes files", "find / -fprint x\nfind . -fls x", option=r"-fprint0?|-fprintf|-fls"),
        _of("find").unknown("", "takes its folders from a file", "find -files0-from x", option=r"-files0-from.*"),
        _of("crontab").change("", "changes what runs by the clock", "crontab jobs.txt"),
        _of("crontab").read("", "shows what runs by the clock", "crontab -l", option=r"-l", instead=True),
        _of("crontab").asks("", "opens an editor", "crontab -e", option=r"-\w*e", instead=True),
        _of("crontab").destroy("", "removes every job of a user", "crontab -r", option=r"-\w*r.*"),
        _of("top htop atop iotop powertop nethogs iftop").asks("", "holds the terminal", "top\nhtop"),
        _of("top iotop").read(
            "",
            "shows processes once",
            "top -b -n 1\ntop -bn1",
            option=r"-b|-bn\d*|-bn|-bc|-bH|--batch(?:-mode)?",
            instead=True,
        ),
        _of("mount").read("", "shows what is mounted", "mount"),
        _of("mount").change(
            "", "mounts a file system", "mount /dev/sdb1 /mnt\nmount -a", option=r"(?!-l$|-t$|-V$|--version$).+"
        ),
        _of("killall pkill skill").change("", "ends or signals processes", "killall nginx\npkill nginx"),
        _of("jobs").read("", "shows jobs of the shell", "jobs -l"),
        _of("jobs").unknown("", "runs a program", "jobs -x rm", option=r"-\w*x.*"),
        *_unless(
            "lastlog",
            "lastlog -u joe",
            _raise("lastlog", r"-\w*[CS].*|--[cs].*", "clears the record", "lastlog -C -u joe"),
        ),
        *_unless(
            "dstat lshw", "dstat -c 1 3", _raise("dstat lshw", r"--out.*|-dump.*", "writes a file", "dstat --output x")
        ),
        _of("ntpq").asks("", "waits for commands", "ntpq"),
        _of("ntpq").read("", "shows the peers of the clock", "ntpq -pn", option=r"-n?pn?", instead=True),
        _of("chronyc").read(
            "tracking sources sourcestats activity ntpdata serverstats",
            "shows the state of the clock",
            "chronyc tracking",
        ),
        _of("chronyc").change("makestep online offline burst", "sets the clock", "chronyc makestep"),
        _of(
            "mkdir touch ln cp install chmod chown chgrp setfacl chattr setfattr tee sponge patch "
            "dos2unix unix2dos mktemp mknod mkfifo split csplit "
            "gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd lz4 pigz zip unzip unrar 7z cpio ar "
            "logger wall write renice "
            "fallocate sync umount swapoff fsfreeze udevadm modprobe insmod rmmod depmod "
            "update-grub grub-mkconfig "
            "dpkg-reconfigure localectl logrotate atrm updatedb ldconfig setenforce "
            "setsebool restorecon chcon "
            "auditctl resize2fs xfs_growfs growpart tune2fs e2label rename pbcopy xclip tmpreaper savelog "
            "update-ca-certificates update-ca-trust update-alternatives setcap swapctl partprobe"
        ).change(
            "",
            "changes files, processes or the host; it can be set back",
            "mkdir -p /x\ncp a b\nchmod 600 x\ngunzip x.gz\nxfs_growfs /data",
        ),
        _of("gzip gunzip zstd unzstd xz bzip2 unzip").read(
            "",
            "only lists or shows what is in the file",
            "gzip -dc x.gz\nunzip -l x.zip",
            option=r"-dc|-cd|-l|-t|-tv?|--list|--stdout|--to-stdout",
            instead=True,
        ),
        _of("udevadm").read("info monitor", "shows devices", "udevadm info /dev/sda"),
        _of("logrotate").read(
            "", "only says what it would do", "logrotate -d /etc/logrotate.conf", option=r"-d|--debug", instead=True
        ),
        _of("mdadm").read("", "shows arrays", "mdadm --detail /dev/md0", option=r"--detail|-D", instead=True),
        _of("zfs zpool nvme").read(
            "list status iostat get history version smart-log", "shows pools or volumes", "zpool status\nzfs list"
        ),
        _of("btrfs").read(
            "filesystem/show filesystem/usage filesystem/df subvolume/list device/stats scrub/status",
            "shows volumes",
            "btrfs filesystem df /",
        ),
        _of("fdisk parted sfdisk").read("", "lists partitions", "fdisk -l", option=r"-l|--list", instead=True),
        _of("cp tee install ln").destroy(
            "",
            "overwrites a device or the accounts of the host",
            "cp x /dev/sda\ntee /etc/passwd",
            option=r"/dev/(?!null$|stdout$|stderr$|tty$).*|/etc/(?:passwd|shadow|sudoers|group|fstab|hosts|crontab|ssh/"
            r"|pam\.d/).*",
        ),
        _of("cp install").destroy("", "empties what it writes to", "cp /dev/null log", option=r"/dev/(?:null|zero)"),
        _of("at batch script").unknown(
            "", "runs what it is given or fed", "at now\nscript -c id out\nat now + 1 hour -f x.sh"
        ),
        _of("zip").unknown("", "runs another program", "zip -T -TT x a.zip b", option=r"-TT.*|--unzip-c.*"),
        _of("split csplit").unknown("", "runs another program", "split --filter=x f", option=r"--f.*"),
        _of("resize2fs").destroy(
            "",
            "may cut off the end of a file system",
            "resize2fs /dev/sda1 10G\nresize2fs -M /dev/sda1",
            option=r"\d+[sKMGT]?|-M|-f",
        ),
        _of(
            "rm rmdir shred truncate wipefs fdisk sfdisk cfdisk gdisk sgdisk parted mv unlink srm "
            "wipe mkswap fsck e2fsck xfs_repair "
            "badblocks hdparm blkdiscard debugfs fstrim lvremove vgremove pvremove lvreduce lvconvert "
            "cryptsetup mdadm zfs zpool btrfs nvme userdel deluser groupdel delgroup kexec sg_format"
        ).destroy(
            "", "removes or overwrites for good", "rm -rf /data\nmv a b\ntruncate -s 0 x\nlvremove vg/a\nuserdel joe"
        ),
        _of("mkfs mkfs.ext4 mkfs.ext3 mkfs.xfs mkfs.btrfs mkfs.vfat mke2fs").destroy(
            "", "makes a new file system over an old one", "mkfs.ext4 /dev/sdb1"
        ),
        _of("dd").destroy("", "overwrites what it writes to", "dd if=/dev/zero of=/dev/sda"),
        _of("dd").read(
            "", "only reads", "dd if=/dev/sda of=/dev/null bs=1M count=10", option=r"of=/dev/null", instead=True
        ),
        _of(
            "lvcreate lvextend vgcreate vgextend pvcreate pvresize lvresize vgchange lvchange "
            "pvchange lvrename vgrename pvmove"
        ).change("", "changes volumes", "lvextend -L +10G /dev/vg/a"),
        _of("useradd adduser usermod groupadd addgroup groupmod gpasswd chage chsh chfn newgrp").change(
            "", "changes accounts", "useradd joe\nusermod -aG docker joe"
        ),
        _of("passwd chpasswd vipw visudo vigr").asks(
            "", "asks for a password or opens an editor", "passwd joe\nvisudo"
        ),
        _of("visudo").read("", "only checks the file", "visudo -c", option=r"-c", instead=True),
        _of("reboot").change("", "stops everything on the host until it is up again", "reboot"),
        _of("poweroff halt shutdown init telinit").destroy(
            "", "the host may not come back by itself", "shutdown -h now\npoweroff"
        ),
        _of("shutdown").change(
            "",
            "stops everything on the host until it is up again, or calls that off",
            "shutdown -r now\nshutdown -c",
            option=r"-r|-c",
            instead=True,
        ),
        _of(
            "vi vim nvim nano emacs view vimdiff pico ed ex less more most zless man info screen "
            "tmux byobu mc ncdu multitail dialog whiptail "
            "select slabtop minicom picocom"
        ).asks("", "holds the terminal", "vim /etc/hosts\nless log\nman curl"),
        _of("read").read("", "takes a line of input into a variable", "read -r line"),
        _of("strace ltrace gdb perf bpftrace pry rbspy py-spy jstack jmap jcmd gcore").unknown(
            "", "looks into a running process and may slow or stop it", "strace -p 1\nperf record -a"
        ),
        _of("perf").read("report list", "shows what was recorded", "perf report --stdio"),
    ),
)
