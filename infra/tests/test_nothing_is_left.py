"""After `terraform destroy` of both roots: what still costs money, or could be found by somebody."""

import pytest


@pytest.mark.parametrize(
    ("service", "call", "field"),
    [
        ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
        ("ec2", "describe_addresses", "Addresses"),
        ("ec2", "describe_flow_logs", "FlowLogs"),
        ("ec2", "describe_launch_templates", "LaunchTemplates"),
        ("ec2", "describe_vpc_endpoints", "VpcEndpoints"),
        ("ecr", "describe_repositories", "repositories"),
        ("eks", "list_clusters", "clusters"),
        ("elbv2", "describe_load_balancers", "LoadBalancers"),
        ("elbv2", "describe_target_groups", "TargetGroups"),
        ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"),
        ("kms", "list_aliases", "Aliases"),
        ("logs", "describe_log_groups", "logGroups"),
        ("s3", "list_buckets", "Buckets"),
        ("secretsmanager", "list_secrets", "SecretList"),
    ],
)
def test_none_is_left(aws, service, call, field):
    assert getattr(aws(service), call)()[field] == []


def test_no_network_of_ours_is_left(aws):
    ec2 = aws("ec2")
    assert [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]] == []
    left = ec2.describe_nat_gateways()["NatGateways"]
    assert [gateway for gateway in left if gateway["State"] not in ("deleted", "deleting")] == []
    groups = ec2.describe_security_groups()["SecurityGroups"]
    assert [group["GroupName"] for group in groups if group["GroupName"] != "default"] == []


def test_no_role_and_no_policy_of_ours_is_left(aws):
    iam = aws("iam")
    assert [role["Path"] for role in iam.list_roles()["Roles"] if role["Path"].startswith("/puntual")] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_every_key_is_on_its_way_out(aws):
    kms = aws("kms")
    states = {kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] for key in kms.list_keys()["Keys"]}
    assert states <= {"PendingDeletion"}
