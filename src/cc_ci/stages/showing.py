"""Whether an app keeps its secrets to itself: what anybody can ask it for must show none of them."""

from collections.abc import Iterable, Mapping

from cc_ci.probes.answers import Answer, Requester
from cc_ci.results.schema import TestResult
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.suite.shown import guarded
from cc_ci.system.showing import SecretWatch, Sighting
from cc_ci.system.units import Seconds

CHANGING = ("date", "age", "x-request-id")
"""Headers that differ from answer to answer."""


def watch(deployed: Deployed) -> SecretWatch:
    """For the secrets that the app must show to nobody but its users."""
    return SecretWatch(guarded(deployed.candidate.suite, deployed.facts))


def saw(deployed: Deployed, sightings: Iterable[Sighting]) -> None:
    """Keep the first place of each secret, for the end."""
    for seen in sightings:
        deployed.shown.setdefault(seen.secret, seen)


class Attentive:
    """A Requester for one app that looks through the answers; it is for requests without credentials."""

    def __init__(self, requester: Requester, deployed: Deployed) -> None:
        self._requester = requester
        self._deployed = deployed
        self._seen: set[int] = set()

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        answer = self._requester.request(method, url, content=content, headers=headers, timeout=timeout)
        lasting = tuple(one for one in answer.headers.items() if one[0] not in CHANGING)
        if (mark := hash((url, lasting, answer.body))) not in self._seen:
            self._seen.add(mark)
            looking = watch(self._deployed)
            where = looking.shown(answer.url)
            seen = looking.answer(where, headers=answer.headers.items(), body=answer.body)
            saw(self._deployed, seen)
        return answer


def attentive(bench: Bench, deployed: Deployed) -> Requester:
    return Attentive(bench.requester, deployed)


def silence(name: str, sightings: Iterable[Sighting]) -> TestResult:
    """One test of the teardown: nothing was shown, or what and where."""
    reason = "; ".join(dict.fromkeys(str(one) for one in sightings)) or None
    return TestResult(id=name, outcome="failed" if reason else "passed", assertions=1, reason=reason)
