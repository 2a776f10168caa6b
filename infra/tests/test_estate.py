"""What Terraform made, as AWS tells it."""

import contextlib
import json

import pytest
from conftest import NAME


def rules(aws, vpc):
    """Every rule of every security group of the VPC."""
    ec2 = aws("ec2")
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    names = {group["GroupId"]: group["GroupName"] for group in groups}
    found = ec2.describe_security_group_rules()["SecurityGroupRules"]
    return [rule | {"Group": names[rule["GroupId"]]} for rule in found if rule["GroupId"] in names]


def templates(aws):
    ec2 = aws("ec2")
    found = ec2.describe_launch_templates()["LaunchTemplates"]
    return {
        template["LaunchTemplateName"]: ec2.describe_launch_template_versions(
            LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"]
        )["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        for template in found
    }


def keys(aws):
    """Every key of ours by its alias, without `alias/`."""
    aliases = aws("kms").list_aliases()["Aliases"]
    return {
        alias["AliasName"].removeprefix("alias/"): alias["TargetKeyId"]
        for alias in aliases
        if alias["AliasName"].startswith("alias/puntual-")
    }


def key_id(arn):
    return arn.rsplit("/", 1)[-1]


# The network


def test_nobody_is_let_in_from_everywhere(aws, vpc):
    inward = [rule for rule in rules(aws, vpc) if not rule["IsEgress"]]
    assert inward, "the network has no rules at all"
    assert [rule for rule in inward if rule.get("CidrIpv4") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0"] == []


def test_clients_come_from_the_ranges_that_are_named_and_reach_the_port_of_tls(aws, vpc):
    entrance = [rule for rule in rules(aws, vpc) if rule["Group"] == f"{NAME}-entrance" and not rule["IsEgress"]]
    assert [(rule["CidrIpv4"], rule["FromPort"], rule["ToPort"]) for rule in entrance] == [("192.0.2.0/24", 443, 443)]


def test_the_load_balancer_reaches_pods_and_nothing_else(aws, vpc):
    outward = [rule for rule in rules(aws, vpc) if rule["Group"] == f"{NAME}-entrance" and rule["IsEgress"]]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in outward] == [(8080, 8080)]
    assert all("ReferencedGroupInfo" in rule for rule in outward)


def test_the_tunnel_is_let_out_and_nobody_is_let_into_it(aws, vpc):
    tunnel = [rule for rule in rules(aws, vpc) if rule["Group"] == f"{NAME}-tunnel"]
    assert [(rule["IsEgress"], rule["FromPort"]) for rule in tunnel] == [(True, 443)]


def test_nodes_are_reached_by_the_load_balancer_and_the_api_by_the_tunnel(aws, vpc):
    inward = [rule for rule in rules(aws, vpc) if not rule["IsEgress"]]
    reached = {(rule["Group"], rule["FromPort"]): rule.get("ReferencedGroupInfo", {}).get("GroupId") for rule in inward}
    groups = aws("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    ids = {group["GroupName"]: group["GroupId"] for group in groups}
    assert reached[f"{NAME}-nodes", 8080] == ids[f"{NAME}-entrance"]
    assert reached[f"{NAME}-control-plane", 443] == ids[f"{NAME}-tunnel"]


def test_the_default_group_lets_nobody_do_anything(aws, vpc):
    assert [rule for rule in rules(aws, vpc) if rule["Group"] == "default"] == []


def test_no_subnet_gives_public_addresses_away_and_each_kind_is_in_three_zones(aws, vpc):
    subnets = aws("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    assert sorted(subnet["CidrBlock"] for subnet in subnets) == [
        "10.21.0.0/19",
        "10.21.112.0/24",
        "10.21.113.0/24",
        "10.21.114.0/24",
        "10.21.32.0/19",
        "10.21.64.0/19",
        "10.21.96.0/24",
        "10.21.97.0/24",
        "10.21.98.0/24",
    ]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 3
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets)


def test_what_the_network_lets_through_and_refuses_is_recorded(aws, vpc):
    (log,) = [log for log in aws("ec2").describe_flow_logs()["FlowLogs"] if log["ResourceId"] == vpc]
    assert (log["TrafficType"], log["FlowLogStatus"]) == ("ALL", "ACTIVE")


# The cluster


@pytest.fixture(scope="module")
def cluster(aws):
    return aws("eks").describe_cluster(name=NAME)["cluster"]


def test_the_endpoint_is_private_and_only_private(cluster):
    network = cluster["resourcesVpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, False)


def test_secrets_of_the_cluster_are_under_our_key(aws, cluster):
    (encryption,) = cluster["encryptionConfig"]
    assert encryption["resources"] == ["secrets"]
    assert key_id(encryption["provider"]["keyArn"]) == keys(aws)[f"{NAME}-cluster"]


def test_all_five_logs_are_on_and_their_group_was_there_first(aws, cluster):
    (logs,) = [setup for setup in cluster["logging"]["clusterLogging"] if setup["enabled"]]
    assert set(logs["types"]) == {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    groups = aws("logs").describe_log_groups(logGroupNamePrefix=f"/aws/eks/{NAME}/")["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [30]


def test_only_those_who_are_named_may_enter_and_its_creator_is_not_among_them(aws, cluster):
    assert cluster["accessConfig"]["authenticationMode"] == "API"
    eks = aws("eks")
    entries = eks.list_access_entries(clusterName=NAME)["accessEntries"]
    assert sorted(entry.rsplit("/", 1)[-1] for entry in entries) == ["apply-staging", "deploy-staging"]
    deploy = next(entry for entry in entries if entry.endswith("deploy-staging"))
    (policy,) = eks.list_associated_access_policies(clusterName=NAME, principalArn=deploy)["associatedAccessPolicies"]
    assert policy["policyArn"].endswith("/AmazonEKSEditPolicy")
    assert policy["accessScope"] == {"type": "namespace", "namespaces": ["inference"]}


def test_every_addon_has_a_version_that_somebody_chose(aws):
    eks = aws("eks")
    names = eks.list_addons(clusterName=NAME)["addons"]
    assert len(names) == 6
    versions = {name: eks.describe_addon(clusterName=NAME, addonName=name)["addon"]["addonVersion"] for name in names}
    assert all(version.startswith("v") and "-eksbuild." in version for version in versions.values()), versions


def test_pods_of_one_service_account_get_a_role_and_no_others(aws):
    eks = aws("eks")
    found = eks.list_pod_identity_associations(clusterName=NAME)["associations"]
    accounts = {(one["namespace"], one["serviceAccount"]) for one in found}
    assert accounts == {
        ("kube-system", "aws-node"),
        ("kube-system", "ebs-csi-controller-sa"),
        ("kube-system", "aws-load-balancer-controller"),
        ("inference", "inference"),
    }


# Instances


@pytest.mark.parametrize("name", [f"{NAME}-graviton", f"{NAME}-tunnel"])
def test_credentials_of_an_instance_take_a_token_that_does_not_travel(aws, name):
    options = templates(aws)[name]["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)


@pytest.mark.parametrize("name", [f"{NAME}-graviton", f"{NAME}-tunnel"])
def test_every_volume_is_encrypted_under_our_key(aws, name):
    volumes = [mapping["Ebs"] for mapping in templates(aws)[name]["BlockDeviceMappings"]]
    assert volumes
    assert all(volume["Encrypted"] for volume in volumes)
    assert {key_id(volume["KmsKeyId"]) for volume in volumes} == {keys(aws)[f"{NAME}-volumes"]}


def test_what_costs_money_carries_the_tags_that_money_is_counted_by(aws):
    for data in templates(aws).values():
        kinds = {spec["ResourceType"]: {tag["Key"] for tag in spec["Tags"]} for spec in data["TagSpecifications"]}
        assert set(kinds) == {"instance", "volume", "network-interface"}
        assert all({"project", "environment", "cost_centre"} <= tags for tags in kinds.values())


# Keys, images, secrets, states


def test_every_key_is_replaced_each_year(aws):
    found = keys(aws)
    assert set(found) == {"puntual-state"} | {
        f"{NAME}-{use}" for use in ("cluster", "images", "logs", "secrets", "volumes")
    }
    rotation = {
        name: aws("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] for name, key in found.items()
    }
    assert all(rotation.values()), rotation


def test_nobody_outside_the_account_may_use_a_key(aws):
    for name, key in keys(aws).items():
        policy = json.loads(aws("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        for statement in policy["Statement"]:
            everybody = statement["Principal"] == {"AWS": "*"}
            bound = "kms:CallerAccount" in statement.get("Condition", {}).get("StringEquals", {})
            assert not everybody or bound, f"{name}: {statement}"


def test_a_tag_of_an_image_is_written_once_and_what_is_pushed_is_scanned(aws):
    (repository,) = aws("ecr").describe_repositories(repositoryNames=[f"{NAME}/inference"])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"]["scanOnPush"]
    assert repository["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert key_id(repository["encryptionConfiguration"]["kmsKey"]) == keys(aws)[f"{NAME}-images"]


def test_secrets_are_empty_places_under_their_own_key(aws):
    manager = aws("secretsmanager")
    secrets = manager.list_secrets()["SecretList"]
    assert {secret["Name"].rsplit("/", 1)[-1] for secret in secrets} == {
        "load-token",
        "probe-token",
        "quota-classes",
        "tls-certificate",
        "tls-client-ca",
        "tls-client-crl",
        "tls-key",
    }
    for secret in secrets:
        assert key_id(manager.describe_secret(SecretId=secret["ARN"])["KmsKeyId"]) == keys(aws)[f"{NAME}-secrets"]
        # AWS has no version yet and refuses; MiniStack has one with nothing in it.
        with contextlib.suppress(manager.exceptions.ResourceNotFoundException):
            value = manager.get_secret_value(SecretId=secret["ARN"])
            assert not value.get("SecretString")
            assert not value.get("SecretBinary")


def test_logs_are_encrypted_and_end(aws):
    groups = aws("logs").describe_log_groups()["logGroups"]
    ours = [group for group in groups if NAME in group["logGroupName"]]
    assert len(ours) == 2
    assert {key_id(group["kmsKeyId"]) for group in ours} == {keys(aws)[f"{NAME}-logs"]}
    assert all("retentionInDays" in group for group in ours)


@pytest.fixture(scope="module")
def buckets(aws):
    names = [bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]]
    assert len(names) == 2
    return names


def test_no_bucket_is_public_or_speaks_without_tls(aws, buckets):
    s3 = aws("s3")
    for bucket in buckets:
        assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        denied = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
        assert [one["Condition"] for one in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_states_are_versioned_and_encrypted_and_their_readers_are_logged(aws, buckets):
    s3 = aws("s3")
    (states,) = [bucket for bucket in buckets if "access" not in bucket]
    assert s3.get_bucket_versioning(Bucket=states)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=states)["ServerSideEncryptionConfiguration"]["Rules"]
    encryption = rule["ApplyServerSideEncryptionByDefault"]
    assert encryption["SSEAlgorithm"] == "aws:kms"
    assert key_id(encryption["KMSMasterKeyID"]) == keys(aws)["puntual-state"]
    assert "LoggingEnabled" in s3.get_bucket_logging(Bucket=states)


def test_the_state_is_where_it_should_be_and_its_lock_is_gone(aws, buckets):
    (states,) = [bucket for bucket in buckets if "access" not in bucket]
    objects = [one["Key"] for one in aws("s3").list_objects_v2(Bucket=states)["Contents"]]
    assert objects == ["bootstrap.tfstate", "cloud/staging.tfstate"]


def test_no_state_holds_a_secret(aws, buckets):
    (states,) = [bucket for bucket in buckets if "access" not in bucket]
    body = aws("s3").get_object(Bucket=states, Key="cloud/staging.tfstate")["Body"].read().decode()
    kinds = {resource["type"] for resource in json.loads(body)["resources"]}
    assert "aws_secretsmanager_secret" in kinds
    assert kinds.isdisjoint({"aws_secretsmanager_secret_version", "tls_private_key", "random_password"})


# The entrance


def test_the_load_balancer_passes_tls_on_and_says_whose_connection_it_is(aws):
    elb = aws("elbv2")
    (balancer,) = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (balancer["Type"], listener["Protocol"], listener["Port"]) == ("network", "TCP", 443)
    (group,) = elb.describe_target_groups(Names=[NAME])["TargetGroups"]
    assert (group["Protocol"], group["Port"], group["HealthCheckProtocol"]) == ("TCP", 8080, "TCP")
    attributes = elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])["Attributes"]
    told = {attribute["Key"]: attribute["Value"] for attribute in attributes}
    assert (told["proxy_protocol_v2.enabled"], told["preserve_client_ip.enabled"]) == ("true", "false")


# Money


def test_somebody_is_told_before_the_month_is_over(aws):
    account = aws("sts").get_caller_identity()["Account"]
    budgets = aws("budgets")
    budget = budgets.describe_budget(AccountId=account, BudgetName=NAME)["Budget"]
    assert budget["BudgetLimit"]["Unit"] == "USD"
    notifications = budgets.describe_notifications_for_budget(AccountId=account, BudgetName=NAME)["Notifications"]
    assert {one["NotificationType"] for one in notifications} == {"ACTUAL", "FORECASTED"}
