"""Who may take which role, and what it may then do: the policies that AWS holds, asked with claims and actions.

The claims are judged by MiniStack's evaluator of policies, which knows nothing of ours; AWS's own is not to be had here.
"""

import json

import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate_trust_policy

ISSUER = "token.actions.githubusercontent.com"
REPOSITORY = "puntual/puntual"
WORKFLOW = f"{REPOSITORY}/.github/workflows/deploy.yml"

# What GitHub says of a job in the protected environment, by a workflow of the main branch.
PRODUCTION = {
    "aud": "sts.amazonaws.com",
    "sub": f"repo:{REPOSITORY}:environment:production",
    "job_workflow_ref": f"{WORKFLOW}@refs/heads/main",
}
PULL_REQUEST = {"aud": "sts.amazonaws.com", "sub": f"repo:{REPOSITORY}:pull_request"}
BRANCH = {
    "aud": "sts.amazonaws.com",
    "sub": f"repo:{REPOSITORY}:ref:refs/heads/try",
    "job_workflow_ref": f"{WORKFLOW}@refs/heads/try",
}


def takes(aws, role, claims):
    """Whether a token with these claims gets the role."""
    found = aws("iam").get_role(RoleName=role)["Role"]
    provider = found["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Federated"]
    context = EvalContext(
        principal_arn=provider,
        principal_type="WebIdentityUser",
        principal_account=found["Arn"].split(":")[4],
        action="sts:AssumeRoleWithWebIdentity",
        resource_arn=found["Arn"],
        region="us-east-1",
        service_context={f"{ISSUER}:{name}": value for name, value in claims.items()},
    )
    return bool(evaluate_trust_policy(json.dumps(found["AssumeRolePolicyDocument"]), provider, context))


def may(aws, role, action, resource):
    """Whether the role may do this, by its own policies."""
    iam = aws("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policies = [json.dumps(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]) for name in names]
    answer = iam.simulate_custom_policy(PolicyInputList=policies, ActionNames=[action], ResourceArns=[resource])
    return answer["EvaluationResults"][0]["EvalDecision"] == "allowed"


@pytest.mark.parametrize("role", ["apply-production", "deploy-production"])
def test_a_job_of_the_environment_on_the_main_branch_gets_its_role(aws, role):
    assert takes(aws, role, PRODUCTION)


@pytest.mark.parametrize("role", ["apply-production", "deploy-production"])
@pytest.mark.parametrize(
    "claims",
    [
        pytest.param(PRODUCTION | {"sub": "repo:somebody/puntual:environment:production"}, id="another repository"),
        pytest.param(PRODUCTION | {"sub": f"repo:{REPOSITORY}-fork:environment:production"}, id="a longer name"),
        pytest.param(PRODUCTION | {"sub": f"repo:{REPOSITORY}:environment:staging"}, id="another environment"),
        pytest.param(PRODUCTION | {"job_workflow_ref": f"{WORKFLOW}@refs/heads/try"}, id="another branch"),
        pytest.param(
            PRODUCTION | {"job_workflow_ref": "somebody/puntual/.github/workflows/deploy.yml@refs/heads/main"},
            id="a workflow of another repository",
        ),
        pytest.param(PRODUCTION | {"aud": "https://github.com/puntual"}, id="another audience"),
        pytest.param({key: value for key, value in PRODUCTION.items() if key != "aud"}, id="no audience"),
        pytest.param({key: value for key, value in PRODUCTION.items() if key != "job_workflow_ref"}, id="no workflow"),
        pytest.param({"aud": "sts.amazonaws.com"}, id="audience alone"),
        pytest.param(PULL_REQUEST, id="a pull request"),
        pytest.param(BRANCH, id="a branch"),
    ],
)
def test_every_other_token_is_refused(aws, role, claims):
    assert not takes(aws, role, claims)


@pytest.mark.parametrize("claims", [PULL_REQUEST, BRANCH], ids=["a pull request", "a branch"])
def test_any_branch_of_the_repository_may_plan(aws, claims):
    assert takes(aws, "plan", claims)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param(PULL_REQUEST | {"sub": "repo:somebody/puntual:pull_request"}, id="another repository"),
        pytest.param(BRANCH | {"sub": f"repo:{REPOSITORY}:ref:refs/tags/v1"}, id="a tag"),
        pytest.param({"aud": "sts.amazonaws.com"}, id="audience alone"),
        pytest.param({"sub": PULL_REQUEST["sub"]}, id="no audience"),
    ],
)
def test_nobody_else_may_plan(aws, claims):
    assert not takes(aws, "plan", claims)


