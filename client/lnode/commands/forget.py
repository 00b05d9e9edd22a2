"""`lnode HOST --forget`: take out of the laptop's keychain what `--sign-in` has put there."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.ssh import keychain
from lnode.ssh.keychain import KeychainFailed


def forget(host: str) -> ExitCode:
    """Nothing of the host stays in the keychain. Raises LnodeError where that fails."""
    try:
        names = keychain.forget(host)
    except KeychainFailed as failed:
        by_hand = f"unlock it and try again, or remove there what is called: lnode {host}"
        raise LnodeError(ExitCode.FAILED, f"{failed}; not all was removed from it", by_hand) from None
    said = f"the keychain has forgotten {' and '.join(names)}" if names else f"the keychain has nothing of {host}"
    screen.say(said)
    return ExitCode.DONE
