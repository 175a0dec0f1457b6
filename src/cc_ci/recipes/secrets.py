"""A secret to be made for an app, and a value for it, as abra makes them."""

import secrets as randomness
import string

import msgspec

DEFAULT_LENGTH = 32
ALPHANUMERIC = string.ascii_letters + string.digits
CHARSETS = {
    "default": ALPHANUMERIC,
    "alphanumeric": ALPHANUMERIC,
    "alpha": string.ascii_letters,
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "numeric": string.digits,
    "hex": "0123456789abcdef",
    "safespecial": "!@#%^&*_-+=",
    "special": "!@#$%^&*_-+=",
}
"""What `charset=` may name, several joined by commas."""


class SecretSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A secret to be made before the deploy; `given`: its env line says that people bring the value."""

    name: str
    swarm_name: str
    length: int = DEFAULT_LENGTH
    charset: str = "default"
    given: bool = False


def generate_secret(spec: SecretSpec) -> str:
    """A random value of the wanted length, with at least one character of each charset named."""
    alphabets = [CHARSETS[name] for name in spec.charset.split(",")]
    everything = "".join(alphabets)
    characters = [randomness.choice(alphabet) for alphabet in alphabets][: spec.length]
    characters += [randomness.choice(everything) for _ in range(spec.length - len(characters))]
    randomness.SystemRandom().shuffle(characters)
    return "".join(characters)
