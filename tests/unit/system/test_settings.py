import tomllib
from pathlib import Path

import pytest

from cc_ci.errors import UsageError
from cc_ci.system.settings import (
    NAMES,
    Layer,
    Settings,
    environment_layer,
    file_layers,
    flag_layer,
    load_resolved,
    resolve,
    settings_files,
    size_bytes,
)

EXAMPLE = Path(__file__).parents[3] / "docs" / "reference" / "cc-ci.toml"


def test_the_annotated_example_sets_every_setting_to_something_else_than_its_default() -> None:
    assert tuple(tomllib.loads(EXAMPLE.read_text())) == NAMES
    resolved = resolve(file_layers([EXAMPLE]))
    assert set(resolved.origins.values()) == {str(EXAMPLE)}
    assert not [name for name in NAMES if getattr(resolved.settings, name) == getattr(Settings(), name)]


def test_the_example_states_each_default() -> None:
    text = EXAMPLE.read_text()
    for name in NAMES:
        default = getattr(Settings(), name)
        if isinstance(default, str | int | float):
            shown = f"{default:g}" if isinstance(default, float) else str(default)
            assert f"[{shown.lower()}" in text, name


def test_each_place_is_stronger_than_the_one_before(tmp_path: Path) -> None:
    files = [
        tmp_path / "etc.toml",
        tmp_path / "user.toml",
        tmp_path / "missing.toml",
        tmp_path / "project.toml",
    ]
    files[0].write_text('ci_domain = "etc.test"\nkeep_runs = 1\ncpus = 1\nmemory = "1g"\ncache = "cold"')
    files[1].write_text('keep_runs = 2\ncpus = 2\nmemory = "2g"\ncache = "warm"')
    files[3].write_text('cpus = 3\nmemory = "3g"\ncache = "cold"')
    resolved = resolve(
        [
            *file_layers(files),
            *environment_layer({"CC_CI_MEMORY": "4g", "CC_CI_CACHE": "warm", "CC_CI_NODE": ""}),
            *flag_layer({"cache": "as-is", "node": None, "deadline_seconds": 60}),
        ]
    )
    assert resolved.settings == Settings(
        ci_domain="etc.test", keep_runs=2, cpus=3.0, memory="4g", cache="as-is", deadline_seconds=60.0
    )
    assert resolved.origins == dict.fromkeys(NAMES, "default") | {
        "ci_domain": str(files[0]),
        "keep_runs": str(files[1]),
        "cpus": str(files[3]),
        "memory": "environment CC_CI_MEMORY",
        "cache": "flag --cache",
        "deadline_seconds": "flag --deadline",
    }


def test_an_environment_variable_is_converted_to_its_settings_type() -> None:
    environment = {"CC_CI_KEEP_RUNS": "7", "CC_CI_CPUS": "1.5", "CC_CI_SUITES": "/a:b"}
    settings = resolve(environment_layer(environment)).settings
    assert (settings.keep_runs, settings.cpus) == (7, 1.5)
    assert settings.suites == (Path("/a"), Path("b"))


def test_a_path_in_a_file_starts_from_that_file(tmp_path: Path) -> None:
    (tmp_path / "cc-ci.toml").write_text('suites = ["mine", "/theirs"]')
    settings = resolve(file_layers([tmp_path / "cc-ci.toml"])).settings
    assert settings.suites == (tmp_path / "mine", Path("/theirs"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"memroy": "1g"}, "somewhere: setting memroy: not known; did you mean memory? there is node, "),
        ({"keep_runs": 0}, "somewhere: keep_runs: expected `int` >= 1; it is 0"),
        ({"keep_runs": "some"}, "somewhere: keep_runs: expected `int`, got `str`; it is 'some'"),
        ({"images": "mine"}, "somewhere: images: invalid enum value 'mine'; it is 'mine'"),
        ({"bandwidth": "fast"}, "somewhere: bandwidth: has to be a rate such as 100mbit; it is 'fast'"),
        ({"suites": "one"}, "somewhere: suites: expected `array`, got `str`; it is 'one'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_key(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        resolve([Layer(origin="somewhere", values=values)])
    assert str(raised.value).startswith(message)


def test_a_file_that_is_no_toml_is_named_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "cc-ci.toml"
    path.write_text("node = \n")
    with pytest.raises(UsageError, match=r"cc-ci\.toml: can't be read as TOML: Invalid value"):
        list(file_layers([path]))


def test_the_files_are_those_of_machine_user_and_project(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert [str(path) for path in settings_files()] == [
        "/etc/cc-ci/cc-ci.toml",
        f"{tmp_path}/config/cc-ci/cc-ci.toml",
        "cc-ci.toml",
    ]
    Path("cc-ci.toml").write_text("keep_runs = 3")
    assert load_resolved({"keep_runs": None}).origins["keep_runs"] == "cc-ci.toml"


@pytest.mark.parametrize(
    ("size", "expected"), [("512", 512), ("4k", 4096), ("6g", 6 * 2**30), ("200M", 200 * 2**20)]
)
def test_sizes_take_powers_of_1024(size: str, expected: int) -> None:
    assert size_bytes(size) == expected
    assert Settings(memory=size).memory_bytes == expected


@pytest.mark.parametrize("size", ["", "0", "six", "6gb", "-1", "1.5g"])
def test_what_is_no_size_is_refused(size: str) -> None:
    with pytest.raises(UsageError, match="not a size"):
        size_bytes(size)
    with pytest.raises(
        UsageError, match="memory: has to be a size: bytes, or a number with k, m or g, such as 6g; it is"
    ):
        resolve([Layer(origin="somewhere", values={"memory": size})])
