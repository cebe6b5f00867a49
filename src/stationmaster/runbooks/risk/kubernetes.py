"""Kubernetes and OpenShift: kubectl, oc, helm and their kin."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar

_K = Writer(programs="kubectl")
_OC = Writer(programs="oc")
_HELM = Writer(programs="helm")
_VIRT = Writer(programs="virtctl")
_KIN = Writer(programs="kubectx kubens")
_STERN = Writer(programs="stern kail kubetail")
_KUSTOMIZE = Writer(programs="kustomize")
_NAMES_SECRETS = r"(?i).*(?:^|[,/])secrets?(?:$|[,/.]).*"
_EVERY_KUBE = "kubectl oc"

_GLOBAL = """
    -n --namespace --context --cluster --user -s --server --token --as --as-group --request-timeout --cache-dir
    --certificate-authority --client-certificate --client-key --tls-server-name -v --v --loglevel --as-uid
"""

KUBERNETES = Family(
    grammars=(
        grammar(_EVERY_KUBE, valued=_GLOBAL, flags="--insecure-skip-tls-verify --match-server-version -h --help"),
        grammar(
            "helm", valued="-n --namespace --kube-context --kube-apiserver --kube-token", flags="--debug -h --help"
        ),
        grammar("virtctl", valued=_GLOBAL, flags="-h --help"),
        grammar("kubectx kubens", flags="-h --help -c --current"),
        grammar("kustomize"),
    ),
    rows=(
        *(
            row
            for w in (Writer(programs=_EVERY_KUBE),)
            for row in (
                w.read(
                    "get describe explain version cluster-info api-resources api-versions events diff top logs wait",
                    "shows objects, their state, usage or logs",
                    """kubectl get pods -n api
                    kubectl describe pod <pod-name>
                    kubectl -n delete get pods
                    oc get clusterversion -o yaml
                    kubectl logs -f deployment/api --since=1h
                    kubectl wait --for=condition=Ready pod/a""",
                ),
                w.read(
                    "rollout/status rollout/history config/get-contexts config/current-context config/get-clusters "
                    "config/get-users auth/can-i auth/whoami options completion help plugin/list",
                    "shows a rollout, the contexts known here, or what is allowed",
                    """kubectl rollout status deployment/a
                    kubectl config current-context
                    kubectl auth can-i delete pods""",
                ),
                w.read("config/view", "shows the configuration with its secrets blotted out", "kubectl config view"),
                w.unknown("config/view", "may show secrets", "kubectl config view --raw", option=r"--raw(?:=.*)?"),
                w.unknown(
                    "get describe",
                    "may show secrets, which do not belong on a page",
                    """kubectl get secret a -o yaml
                    kubectl get pods,secrets
                    oc describe secret/a""",
                    option=_NAMES_SECRETS,
                    weak=True,
                ),
                w.unknown("get", "asks the API server for any path", "kubectl get --raw /x", option=r"--raw(?:=.*)?"),
                w.unknown("cluster-info/dump", "shows whatever the cluster holds", "kubectl cluster-info dump"),
                w.change(
                    "apply create patch scale set label annotate autoscale expose cordon uncordon taint cp run "
                    "rollout/restart rollout/undo rollout/pause rollout/resume certificate/approve certificate/deny "
                    "set/image set/env set/resources set/selector set/serviceaccount set/subject auth/reconcile "
                    "apply/set-last-applied apply/edit-last-applied",
                    "changes objects of the cluster; it can be set back",
                    """kubectl apply -f a.yaml
                    kubectl scale deployment/a --replicas=5
                    kubectl rollout restart deployment/a
                    kubectl cp pod:/tmp/x x
                    oc set env deploy/a A=1""",
                ),
                w.asks(
                    "run",
                    "opens a session in a pod of its own",
                    "kubectl run x --image=busybox --rm -it -- sh",
                    option=r"-it|-ti|-t|--tty(?:=true)?",
                ),
                w.read(
                    "apply/view-last-applied", "shows what was applied last", "kubectl apply view-last-applied deploy/a"
                ),
                w.change(
                    "config",
                    "changes which cluster later commands speak to",
                    """kubectl config use-context prod
                    kubectl config set-context --current --namespace=x""",
                ),
                w.change("drain", "moves every pod away from a node; uncordon takes it back", "kubectl drain node-1"),
                w.destroy(
                    "drain",
                    "drops the data that pods keep on the node, or pods that nothing brings back",
                    """kubectl drain node-1 --delete-emptydir-data
                    kubectl drain node-1 --ignore-daemonsets --force""",
                    option=r"--(?:delete-emptydir-data|delete-local-data|force|disable-eviction)(?:=.*)?",
                ),
                w.destroy(
                    "delete replace",
                    "removes objects, and with some of them their data",
                    """kubectl delete namespace api
                    kubectl delete pvc data-0
                    kubectl replace --force -f a.yaml""",
                ),
                w.change(
                    "delete/pod delete/pods delete/po delete/pod[!a-z,]* delete/pods[!a-z,]* delete/po[!a-z,]*",
                    "ends pods whose controller makes new ones",
                    """kubectl delete pod postgres-0
                    kubectl delete pod <unhealthy-pod-name> -n api-gateway
                    kubectl delete pod/a""",
                ),
                w.destroy(
                    "delete",
                    "removes more than pods by their name, or does not let them end in order",
                    """kubectl delete pods --all
                    kubectl delete pod a --force --grace-period=0
                    kubectl delete pod/a svc/b""",
                    option=r"--(?:all|force|grace-period|filename|selector|all-namespaces|now|kustomize|"
                    r"field-selector|cascade)(?:=.*)?"
                    r"|-[fklAR].*|(?!pods?/|po/)[A-Za-z.]+/.*",
                ),
                w.destroy(
                    "apply create",
                    "removes what is not in the file",
                    "kubectl apply --prune -f a.yaml",
                    option=r"--(?:prune|force)(?:=.*)?",
                ),
                w.read(
                    "apply create patch scale label annotate expose run delete replace set drain cordon uncordon taint "
                    "autoscale set/image set/env rollout/undo",
                    "only says what it would do",
                    """kubectl apply -f a.yaml --dry-run=server
                    kubectl delete pod a --dry-run=client
                    kubectl drain node-1 --dry-run=client""",
                    option=r"--dry-run=(?:client|server)",
                    instead=True,
                ),
                w.read("set/env", "lists variables", "kubectl set env deploy/a --list", option=r"--list", instead=True),
                w.asks(
                    "edit attach port-forward proxy",
                    "holds the terminal",
                    """kubectl edit deployment a
                    kubectl port-forward svc/a 8080:80""",
                ),
                w.unknown(
                    "* rollout/status rollout/history config/view auth/can-i",
                    "names another configuration, which may run a credential program",
                    """kubectl get pods --kubeconfig ./x""",
                    option=r"--kubeconfig(?:=.*)?",
                ),
            )
        ),
        _K.asks("debug", "starts a container and opens a shell in it", "kubectl debug -it a --image=busybox"),
        _OC.asks("debug", "starts a pod and opens a shell in it", "oc debug node/a"),
        _OC.asks("rsh login", "opens a shell or asks for a password", "oc login https://api.x:6443"),
        _OC.read(
            "status whoami project projects adm/top adm/node-logs adm/policy/who-can "
            "adm/release/info image/info registry/info",
            "shows where one is, or usage and logs of nodes",
            """oc whoami
            oc adm top nodes
            oc adm node-logs --role=master -u kubelet""",
        ),
        _OC.change("project", "changes which project later commands speak to", "oc project api", option=r"[\w<$].*"),
        _OC.unknown("whoami", "shows a token", "oc whoami -t", option=r"-\w*t|--show-t.*"),
        _OC.read("adm/upgrade", "shows which upgrades there are", "oc adm upgrade"),
        _OC.change(
            "adm/upgrade", "upgrades the cluster", "oc adm upgrade --to=4.9.1", option=r"--(?:to|force|allow|clear).*"
        ),
        _OC.change(
            "adm/cordon adm/uncordon adm/drain adm/taint adm/certificate adm/policy adm/groups adm/new-project "
            "adm/restart-kubelet adm/reboot-machine-config-pool adm/must-gather adm/inspect adm/copy-to-node "
            "new-app new-project expose start-build cancel-build tag import-image set rollback idle logout secrets "
            "process extract image/extract image/mirror adm/wait-for-node-reboot policy "
            "serviceaccounts adm/build-chain",
            "changes nodes, rights or applications, or writes files; it can be set back",
            """oc adm cordon node-1
            oc adm policy add-scc-to-user privileged -z a
            oc adm must-gather
            oc start-build a""",
        ),
        _OC.destroy(
            "adm/drain",
            "drops the data that pods keep on the node, or pods that nothing brings back",
            "oc adm drain node-1 --force",
            option=r"--(?:delete-emptydir-data|delete-local-data|force|disable-eviction)(?:=.*)?",
        ),
        _OC.destroy(
            "adm/prune adm/migrate adm/ocp-certificates",
            "removes old objects or images for good",
            "oc adm prune images --confirm",
        ),
        _OC.unknown(
            "serviceaccounts/get-token sa/get-token create/token", "shows a token", "oc serviceaccounts get-token a"
        ),
        _K.unknown("create/token", "shows a token", "kubectl create token a"),
        _HELM.read(
            "list ls status history hist version search search/repo search/hub show show/values "
            "show/chart lint template "
            "env dependency/list repo/list get/notes get/metadata get/hooks verify help",
            "shows releases and charts",
            """helm list -A
            helm -n api history api
            helm template ./chart""",
        ),
        _HELM.read("get/values", "shows the values of a release", "helm get values api -n api"),
        _HELM.unknown("get/all get/manifest", "may show secrets, which do not belong on a page", "helm get manifest a"),
        _HELM.unknown(
            "template lint",
            "runs another program over what it renders",
            "helm template . --post-renderer x",
            option=r"--post-r.*",
        ),
        _HELM.change("template", "writes files", "helm template . --output-dir x", option=r"--output-d.*"),
        _HELM.change(
            "install upgrade rollback repo/add repo/update repo/remove dependency/update dependency/build pull package "
            "push create registry/login plugin/install test",
            "changes a release or files; a rollback takes it back",
            """helm upgrade --install api ./chart
            helm rollback api 3""",
        ),
        _HELM.read(
            "install upgrade rollback uninstall delete",
            "only says what it would do",
            "helm rollback api 3 --dry-run",
            option=r"--dry-run(?:=(?:client|server))?",
            instead=True,
        ),
        _HELM.destroy("uninstall delete un del", "removes a release with everything in it", "helm uninstall api"),
        _HELM.unknown(
            "*",
            "names another configuration, which may run a credential program",
            "helm list --kubeconfig x",
            option=r"--kubeconfig(?:=.*)?",
        ),
        _VIRT.read("version guestosinfo fslist userlist", "shows a virtual machine", "virtctl guestosinfo vm"),
        _VIRT.change(
            "start stop restart pause unpause migrate migrate-cancel addvolume removevolume expose image-upload "
            "soft-reboot reset",
            "changes the state of a virtual machine; it can be set back",
            "virtctl restart vm",
        ),
        _VIRT.asks("console vnc ssh port-forward", "holds the terminal", "virtctl console vm"),
        _KIN.read("", "shows the contexts", "kubectx"),
        _KIN.change("", "changes which cluster later commands speak to", "kubectx prod", option=r"[^-].*|-|-[du].*"),
        _STERN.read("", "shows logs", "stern api -n api"),
        _KUSTOMIZE.unknown("build", "may run plugins", "kustomize build --enable-exec .", option=r"--enable.*"),
        _KUSTOMIZE.read("build version", "shows what it put together", "kustomize build overlays/prod"),
        _KUSTOMIZE.change("edit create", "edits files", "kustomize edit set image a=b"),
    ),
)
