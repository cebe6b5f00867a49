"""Version control, infrastructure as code, and what brings hosts into a described state."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar


def _of(programs: str) -> Writer:
    return Writer(programs=programs)


_GIT = _of("git")
_TF = _of("terraform tofu tf terragrunt")

VCS = Family(
    grammars=(
        grammar(
            "git",
            valued="-C --git-dir --work-tree --namespace",
            flags="-P --no-pager --bare --no-optional-locks --no-replace-objects -r -a -v -vv --all "
            "--remotes --verbose --version --help -h",
        ),
        grammar("gh glab", valued="-R --repo --hostname"),
        grammar("terraform tofu tf", valued="-chdir", flags="-help -version --version"),
        grammar("terragrunt", flags="--terragrunt-non-interactive"),
        grammar("pulumi", valued="-C --cwd -s --stack", flags="--non-interactive --logtostderr"),
    ),
    rows=(
        _GIT.read(
            "status log show diff blame rev-parse rev-list ls-files ls-remote ls-tree describe "
            "shortlog cat-file reflog remote "
            "remote/show remote/get-url tag branch stash/list stash/show grep merge-base name-rev "
            "for-each-ref show-ref count-objects "
            "fsck whatchanged cherry diff-tree diff-index version config/list submodule/status "
            "worktree/list check-ignore var "
            "show-branch range-diff bisect/log notes/list verify-commit verify-tag help config/get "
            "annotate symbolic-ref notes/show reflog/show",
            "shows the history or the state of a copy",
            "git status\ngit log --oneline -5\ngit -C /x diff\ngit branch -a\ngit tag\ngit remote -v",
        ),
        _GIT.change(
            "log show diff diff-tree shortlog whatchanged format-patch blame",
            "writes a file",
            "git diff --output=x\ngit log --outp x",
            option=r"--outp.*|--output(?!-indicator)[a-z]*(?:=.*)?",
        ),
        _GIT.unknown(
            "log show diff diff-tree blame grep ls-remote cat-file rev-list fsck",
            "may run another program",
            "git diff --ext-diff\ngit grep -O x\ngit ls-remote --upload-pack=x y",
            option=r"--ext.*|--textconv|--open.*|-O.*|--upl.*|--exec.*|--filters|ext::.*",
        ),
        _GIT.unknown(
            "clone fetch pull push rebase archive submodule submodule/add submodule/update",
            "may run another program",
            "git fetch --upload-pack=x y\ngit rebase --exec x main\ngit archive --remote=a --exec=x b",
            option=r"--upl.*|--rec.*pack.*|--ex.*|-x.*|--config.*|-c|--te.*|ext::.*",
        ),
        _GIT.unknown("clone", "may run another program", "git clone -u x y", option=r"-u.*|-c.*"),
        _GIT.change("branch", "makes, moves or sets a branch", "git branch new", option=r"[\w<$].*", weak=True),
        _GIT.read(
            "branch",
            "lists branches",
            "git branch --contains abc\ngit branch -r --list x",
            option=r"--contains(?:=.*)?|--list|-l|--merged|--no-merged|--points-at",
            instead=True,
        ),
        _GIT.destroy(
            "branch tag", "removes a branch or tag", "git branch -D old\ngit tag -d v1", option=r"-\w*[dD]\w*|--del.*"
        ),
        _GIT.change(
            "branch",
            "moves or copies a branch",
            "git branch --list -m a b",
            option=r"-[a-zA-Z]*[mMcCfut].*|--(?:move|copy|force|set|unset|edit|track|create).*",
        ),
        _GIT.change("tag", "makes a tag by its name", "git tag v1", option=r"[\w<$].*", weak=True),
        _GIT.read(
            "tag",
            "lists tags",
            "git tag --list v1*\ngit tag -l x",
            option=r"--list|-l|--contains(?:=.*)?|--points-at",
            instead=True,
        ),
        _GIT.change(
            "tag",
            "makes a tag",
            "git tag -l -f v1 -a\ngit tag -a v1 -m x",
            option=r"-[a-zA-Z]*[asufmFe].*|--(?:ann|sign|force|mes|file|edit|local-user|create).*",
        ),
        _GIT.change(
            "add commit push pull fetch merge rebase cherry-pick revert checkout switch restore "
            "stash mv clone init config "
            "remote/add remote/set-url remote/rename remote/update submodule am apply format-patch "
            "bundle archive worktree notes bisect gc repack "
            "stash/push stash/pop stash/apply stash/save maintenance update-ref pack-refs "
            "update-index lfs sparse-checkout replace request-pull "
            "remote/set-head remote/set-branches submodule/update submodule/add submodule/init "
            "unpack-objects index-pack pack-objects multi-pack-index update-server-info commit-graph "
            "rerere",
            "changes a copy or its remote; history keeps what was",
            "git pull\ngit push origin main\ngit checkout main\ngit config user.name x",
        ),
        _GIT.read(
            "config",
            "shows settings",
            "git config --list\ngit config --get a.b",
            option=r"--list|-l|--get|--get-all|--get-regexp|--show-origin",
            instead=True,
        ),
        _GIT.change(
            "config", "changes settings", "git config --list --unset a.b", option=r"--(?:un|add|rep|re|ed|rem).*|-e"
        ),
        _GIT.unknown(
            "bisect/run submodule/foreach", "runs another program", "git bisect run x\ngit submodule foreach x"
        ),
        _GIT.destroy(
            "reset clean rm filter-branch filter-repo prune reflog/expire reflog/delete stash/drop "
            "stash/clear worktree/remove remote/remove remote/rm remote/prune",
            "drops work or history",
            "git reset --hard HEAD~1\ngit clean -fdx",
        ),
        _GIT.destroy(
            "push",
            "overwrites or removes what others see",
            "git push --force\ngit push origin :old\ngit push -f",
            option=r"-\w*[fd]\w*|--(?:fo|del|mir|pru).*|[:+].*",
        ),
        _GIT.destroy(
            "checkout restore gc branch stash",
            "drops work",
            "git checkout -- .\ngit checkout -f main\ngit restore .",
            option=r"--|-f|--force|\.|--prune.*|-B|-C",
        ),
        _of("gh glab").read(
            "pr/list pr/view pr/status pr/diff pr/checks issue/list issue/view issue/status run/list "
            "run/view run/watch release/list "
            "release/view repo/view repo/list workflow/list workflow/view auth/status search "
            "gist/list gist/view label/list status mr/list mr/view mr/diff ci/status ci/view "
            "secret/list variable/list ruleset/list",
            "shows pull requests, issues or runs",
            "gh pr list\ngh run view 1",
        ),
        _of("gh glab").change(
            "pr/create pr/merge pr/close pr/comment pr/checkout pr/edit pr/review pr/ready pr/reopen "
            "issue/create issue/close issue/comment issue/edit issue/reopen run/rerun run/cancel "
            "run/download "
            "release/create release/download release/edit release/upload workflow/run "
            "workflow/enable workflow/disable repo/clone repo/fork repo/create repo/sync repo/edit "
            "auth/login auth/logout auth/refresh auth/setup-git label/create "
            "gist/create secret/set variable/set mr/create mr/merge mr/close mr/approve extension config alias",
            "changes pull requests, issues or runs",
            "gh pr merge 1\ngh workflow run deploy.yml",
        ),
        _of("gh glab").destroy(
            "repo/delete release/delete run/delete issue/delete gist/delete label/delete "
            "secret/delete variable/delete repo/archive cache/delete",
            "removes something for good",
            "gh repo delete a/b",
        ),
        _of("gh glab").unknown(
            "api auth/token browse", "asks the API for anything, or shows a token", "gh api repos/a/b"
        ),
        _TF.read(
            "show output state/list state/show version validate providers graph workspace/list workspace/show metadata",
            "shows the state or checks files",
            "terraform show\nterraform state list\nterraform output",
        ),
        _TF.change("fmt", "rewrites files", "terraform fmt"),
        _TF.read("fmt", "only checks files", "terraform fmt -check", option=r"-check", instead=True),
        _TF.unknown("plan", "runs providers and external data sources", "terraform plan"),
        _TF.unknown(
            "output state/pull show state/show",
            "may show secrets",
            "terraform output -raw password\nterraform state pull",
            option=r"-raw|-json|-show-sensitive",
        ),
        _TF.unknown("state/pull console", "may show secrets", "terraform state pull"),
        _TF.change(
            "init get import refresh workspace/select workspace/new state/mv taint untaint login "
            "logout state/replace-provider test",
            "changes what is known of the infrastructure",
            "terraform init\nterraform import a b",
        ),
        _TF.destroy(
            "apply destroy state/rm state/push force-unlock workspace/delete run-all run",
            "may remove what is not described",
            "terraform apply\nterraform destroy\nterraform force-unlock x",
        ),
        _of("pulumi").read(
            "stack/ls whoami version about config/get stack/history stack/graph", "shows stacks", "pulumi stack ls"
        ),
        _of("pulumi").unknown(
            "preview stack/output config stack/export logs stack console",
            "runs the program, or may show secrets",
            "pulumi preview",
        ),
        _of("pulumi").change(
            "refresh config/set stack/init stack/select import login logout cancel new stack/rename watch",
            "changes a stack",
            "pulumi refresh",
        ),
        _of("pulumi").destroy("up update destroy stack/rm state", "may remove what is not described", "pulumi up"),
        _of("packer vagrant").change("", "builds or changes machines", "packer build x\nvagrant up"),
        _of("vagrant").destroy("destroy", "removes a machine", "vagrant destroy"),
        _of("vagrant").read("status global-status box/list", "shows machines", "vagrant status"),
        _of("ansible ansible-playbook ansible-pull ansible-console").change(
            "", "changes hosts as its play says", "ansible-playbook site.yml"
        ),
        _of("ansible").unknown(
            "",
            "runs any command on hosts",
            "ansible all -m shell -a x\nansible all -a x\nansible all -mcommand",
            option=r"-\w*[am].*|--(?:ar|module).*",
        ),
        _of("ansible ansible-playbook").read(
            "",
            "lists hosts or tasks",
            "ansible-playbook site.yml --list-hosts",
            option=r"--list-(?:hosts|tasks|tags)|--syntax-check",
            instead=True,
        ),
        _of("ansible-inventory ansible-doc ansible-lint").read("", "shows the inventory", "ansible-inventory --list"),
        _of("ansible-inventory").change("", "writes a file", "ansible-inventory --list --output x", option=r"--out.*"),
        _of("ansible-vault ansible-galaxy").unknown("", "handles secrets or fetches code", "ansible-vault view x"),
        _of("knife").read(
            "node/list node/show node/status client/list client/show role/list role/show "
            "cookbook/list cookbook/show environment/list environment/show status search "
            "tag/list user/list ssl/check user/show diff list show",
            "shows nodes and roles",
            "knife node list\nknife status",
        ),
        _of("knife").unknown(
            "vault data data/bag/show vault/show exec", "may show secrets or runs a script", "knife vault show a"
        ),
        _of("knife").change(
            "node/run_list node/from node/edit node/create role/from role/edit cookbook/upload "
            "environment/from bootstrap client/create data/bag/create data/bag/edit data/bag/from "
            "tag/create upload environment/edit vault/edit vault/update vault/create vault/refresh",
            "changes nodes or roles",
            "knife role from file a.json",
        ),
        _of("knife").destroy(
            "node/delete client/delete role/delete cookbook/delete environment/delete "
            "data/bag/delete tag/delete user/delete vault/delete vault/remove client/bulk node/bulk",
            "removes nodes or roles",
            "knife node delete a\nknife client delete b",
        ),
        _of("chef-client chef-solo puppet salt salt-call salt-run salt-ssh cfengine cf-agent r10k").change(
            "", "brings hosts into the state that is described", "chef-client\npuppet agent -t"
        ),
        _of("puppet").read("config resource module", "shows settings", "puppet config print"),
        _of("puppet").unknown(
            "config resource module",
            "may change a resource",
            "puppet config set a b\npuppet resource service nginx ensure=stopped",
            option=r"set|delete|[\w]+=.*|install|uninstall|upgrade|--edit|-e",
        ),
        _of("salt salt-call").read(
            "",
            "asks whether hosts answer",
            "salt '*' test.ping",
            option=r"test\.ping|grains\.items|grains\.get|status\.uptime|disk\.usage",
            instead=True,
        ),
        _of("salt salt-call").unknown(
            "", "may run anything", "salt '*' cmd.run test.ping\nsalt -C a cmd.run rm", option=r"cmd\..*|state\..*"
        ),
        _of("chef ohai").read("", "shows settings", "ohai"),
        _of("chef").change("", "changes cookbooks", "chef install", option=r"(?!--version|env).+"),
        _of("argocd flux").read(
            "app/list app/get app/diff app/history app/logs cluster/list repo/list proj/list version "
            "get logs stats check tree events app/resources app/manifests account/list",
            "shows applications",
            "argocd app list\nflux get all",
        ),
        _of("argocd flux").change(
            "app/sync app/set app/create app/rollback app/wait login app/patch app/unset reconcile "
            "suspend resume create bootstrap install proj/add cluster/add repo/add app/terminate-op "
            "relogin",
            "changes applications",
            "argocd app sync a",
        ),
        _of("argocd flux").destroy(
            "app/sync",
            "removes what is not described",
            "argocd app sync a --prune\nargocd app sync a --replace",
            option=r"--(?:prune|force|replace).*",
        ),
        _of("argocd flux").destroy(
            "app/delete proj/delete cluster/rm repo/rm delete uninstall app/delete-resource",
            "removes applications",
            "argocd app delete a",
        ),
    ),
)
