"""A secret of the app in an answer without credentials, or in a log, is the recipe's failure."""

import base64
from pathlib import Path

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.errors import StageFailed
from cc_ci.probes.answers import Answer
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import check
from cc_ci.stages.removing import undeploy
from cc_ci.suite.facts import MayShow, Suite
from cc_ci.system.process import ScriptedRunner

VALUE = "kR8vWq2LmZ0xT5yB"
NAME = "no secret in answers and on pages"


class Telling:
    """An app that gives every request the answer it is made with."""

    def __init__(self, **answer: object) -> None:
        self._answer = answer

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        given = {"status": 200, "headers": {"server": "app"}, "body": "hello", **self._answer}
        return msgspec.convert({"url": url, **given}, Answer)


@pytest.fixture(autouse=True)
def up(deployed: Deployed, runner: ScriptedRunner) -> None:
    deployed.secrets["password"] = VALUE
    deployed.running = {"app": "sha256:1"}
    runner.on("docker", "stack", "rm")


def told(bench: Bench, deployed: Deployed, **answer: object) -> str | None:
    """What the teardown says of the app's answers after the generic checks."""
    object.__setattr__(bench, "requester", Telling(**answer))
    with pytest.raises(StageFailed):
        # the fake engine runs nothing; the proxy is asked before that
        check(bench, deployed, stage="install")
    (test,) = [one for one in undeploy(bench, deployed) if one.id == NAME]
    assert test.outcome == ("failed" if test.reason else "passed")
    return test.reason


@pytest.mark.attack(
    what="A recipe shows a secret on its front page, plain or in another encoding.",
    before="The run was green, and the secret was removed from its evidence.",
    now="The run fails with the page's address, the line and the secret's name.",
    layer="input",
)
@pytest.mark.parametrize(
    ("written", "coding"),
    [
        (VALUE, ""),
        (base64.b64encode(f"admin:{VALUE}".encode()).decode(), " in base64"),
        (VALUE.encode().hex(), " in hex"),
        ("".join(f"&#{ord(letter)};" for letter in VALUE), ""),
    ],
)
def test_a_secret_on_a_page_is_told_by_address_and_name(
    bench: Bench, deployed: Deployed, written: str, coding: str
) -> None:
    reason = told(bench, deployed, body=f"<html>\n<p>{written}</p>")
    where = f"https://{deployed.domain}/, in line 2{coding},"
    assert reason == f"{where} shows the secret password"
    assert VALUE not in reason


def test_a_secret_in_a_header_is_told_with_it(bench: Bench, deployed: Deployed) -> None:
    reason = told(bench, deployed, headers={"server": "app", "x-admin-token": VALUE})
    assert reason == f"https://{deployed.domain}/, in the header x-admin-token, shows the secret password"


def test_a_redirect_that_carries_a_secret_is_told_without_it(bench: Bench, deployed: Deployed) -> None:
    location = f"https://{deployed.domain}/?key={VALUE}"
    reason = told(bench, deployed, status=302, headers={"server": "app", "location": location})
    assert "in the header location, shows the secret password" in (reason or "")
    assert VALUE not in (reason or "")


@pytest.mark.parametrize("body", ["hello", "password", VALUE[:8], VALUE.lower()])
def test_other_texts_are_no_secrets(bench: Bench, deployed: Deployed, body: str) -> None:
    assert told(bench, deployed, body=body) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vapid_public_key", VALUE),
        ("smtp_user", "noreply@example.org"),
        ("oidc_client_id", VALUE),
        ("stripe_publishable_key", VALUE),
        ("s3_access_key_id", VALUE),
        ("pin", "202611"),
        ("greeting", "hello"),
        ("signing", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0"),
    ],
)
def test_what_is_public_or_a_word_is_no_secret(
    bench: Bench, deployed: Deployed, name: str, value: str
) -> None:
    deployed.secrets.clear()
    deployed.secrets[name] = value
    assert told(bench, deployed, body=f"hello {value}") is None


@pytest.mark.parametrize(("to", "silent"), [("everyone", True), ("users", False)])
def test_what_the_suite_allows_is_shown(bench: Bench, deployed: Deployed, to: str, *, silent: bool) -> None:
    may = msgspec.convert({"to": to, "because": "guests invite guests"}, MayShow)
    suite = Suite(recipe="small", folder=Path("/suite"), hash="0", shown={"password": may})
    deployed.candidate = msgspec.structs.replace(deployed.candidate, suite=suite)
    assert (told(bench, deployed, body=VALUE) is None) is silent


def test_of_the_logs_the_app_s_own_secrets_are_told_and_no_other(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    bench.redact.learn("a token of the suite's own", name="secret 9")
    text = f"start\na token of the suite's own\nusing {VALUE}\n"
    engine.log_texts = {f"{deployed.stack.name}_app": text}
    (test,) = [one for one in undeploy(bench, deployed) if one.id == "no secret in the logs"]
    assert test.reason == "the log of app, in line 3, shows the secret password"
