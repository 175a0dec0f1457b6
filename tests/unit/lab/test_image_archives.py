import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cc_ci.errors import UsageError
from cc_ci.lab.archives import ARCHITECTURES, loadable

HERE = ARCHITECTURES[platform.machine()]


def archive(path: Path, files: dict[str, Any], *, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            payload = json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(payload)
            tar.addfile(member, io.BytesIO(payload))
    return path


def oci(*, name: str | None = "ghcr.io/a/b:1", architecture: str = HERE) -> dict[str, Any]:
    annotations = {"org.opencontainers.image.ref.name": name} if name else {}
    index = {
        "manifests": [{"digest": "sha256:nested", "platform": {"os": "linux", "architecture": architecture}}]
    }
    return {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"manifests": [{"digest": "sha256:index", "annotations": annotations}]},
        "blobs/sha256/index": index,
        "blobs/sha256/nested": {
            "config": {"digest": "sha256:config"},
            "layers": [{"digest": "sha256:layer"}],
        },
        "blobs/sha256/config": {},
        "blobs/sha256/layer": "layer",
    }


def test_a_docker_save_archive_is_taken_as_it_is(tmp_path: Path) -> None:
    file = archive(tmp_path / "saved.tar", {"manifest.json": [{"RepoTags": ["nginx:1", "nginx:2"]}]})
    assert loadable(file, work=tmp_path) == (file, ("nginx:1", "nginx:2"))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_oci_archive_gets_the_list_that_docker_load_wants(tmp_path: Path, mode: str) -> None:
    path, names = loadable(archive(tmp_path / "oci.tar", oci(), mode=mode), work=tmp_path)
    assert names == ("ghcr.io/a/b:1",)
    with tarfile.open(path) as tar:
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        assert json.load(stream) == [
            {"Config": "blobs/sha256/config", "RepoTags": ["ghcr.io/a/b:1"], "Layers": ["blobs/sha256/layer"]}
        ]
        assert "blobs/sha256/layer" in tar.getnames()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"readme": "x"}, "no image archive"),
        ({"manifest.json": [{"RepoTags": None}]}, "has no name"),
        (oci(name=None), "has no name"),
        (oci(name="latest"), "has no name"),
        (oci(architecture="s390x"), f"no image for linux/{HERE}"),
        ({"index.json": {}}, "can't be read as an image archive"),
    ],
)
def test_what_is_no_loadable_image_is_refused_in_one_line(
    tmp_path: Path, files: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        loadable(archive(tmp_path / "bad.tar", files), work=tmp_path)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(UsageError, match="can't be read as an image archive"):
        loadable(tmp_path / "text", work=tmp_path)
