"""All kinds of things that a chat server keeps, of an account from Keycloak and one that an operator made."""

import json
import struct
import zlib
from urllib.parse import quote

import matrix

from cc_ci.suite.contents import LETTERS, contents, difference

LONG = 48_000
"""Characters, which are more bytes: an event may be 65,536 bytes long, with all that a server adds."""
LARGE = 1_200_000
"""Bytes of a file."""
SIDE = 48
"""Of a picture, in pixels."""
DEVICE_KEYS = {
    "curve25519": "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI",
    "ed25519": "lEuiRJBit0IG6nUf5pUzWTUEsRVVe/HJkoKuEww9ULI",
}
SIGNATURE = "dSO80A01XiigH3uBiDVx/EjzaoycHcjq9lfQX0uWsqxl2giMIiSPR8a4d291W1ihKJL/a+myXS367WT6NAIcBA"
"""As clients make them, by their form; the server keeps them and can't read what they protect."""
BACKUP = "/_matrix/client/v3/room_keys"


def file_of(value):
    return contents(value, binary=LARGE).binary


def long_of(value):
    return contents(value, long=LONG).long


def picture(value):
    """A small PNG whose pixels follow from `value`."""
    pixels = contents(value, binary=SIDE * SIDE * 3).binary
    rows = b"".join(b"\0" + pixels[at : at + SIDE * 3] for at in range(0, len(pixels), SIDE * 3))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, parts))


def _chunk(part):
    name, content = part
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def alias(key, domain):
    return f"#{key}-küche:{domain}"


def fill(user, member, *, key, value, domain):
    """Make a room of both with all that belongs to `value`; where everything is."""
    made = contents(value)
    room = user.make_room(
        f"{key} {LETTERS}",
        topic=made.letters,
        invite=[member.name],
        room_alias_name=alias(key, domain).removeprefix("#").partition(":")[0],
    )
    member.post(f"{matrix.CLIENT}/rooms/{quote(room)}/join", {})
    place = {
        "room": room,
        "value": user.send(room, made.short),
        "long": member.send(room, long_of(value)),
        "file": user.upload(file_of(value), name=f"{key} żółw.bin"),
        "avatar": member.upload(picture(value), name="picture.png", kind="image/png"),
    }
    dress(member, value, avatar=place["avatar"])
    lock(member, room, value)
    return place


def dress(member, value, *, avatar):
    """What others see of the member."""
    profile = f"{matrix.CLIENT}/profile/{quote(member.name)}"
    member.put(f"{profile}/displayname", {"displayname": contents(value).letters})
    member.put(f"{profile}/avatar_url", {"avatar_url": avatar})


def lock(member, room, value):
    """What encryption needs of a server: a device's keys, and the backup of a room's keys."""
    keys = {f"{kind}:{member.device}": key for kind, key in DEVICE_KEYS.items()}
    algorithms = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]
    device = {"user_id": member.name, "device_id": member.device, "algorithms": algorithms, "keys": keys}
    signed = {"signatures": {member.name: {f"ed25519:{member.device}": SIGNATURE}}}
    member.post(f"{matrix.CLIENT}/keys/upload", {"device_keys": {**device, **signed}})
    about = {"public_key": DEVICE_KEYS["curve25519"], "signatures": {}}
    kind = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": about}
    version = member.post(f"{BACKUP}/version", kind)["version"]
    session = {
        "ciphertext": contents(value).letters,
        "ephemeral": DEVICE_KEYS["curve25519"],
        "mac": "5lxYBHQU80M",
    }
    kept = {"first_message_index": 1, "forwarded_count": 0, "is_verified": True, "session_data": session}
    member.put(f"{BACKUP}/keys/{quote(room)}/session?version={version}", kept)


def faults(user, member, place, *, key, value, domain):
    """What is not as it was written, a line each."""
    found = dict(_found(user, member, place, key=key, domain=domain))
    for name, wanted in _wanted(member, place, key=key, value=value).items():
        if fault := difference(wanted, found.get(name)):
            yield f"{name}: {fault}"


def _wanted(member, place, *, key, value):
    made = contents(value)
    return {
        "room behind its alias": place["room"],
        "room's name": f"{key} {LETTERS}",
        "room's topic": made.letters,
        "members": member.name,
        "long message": long_of(value),
        "file": file_of(value),
        "avatar": picture(value),
        "avatar's preview": "image/png",
        "display name": made.letters,
        "device's keys": json.dumps(DEVICE_KEYS),
        "backup of room keys": made.letters,
    }


def _found(user, member, place, *, key, domain):
    room = f"{matrix.CLIENT}/rooms/{quote(place['room'])}"
    behind = user.ask("GET", f"{matrix.CLIENT}/directory/room/{quote(alias(key, domain))}")
    yield "room behind its alias", behind.json().get("room_id")
    yield "room's name", user.get(f"{room}/state/m.room.name").get("name")
    yield "room's topic", user.get(f"{room}/state/m.room.topic").get("topic")
    yield (
        "members",
        next((name for name in user.get(f"{room}/joined_members")["joined"] if name == member.name), None),
    )
    yield "long message", user.message(place["room"], place["long"])
    yield "file", member.download(place["file"])
    profile = user.get(f"{matrix.CLIENT}/profile/{quote(member.name)}")
    if shown := profile.get("avatar_url"):
        yield "avatar", user.download(shown)
        preview = user.media("thumbnail", shown, "?width=32&height=32&method=crop")
        yield "avatar's preview", preview.headers.get("content-type")
    yield "display name", profile.get("displayname")
    asked = user.post(f"{matrix.CLIENT}/keys/query", {"device_keys": {member.name: []}})
    keys = asked["device_keys"].get(member.name, {}).get(member.device, {}).get("keys", {})
    yield "device's keys", json.dumps({name.partition(":")[0]: text for name, text in sorted(keys.items())})
    version = member.get(f"{BACKUP}/version")["version"]
    kept = member.get(f"{BACKUP}/keys/{quote(place['room'])}/session?version={version}")
    yield "backup of room keys", kept.get("session_data", {}).get("ciphertext")
