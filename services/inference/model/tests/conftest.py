"""How the tests reach tract: the service's binary, built once."""

import subprocess
from pathlib import Path

import agreement
import pytest


def pytest_addoption(parser):
    """Adds the option that names the full data set, which is not part of the repository."""
    parser.addoption("--rows", metavar="DATA_DIR", help="the folder with train.csv.gz and test.csv.gz")


@pytest.fixture(scope="session")
def data_dir(request):
    """The folder of the full data set."""
    folder = request.config.getoption("--rows")
    if folder is None:
        pytest.skip("give the full data set with --rows DATA_DIR")
    return Path(folder)


@pytest.fixture(scope="session")
def tract():
    """The command of the binary that `cargo build` makes, which is quick where the Rust tests ran before."""
    build = ["cargo", "build", "--quiet", "--package", "inference"]
    subprocess.run(build, cwd=agreement.REPOSITORY, check=True)
    return str(agreement.REPOSITORY / "target" / "debug" / "inference")
