"""Amazon's command line: operations by the convention of their names, and those that break it."""

from stationmaster.runbooks.risk.rows import Family, Writer, grammar

_AWS = Writer(programs="aws")

AWS = Family(
    grammars=(
        grammar(
            "aws",
            valued="--region --profile --output --endpoint-url --query --ca-bundle --cli-read-timeout "
            "--cli-connect-timeout --color --page-size",
            flags="--debug --no-verify-ssl --no-paginate --no-sign-request --no-cli-pager",
        ),
    ),
    rows=(
        _AWS.read(
            "*/describe-* */list-* */get-* */head-* */search-* */lookup-* */filter-log-events */scan "
            "*/query */batch-get-* "
            "*/select-* */check-* */view-* */estimate-* */validate-* */preview-* */wait s3/ls logs/tail "
            "configure/list configure/list-profiles sts/get-caller-identity configure/get */help help */simulate-*",
            "only asks, by the convention of the operation's name",
            "aws ec2 describe-instances\naws s3 ls s3://logs/\naws sts get-caller-identity\naws "
            "elbv2 describe-target-health --target-group-arn x\n"
            "aws --region eu-west-1 rds describe-db-instances\naws ec2 wait instance-running\naws "
            "logs filter-log-events",
        ),
        _AWS.unknown(
            "secretsmanager/get-* ssm/get-param* sts/get-session-token sts/get-federation-token "
            "kms/get-* ecr/get-login* "
            "ecr/get-authorization-token iam/get-access-key* ec2/get-password-data ec2/get-console-* "
            "eks/get-token rds/generate-* "
            "lightsail/get-instance-access-details codeartifact/get-authorization-token "
            "cognito-idp/get-* sso/get-* secretsmanager/batch-get-* "
            "redshift/get-cluster-credentials* configure/get configure/export-credentials "
            "appconfig/get-* lambda/get-function kms/decrypt kms/generate-*",
            "may show secrets, which do not belong on a page",
            "aws secretsmanager get-secret-value --secret-id a\naws ssm get-parameter --name a --with-decryption",
        ),
        _AWS.change(
            "s3api/get-object s3api/select-object-content glacier/get-job-output s3/presign "
            "s3api/get-object-torrent polly/get-* sqs/receive-message "
            "workdocs/get-* mediastore-data/get-object",
            "writes a file or takes messages from a queue",
            "aws s3api get-object --bucket a --key b c\naws sqs receive-message --queue-url x",
        ),
        _AWS.change(
            "*/create-* */update-* */put-* */modify-* */set-* */start-* */stop-* */reboot-* "
            "*/restart-* */attach-* */detach-* "
            "*/associate-* */disassociate-* */register-* */enable-* */disable-* */add-* */tag-* */untag-* */run-* "
            "*/allocate-* */authorize-* */revoke-* */import-* */export-* */copy-* */invoke* */send-* "
            "*/publish* */resume-* "
            "*/suspend-* */assign-* */unassign-* */apply-* */change-* */promote-* */failover-* "
            "*/rotate-* */complete-* */reset-* "
            "*/upload-* */cancel-* */execute-* */continue-* */accept-* */reject-* */request-* "
            "*/initiate-* */test-* */enter-* */exit-* "
            "s3/cp s3/mv s3/sync s3/mb s3/website configure/set configure/add-model configure "
            "eks/update-kubeconfig ecs/update-service */move-* */monitor-* */unmonitor-* "
            "*/increase-* */decrease-* */scale-* */switch-* */retry-* */redrive-* "
            "*/change-message-visibility */write-* */replace-* */record-* sso/login sso/logout "
            "*/batch-write-item */upgrade-* */activate-* */migrate-*",
            "changes something, by the convention of the operation's name",
            "aws ec2 reboot-instances --instance-ids i-1\naws autoscaling set-desired-capacity --x "
            "3\naws s3 cp a s3://b/c\naws ecs update-service --service a\n"
            "aws iam upload-server-certificate --x y",
        ),
        _AWS.destroy(
            "*/delete-* */terminate-* */remove-* */purge-* */release-* */deregister-* "
            "*/batch-delete-* */destroy-* */drop-* "
            "*/restore-* */schedule-key-deletion */abort-* */forget-* */empty-* s3/rm s3/rb "
            "*/deactivate-* */discard-* */revert-*",
            "removes something, or puts something else in its place",
            "aws ec2 terminate-instances --instance-ids i-1\naws s3 rm --recursive s3://a\naws rds "
            "delete-db-instance --x y\naws s3 rb s3://a",
        ),
        _AWS.destroy(
            "s3/sync s3/mv",
            "removes objects",
            "aws s3 sync a s3://b --delete\naws s3 mv s3://a s3://b",
            option=r"--delete|s3://.*",
            weak=True,
        ),
        _AWS.read(
            "*",
            "only says what it would do",
            "aws s3 sync a s3://b --dryrun\naws s3 rm s3://a --dryrun",
            option=r"--dryrun",
            instead=True,
        ),
        _AWS.asks(
            "ssm/start-session ecs/execute-command ec2-instance-connect/ssh",
            "opens a session",
            "aws ssm start-session --target i-1",
        ),
        _AWS.unknown(
            "*",
            "takes its settings from a file",
            "aws ec2 describe-instances --cli-input-json file://x",
            option=r"--cli-input.*|--endpoint-url.*|--generate-cli-skeleton.*",
        ),
    ),
)
