"""MiniStack, an AWS on loopback, with those things set right that would stop the test.

What MiniStack forgets without stopping anything is not mended here: xtask names each such field, with the cause.
"""

import json
import re

from ministack import app
from ministack.services import alb, ec2, eks

HTTP_ONLY = re.compile(r"<(HealthCheckPath|Matcher)>.*?</\1>", re.DOTALL)


def as_aws_writes_it(render):
    """A target group as `render` writes it, without what only a health check by HTTP has where it is checked by TCP.

    MiniStack answers a path and a matcher all the same, and the provider refuses to plan with them.
    """

    def rendered(group):
        xml = render(group)
        return HTTP_ONLY.sub("", xml) if group.get("HealthCheckProtocol") == "TCP" else xml

    return rendered


def ignoring_ports_of_all(match):
    """`match`, for rules of which one is for all protocols: ports mean nothing then, and the provider sends zeros.

    MiniStack compares them, and keeps the rule that lets a new group out to everywhere.
    """

    def without_ports(rule):
        return {key: value for key, value in rule.items() if key not in ("FromPort", "ToPort")}

    def matches(one, other):
        if one.get("IpProtocol") == "-1":
            one, other = without_ports(one), without_ports(other)
        return match(one, other)

    return matches


def remembering_support(create):
    """`create`, for a cluster that knows its upgrade policy: without, the next apply wants an update MiniStack lacks."""

    def created(body, *rest):
        answer = create(body, *rest)
        if cluster := eks._clusters.get(body.get("name", "")):
            cluster.setdefault("upgradePolicy", body.get("upgradePolicy", {"supportType": "EXTENDED"}))
        return answer

    return created


def remembering_templates(create):
    """`create`, for a node group that knows its launch template: without, each apply makes all nodes anew."""

    def created(cluster, body):
        answer = create(cluster, body)
        if group := eks._nodegroups.get(f"{cluster}/{body.get('nodegroupName', '')}"):
            told = {key: body[key] for key in ("launchTemplate", "updateConfig") if key in body}
            group.update(json.loads(json.dumps(told)))
        return answer

    return created


def remembering_keys_of_volumes(parse):
    """`parse`, for a launch template that knows the keys of its volumes: without, each apply makes a new version."""

    def parsed(params, prefix="LaunchTemplateData"):
        data = parse(params, prefix)
        for number, mapping in enumerate(data.get("BlockDeviceMappings", []), start=1):
            if key := ec2._p(params, f"{prefix}.BlockDeviceMapping.{number}.Ebs.KmsKeyId"):
                mapping["Ebs"]["KmsKeyId"] = key
        return data

    return parsed


def telling_keys_of_volumes(render):
    """`render`, for a launch template whose volumes tell their keys."""

    def rendered(data):
        ends = iter([mapping["Ebs"] for mapping in data.get("BlockDeviceMappings", []) if "Ebs" in mapping])
        return re.sub(
            "</ebs>", lambda end: f"<kmsKeyId>{next(ends).get('KmsKeyId', '')}</kmsKeyId>{end[0]}", render(data)
        )

    return rendered


def answering_again(answer):
    """`answer`, for a client that repeats a request because it lost the answer: it gets the first one once more.

    That happens once in some thousand requests here. MiniStack would make another subnet, and refuse a node group that
    is there already.
    """
    answered = {}

    async def answers(scope, receive, send):
        invocation = dict(scope.get("headers", [])).get(b"amz-sdk-invocation-id")
        if invocation in answered:
            while (await receive()).get("more_body"):
                pass
            for message in answered[invocation]:
                await send(message)
            return
        sent = []

        async def send_and_keep(message):
            sent.append(message)
            await send(message)

        await answer(scope, receive, send_and_keep)
        # An error may be another one, or none, the next time.
        if invocation and sent[0]["status"] < 300:
            answered[invocation] = sent

    return answers


if __name__ == "__main__":
    alb._tg_xml = as_aws_writes_it(alb._tg_xml)
    ec2._rules_match = ignoring_ports_of_all(ec2._rules_match)
    ec2._parse_lt_data = remembering_keys_of_volumes(ec2._parse_lt_data)
    ec2._lt_data_xml = telling_keys_of_volumes(ec2._lt_data_xml)
    eks._create_cluster = remembering_support(eks._create_cluster)
    eks._create_nodegroup = remembering_templates(eks._create_nodegroup)
    app.app = answering_again(app.app)
    app.main()
