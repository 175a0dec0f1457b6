"""What every check of the policy gets to see: the app and its stack, and the node that it would run on."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from cc_ci.recipes.app import App
from cc_ci.recipes.policy.refusals import Refusal, RefusalBlame
from cc_ci.recipes.rule import Syntax
from cc_ci.recipes.stack import Stack
from cc_ci.system.printable import one_line

LONGEST_SHOWN = 4096
PROXY_PORTS = frozenset({(80, "tcp"), (443, "tcp")})
SWARM_PORTS = frozenset({(2377, "tcp"), (7946, "tcp"), (7946, "udp"), (4789, "udp")})
NODE_PORTS = PROXY_PORTS | SWARM_PORTS | {(53, "tcp"), (53, "udp")}
"""Of a private node: the proxy's, the name server's and Swarm's own."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of a node. `entrypoints` and `middlewares` are its proxy's; None: unknown.

    `syntax` is in which version's syntax its proxy reads rules; None: in the one that the recipe's need.
    """

    private: bool = True
    taken: frozenset[tuple[int, str]] = NODE_PORTS
    entrypoints: tuple[str, ...] | None = ("web", "web-secure")
    middlewares: tuple[str, ...] | None = ()
    syntax: Syntax | None = None


PRIVATE = Place()
FOREIGN = Place(private=False, taken=PROXY_PORTS, entrypoints=None, middlewares=None)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One app as it would be deployed at one place."""

    app: App
    stack: Stack
    place: Place = PRIVATE
    web: bool | None = None
    """Whether the app has to answer through the proxy; None: where .env.sample has a DOMAIN."""

    def refuse(
        self, key: str, what: str, *, blame: RefusalBlame = "recipe", remedy: str = "", blocks: bool = True
    ) -> Refusal:
        return Refusal(
            blame=blame,
            key=self.shown(key),
            what=self.shown(what),
            remedy=remedy,
            source=self.stack.source(key),
            blocks=blocks,
        )

    def needs(self, permission: str, key: str, what: str) -> Refusal:
        """Refused, unless it is trusted."""
        return Refusal(
            blame="policy",
            key=self.shown(key),
            what=self.shown(what),
            permission=self.lasting(permission),
            source=self.stack.source(key),
        )

    def lasting(self, text: str) -> str:
        """The same in each run: a run's domain and stack name have a placeholder."""
        return text.replace(self.stack.name, "{STACK_NAME}").replace(self.app.domain, "{DOMAIN}")

    def shown(self, text: str) -> str:
        """A text as the recipe's files have it, with its variables."""
        shown = text.replace(self.stack.name, "${STACK_NAME}").replace(self.app.domain, "${DOMAIN}")
        return one_line(shown, most=LONGEST_SHOWN)

    def is_own_name(self, name: str) -> bool:
        """Whether a name can be nobody else's, for the app's stack name or domain is its beginning."""
        starts = (self.stack.name, self.app.domain)
        return name in starts or name.startswith(
            tuple(f"{start}{sign}" for start in starts for sign in "_-.")
        )


PolicyCheck = Callable[[Look, str, str, Any], Iterator[Refusal]]
"""Judge one value: (look, its dotted key, the name of its entry, the value)."""
