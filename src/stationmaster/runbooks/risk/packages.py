"""Packages, builds and interpreters."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar


def _of(programs: str) -> Writer:
    return Writer(programs=programs)


PACKAGES = Family(
    grammars=(
        grammar("apt apt-get", valued="-o -t", flags="-y -q -qq --yes --quiet --assume-yes -s --simulate --dry-run"),
        grammar(
            "yum dnf zypper microdnf apk",
            valued="-c -d -x --enablerepo --disablerepo --repo",
            flags="-y -q -C --quiet -n --non-interactive -v",
        ),
        grammar(
            "pip pip3 uv npm yarn pnpm gem brew go cargo snap flatpak choco rvm rbenv asdf poetry",
            flags="-q --quiet -v --verbose",
        ),
        grammar("bundle rake rails"),
    ),
    rows=(
        _of("apt apt-get aptitude").read(
            "list show search policy rdepends depends check madison showsrc", "shows packages", "apt list --installed"
        ),
        _of("apt apt-get aptitude").change(
            "update upgrade install full-upgrade dist-upgrade reinstall download clean autoclean "
            "mark hold unhold satisfy build-dep edit-sources source safe-upgrade",
            "changes which packages there are",
            "apt-get install -y nginx\napt-get update",
        ),
        _of("apt apt-get aptitude").destroy(
            "remove purge autoremove autopurge", "removes packages", "apt-get purge nginx"
        ),
        _of("apt-cache apt-config dpkg-query apt-file dpkg-deb").read(
            "", "shows packages", "apt-cache policy nginx\ndpkg-query -l"
        ),
        _of("apt-cache apt-config apt-file dpkg-deb").unknown(
            "",
            "sets an option that may run another program",
            "apt-cache -o x=y policy\napt-cache gencaches",
            option=r"-\w*[oc].*|--(?:op|co).*|gen.*|-[bxRXe]|--(?:build|extract|raw|control)|update",
        ),
        _of("apt apt-get").unknown(
            "*", "sets an option that may run another program", "apt list -o x=y", option=r"-\w*[oc].*|--(?:op|co).*"
        ),
        _of("dpkg rpm").change("", "changes which packages there are", "dpkg -i x.deb\nrpm -ivh x.rpm"),
        _of("dpkg rpm").destroy(
            "", "removes packages", "dpkg --purge x\nrpm -e x", option=r"-[rPe]|--(?:rem|pur|era)\w*"
        ),
        _of("dpkg").read(
            "",
            "shows packages",
            "dpkg -l\ndpkg -S /x\ndpkg -L x",
            option=r"-[lsLSp]|--(?:list|status|listfiles|search|print-avail|verify|audit|get-selections|"
            r"print-architecture|compare-versions)|-V|-C",
            instead=True,
        ),
        _of("rpm").read(
            "",
            "shows packages",
            "rpm -qa\nrpm -qi x\nrpm -V x",
            option=r"-q[a-zA-Z]*|--query|-V[a-z]*|--verify|--version",
            instead=True,
        ),
        _of("rpm").unknown(
            "",
            "sets or runs a macro",
            "rpm -qa --define x\nrpm -q --pipe x",
            option=r"-\w*[DE].*|--(?:def|eval|pipe|load|rc|mac|pre).*",
        ),
        _of("dpkg").unknown(
            "",
            "sets a program that runs",
            "dpkg -l --pre-invoke=x",
            option=r"--(?:pre|post|pager|status-l|admin|root|inst|log|force).*",
        ),
        _of("yum dnf zypper microdnf").read(
            "list info search repolist provides history check-update repoquery deplist grouplist "
            "repoinfo whatprovides updateinfo se if lr lu packages patterns",
            "shows packages",
            "yum list installed\ndnf info nginx",
        ),
        _of("yum dnf zypper microdnf").change(
            "install update upgrade downgrade reinstall clean makecache groupinstall localinstall "
            "versionlock config-manager module in up ref refresh dup patch mark download "
            "history/undo history/rollback history/redo swap distro-sync addrepo ar",
            "changes which packages there are",
            "yum install -y nginx",
        ),
        _of("yum dnf zypper microdnf").destroy(
            "remove erase autoremove rm groupremove history/new", "removes packages", "yum remove nginx"
        ),
        _of("yum dnf zypper microdnf").unknown(
            "*",
            "sets an option that may run another program",
            "yum list --setopt=x=y",
            option=r"--(?:setopt|config|installroot|nopl|enablepl|root|plus).*|-c",
        ),
        _of("apk").read("info search list policy version stats dot", "shows packages", "apk info"),
        _of("apk").change("add update upgrade fix cache fetch", "changes which packages there are", "apk add curl"),
        _of("apk").destroy("del", "removes packages", "apk del curl"),
        _of("pacman").change("", "changes which packages there are", "pacman -S nginx"),
        _of("pip pip3").read(
            "list show freeze check config/list index/versions", "shows packages", "pip list\npip3 show x"
        ),
        _of("pip pip3").change(
            "install download wheel config cache", "changes which packages there are", "pip install x"
        ),
        _of("pip pip3").destroy("uninstall", "removes packages", "pip uninstall x"),
        _of("npm yarn pnpm").read(
            "ls list view info outdated why audit root prefix bin search ping whoami help", "shows packages", "npm ls"
        ),
        _of("npm yarn pnpm").change(
            "install i ci add update upgrade link publish init prune dedupe pack cache up set config "
            "login logout version audit/fix",
            "changes which packages there are",
            "npm ci",
        ),
        _of("npm yarn pnpm").destroy("uninstall remove rm unpublish un", "removes packages", "npm uninstall x"),
        _of("npm yarn pnpm").unknown(
            "run test start exec build x dlx run-script stop restart", "runs a script", "npm run build"
        ),
        _of("gem").read(
            "list search info environment which outdated dependency contents env", "shows packages", "gem list"
        ),
        _of("gem").change(
            "install update fetch build push sources pristine",
            "changes which packages there are",
            "gem install bundler",
        ),
        _of("gem").destroy("uninstall cleanup yank", "removes packages", "gem uninstall x"),
        _of("bundle").read("list show info outdated check version platform", "shows packages", "bundle list"),
        _of("bundle").change(
            "install update lock cache package add config init", "changes which packages there are", "bundle install"
        ),
        _of("bundle").destroy("clean remove pristine", "removes packages", "bundle clean"),
        _of("rake").read("", "lists tasks", "rake -T\nrake --tasks", option=r"-T|--tasks|-P", instead=True),
        _of("rake").unknown("", "runs a task that is not looked into", "rake db:migrate"),
        _of("rails").asks("console c dbconsole db server s", "opens a session", "rails console\nrails c"),
        _of("rails").unknown("*", "runs a task that is not looked into", "rails db:migrate\nrails runner x"),
        _of("irb pry python python3 python2 node ruby perl php lua ghci julia R ipython").unknown(
            "", "runs a program text that is not looked into", "python3 -c x\nruby -e x"
        ),
        _of("python python3 python2 node ruby perl php go java javac rustc gcc").read(
            "",
            "shows its version",
            "python3 --version\nnode -v\njava -version",
            option=r"--version|-v|-V|-version",
            instead=True,
        ),
        _of("go java javac rustc gcc").unknown("", "builds or runs a program", "java -jar x"),
        _of("go").read("version env list doc", "shows settings", "go version\ngo env"),
        _of("go").change("env", "changes settings", "go env -w A=1", option=r"-w|-u"),
        _of("go").unknown(
            "list", "may run another program", "go list -toolexec=x", option=r"-toolexec.*|-exec.*|-overlay.*"
        ),
        _of("go").change("get install build mod clean fmt work", "builds or changes packages", "go install x"),
        _of("cargo").change("build install update add fetch publish", "builds or changes packages", "cargo build"),
        _of("make gmake ninja bazel gradle mvn ant just task cmake gmake").unknown(
            "", "runs whatever the build file says", "make deploy"
        ),
        _of("brew snap flatpak choco").read(
            "list info search outdated deps doctor leaves services/list --version", "shows packages", "brew list"
        ),
        _of("brew snap flatpak choco").change(
            "install upgrade update tap reinstall link unlink pin services refresh connect enable "
            "start restart stop cask",
            "changes which packages there are",
            "brew install jq",
        ),
        _of("brew snap flatpak choco").destroy(
            "uninstall remove rm untap cleanup autoremove", "removes packages", "brew uninstall jq"
        ),
    ),
)
