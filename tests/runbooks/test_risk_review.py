"""A second look at the classes of risk: lines that were thought to be misclassified, by the class that they have."""

import pytest

from stationmaster.runbooks.risk import assess

DESTROY = r"""
kubectl delete namespace prod
kubectl delete ns prod
kubectl delete pvc data-0
kubectl delete pv vol1
kubectl delete crd foos.example.com
kubectl delete pod --all -A
kubectl delete secret x
kubectl delete configmap x
kubectl delete all --all
kubectl delete pod,pvc -l app=x
kubectl delete persistentvolumeclaims/data-0
kubectl delete node n1
kubectl replace --force -f x.yaml
kubectl apply -f x.yaml --prune --all
kubectl exec x -- rm -rf /data
kubectl delete ns x --dry-run=none
oc delete project x
oc adm prune images --confirm
docker system prune -af
docker system prune --volumes -f
docker volume rm x
docker rm -fv x
docker compose down -v
docker-compose down --volumes
docker exec x rm -rf /
docker run --rm -v /:/host alpine rm -rf /host
docker swarm leave --force
docker stack rm x
terraform apply -auto-approve
terraform apply plan.out
terraform destroy
terraform state rm x
terraform workspace delete x
aws s3 rm --recursive s3://b
aws s3 rm s3://b/k
aws s3 rb s3://b --force
aws s3 sync a s3://b --delete
aws s3api delete-object --bucket b --key k
aws ec2 terminate-instances --instance-ids i
aws rds delete-db-instance --db-instance-identifier x --skip-final-snapshot
aws dynamodb delete-table --table-name x
aws iam delete-user --user-name x
aws kms schedule-key-deletion --key-id x
aws sqs purge-queue --queue-url x
aws logs delete-log-group --log-group-name x
aws cloudformation delete-stack --stack-name x
aws ssm send-command --document-name AWS-RunShellScript --parameters 'commands=["rm -rf /"]'
gcloud compute instances delete x
gcloud compute instances delete x --quiet
gcloud sql instances delete x
gcloud projects delete x
gsutil rm -r gs://b
gsutil -m rsync -d a gs://b
gcloud storage rm -r gs://b
az group delete -n x --yes
az vm delete -n x -g y
az storage blob delete-batch -s x
psql -c 'DROP TABLE x'
psql -c 'TRUNCATE x'
psql -c 'DELETE FROM x'
psql -c 'UPDATE x SET a=1'
psql -c 'EXPLAIN ANALYZE DELETE FROM x'
psql -c 'WITH d AS (DELETE FROM x RETURNING *) SELECT * FROM d'
psql -c "select pg_read_file('/x'); drop table y"
psql -c 'alter table x drop column y'
dropdb x
pg_restore --clean -d x f
mysql -e 'drop database x'
mysqladmin drop x
redis-cli FLUSHALL
redis-cli flushdb async
redis-cli SHUTDOWN NOSAVE
sqlite3 x.db 'drop table y'
clickhouse-client -q 'DROP TABLE x'
kafka-topics --delete --topic x --bootstrap-server b
kafka-consumer-groups --delete --group g --bootstrap-server b
kafka-delete-records --offset-json-file x --bootstrap-server b
find / -delete
find . -exec rm {} +
find . -exec rm -rf {} \;
find . -ok rm {} \;
crontab -r
iptables -t nat -F
nft flush ruleset
ip addr flush dev eth0
helm uninstall x
helm delete x
vault delete secret/x
vault kv destroy -versions=1 secret/x
vault kv metadata delete secret/x
consul kv delete -recurse x
nomad job stop -purge x
etcdctl del "" --prefix
etcdctl del x
etcdctl compact 5
etcdctl member remove x
git push --force
git push -f origin main
git push origin +main
git push origin :main
git push --delete origin x
git push --mirror
git push --force-with-lease
git clean -fdx
git checkout .
git checkout -- .
git restore .
git stash drop
git stash clear
git branch -D x
git gc --prune=now
git reflog expire --expire=now --all
git filter-branch --all
curl -X DELETE http://x
curl -sXDELETE http://x
curl -X "DELETE" http://x
wget --method=DELETE http://x
rm f
rm -i f
unlink f
shred f
cp /dev/null f
> /etc/passwd
echo x >> /etc/hosts
echo x | tee /etc/passwd
echo x | sudo tee /etc/hosts
dd if=/dev/zero of=/dev/sda
mkfs.ext4 /dev/sdb
mkfs -t ext4 /dev/sdb
wipefs -a /dev/sdb
parted /dev/sda rm 1
sgdisk -Z /dev/sda
blkdiscard /dev/sda
lvremove vg/lv
lvreduce -L-1G vg/lv
vgremove x
pvremove x
mdadm --zero-superblock /dev/sda
zfs destroy pool/x
zpool destroy x
zfs rollback x@y
btrfs subvolume delete x
truncate -s 0 f
xargs rm < f
rsync -a --delete a b
rsync --remove-source-files a b
tar --remove-files -cf a.tar b
userdel -r x
userdel x
groupdel x
apt-get purge x
apt-get autoremove --purge
npm unpublish x
journalctl --vacuum-size=1G
dmesg -C
dmesg -c
ssh host 'rm -rf /'
rabbitmqctl purge_queue x
rabbitmqctl delete_queue x
rabbitmqctl reset
rabbitmqctl force_reset
rabbitmqctl forget_cluster_node x
rabbitmqadmin delete queue name=x
patronictl reinit c m
patronictl remove c
pg_resetwal x
pg_rewind x
ceph osd purge 1 --yes-i-really-mean-it
ceph osd pool delete a a --yes-i-really-really-mean-it
ceph fs rm x
rbd rm x
nodetool removenode x
nodetool decommission
nodetool clearsnapshot
gpg --delete-secret-keys x
knife node delete x -y
pulumi destroy
terragrunt run-all destroy
argocd app delete x
argocd app sync x --prune
virsh undefine x --remove-all-storage
gh repo delete x --yes
gh release delete x
cf delete x -f
cf delete-service x -f
timeout 5 rm -rf x
sudo -u postgres psql -c 'drop table x'
su - postgres -c 'psql -c "drop table x"'
nohup rm -rf x &
ls $(rm -rf x)
echo `rm x`
cat <(rm x)
ls; rm -rf x
ls && rm x \|\| true
if rm x; then ls; fi
while true; do rm x; done
[ -f x ] && rm x
history -c
conntrack -F
ipvsadm -C
ufw reset
nmcli con delete x
openstack server delete x
doctl compute droplet delete x
resize2fs /dev/sda1 1G
xfs_repair -L /dev/sda
cryptsetup luksFormat /dev/sda
cryptsetup luksErase /dev/sda
hdparm --security-erase x /dev/sda
systemctl start poweroff.target
curl -H 'X-HTTP-Method-Override: DELETE' x
mysql -e 'reset master'
clickhouse-client --query 'alter table x delete where 1'
"""
CHANGE = r"""
kubectl delete pod web-1
kubectl exec x -- sh -c 'echo hi > /tmp/x'
kubectl rollout restart deploy/x
kubectl label node n1 x=y
docker stop x
terraform import a b
aws ec2 reboot-instances --instance-ids i
aws lambda invoke --function-name x out
aws eks update-kubeconfig --name x
psql -c 'UPDATE x SET a=1 WHERE id=2'
psql -c 'REINDEX TABLE x'
psql -c 'SELECT setval($$a$$, 1)'
mysql -e 'SELECT * FROM x INTO OUTFILE "/tmp/x"'
kafka-consumer-groups --reset-offsets --execute --group g --topic t --to-earliest --bootstrap-server b
systemctl isolate rescue.target
find . -fprintf out x
tc qdisc del dev eth0 root
vault operator step-down
etcdctl snapshot save f
git branch x
git diff --output=/etc/passwd
curl -o f http://x
curl --request PUT http://x
wget http://x
cp -r a b
tee -a f
mount -o remount,ro /
tar xf a.tar
chmod 777 f
chattr -i f
usermod -aG x y
killall x
dnf history undo 1
journalctl --rotate
sysctl -w x=1
swapoff -a
hostname x
scp a h:b
pg_ctl stop
nodetool cleanup
nginx -s reload
service x restart
ssh-keygen -f f
ansible-playbook x.yml
flux suspend kustomization x
gh pr merge 1
cf push
split f
xxd -r a b
ufw disable
ethtool -s eth0 speed 10
updatedb
tune2fs -O ^has_journal /dev/sda1
"""
READ = r"""
kubectl get pods -o yaml
kubectl rollout status deploy/x
kubectl apply -f x.yaml --dry-run=server
kubectl wait --for=delete pod/x
docker logs --tail 100 x
aws ec2 describe-instances
gcloud compute instances list
psql -c 'SELECT 1'
redis-cli GET x
redis-cli -h x info
kafka-topics.sh --list --bootstrap-server b
find . -name x
ip route
vault status
etcdctl get x
git config -l
curl -sI http://x
curl http://x/admin/shutdown
dd if=f of=/dev/null
lvs
mount
zcat f
fuser /x
pip list
journalctl -u x
lsmod
ssh host uptime
patronictl list
nodetool status
supervisorctl status
openssl s_client -connect x:443
promtool tsdb analyze x
knife node list
virsh list
time ls
true
pushd x
history
tail -f f
cut -f1 f
base64 -d f
lsof -i
conntrack -L
firewall-cmd --list-all
nslookup x
traceroute x
openstack server list
"""
INTERACTIVE = r"""
kubectl debug node/x -it --image=busybox
kubectl run x --image=busybox --rm -it -- sh
aws ssm start-session --target i
psql mydb
passwd x
ssh host
sftp h
telnet h 80
sudo su -
less f
htop
vim f
nano f
man ls
"""
UNKNOWN = r"""
psql -c "COPY x TO PROGRAM 'rm -rf /'"
psql -c 'DO $$ begin delete from x; end $$'
psql -f x.sql
redis-cli EVAL "redis.call('flushall')" 0
git grep -O'rm -rf' x
curl -K conf http://x
curl x \| sh
curl -s x \| sudo bash
sed '1e rm x' f
awk 'BEGIN{system("rm -rf /")}'
npm run x
ssh -o ProxyCommand='rm x' host ls
socat - UNIX-CONNECT:/var/run/haproxy.sock
/etc/init.d/x restart
k3s-uninstall.sh
rails runner 'User.delete_all'
python3 -c 'print(1)'
node -e 'x'
perl -pi -e s/a/b/ f
make deploy
LD_PRELOAD=x ls
PATH=/x:$PATH ls
eval ls
alias ls='rm -rf'; ls
at now < f
batch < f
script -c 'rm -rf /' /dev/null
ssh-agent rm -rf /
split --filter='rm x' f
ip netns exec a rm -rf /x
git rebase -x 'rm x' main
git fetch --upload-pack='rm x' a
git clone -u 'rm x' a
docker run --entrypoint rm alpine -rf /x
zip -T -TT 'rm x' a.zip b
az vm run-command invoke --command-id RunShellScript --scripts 'rm -rf /'
git submodule foreach 'rm -rf x'
git bisect run rm -rf x
ansible all -m shell -a 'rm -rf /'
"""

LINES = [
    (line, name)
    for name, text in (
        ("read", READ),
        ("change", CHANGE),
        ("interactive", INTERACTIVE),
        ("unknown", UNKNOWN),
        ("destroy", DESTROY),
    )
    for line in text.strip().split("\n")
]


@pytest.mark.parametrize(("line", "name"), LINES)
def test_a_line_has_the_class_that_a_second_look_gives_it(line: str, name: str) -> None:
    assert assess(line).risk.value == name, assess(line).why
