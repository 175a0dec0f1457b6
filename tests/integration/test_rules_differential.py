"""Our reader of router rules, held against the real Traefik: what it takes, and which requests."""

import http.client
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cc_ci.recipes.rule import RouterRule, RuleFault, Syntax, parse_rule
from cc_ci.recipes.rule_reach import RoutedRequest, requests, stray_ways, takes

pytestmark = pytest.mark.integration

TRAEFIK = Path(sys.executable).parent / "traefik"
RULES = 300
OUTSIDE = ("elsewhere.test", "xd0.test", "d0.test.evil.test", "test")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    domain: str
    text: str
    syntax: Syntax

    @property
    def rule(self) -> RouterRule | None:
        try:
            return parse_rule(self.text, syntax=self.syntax)
        except RuleFault:
            return None


def drawn(draw: random.Random, domain: str, syntax: Syntax, depth: int = 0) -> str:
    if depth < 3 and draw.random() < 0.5:
        parts = [drawn(draw, domain, syntax, depth + 1) for _ in range(draw.randint(2, 3))]
        return draw.choice(["({})", "!({})", "{}"]).format(draw.choice([" && ", "||"]).join(parts))
    own = [f"Host(`{domain}`)", f"Host(`a.{domain}`)", f'host("{domain}")', f"HOST(`{domain.upper()}`)"]
    paths = ["Path(`/a`)", "PathPrefix(`/a`)", "PathPrefix(`/a/b`)", "Method(`GET`)", "!Path(`/`)"]
    patterns = [
        rf"HostRegexp(`^.+\.{domain}$`)",
        f"HostRegexp(`^(a|b).{domain}$`)",
        "PathRegexp(`^/a/[a-z]+$`)",
    ]
    others = ["Header(`X-A`, `1`)", "Query(`q`, `1`)", "Query(`q`)", "Host(`elsewhere.test`)", "Host(``)"]
    wrong = [
        "Host(`a`,`b`)",
        "Hots(`a`)",
        "Host('a')",
        "Host(`a`",
        "Host(`a`) Path(`/`)",
        "hOST(`a`)",
        "Host()",
    ]
    wrong += ["Host(`ü.test`)", "ClientIP(`x`)", r'Host("\u0061.test")', r'Host("\q")', "Path(`a`)"]
    others.append("ClientIP(`10.0.0.1/8`)")
    if syntax == "v2":
        patterns = [f"HostRegexp(`{{sub:[a-z]+}}.{domain}`)", f"HostRegexp(`{{any:.*}}`, `{domain}`)"]
        others = [
            "Headers(`X-A`, `1`)",
            "Query(`q=1`)",
            f"Host(`b.{domain}`, `{domain}`)",
            f"HostHeader(`{domain}`)",
        ]
        wrong = ["Header(`X-A`, `1`)", "PathRegexp(`/`)", "Path(`a`)"]
    return draw.choice(
        [*own * 3, *paths * 2, *patterns, *others, *wrong[: draw.choice([0, 0, 0, len(wrong)])]]
    )


