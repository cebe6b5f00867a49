"""Which variables may be set without another program being run in another's place."""

import re

from stationmaster.runbooks.risk.classes import Judged, Risk, cells

HARMLESS_VARIABLES = cells(
    """
    LANG LC_ALL LC_CTYPE TZ NO_COLOR COLUMNS AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION PGPASSWORD PGHOST PGPORT
    PGUSER PGDATABASE PGCONNECT_TIMEOUT ETCDCTL_API MYSQL_PWD REDISCLI_AUTH RAILS_ENV VAULT_ADDR VAULT_NAMESPACE
    CONSUL_HTTP_ADDR NOMAD_ADDR CLOUDSDK_CORE_PROJECT NAMESPACE DEBIAN_FRONTEND PYTHONUNBUFFERED
    """
)
"""Variables that may be set before a program without another program being run in its place."""

_DANGEROUS = re.compile(
    r"PATH|IFS|ENV|HOME|PS[0-4]|SHELL\w*|BASH\w*|ZDOTDIR|LD_\w+|DYLD_\w+|GIT_\w+|SSH_\w+|"
    r"SUDO_\w+|LESS\w*|MAN\w*|PAGER|EDITOR|VISUAL"
    r"|\w+_(?:PAGER|EDITOR|COMMAND|ASKPASS|BROWSER|SHELL|OPTS|OPTIONS|CONFIG|CONFIG_FILE|HOME|"
    r"PATH|PRELOAD|WRAPPER|RSH|SSH|INIT)"
    r"|BROWSER|FCEDIT|PROMPT_COMMAND|CDPATH|GLOBIGNORE|POSIXLY_CORRECT|EXINIT|VIMINIT|INPUTRC|"
    r"KUBECONFIG|KUBE_\w+|KUBECTL_\w+|HELM_\w+|DOCKER_CONFIG"
    r"|PYTHON(?!UNBUFFERED)\w+|PERL\w*|RUBY\w*|GEM_\w+|BUNDLE_\w+|NODE_\w+|NPM_\w+|JAVA_\w+|"
    r"_JAVA\w*|JDK_\w+|CLASSPATH|GREP_\w+|TAR_\w+|GZIP|XZ_\w+"
    r"|ZSTD_\w+|CURL_\w+|WGETRC|XDG_\w+|TF_\w+|TERRAGRUNT_\w+|ANSIBLE_\w+|AWS_CONFIG\w*|"
    r"AWS_SHARED\w*|OPENSSL_\w+|PSQLRC|PGSERVICE\w*|PGSYSCONFDIR|REDISCLI_RCFILE|MYSQL_HOME"
    r"|AWKPATH|AWKLIBPATH|MAKE\w*|TERM\w*|TMPDIR|LOCPATH|NLSPATH|GCONV_PATH|HOSTALIASES|"
    r"RSYNC_\w+|CVS_RSH|RIPGREP_\w+|FZF_\w+|BAT_\w+|SYSTEMD_\w+|COMP\w*|HISTFILE|HIST\w*"
    r"|MALLOC_\w+|\w+_ARGS|\w+HOME|OPTIND|UID|EUID|PPID|RES_OPTIONS|LOCALDOMAIN|GCC_\w+|"
    r"GOFLAGS|GO\w+|CARGO_\w+|RUST\w*|LUA_\w+|PHP\w*|DBUS_\w+|CLOUDSDK_(?!CORE_PROJECT)\w+|"
    r"BASHOPTS|FUNCNEST"
)


def assigned(name: str) -> Judged:
    """What setting a variable for later commands may do."""
    if not re.fullmatch(r"[A-Za-z_]\w*(?:\[[\w$]*\])?", name):
        harmless = bool(re.fullmatch(r"-[xrpagA]+", name))
        return (Risk.READ, "only marks a variable") if harmless else (Risk.UNKNOWN, f"`{name}` is no plain name")
    if _DANGEROUS.fullmatch(name):
        return Risk.UNKNOWN, f"`{name}=` may change which program runs"
    return Risk.READ, f"`{name}=` only names a value"
