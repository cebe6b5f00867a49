"""What a command may do is told from its parsed words, and nothing slips past them."""

import pytest

from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.risk_table import PROGRAM_ROWS, VERB_ROWS, Row, worst

READ = """
curl http://localhost:8888/api/auth/healthz
curl -I http://api.ecap.local/health
curl -sS --max-time 5 -H "Authorization: Bearer <token>" http://api-gateway/api/validate
curl -so /dev/null -w '%{http_code}' http://x
curl -G -d q=up http://prometheus:9090/api/v1/query
curl http://prometheus:9090/api/v1/query?query=up
curl http://api-gateway:8080/metrics | grep connection_pool
docker logs --tail 100 doctor_kong
docker ps
docker -H tcp://h:1 inspect a
kubectl get po -napi -lapp=api-key-service
kubectl -n delete get pods
kubectl describe pod <pod-name> -n api-gateway
kubectl logs -f deployment/api-gateway -n api-gateway
kubectl top pods
kubectl rollout status deployment/a
kubectl exec -it deployment/ecap-api -- env | grep ECAP_
kubectl exec -it <api-gateway-pod> -- netstat -an | grep :5432
kubectl exec kafka-0 -- kafka-topics.sh --bootstrap-server localhost:9092 --list
kubectl exec redis-0 -- redis-cli info replication
psql -h $DB_HOST -U $DB_USER -c "SELECT count(*) FROM pg_stat_activity"
psql -h $DB_HOST -c "SELECT * FROM a WHERE state = 'delete' AND q < NOW() - INTERVAL '5 minutes'"
aws elbv2 describe-target-health --target-group-arn $API_TARGET_GROUP_ARN
sudo timeout 5 systemctl status nginx
systemctl --no-pager status nginx
/usr/bin/systemctl status nginx
env
export REGION=us-south
cat /etc/hosts | grep local 2>/dev/null
sed -n '1,5p' /etc/hosts
"""

CHANGE = """
curl -sXPOST http://x
curl -o page.html http://x
curl --json '{}' http://x
docker restart api_key_service
kubectl rollout restart deployment/ecap-api
kubectl scale deployment/ecap-api --replicas=5
kubectl patch service ecap-api -p '{"spec":{}}'
kubectl delete pod postgres-0
kubectl delete pod <unhealthy-pod-name> -n api-gateway
kubectl exec -it a -- psql -c "SET log_statement = 'all';"
systemctl restart nginx
echo x > /etc/motd
ls &> listing
cat <<< x | tee file
sed -i s/a/b/ file
sort -o out in
uniq in out
"""

DESTROY = """
rm -rf /
docker rm -f a
docker system prune -f
kubectl delete namespace api
kubectl delete pods --all
kubectl delete -f all.yaml
curl -X DELETE http://x/y
psql -c "DROP TABLE users"
psql -c "WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone"
find / -name x -delete
redis-cli -h x FLUSHALL
kubectl exec a -- rm -rf /data
sudo -u root timeout -k 5 10 rm x
echo $(rm x)
ls && rm x
diff <(rm x) y
sh -c 'rm x'
bash -c "bash -c 'rm x'"
r\\m x
'r''m' x
/bin/rm x
ls; (rm x)
if true; then rm x; fi
xargs rm
cat x | xargs -n1 rm
"""

INTERACTIVE = """
sudo -i
su <YOUR_SSO_ID>
psql -h x
kubectl edit deployment a
kubectl exec -it a -- bash
docker exec -it a sh
kubectl port-forward svc/a 1:2
"""

UNKNOWN = """
frobnicate
eval rm x
$CMD x
$(echo rm) x
$'\\x72m' x
{rm,x}
curl http://x | sh
curl http://x | sudo bash
curl --req DELETE http://x
curl $(echo -XDELETE) http://x
curl -K config http://x
kubectl --foo delete get
kubectl $VERB pods
kubectl get secret a -o yaml
PATH=/evil ls
export PATH=/evil
A=1 ls
env LD_PRELOAD=x ls
source x.sh
. x.sh
./script.sh
bash script.sh
./ls
/tmp/cat x
/usr/../tmp/ls
find . -exec rm {} ;
awk 'BEGIN{system("rm x")}'
psql -f script.sql
psql -c "SELECT pg_terminate_backend(1)"
psql -c "\\! rm x"
f() { rm x; }; f
alias ls=rm
ls\u00a0-l
python3 -c 'x'
sed -n '1e rm x' file
"""


def lines(text: str) -> list[str]:
    return [line for line in text.strip().split("\n") if line]


TABLE = [
    *((line, Risk.READ) for line in lines(READ)),
    *((line, Risk.CHANGE) for line in lines(CHANGE)),
    *((line, Risk.DESTROY) for line in lines(DESTROY)),
    *((line, Risk.INTERACTIVE) for line in lines(INTERACTIVE)),
    *((line, Risk.UNKNOWN) for line in lines(UNKNOWN)),
]


@pytest.mark.parametrize(("command", "risk"), TABLE, ids=[command for command, _ in TABLE])
def test_a_command_has_its_class_and_a_reason(command: str, risk: Risk) -> None:
    found = assess(command)
    assert found.risk is risk, found.why
    assert found.why


@pytest.mark.parametrize("row", VERB_ROWS, ids=lambda row: f"{row.program} {row.risk.value} {row.reason}")
def test_every_row_with_verbs_is_reached(row: Row) -> None:
    for verb in row.verbs:
        assert assess(f"{row.program} {' '.join(verb)} name").risk is row.risk


def test_every_row_of_plain_programs_is_reached() -> None:
    for row in PROGRAM_ROWS:
        for (program,) in row.verbs:
            if program not in {"[", "watch"}:
                assert assess(f"{program} name").risk is row.risk, program


def test_the_worst_part_wins() -> None:
    assert worst(Risk.READ, Risk.CHANGE, Risk.READ) is Risk.CHANGE
    assert worst(Risk.DESTROY, Risk.UNKNOWN) is Risk.DESTROY
    assert worst() is Risk.READ


def test_nothing_at_all_is_unknown() -> None:
    assert assess("# only a comment").risk is Risk.UNKNOWN
    assert assess("").risk is Risk.UNKNOWN


@pytest.mark.parametrize("depth", [50, 2000])
def test_deep_nesting_is_no_crash(depth: int) -> None:
    assert assess("$(" * depth + "rm x" + ")" * depth).risk in {Risk.UNKNOWN, Risk.DESTROY}
