"""What is saved of a deployment before it goes, whatever can't be read of it."""

import json

import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.errors import DeadlinePassed, InfrastructureError, Interrupted
from cc_ci.probes.answers import Answer
from cc_ci.stages import evidence
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.evidence import keep_answers, keep_stack
from cc_ci.system.stopping import StopToken, current, under

SECRET = "a secret of the app"


def read(bench: Bench, name: str) -> str:
    return (bench.evidence / "install" / name).read_text()


def test_a_stack_s_tasks_its_health_and_every_service_s_log_are_saved(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    stack = deployed.stack.name
    engine.log_texts = {f"{stack}_app": "the app began\n", f"{stack}_db": "the database began\n"}
    assert keep_stack(bench, deployed) == ()
    assert read(bench, "app.log") == "the app began\n"
    assert read(bench, "db.log") == "the database began\n"
    assert json.loads(read(bench, "tasks.json"))["stack"] == stack
    assert json.loads(read(bench, "health.json")) == []
    assert bench.findings.warnings == []


def test_what_makes_way_for_another_has_a_folder_of_its_own(bench: Bench, deployed: Deployed) -> None:
    keep_stack(bench, deployed, part="before-upgrade")
    saved = {path.name for path in (bench.evidence / "install" / "before-upgrade").iterdir()}
    assert saved == {"tasks.json", "health.json", "app.log", "db.log"}


def test_secrets_are_taken_out_and_where_the_app_showed_its_own_is_told(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    bench.redact.learn(SECRET, name="secret password")
    engine.log_texts[f"{deployed.stack.name}_db"] = f"one\nlogs in with {SECRET}\n"
    (seen,) = keep_stack(bench, deployed)
    assert SECRET not in read(bench, "db.log")
    assert str(seen) == "the log of db, in line 2, shows the secret password"


def test_one_trouble_hides_no_other(bench: Bench, engine: FakeEngine, deployed: Deployed) -> None:
    engine.fail("health", InfrastructureError("node n: does not answer"), once=True)
    engine.log_texts[f"{deployed.stack.name}_app"] = "the app began\n"
    keep_stack(bench, deployed)
    assert read(bench, "health.json") == "could not be read: node n: does not answer\n"
    assert read(bench, "app.log") == "the app began\n"


def test_a_full_disk_is_warned_of_and_hinders_no_removal(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evidence, "write_private", full)
    assert keep_stack(bench, deployed) == ()
    (warning,) = bench.findings.warnings
    assert (warning.code, warning.message) == ("evidence", "evidence of install: No space left on device")


class Endless(dict[str, str]):
    """Logs that are read for as long as nobody tells to stop."""

    def get(self, _service: str, _default: object = None) -> str:  # type: ignore[override]
        current().sleep(20)
        return ""


def test_an_app_that_logs_without_an_end_is_left_at_the_limit(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "EVIDENCE_LIMIT", 0.05)
    engine.log_texts = Endless()
    keep_stack(bench, deployed)
    (warning,) = bench.findings.warnings
    assert warning.message == "evidence of install: not done after 0.05 s; what is there is kept"
    assert (bench.evidence / "install" / "tasks.json").exists()


@pytest.mark.parametrize("reason", [Interrupted("ended by Ctrl-C"), DeadlinePassed("late")])
def test_a_stop_of_the_removal_itself_is_heard(
    bench: Bench, engine: FakeEngine, deployed: Deployed, reason: Interrupted | DeadlinePassed
) -> None:
    token = StopToken()

    class Stopping(dict[str, str]):
        def get(self, _service: str, _default: object = None) -> str:  # type: ignore[override]
            token.stop(reason)
            current().check()
            return ""

    engine.log_texts = Stopping()
    with pytest.raises(type(reason), match=str(reason)), under(token):
        keep_stack(bench, deployed)


def test_the_last_answers_are_kept_without_secrets(bench: Bench, deployed: Deployed) -> None:
    bench.redact.learn(SECRET, name="secret password")
    keep_answers(bench, deployed, [Answer(url="https://x/", status=502, body=f"for {SECRET}")])
    (kept,) = json.loads(read(bench, "last-answers.json"))
    assert (kept["url"], kept["status"]) == ("https://x/", 502)
    assert SECRET not in kept["body"]


def test_what_is_very_long_is_cut_and_evidence_is_its_owner_s_alone(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    engine.log_texts[f"{deployed.stack.name}_app"] = "0123456789" * (2 << 20)
    keep_stack(bench, deployed)
    path = bench.evidence / "install" / "app.log"
    assert path.stat().st_size < 20 << 20
    assert path.stat().st_mode & 0o077 == 0
