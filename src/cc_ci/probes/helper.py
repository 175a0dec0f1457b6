"""Requests from a container on the node itself, for a foreign node whose proxy this machine can't reach."""

import re
from collections.abc import Mapping
from pathlib import Path

from cc_ci.engine.argv import client_environment
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.probes.answers import BODY_LIMIT, Answer, Problem, ProblemKind
from cc_ci.system.process import Completed, Runner
from cc_ci.system.units import Seconds

KINDS: dict[int, ProblemKind] = {
    6: "unreachable",
    7: "unreachable",
    28: "timeout",
    51: "certificate",
    60: "certificate",
}
"""curl's exit codes (EXIT CODES in its manual); all others are `protocol`."""

PROBE_IMAGE = "curlimages/curl:8.11.1"
"""What a foreign node needs for it: curl, and certificate authorities."""
WRITTEN = re.compile(r"([0-9]{3}) ([0-9]{1,6}\.[0-9]{1,9})\s*")
DOCKER_FAILED = (125, 126, 127)
MARK = "\n--cc-ci-answer--\n"


CONTAINER_TIME: Seconds = 60.0
"""For what is about the request itself: a container that is made, and removed."""
WRITE_OUT = MARK + "%{response_code} %{time_total}"


class HelperProbe:
    """curl in a container of `image` on `network`, connecting to `address` (the node's) by the app's name.

    The image's own certificate authorities are trusted; what certificate was shown is not known. Raises
    InfrastructureError when the container can't be run: then nothing was asked.
    """

    def __init__(
        self,
        node: Node,
        runner: Runner,
        *,
        image: str,
        network: str = "host",
        address: str | None = None,
        labels: Mapping[str, str] = {},
    ) -> None:
        self._node = node
        self._runner = runner
        self._image = image
        self._network = network
        self._address = address or node.address
        self._labels = labels

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        curl = curl_argv(
            method,
            url,
            address=self._address,
            headers=headers,
            timeout=timeout,
            sends=content is not None,
        )
        labels = [f"--label={name}={value}" for name, value in self._labels.items()]
        run = ("docker", "run", "--rm", "--interactive")
        argv = (*run, *labels, f"--network={self._network}", "--entrypoint=curl", self._image, *curl)
        env = client_environment(self._node, config=Path("/nonexistent"))
        most = timeout + CONTAINER_TIME
        return read_answer(url, self._runner(argv, stdin=content, env=env, timeout=most))


def curl_argv(
    method: str, url: str, *, address: str, headers: Mapping[str, str], timeout: Seconds, sends: bool
) -> tuple[str, ...]:
    shown = [option for name, value in headers.items() for option in ("--header", f"{name}: {value}")]
    body = ("--data-binary", "@-") if sends else ()
    fixed = ("--silent", "--show-error", "--include", "--http1.1", "--write-out", WRITE_OUT)
    to = ("--connect-to", f"::{address}:", "--max-time", f"{timeout:g}", "--request", method)
    return (*fixed, *to, *shown, *body, "--", url)


def read_answer(url: str, completed: Completed) -> Answer:
    said = _said(completed.stderr)
    if completed.returncode in DOCKER_FAILED:
        raise InfrastructureError(f"probe: its helper container did not run ({said})")
    text, _, written = completed.stdout.rpartition(MARK)
    match = WRITTEN.fullmatch(written)
    status, seconds = (int(match[1]), float(match[2])) if match else (0, 0.0)
    if completed.returncode or not status:
        kind = KINDS.get(completed.returncode, "protocol")
        return Answer(url=url, seconds=seconds, problem=Problem(kind=kind, detail=said))
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    pairs = (line.partition(":") for line in head.splitlines()[1:])
    return Answer(
        url=url,
        status=status,
        headers={name.strip().lower(): value.strip() for name, _, value in pairs},
        body=body[:BODY_LIMIT],
        seconds=seconds,
    )


def _said(stderr: str) -> str:
    """The line that names the error; curl and docker follow it with advice."""
    lines = stderr.strip().splitlines() or ["no output"]
    return next((line for line in lines if line.startswith(("curl: (", "docker: "))), lines[-1])