def secret(environment, name):
    """A secret as AWS names it, with its own six characters."""
    return f"arn:aws:secretsmanager:us-east-1:000000000000:secret:puntual-{environment}/inference/{name}-a1B2c3"


STATES = "arn:aws:s3:::puntual-state-000000000000-us-east-1"


@pytest.mark.parametrize(
    ("role", "action", "resource"),
    [
        ("plan", "s3:GetObject", f"{STATES}/cloud/production.tfstate"),
        ("plan", "ec2:DescribeVpcs", "*"),
        ("apply-production", "ec2:CreateVpc", "*"),
        ("apply-production", "s3:PutObject", f"{STATES}/cloud/production.tfstate"),
        ("apply-production", "s3:DeleteObject", f"{STATES}/cloud/production.tfstate.tflock"),
        (
            "deploy-production",
            "ecr:PutImage",
            "arn:aws:ecr:us-east-1:000000000000:repository/puntual-production/inference",
        ),
        (
            "deploy-production",
            "ecr:BatchGetImage",
            "arn:aws:ecr:us-east-1:000000000000:repository/puntual-staging/inference",
        ),
        ("deploy-production", "secretsmanager:GetSecretValue", secret("production", "load-token")),
    ],
)
def test_a_role_may_do_its_work(aws, role, action, resource):
    assert may(aws, role, action, resource)


@pytest.mark.parametrize(
    ("role", "action", "resource"),
    [
        ("plan", "s3:PutObject", f"{STATES}/cloud/production.tfstate"),
        ("plan", "s3:PutObject", f"{STATES}/cloud/production.tfstate.tflock"),
        ("plan", "secretsmanager:GetSecretValue", "*"),
        ("plan", "ec2:RunInstances", "*"),
        ("plan", "ssm:StartSession", "*"),
        ("apply-production", "s3:PutObject", f"{STATES}/cloud/staging.tfstate"),
        ("apply-production", "s3:DeleteObject", f"{STATES}/cloud/production.tfstate"),
        ("apply-production", "secretsmanager:GetSecretValue", "*"),
        ("apply-production", "iam:CreateUser", "*"),
        ("apply-production", "iam:UpdateAssumeRolePolicy", "arn:aws:iam::000000000000:role/puntual-delivery/plan"),
        ("apply-production", "iam:CreateRole", "arn:aws:iam::000000000000:role/puntual/unbounded"),
        (
            "deploy-production",
            "ecr:PutImage",
            "arn:aws:ecr:us-east-1:000000000000:repository/puntual-staging/inference",
        ),
        ("deploy-production", "ecr:BatchDeleteImage", "*"),
        ("deploy-production", "ec2:RunInstances", "*"),
        ("deploy-production", "s3:GetObject", f"{STATES}/cloud/production.tfstate"),
        ("deploy-production", "secretsmanager:GetSecretValue", secret("production", "tls-key")),
        ("deploy-production", "secretsmanager:GetSecretValue", secret("staging", "load-token")),
        ("deploy-production", "ssm:StartSession", "arn:aws:ec2:us-east-1:000000000000:instance/i-0123456789abcdef0"),
    ],
)
def test_a_role_may_do_nothing_else(aws, role, action, resource):
    assert not may(aws, role, action, resource)


def test_every_role_of_the_cloud_is_bounded(aws):
    iam = aws("iam")
    roles = iam.list_roles(PathPrefix="/puntual/")["Roles"]
    assert len(roles) >= 7
    for role in roles:
        told = iam.get_role(RoleName=role["RoleName"])["Role"]
        assert told["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("/puntual-delivery/puntual-boundary"), (
            told
        )
