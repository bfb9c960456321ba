"""The policy allows the installed page's own script and nothing else inline."""

import base64
import hashlib

from dashboard.security import INDEX, content_security_policy


def test_the_hash_is_that_of_the_inline_script() -> None:
    code = b"\n  window.x = 1\n"
    index = b"<script>" + code + b'</script><script type="module" src="./x.js"></script>'

    policy = content_security_policy(index)

    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert policy.count("sha256-") == 1


def test_nothing_may_come_from_elsewhere() -> None:
    policy = content_security_policy(INDEX.read_bytes())

    assert "http:" not in policy
    assert "https:" not in policy
    assert "*" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
