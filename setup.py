"""Put what cc-ci ships beside its code into the package: the lab, suites, and the guard's mutants."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("guard", "lab", "suites")


class WithShipped(build_py):
    """A checkout has them at its root; an installation without one has them in `cc_ci/shipped`."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        into = Path(self.build_lib) / "cc_ci" / "shipped"
        shutil.rmtree(into, ignore_errors=True)
        for name in SHIPPED:
            shutil.copytree(name, into / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))


setup(cmdclass={"build_py": WithShipped})
