"""Where volumes are for the tools that touch them: under the paths that an operator's node has. Pure."""

from typing import Literal

from cc_ci.errors import StageFailed
from cc_ci.recipes.policy.names import NAME

VOLUMES = "/var/lib/docker/volumes"
REPOSITORY = "/repository"
LONGEST_NAME = 255
"""Of a folder."""

Access = Literal["reads", "changes"]


def volume_folder(name: str) -> str:
    """The volume's folder, as an operator's archive has it. Raises StageFailed for no volume's name."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise StageFailed(f"volume {name!r}: no name of a volume, so no path is made of it")
    return f"{VOLUMES}/{name}"


def volume_content(name: str) -> str:
    return f"{volume_folder(name)}/_data"
