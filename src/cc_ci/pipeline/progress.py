"""How far a run is: for whoever looks at it from another thread than the coordinator's."""

from collections.abc import Mapping
from dataclasses import dataclass

from cc_ci.engine.standings import Standings
from cc_ci.pipeline import chain
from cc_ci.pipeline.forecast import Forecast
from cc_ci.pipeline.state import RunState
from cc_ci.stages.bench import Deployed
from cc_ci.system.units import Seconds


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Reads what the coordinator writes; each read takes a copy in one step, so that none can break."""

    state: RunState
    forecast: Forecast
    standings: Standings | None = None

    @property
    def stages(self) -> Mapping[str, bool]:
        """All stages of the plan in their order, and whether each is over."""
        ended = set(self.state.ended.copy())
        plan = self.state.plan
        return {
            name: all(step.name in ended for step in plan.steps if step.stage == name)
            for name in plan.stages()
        }

    @property
    def total(self) -> Seconds:
        return self.forecast.total

    def of_stage(self, stage: str) -> Seconds | None:
        return self.forecast.stages.get(stage)

    def standing(self, deployment: str | None) -> str:
        """What the deployment waits for right now, or nothing."""
        if self.standings is None or deployment is None:
            return ""
        app = self.state.values.copy().get(chain.app(deployment))
        return self.standings.of(app.stack.name) if isinstance(app, Deployed) else ""
