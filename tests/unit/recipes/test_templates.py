"""Configs as Swarm would fill them in."""

import pytest

from cc_ci.errors import UsageError
from cc_ci.recipes.templates import rendered

TEMPLATE = """\
host {{ env "DOMAIN" }};
password: {{ secret "db" }}
name: {{ "'{{ user.name }}'" }}
{{ if eq (env "SSO") "1" }}
issuer: {{ env "ISSUER" }}
{{- end }}
last
"""


def fill(text: str, **env: str) -> str:
    return rendered(text, env=env, secret=lambda name: f"<{name}>", where="configs.site")


def test_actions_are_carried_out() -> None:
    assert fill(TEMPLATE, DOMAIN="app.test", SSO="1", ISSUER="https://k") == (
        "host app.test;\npassword: <db>\nname: '{{ user.name }}'\n\nissuer: https://k\nlast\n"
    )


def test_what_a_condition_hides_is_not_there() -> None:
    assert fill(TEMPLATE, DOMAIN="app.test") == (
        "host app.test;\npassword: <db>\nname: '{{ user.name }}'\n\nlast\n"
    )


def test_an_action_that_is_not_known_is_named() -> None:
    with pytest.raises(UsageError, match=r"configs.site: template action 'range \$x'"):
        fill("{{ range $x }}")


def test_text_without_actions_stays() -> None:
    assert fill("a { b } $c {d}") == "a { b } $c {d}"
