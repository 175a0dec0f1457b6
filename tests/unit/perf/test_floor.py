"""What Swarm is asked to do with services that do nothing."""

import json

from cc_ci.perf.measuring.floor import compose


def test_idle_services_end_when_told_and_are_not_watched() -> None:
    services = json.loads(compose(3, "one"))["services"]
    assert sorted(services) == ["idle0", "idle1", "idle2"]
    assert "trap exit TERM" in services["idle0"]["command"][-1]
    assert services["idle0"]["deploy"]["update_config"] == {"monitor": "1ms"}
    assert json.loads(compose(1, "two")) != json.loads(compose(1, "one"))
