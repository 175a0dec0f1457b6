"""Speak JSON with a provider's API; what it refuses is told in one line."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from cc_ci.errors import Unverified
from cc_ci.probes.answers import Answer, Requester
from cc_ci.system.units import Seconds

TIMEOUT: Seconds = 30.0
"""A first request makes a provider on a slow node compile what it never ran before."""
FORM = {"content-type": "application/x-www-form-urlencoded"}
SHOWN = 200
"""Characters of a refusal that a message shows."""


class Conversation:
    """Requests to one provider. Raises Unverified for every answer that was not expected."""

    def __init__(self, requester: Requester, *, name: str, url: str) -> None:
        self._requester = requester
        self._name = name
        self._url = url

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        form: Mapping[str, str] | None = None,
        bearer: str | None = None,
        expect: tuple[int, ...] = (200,),
    ) -> Answer:
        """Ask for `path`, or for a whole address; `body` is sent as JSON."""
        headers = {"accept": "application/json"}
        content = None
        if form is not None:
            content, headers = urlencode(form), {**headers, **FORM}
        elif body is not None:
            content, headers = (
                msgspec.json.encode(body).decode(),
                {**headers, "content-type": "application/json"},
            )
        if bearer:
            headers["authorization"] = f"Bearer {bearer}"
        url = path if path.startswith("https://") else f"{self._url}{path}"
        answer = self._requester.request(method, url, content=content, headers=headers, timeout=TIMEOUT)
        if answer.problem or answer.status not in expect:
            said = str(answer.problem.detail if answer.problem else answer.body).strip()[:SHOWN]
            raise Unverified(f"{self._name}: {method} {url}: {answer.status or 'no answer'}: {said}")
        return answer

    def json(self, answer: Answer) -> dict[str, Any]:
        try:
            found: dict[str, Any] = msgspec.json.decode(answer.body, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise Unverified(f"{self._name}: {answer.url}: not JSON: {error}") from error
        return found


def reason(attempt: Callable[[], None]) -> str | None:
    """Why an attempt was not verified, or None if it was."""
    try:
        attempt()
    except Unverified as error:
        return str(error)
    return None
