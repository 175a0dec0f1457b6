"""The labels that say of everything cc-ci makes which run it belongs to, and until when."""

import msgspec

from cc_ci.system.units import EpochSeconds

RUN = "cc-ci.run"
RECIPE = "cc-ci.recipe"
DEPLOYMENT = "cc-ci.deployment"
STAGE = "cc-ci.stage"
EXPIRES = "cc-ci.expires"
ROLE = "cc-ci.role"
SERVES = "cc-ci.serves"
"""On a proxy: the one deployment that it is for; without it, it is for all of its run."""
PREFIX = "cc-ci."

STACK = "com.docker.stack.namespace"
SERVICE = "com.docker.swarm.service.name"


class RunLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a thing's owner; `expires` is on the engine's clock."""

    run: str
    recipe: str
    deployment: str
    expires: EpochSeconds
    stage: str | None = None
    role: str | None = None

    def lasting(self) -> dict[str, str]:
        """Those that stay the same as long as a deployment does: a changed one would restart its tasks."""
        labels = {
            RUN: self.run,
            RECIPE: self.recipe,
            DEPLOYMENT: self.deployment,
            EXPIRES: str(int(self.expires)),
        }
        return labels if self.role is None else {**labels, ROLE: self.role}

    def all(self) -> dict[str, str]:
        """All of them, for what can be relabelled in place: services, configs and secrets."""
        return self.lasting() if self.stage is None else {**self.lasting(), STAGE: self.stage}
