"""MiniStack, an AWS on loopback, with the one thing set right that would stop the test.

A health check by TCP has no path and no matcher in AWS. MiniStack answers both, and the provider refuses to plan with
them.
What MiniStack forgets without stopping anything is not mended here: the test names each such field, with the cause.
"""

import re

from ministack.app import main
from ministack.services import alb


HTTP_ONLY = re.compile(r"<(HealthCheckPath|Matcher)>.*?</\1>", re.DOTALL)


def as_aws_writes_it(render):
    """A target group as `render` writes it, without what only a health check by HTTP has where it is checked by TCP."""

    def rendered(group):
        xml = render(group)
        return HTTP_ONLY.sub("", xml) if group.get("HealthCheckProtocol") == "TCP" else xml

    return rendered


if __name__ == "__main__":
    alb._tg_xml = as_aws_writes_it(alb._tg_xml)
    main()
