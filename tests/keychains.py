"""Keychains for tests: an encrypted file, GNOME's on a D-Bus of its own, one that stays locked, and none."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from keyrings.alt.file import EncryptedKeyring, PlaintextKeyring  # type: ignore[import-untyped]

TESTS = Path(__file__).parent
MASTER = "the master password of a test"


class EncryptedFile(EncryptedKeyring):  # type: ignore[misc]
    """Its master password would be asked for at the terminal."""

    keyring_key = MASTER

    @property
    def file_path(self) -> str:
        return os.environ["LNODE_TESTS_KEYCHAIN"]


class Locked(KeyringBackend):
    """A keychain that nobody unlocks."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("not now")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("not now")

    def delete_password(self, service: str, username: str) -> None:
        raise KeyringLocked("not now")


class Chain(Locked):
    """Several keychains, as keyring's ChainerBackend has them."""

    def __init__(self, *backends: KeyringBackend) -> None:
        self.backends = backends


class PlainChain(Chain):
    """Of which none encrypts."""

    def __init__(self) -> None:
        super().__init__(PlaintextKeyring(), PlaintextKeyring())


def of_class(name: str) -> dict[str, str]:
    """The environment in which keyring takes that backend."""
    return {"PYTHON_KEYRING_BACKEND": name, "PYTHONPATH": f"{TESTS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def encrypted_file(path: Path) -> dict[str, str]:
    """The environment of a keychain that is an encrypted file."""
    return {**of_class("keychains.EncryptedFile"), "LNODE_TESTS_KEYCHAIN": str(path)}


MISSING = [name for name in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(name) is None]


@contextmanager
def gnome(folder: Path, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of GNOME's keychain, unlocked, on a D-Bus that only it and who gets this are on."""
    folder.mkdir(mode=0o700, parents=True)
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address=unix:path={folder}/bus", "--print-address"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env,
    )  # fmt: skip
    assert bus.stdout
    try:
        address = bus.stdout.readline().strip()
        private = {
            "DBUS_SESSION_BUS_ADDRESS": address, "XDG_DATA_HOME": str(folder / "data"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
        }  # fmt: skip
        control = f"--control-directory={folder}/control"
        daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", control],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**env, **private},
        )  # fmt: skip
        try:
            assert daemon.stdin and daemon.stdout
            daemon.stdin.write(MASTER)
            daemon.stdin.close()
            daemon.stdout.readline()  # GNOME_KEYRING_CONTROL=...: it answers from now on
            yield private
        finally:
            daemon.terminate()
            daemon.wait(10)
    finally:
        bus.terminate()
        bus.wait(10)
