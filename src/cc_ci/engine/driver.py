"""What a stage asks of whatever hands stacks to Swarm; `StackDriver` and `AbraDriver` do it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from cc_ci.engine.api import Labels
from cc_ci.engine.overlay import Overlay
from cc_ci.engine.watching import POLL, Convergence
from cc_ci.recipes.app import App
from cc_ci.recipes.secrets import SecretSpec
from cc_ci.recipes.stack import Stack
from cc_ci.system.units import EpochSeconds, Seconds


class Spanned(Protocol):
    """Names what a driver does in the run's trace."""

    def __call__(self, name: str, *, action: str | None = None) -> AbstractContextManager[object]: ...


class Driver(Protocol):
    """Order of calls: `make_secrets`, `write`, `deploy` (`since` taken before it), `converge`, `remove`."""

    def make_secrets(
        self, app: App, wanted: Sequence[SecretSpec], *, given: Mapping[str, str], labels: Labels
    ) -> dict[str, str]:
        """Make each wanted secret, with its given value or a new one; the values by name."""
        ...

    def write(self, app: App, stack: Stack, overlay: Overlay, folder: Path) -> tuple[Path, ...]: ...

    def deploy(self, app: App, folder: Path, *, resolve_image: str = "always") -> None: ...

    def converge(
        self,
        stack: Stack,
        *,
        since: EpochSeconds,
        timeout: Seconds,
        stable_for: Seconds = 0.0,
        poll: Seconds = POLL,
    ) -> Convergence: ...

    def require_sound(self, stack: Stack, *, since: EpochSeconds) -> None: ...

    def running_images(self, stack_name: str) -> Mapping[str, str]: ...

    def remove(self, stack_name: str, *, wait: bool, prompt: bool = False) -> None: ...

    def remove_owned(self, app: App, stack: Stack) -> None:
        """Remove what the driver itself has made of an app beside its stack. Works twice."""
        ...
