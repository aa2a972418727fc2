"""What an installation puts into a user's environment: one import package, next to which theirs go on working.

Everything is built by the hatchling that is installed here, without a network.
"""

import tarfile
import zipfile

import pytest

from .installed import ROOT, RUN, build, completed, environment_in, wheel_of


@pytest.fixture
def environment(tmp_path):
    return environment_in(tmp_path)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return wheel_of(tmp_path_factory.mktemp("wheel"))


def add_packages(folder, owner):
    """Give a folder packages with the names of our folders at the top; what they export is theirs."""
    for name in ("reports", "strategies"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"OWNER = {owner!r}\n", encoding="utf-8")


@pytest.fixture
def shop(tmp_path):
    """A project of somebody else's that installs packages `reports` and `strategies`."""
    project = tmp_path / "project"
    add_packages(project, "shop")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "shop"\nversion = "1"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["reports", "strategies"]\n',
        encoding="utf-8",
    )
    return build(project, tmp_path / "shop", "wheel")


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def work(tmp_path):
    """A working directory with packages `reports` and `strategies` of its own."""
    folder = tmp_path / "work"
    add_packages(folder, "work")
    return folder


def test_a_wheel_has_one_import_package_with_the_examples_in_it(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    places = {name.partition("/")[0] for name in names}
    assert {name for name in places if not name.endswith(".dist-info")} == {"conformance"}
    shops = {"epayment.py", "exec/shop.py", "hook/service.py", "php/hook.php"}
    assert {f"conformance/examples/merchants/{shop}" for shop in shops} <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_a_wheel_of_the_source_distribution_is_the_wheel_of_the_checkout(wheel, tmp_path):
    with tarfile.open(build(ROOT, tmp_path / "sdist", "sdist")) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    (project,) = (tmp_path / "unpacked").iterdir()
    again = build(project, tmp_path / "again", "wheel")
    assert (again.name, again.read_bytes()) == (wheel.name, wheel.read_bytes())


@pytest.mark.thorough
@pytest.mark.parametrize("leaves", ["ours", "theirs"])
@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_an_installation_and_packages_of_the_same_names_leave_each_other_alone(
    environment, wheel, shop, empty, work, kind, first, leaves
):
    installed = {"ours": ("--editable", ROOT) if kind == "editable" else (wheel,), "theirs": (shop,)}
    names = {"ours": "cancel-conformance", "theirs": "shop"}
    second = next(name for name in names if name != first)
    stays = next(name for name in names if name != leaves)
    before = environment.packages

    environment.install(*installed[first])
    environment.install(*installed[second])
    if kind == "wheel":
        assert environment.packages - before == {"conformance", "reports", "strategies"}
    assert environment.conforms(empty)
    assert environment.conforms(work)
    assert environment.imported(empty) == ["shop", "shop"]
    assert environment.imported(work) == ["work", "work"]

    environment.uninstall(names[leaves])
    if stays == "ours":
        assert environment.conforms(empty)
    else:
        assert environment.imported(empty) == ["shop", "shop"]
    assert environment.imported(work) == ["work", "work"]

    environment.uninstall(names[stays])
    assert environment.packages == before


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_the_examples_are_installed(environment, wheel, empty, kind):
    environment.install(*(("--editable", ROOT) if kind == "editable" else (wheel,)))
    command = environment.python.with_name("cancel-conformance")
    merchant = "python:conformance.examples.merchants.epayment:Adapter"
    words = ("merchant", "--integration", merchant, "--budget", "quick", "--histories", "0")
    assert "Report: " in completed(command, *words, cwd=empty)
    adapter = "python:conformance.examples.adapter_example:InMemoryEpayment"
    assert "Report: " in completed(command, "run", "--target", adapter, "--histories", "0", cwd=empty)


@pytest.mark.thorough
def test_a_checkout_and_packages_of_the_same_names(environment, shop, empty, work):
    environment.install(shop)
    assert "Report: " in environment.execute("-m", "conformance", *RUN, "--out", work / "one", cwd=ROOT)
    assert "Report: " in environment.execute("-m", "conformance", *RUN, "--out", "two", cwd=work, PYTHONPATH=str(ROOT))
    assert environment.imported(empty) == ["shop", "shop"]


@pytest.mark.thorough
@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
def test_the_suite_runs_under_xdist_in_a_folder_with_reports_of_its_own(environment, wheel, work, editable):
    environment.install(*(("--editable", ROOT) if editable else (wheel,)))
    words = ("-m", "pytest", "-n", "2", "--pyargs", "conformance.suite", "--cancel-target", "embedded")
    out = environment.execute(*words, "--cancel-profile", "ecom", "--cancel-histories", "0", cwd=work)
    assert "Conformant: " in out
    assert environment.imported(work) == ["work", "work"]
