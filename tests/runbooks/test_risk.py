"""What a command may do is told from its parsed words, and nothing slips past them."""

import pytest

from stationmaster.runbooks.risk import Risk, assess, worst

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
kubectl get pods -n "$(cat namespace)"
kubectl apply -f a.yaml --dry-run=server
kubectl config view --minify
oc adm top nodes
knife ssh -C 2 roles:web 'sudo systemctl status nginx'
oc rsh deploy/a curl http://localhost/
oc exec -n a deploy/b -- redis-cli --bigkeys
ssh web-1 systemctl status nginx
ssh -o ConnectTimeout=5 web-1 "df -h | tail -1"
sudo -u postgres psql -c "SELECT 1"
su - postgres -c 'psql -l'
chroot /host crictl ps
find . -name x -exec grep -l error {} +
find . -name x | xargs grep error
pgrep nginx | xargs -r ps uwf
bundle exec knife node list
bash -c 'kubectl get pods; df -h'
psql <<< "SELECT 1"
bash <<'X'⏎df -h⏎X
cat <<X⏎hello $HOME⏎X
while read -r line; do echo $line; done
for ns in a b; do kubectl get pods -n $ns; done
count=$(kubectl get pods | wc -l); [ "$count" -gt 3 ]
grep error log 2>/dev/null | sort | uniq -c | sort -rn | head
awk '$3 > 5 {print $1}' x
awk -F: '{print $1}' /etc/passwd
sed -e 's/a/b/g' -e '/x/d' file
dd if=/dev/sda of=/dev/null bs=1M
tar -tzf a.tgz
git --no-pager log -3
git branch --contains abc
mysql -e "SHOW SLAVE STATUS\\G"
mysql -h x -u root -e 'SHOW PROCESSLIST'
sqlite3 a.db '.tables'
mongo --eval 'rs.status()'
redis-cli -h x config get maxmemory
wget -qO- http://x/health
wget --spider http://x
nc -zv web-1 443
kill -0 1234
top -bn1
rsync -avn a b
terraform state list
aws s3 ls s3://a
gcloud compute instances list --project a
az vm list -o table
stm get services
psql -c "EXPLAIN ANALYZE SELECT 1"
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
kubectl apply -f a.yaml --dry-run=none
kubectl apply -f a.yaml --dry-run=server --dry-run=none
kubectl scale deploy/a --replicas=1 -n --dry-run=client
kubectl debug node/a -- chroot /host crictl ps
docker run --rm alpine cat /etc/hosts
ssh web-1 sudo systemctl restart nginx
oc adm cordon node-1
curl -w '%output{x}done' http://x
cat a 1>b
cat a >| b
cat a &>> b
exec 3>b
cat <<X > b⏎hi⏎X
sort <a -o b
kill 123 -0
git remote add a b
ip link set eth0 down
for i in a b; do systemctl restart $i; done
aws ec2 reboot-instances --instance-ids i-1
gcloud compute instances reset a
psql -c "SELECT pg_terminate_backend(1)"
mysql -e "SHOW TABLES; UPDATE a SET b=1 WHERE c=2"
stm instance restart a
flock /tmp/lock ls
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
echo x > /dev/sda
cat a | tee /etc/passwd
echo x >> /etc/sudoers
kubectl delete pods -l app=a
kubectl delete pod a --force
kubectl delete pod/a svc/b
ssh web-1 'rm -rf /data'
knife ssh roles:web 'rm -rf /data'
ssh web-1 "echo \\$(rm x)"
psql <<'X'⏎DROP TABLE a;⏎X
bash <<'X'⏎rm -rf /data⏎X
echo x | sudo -u a env TZ=UTC bash -c "rm x"
find . -type f -exec rm {} +
docker exec a sh -c 'psql -c "DROP TABLE a"'
docker run -v /:/h alpine rm -rf /h
aws s3 rm --recursive s3://a
aws ec2 terminate-instances --instance-ids i-1
git push --force origin main
git reset --hard
git branch -f a b
terraform apply
rsync -a --delete a/ b/
iptables -F
nsenter -t 1 -m -- rm -rf /data
watch 'rm x'
time rm x
! rm x
a=1 b=2; rm x
timeout --signal=KILL 5 rm x
xargs -I{} rm {}
gcloud compute instances delete a
mysql -e "SELECT 1 -- x⏎; DROP TABLE a"
psql -c "SELECT 1; /* x */ DROP TABLE a"
redis-cli -n 3 flushdb
"""

INTERACTIVE = """
sudo -i
su <YOUR_SSO_ID>
psql -h x
kubectl edit deployment a
kubectl exec -it a -- bash
docker exec -it a sh
kubectl port-forward svc/a 1:2
vi /etc/hosts
top
ssh web-1
ssh -t web-1 bash
oc rsh pod
mysql
crontab -e
less log
watch kubectl get pods
redis-cli
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
psql -c "SELECT lo_import('x')"
psql -c "\\! rm x"
f() { rm x; }; f
alias ls=rm
ls\u00a0-l
python3 -c 'x'
sed -n '1e rm x' file
gcloud run frobnicate
kubectl get pods --kubeconfig=x
KUBECONFIG=x kubectl get pods
kubectl delete pod $(kubectl get pods -o name)
sort "$(echo -ox)" y
x=-ox; sort $x y
x=ox; sort -$x y
sort {-o,x} y
git -c core.pager=rm log
git --exec-path=/evil log
git remote frobnicate
ip route rep default
GIT_PAGER=rm git log
export LESSOPEN='|rm x'
PROMPT_COMMAND='rm x'
declare -n a=PATH
for PATH in /evil; do ls; done
read PATH
printf -v PATH /evil
ssh -o ProxyCommand=rm web-1
ssh -F config web-1 ls
tar tf a --to-command=rm
tar -I rm -tf a
awk -f x
sed -f x
jobs -x rm
psql -c "SELECT \\"pg_terminate_backend\\"(1)"
mysql -e "SELECT 1 /*! ; DROP TABLE a */"
mysql -e "SELECT 5--1; DROP TABLE a"
mysql -e "SELECT 1 # '⏎; DROP TABLE a -- '"
env -S 'rm x'
sh -c '[[ a > b ]]'
sh -c '((a>b))'
sh -c "echo $'\\'; rm x #'"
ssh web-1 "[[ a > b ]]"
xargs sh -c
cat list | xargs kubectl
cat list | bash
python3 script.py
cat ~/.aws/credentials
aws secretsmanager get-secret-value --secret-id a
echo ${x@P}
echo ${!x}
[[ -v 'a[$(rm x)]' ]]
x=$(cat a); [[ $x -eq 1 ]]
echo `echo \\`rm x\\``
cat <<X⏎`rm x`⏎X
cat <<A <<B⏎x⏎A⏎y⏎B
/opt/evil/ls
"""


def lines(text: str) -> list[str]:
    """One command a line; a line break within one is written `⏎`."""
    return [line.replace("⏎", "\n") for line in text.strip().split("\n") if line]


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
