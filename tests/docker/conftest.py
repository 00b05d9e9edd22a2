"""Fixtures of the Docker tests: the engine, the two images, and one running rig of each."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing

import docker
import pytest
from docker.errors import DockerException

import rig
from rig import Rig


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """Docker's API. Without an engine the tests are skipped, or fail under LNODE_REQUIRE_DOCKER=1."""
    try:
        client = docker.from_env(timeout=120)
    except DockerException as error:
        if os.environ.get("LNODE_REQUIRE_DOCKER") == "1":
            pytest.fail(f"LNODE_REQUIRE_DOCKER=1, and no Docker engine answers: {error}")
        pytest.skip(f"no Docker engine answers: {error}")
    with closing(client):
        try:
            rig.ensure_base_image()
        except RuntimeError as error:
            pytest.fail(str(error), pytrace=False)
        yield client


@pytest.fixture(scope="session")
def run() -> str:
    """This test run's own name, so that runs side by side do not meet."""
    return uuid.uuid4().hex[:12]


@pytest.fixture(scope="session")
def standin_image(engine: docker.DockerClient) -> str:
    """sshd with stand-ins for tmux and sinteractive; the image's id."""
    return rig.build(engine, "standin")


@pytest.fixture(scope="session")
def slurm_image(engine: docker.DockerClient) -> str:
    """sshd with real tmux and real Slurm; the image's id."""
    return rig.build(engine, "slurm")


@pytest.fixture(scope="session")
def accounts_image(engine: docker.DockerClient) -> str:
    """The same, with slurmdbd and a second cluster; the image's id."""
    if rig.RELEASE != "bookworm":
        pytest.skip("slurmdbd is set up as bookworm has it")
    return rig.build(engine, "accounts")


@pytest.fixture(scope="session")
def gridengine_image(engine: docker.DockerClient) -> str:
    """sshd with real tmux and real Grid Engine; the image's id."""
    if rig.RELEASE == "forky":
        pytest.skip("Debian forky has no Grid Engine")
    return rig.build(engine, "gridengine")


@pytest.fixture(scope="session")
def oar_image(engine: docker.DockerClient) -> str:
    """sshd with real tmux and real OAR; the image's id."""
    if rig.RELEASE != "bookworm":
        pytest.skip("OAR is set up as bookworm has it")
    return rig.build(engine, "oar")


@pytest.fixture(scope="session")
def htcondor_image(engine: docker.DockerClient) -> str:
    """sshd with real tmux and real HTCondor; the image's id."""
    if rig.RELEASE != "bookworm":
        pytest.skip("HTCondor is that of one Debian, whatever LNODE_RIG says")
    return rig.build(engine, "htcondor")


@pytest.fixture(scope="session")
def _standin(engine: docker.DockerClient, standin_image: str, run: str) -> Iterator[Rig]:
    with rig.running(engine, "standin", standin_image, run) as started:
        yield started


@pytest.fixture(scope="session")
def _slurm(engine: docker.DockerClient, slurm_image: str, run: str) -> Iterator[Rig]:
    with rig.running(engine, "slurm", slurm_image, run) as started:
        yield started


@pytest.fixture(scope="session")
def _accounts(engine: docker.DockerClient, accounts_image: str, run: str) -> Iterator[Rig]:
    with rig.running(engine, "accounts", accounts_image, run) as started:
        yield started


@pytest.fixture(scope="session")
def _gridengine(engine: docker.DockerClient, gridengine_image: str, run: str) -> Iterator[Rig]:
    with rig.running(engine, "gridengine", gridengine_image, run) as started:
        yield started


@pytest.fixture(scope="session")
def _oar(engine: docker.DockerClient, oar_image: str, run: str) -> Iterator[Rig]:
    with rig.running(engine, "oar", oar_image, run) as started:
        yield started


@pytest.fixture(scope="session")
def _htcondor(engine: docker.DockerClient, htcondor_image: str, run: str) -> Iterator[Rig]:
    with rig.running(engine, "htcondor", htcondor_image, run) as started:
        yield started


@pytest.fixture
def standin(_standin: Rig) -> Iterator[Rig]:
    """A running `standin`; alice's sessions and the records of calls are gone after each test."""
    yield _standin
    _forget(_standin)


@pytest.fixture
def slurm(_slurm: Rig) -> Iterator[Rig]:
    """A running `slurm`; alice's sessions and jobs are gone after each test, other users' are the test's to forget."""
    yield _slurm
    _forget(_slurm)


@pytest.fixture
def accounts(_accounts: Rig) -> Iterator[Rig]:
    """A running `accounts`; alice's sessions and jobs are gone after each test. She alone has an account."""
    yield _accounts
    _forget(_accounts)


@pytest.fixture
def gridengine(_gridengine: Rig) -> Iterator[Rig]:
    """A running `gridengine`, two slots; alice's sessions and jobs are gone after each test."""
    yield _gridengine
    _forget(_gridengine)


@pytest.fixture
def oar(_oar: Rig) -> Iterator[Rig]:
    """A running `oar`, two nodes of one core; alice's sessions and jobs are gone after each test."""
    yield _oar
    _forget(_oar)


@pytest.fixture
def htcondor(_htcondor: Rig) -> Iterator[Rig]:
    """A running `htcondor`, two slots; alice's sessions and jobs are gone after each test."""
    yield _htcondor
    _forget(_htcondor)


def _forget(rig: Rig) -> None:
    """Leave nothing to the next test: no connection, no session, and nothing that the laptop remembers of one."""
    rig.forget_connections()
    rig.forget_sessions()
    shutil.rmtree(rig.home / ".local" / "state", ignore_errors=True)
