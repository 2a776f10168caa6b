"""A bearer token checked with PyJWT on every request: what users of a server that checks none bolt on.

Must never remember a token: none of the peers' guides does.
"""

from __future__ import annotations

import os
from pathlib import Path

import jwt

_FILE = os.environ.get("JWT_SECRET_FILE", "")
_SECRET = Path(_FILE).read_bytes() if _FILE else b""


def is_good(authorization: str) -> bool:
    """Whether the header proves who asks; always, where no secret is set."""
    if not _SECRET:
        return True
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        jwt.decode(token, _SECRET, algorithms=["HS256"], issuer="puntual-development", audience="puntual")
    except jwt.InvalidTokenError:
        return False
    return True
