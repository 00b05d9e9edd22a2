"""`lnode HOST --forget`: remove the answers that `--sign-in` keeps in the laptop's keychain."""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.ssh import keychain
from lnode.ssh.keychain import KeychainFailed


def forget(host: str) -> ExitCode:
    """Remove all answers for the host from the keychain. Raises LnodeError if that fails."""
    try:
        names = keychain.forget(host)
    except KeychainFailed as failed:
        by_hand = f"unlock it and try again, or remove there what is called: lnode {host}"
        raise LnodeError(ExitCode.FAILED, f"{failed}; not all was removed from it", by_hand) from None
    said = f"the keychain has forgotten {' and '.join(names)}" if names else f"the keychain has nothing of {host}"
    screen.say(said)
    return ExitCode.DONE
