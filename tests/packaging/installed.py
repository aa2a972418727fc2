"""Environments of their own with the built wheel in them, made without a network."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = ("run", "--target", "embedded", "--profile", "ecom", "--histories", "0")
OURS = ("cancel_conformance", "_cancel_conformance", "conformance")
THEIRS = "import reports, strategies; print(reports.OWNER, strategies.OWNER)"


def completed(*words, cwd, **environment):
    """Return what a command prints; it has to succeed."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**inherited, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(project, folder, kind):
    """Return the wheel or the source distribution that the installed hatchling builds of a project."""
    completed(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=project)
    (path,) = folder.iterdir()
    return path


@dataclass(frozen=True)
class Environment:
    """A virtual environment with our dependencies and without us."""

    home: Path

    @property
    def python(self):
        return self.home / ("Scripts" if os.name == "nt" else "bin") / "python"

    @property
    def site_packages(self):
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.home)}))

    @property
    def packages(self):
        """The names in it, without what tells of an installation."""
        entries = (path.name for path in self.site_packages.iterdir())
        return {name for name in entries if not name.endswith((".dist-info", "__pycache__"))}

    def pip(self, *words):
        completed(sys.executable, "-m", "pip", "--python", self.python, *words, cwd=self.home)

    def install(self, *words):
        self.pip("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", *words)

    def uninstall(self, name):
        self.pip("uninstall", "--quiet", "--yes", name)

    def execute(self, *words, cwd, **environment):
        return completed(self.python, *words, cwd=cwd, **environment)

    def imported(self, cwd):
        """Return whose `reports` and `strategies` an import finds."""
        return self.execute("-c", THEIRS, cwd=cwd).split()

    def conforms(self, cwd):
        """Return whether the installed command line runs to a conformant verdict."""
        command = self.python.with_name("cancel-conformance")
        return "Report: " in completed(command, *RUN, cwd=cwd)


def environment_in(folder, name="environment"):
    """Make an environment with the dependencies of the one that runs the tests."""
    home = folder / name
    venv.create(home, with_pip=False)
    made = Environment(home)
    dependencies = folder / f"{name}-dependencies"
    dependencies.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(OURS):
            (dependencies / entry.name).symlink_to(entry)
    (made.site_packages / "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")
    return made


def wheel_of(folder):
    """Return the wheel of this checkout."""
    return build(ROOT, folder, "wheel")
