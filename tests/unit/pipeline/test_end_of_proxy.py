"""How a run ends its proxy: what it said is kept, and what it lacked is no app's fault."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.pipeline.concluding import _end_proxy
from cc_ci.system.redaction import Redactor


@dataclass
class Proxy:
    """A run's proxy by its calls; `served` is whether the node has what it needs."""

    served: bool = True
    calls: list[str] = field(default_factory=list)

    def log(self) -> str:
        return "a line with a secret of the app"

    def leave_kept(self) -> None:
        self.calls.append("leave_kept")

    def remove(self) -> None:
        self.calls.append("remove")

    def require_served(self) -> None:
        if not self.served:
            raise InfrastructureError("node n: its proxy-services ended")


def site(proxy: Proxy | None, evidence: Path) -> Any:
    redact = Redactor()
    redact.learn("a secret of the app")
    return SimpleNamespace(
        proxy=proxy, own_proxies={}, bench=SimpleNamespace(evidence=evidence, redact=redact)
    )


def test_its_log_is_evidence_without_secrets(tmp_path: Path) -> None:
    proxy = Proxy()
    _end_proxy(site(proxy, tmp_path), kept=False)
    assert (tmp_path / "proxy.log").read_text() == "a line with [redacted]"
    assert proxy.calls == ["remove"]


def test_it_stays_with_an_app_that_is_kept(tmp_path: Path) -> None:
    proxy = Proxy()
    _end_proxy(site(proxy, tmp_path), kept=True)
    assert proxy.calls == ["leave_kept"]


def test_what_ended_on_the_node_meanwhile_is_ours_once_all_is_done(tmp_path: Path) -> None:
    proxy = Proxy(served=False)
    with pytest.raises(InfrastructureError, match="proxy-services ended"):
        _end_proxy(site(proxy, tmp_path), kept=False)
    assert proxy.calls == ["remove"]
    assert (tmp_path / "proxy.log").exists()


def test_a_full_disk_costs_the_log_and_leaves_no_proxy(tmp_path: Path) -> None:
    proxy = Proxy()
    taken = tmp_path / "taken"
    taken.touch()
    with pytest.raises(InfrastructureError, match=r"proxy\.log: not written"):
        _end_proxy(site(proxy, taken), kept=False)
    assert proxy.calls == ["remove"]


def test_a_foreign_node_has_none(tmp_path: Path) -> None:
    _end_proxy(site(None, tmp_path), kept=False)
    assert list(tmp_path.iterdir()) == []
