"""`python -m cc_ci.suite.inside.seeding`: one call of the seed module, told on stdin, answered on stdout."""

import os
import sys
import traceback
from pathlib import Path

import msgspec

from cc_ci.suite.answers import LastAnswer, listen
from cc_ci.suite.inside.app import Seed, SuiteApp, SuiteProblem, blames_app, http_client, load_seeds
from cc_ci.suite.inside.exchange import exchange_of
from cc_ci.suite.protocol import SUITE_FOLDER, SeedAnswer, SeedRequest


def main(line: str | None = None) -> None:
    """Carry one call out, the one on stdin if it is not given."""
    asked = sys.stdin.buffer.readline() if line is None else line
    request = msgspec.json.decode(asked, type=SeedRequest)
    # what the module prints must not mix with the answer
    answer_to = os.dup(1)
    os.dup2(2, 1)
    answers = LastAnswer()
    listen(answers)
    os.write(answer_to, msgspec.json.encode(answer(request, app=SuiteApp(), answers=answers)))


def answer(request: SeedRequest, *, app: SuiteApp, answers: LastAnswer) -> SeedAnswer:
    """Carry `request` out; never raises. `answers` has what the app answered last."""
    try:
        return _call(request, app=app)
    except SuiteProblem as error:
        return SeedAnswer(problem=str(error))
    except Exception as error:  # noqa: BLE001 - a seed module may raise anything
        said = _said(error)
        if not blames_app(error):
            return SeedAnswer(problem=said)
        return SeedAnswer(failure=said, exchange=exchange_of(error, answers.last))


def _said(error: Exception) -> str:
    """Where in the suite it was raised, since a bare assertion says nothing else."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next(
        (frame for frame in reversed(frames) if Path(frame.filename).is_relative_to(SUITE_FOLDER)), frames[-1]
    )
    return f"{Path(place.filename).name}:{place.lineno}: {place.line}: {type(error).__name__}: {error}".split(
        "\n"
    )[0]


def _call(request: SeedRequest, *, app: SuiteApp) -> SeedAnswer:
    module = load_seeds(app)
    app.kept = dict(request.kept)
    with http_client(app) as http:
        seed = Seed(module=module, app=app, http=http)
        match request.verb:
            case "write":
                seed.write(request.key, request.value or "")
            case "read":
                return SeedAnswer(value=seed.read(request.key), kept=app.kept)
            case "delete":
                seed.delete(request.key)
            case verb:
                return SeedAnswer(problem=f"{verb!r}: no such verb")
    return SeedAnswer(kept=app.kept)


if __name__ == "__main__":
    main()
