"""Containers: docker, podman, nerdctl, crictl, ctr, docker compose."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar

_D = Writer(programs="docker")
_CRI = Writer(programs="crictl")
_CTR = Writer(programs="ctr")
_COMPOSE = Writer(programs="docker-compose podman-compose")
_MACHINE = Writer(programs="docker-machine")
_SKOPEO = Writer(programs="skopeo")
_BUILD = Writer(programs="buildah kaniko img")

CONTAINERS = Family(
    grammars=(
        grammar(
            "docker",
            valued="-H --host -c --context --config -l --log-level --tlscacert --tlscert --tlskey -n --namespace "
            "-f --file -p --project-name --profile --env-file --project-directory",
            flags="-D --debug --tls --tlsverify -h --help --no-ansi --compatibility --remote -r",
        ),
        grammar(
            "docker-compose podman-compose",
            valued="-f --file -p --project-name --profile --env-file --project-directory -H --host -c --context",
            flags="--verbose --no-ansi -h --help --compatibility -v --version",
        ),
        grammar(
            "crictl", valued="-r --runtime-endpoint -i --image-endpoint -t --timeout -c --config", flags="-D --debug"
        ),
        grammar("ctr", valued="-n --namespace -a --address --timeout", flags="--debug"),
        grammar("docker-machine skopeo", flags="-D --debug"),
    ),
    rows=(
        _D.read(
            "logs ps inspect images stats top version info events port diff history search wait container/logs "
            "container/ls container/ps container/list container/inspect container/stats container/top container/port "
            "container/diff container/wait image/ls image/list image/inspect image/history volume/ls volume/list "
            "volume/inspect network/ls network/list network/inspect system/df system/info system/events service/ls "
            "service/ps service/logs service/inspect node/ls node/ps node/inspect stack/ls stack/ps stack/services "
            "context/ls context/show context/inspect manifest/inspect plugin/ls plugin/inspect "
            "buildx/ls buildx/inspect "
            "buildx/version buildx/du secret/ls config/ls config/inspect healthcheck/run pod/ps pod/inspect "
            "pod/logs pod/top pod/stats help scout trust/inspect machine/list machine/ls",
            "shows containers, images or logs",
            """docker logs --tail 100 api
            docker ps -a
            docker inspect --format '{{.State}}' a
            docker -H tcp://h:1 inspect a
            docker system df""",
        ),
        _D.read(
            "compose/ps compose/logs compose/ls compose/images compose/top compose/version compose/config compose/port "
            "compose/events compose/stats",
            "shows the containers of a project",
            """docker compose ps
            docker compose -f a.yaml logs api""",
        ),
        _D.change("compose/config", "writes a file", "docker compose config -o x", option=r"-\w*o.*|--out.*|--lock.*"),
        _D.change(
            "restart start stop kill pause unpause update rename tag pull push create commit load "
            "import build cp export "
            "save container/restart container/start container/stop container/kill container/pause container/unpause "
            "container/update container/create container/cp container/commit container/export container/rename "
            "image/pull image/push image/tag image/build image/load image/save image/import volume/create "
            "network/create network/connect network/disconnect service/update service/scale service/create "
            "service/rollback stack/deploy node/update node/promote node/demote swarm/init swarm/join swarm/update "
            "context/use context/create context/update plugin/install plugin/enable plugin/disable secret/create "
            "config/create buildx/build buildx/use buildx/create generate/systemd play/kube pod/start pod/stop "
            "pod/restart pod/create logout builder/build machine/start machine/stop",
            "changes what runs or which images there are; it can be set back",
            """docker restart api
            docker stop api
            docker pull nginx:1.27
            docker service scale a=3
            docker tag a b""",
        ),
        _D.change(
            "compose/restart compose/start compose/stop compose/pull compose/up compose/build compose/create "
            "compose/kill compose/pause compose/unpause compose/push compose/scale compose/cp",
            "changes which containers of a project run",
            """docker compose up -d
            docker compose restart api""",
        ),
        _D.destroy(
            "compose/up",
            "removes containers or their volumes",
            "docker compose up -d --renew-anon-volumes",
            option=r"-\w*V\w*|--ren.*|--remove-orphans",
        ),
        _D.destroy(
            "rm rmi container/rm container/remove container/prune image/rm image/remove image/prune volume/rm "
            "volume/remove volume/prune network/rm network/remove network/prune system/prune system/reset service/rm "
            "stack/rm compose/down compose/rm swarm/leave builder/prune buildx/prune buildx/rm secret/rm config/rm "
            "node/rm context/rm plugin/rm pod/rm pod/prune machine/rm machine/reset",
            "removes containers, images, volumes or networks for good",
            """docker rm -f a
            docker system prune -f
            docker compose down -v
            docker volume rm data""",
        ),
        _D.asks("attach container/attach login compose/attach", "holds the terminal", "docker attach a"),
        _COMPOSE.read(
            "ps logs ls images top version config port events help",
            "shows the containers of a project",
            "docker-compose -f a.yaml logs api",
        ),
        _COMPOSE.change("config", "writes a file", "docker-compose config -o x", option=r"-\w*o.*|--out.*|--lock.*"),
        _COMPOSE.change(
            "restart start stop pull up build create kill pause unpause push scale run cp",
            "changes which containers of a project run",
            "docker-compose up -d",
        ),
        _COMPOSE.destroy("down rm", "removes the containers of a project", "docker-compose down -v"),
        _COMPOSE.destroy(
            "up",
            "removes containers or their volumes",
            "docker-compose up -d --remove-orphans",
            option=r"-\w*V\w*|--ren.*|--remove-orphans",
        ),
        _CRI.read(
            "ps pods images img logs inspect inspecti inspectp stats statsp info version imagefsinfo events image",
            "shows containers, images or logs of a node",
            """crictl ps -a
            crictl logs abc""",
        ),
        _CRI.change(
            "pull start stop stopp update create run runp config", "changes what runs on a node", "crictl stop abc"
        ),
        _CRI.destroy("rm rmp rmi", "removes containers or images for good", "crictl rmi --prune"),
        _CRI.asks("attach port-forward", "holds the terminal", "crictl attach abc"),
        _CTR.read(
            "version images/ls images/list images/check containers/ls containers/list containers/info c/ls c/info i/ls "
            "tasks/ls tasks/list tasks/ps tasks/metrics t/ls namespaces/ls namespaces/list ns/ls "
            "plugins/ls plugins/list "
            "snapshots/ls snapshots/usage content/ls leases/ls info events",
            "shows containers or images of a node",
            """ctr -n k8s.io containers ls
            ctr images ls""",
        ),
        _CTR.change(
            "images/pull images/import images/export images/tag tasks/start tasks/pause tasks/resume tasks/kill",
            "changes what runs on a node",
            "ctr tasks kill a",
        ),
        _CTR.destroy(
            "images/rm images/remove containers/rm containers/delete tasks/rm tasks/delete snapshots/rm content/rm",
            "removes containers or images for good",
            "ctr containers rm a",
        ),
        _MACHINE.read("ls status ip inspect env version url active", "shows machines", "docker-machine ls"),
        _MACHINE.change(
            "create start stop restart provision upgrade regenerate-certs kill",
            "changes machines",
            "docker-machine restart a",
        ),
        _MACHINE.destroy("rm", "removes a machine for good", "docker-machine rm a"),
        _SKOPEO.read("inspect list-tags --version", "shows images of a registry", "skopeo inspect docker://a"),
        _SKOPEO.change("copy sync login", "copies images", "skopeo copy docker://a docker://b"),
        _SKOPEO.destroy("delete", "removes images from a registry", "skopeo delete docker://a"),
        _BUILD.change("", "builds images", "buildah bud ."),
    ),
)
