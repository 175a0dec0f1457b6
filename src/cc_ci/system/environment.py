"""What a program that cc-ci starts gets of cc-ci's own environment: a short list, and what its caller names.

Everything else stays here: a variable such as LD_PRELOAD, BASH_ENV or GIT_DIR decides what a program does.
"""

import os
from collections.abc import Mapping

ALWAYS = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
"""What every program gets."""
PROXIES = tuple(
    name
    for plain in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (plain, plain.upper())
)
"""For what fetches from elsewhere."""
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE")
"""Whom such a program trusts."""


def own(*names: str) -> dict[str, str]:
    """Those of cc-ci's own variables that are set."""
    return {name: os.environ[name] for name in names if name in os.environ}


def settings() -> dict[str, str]:
    """What another cc-ci is to take over."""
    ours = (name for name in os.environ if name.startswith("CC_CI_"))
    return own(*ours, "XDG_CONFIG_HOME", "ABRA_DIR")


def for_child(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a program that is given these variables."""
    return {**own(*ALWAYS), **(given or {})}
