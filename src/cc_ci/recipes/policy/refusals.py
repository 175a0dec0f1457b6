"""One thing that keeps a recipe from being deployed here, whose fault that is, and what to do about it."""

from typing import Literal

import msgspec

from cc_ci.recipes.faults import Source

RefusalBlame = Literal["recipe", "policy", "cc-ci"]
"""`recipe`: wrong on any server. `policy`: not without `--trust`. `cc-ci`: its node can't give that."""
GRAVEST: tuple[RefusalBlame, ...] = ("recipe", "cc-ci", "policy")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is the compose key, dotted; `what` goes on from there; `permission` is what `--trust` takes."""

    blame: RefusalBlame
    key: str
    what: str
    remedy: str = ""
    permission: str | None = None
    source: Source | None = None
    blocks: bool = True
    """False: worth a word, and the app can be deployed and tested without it."""

    @property
    def line(self) -> str:
        where = f"{self.source}: " if self.source else ""
        remedy = f"`--trust {self.permission}` allows it" if self.permission else self.remedy
        return f"{where}{self.key}: {self.what}" + (f"; {remedy}" if remedy else "")
