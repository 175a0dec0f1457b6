"""The containers of a warm Keycloak: pure argv, no secret ever in it, and what the client reads at its stdin.

The provider is tuned as recipes never are: its build step is done ahead, and it knows of no cluster.
"""

from collections.abc import Mapping

from cc_ci.engine.argv import labelled
from cc_ci.engine.labels import PREFIX, ROLE

NAME = "cc-ci-provider-keycloak"
"""Of its container, its network and its volume."""
DATABASE = f"{NAME}-db"
BUILDER = f"{NAME}-build"
IMAGE = "cc-ci/provider-keycloak"
DATABASE_IMAGE = "cc-ci/provider-db"
"""A name of its own, so that a run that starts cold can take the recipe's name off the image."""
ROLE_OF_PROVIDER = "provider"
PROVIDER = f"{PREFIX}provider"
LABELS: Mapping[str, str] = {ROLE: ROLE_OF_PROVIDER, PROVIDER: "keycloak"}
PORT = 8080
HEALTH_PORT = 9000
DATA = "/var/lib/postgresql/data"
BUILD_OPTIONS = ("--db=postgres", "--health-enabled=true", "--cache=local")
CONFINED = ("--restart=no", "--security-opt=no-new-privileges", "--log-opt=max-size=10m")


def tag(image: str, image_id: str) -> str:
    """The name of what is made of an image; another image, another name."""
    return f"{image}:{image_id.rpartition(':')[2][:12]}"


def build(reference: str) -> list[str]:
    """Keycloak's build step, in a container that has no network."""
    options = ["--name", BUILDER, "--network=none", *labelled(LABELS)]
    return ["docker", "run", *options, reference, "build", *BUILD_OPTIONS]


def commit(built: str) -> list[str]:
    return ["docker", "commit", "--change", 'CMD ["start", "--optimized"]', BUILDER, built]


def network() -> list[str]:
    """Keycloak and its database, and nobody else; no way out."""
    return ["docker", "network", "create", "--driver=bridge", "--internal", *labelled(LABELS), NAME]


def database(image: str) -> list[str]:
    volume = f"--mount=type=volume,source={NAME},target={DATA},volume-label={ROLE}={ROLE_OF_PROVIDER}"
    options = ["--name", DATABASE, "--network", NAME, "--network-alias=db", "--memory=256m"]
    return ["docker", "run", "--detach", *CONFINED, *options, *_given(), volume, image]


def keycloak(image: str) -> list[str]:
    options = ["--name", NAME, "--network", NAME, "--memory=1g"]
    return ["docker", "run", "--detach", *CONFINED, *options, *_given(), image]


def _given() -> list[str]:
    return ["--env-file=/dev/stdin", *labelled(LABELS)]


def database_env(*, password: str) -> str:
    return _lines({"POSTGRES_USER": "keycloak", "POSTGRES_DB": "keycloak", "POSTGRES_PASSWORD": password})


def keycloak_env(*, password: str, first_user: str, first_password: str) -> str:
    """`first_user` is who makes the account that runs go by; nobody after that can be it."""
    return _lines(
        {
            "KC_DB_URL": "jdbc:postgresql://db/keycloak",
            "KC_DB_USERNAME": "keycloak",
            "KC_DB_PASSWORD": password,
            # each run has a name of its own for it, behind its own proxy
            "KC_HOSTNAME_STRICT": "false",
            "KC_HTTP_ENABLED": "true",
            "KC_PROXY_HEADERS": "xforwarded",
            "KC_BOOTSTRAP_ADMIN_USERNAME": first_user,
            "KC_BOOTSTRAP_ADMIN_PASSWORD": first_password,
            "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
        }
    )


def _lines(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())