def cases() -> list[Case]:
    draw = random.Random(20)
    found = []
    for number in range(RULES):
        syntax: Syntax = draw.choice(["v3", "v3", "v2"])
        domain = f"d{number}.test"
        # half of them as a sound recipe has them
        rest = drawn(draw, domain, syntax)
        text = f"Host(`{domain}`) && ({rest})" if draw.random() < 0.5 else rest
        found.append(Case(name=f"r{number}", domain=domain, text=text, syntax=syntax))
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Proxy:
    """A Traefik that knows the cases' routers; behind it nobody answers, which is 502."""

    def __init__(self, folder: Path, known: list[Case]) -> None:
        self.port, self.api = free_port(), free_port()
        routers = {
            case.name: {
                "rule": case.text,
                "service": "nobody",
                "entryPoints": ["web"],
                "ruleSyntax": case.syntax,
            }
            for case in known
        }
        nobody = {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{free_port()}"}]}}
        (folder / "dynamic.yml").write_text(
            json.dumps({"http": {"routers": routers, "services": {"nobody": nobody}}})
        )
        self.process = subprocess.Popen(
            [
                *(TRAEFIK, f"--entrypoints.web.address=127.0.0.1:{self.port}", "--api.insecure=true"),
                *(f"--entrypoints.traefik.address=127.0.0.1:{self.api}", "--global.checknewversion=false"),
                *(f"--providers.file.filename={folder / 'dynamic.yml'}", "--log.level=FATAL"),
            ]
        )
        try:
            self._await_routers(len(known))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _await_routers(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if len(self.routers()) >= count:
                    return
            except OSError:
                time.sleep(0.05)  # it has not opened its port yet, and tells nobody when it has
        raise TimeoutError("Traefik did not come up")

    def routers(self) -> dict[str, bool]:
        found: dict[str, bool] = {}
        page = 1
        while page:
            connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=5)
            connection.request("GET", f"/api/http/routers?provider=file&per_page=100&page={page}")
            answer = connection.getresponse()
            if answer.status != 200:
                return {}
            rows: list[dict[str, Any]] = json.loads(answer.read())
            found |= {
                row["name"].partition("@")[0]: row["status"] == "enabled"
                for row in rows
                if "@file" in row["name"]
            }
            following = int(answer.headers.get("X-Next-Page", "1"))
            page = following if following > page else 0
        return found

    def routed(self, request: RoutedRequest) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        query = "?" + "&".join(f"{key}={value}" for key, value in request.query) if request.query else ""
        connection.request(
            "GET", request.path + query, headers={"Host": request.host, **dict(request.headers)}
        )
        return connection.getresponse().status == 502


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Case], Proxy]]:
    known = cases()
    proxy = Proxy(tmp_path_factory.mktemp("all"), known)
    yield known, proxy
    proxy.close()


@pytest.fixture(scope="module")
def confined(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[list[tuple[Case, RouterRule]], Proxy]]:
    """Only the rules that are confined to their domains, by our reading."""
    found = [
        (case, rule)
        for case in cases()
        if (rule := case.rule) and not list(stray_ways(rule, domain=case.domain, syntax=case.syntax))
    ]
    proxy = Proxy(tmp_path_factory.mktemp("confined"), [case for case, _ in found])
    yield found, proxy
    proxy.close()


def test_what_traefik_can_not_read_neither_can_we(proxied: tuple[list[Case], Proxy]) -> None:
    known, proxy = proxied
    enabled = proxy.routers()
    assert {case.name: case.rule is not None for case in known} == enabled
    assert 50 < sum(enabled.values()) < RULES


def test_a_confined_rule_takes_no_request_for_another_host(
    confined: tuple[list[tuple[Case, RouterRule]], Proxy],
) -> None:
    found, proxy = confined
    assert len(found) > 50
    for host in OUTSIDE:
        for path in ("/", "/a", "/a/b"):
            asked = RoutedRequest(host=host, path=path, headers=(("X-A", "1"),), query=(("q", "1"),))
            assert not proxy.routed(asked), asked


def test_a_rule_takes_the_requests_that_we_say_it_takes(
    confined: tuple[list[tuple[Case, RouterRule]], Proxy],
) -> None:
    found, proxy = confined
    looked_at = 0
    for case, rule in found:
        for request in requests(rule, domain=case.domain, syntax=case.syntax)[:2]:
            if takes(rule, request, syntax=case.syntax):
                assert proxy.routed(request), (case, request)
                looked_at += 1
        for path in ("/", "/a", "/a/b/c", "/c"):
            request = RoutedRequest(host=case.domain, path=path)
            said = takes(rule, request, syntax=case.syntax)
            assert said is None or said == proxy.routed(request), (case, request)
    assert looked_at > 50
