"""What an ended ssh means for the next one. Whoever has started an ssh asks here why it has not logged in."""

from collections.abc import Sequence

from lnode.ssh import arguments, failures, keychain, prompts, sign_in_memory
from lnode.ssh.failures import Cause, Said
from lnode.ssh.target import Target


def why_not_in(target: Target, said: Said, argv: Sequence[str], *, silent: bool) -> Cause:
    """Why this ssh ended before it had logged in; with 255, or by a signal.

    A silent one that has come to the host, and not in, is remembered whatever its words were: the next would end the
    same way, and each is a failed login to the site. So it is not repeated before a person has signed in.
    """
    if silent and not arguments.may_dial(argv):
        return Cause.LOGIN_REFUSED  # it was only let ride, and has found no connection
    cause = failures.cause_of_ssh(said, target.place)
    if silent:
        cause = failures.cause_of_silent(said, target.place, tells=prompts.tells(target))
    if keychain.sent_password(said.others):  # the same once more would be the next failed login, or push
        keychain.refused(target.alias)
        cause = Cause.LOGIN_REFUSED if silent else cause
    if silent and (cause is Cause.LOGIN_REFUSED or (failures.wants_person(cause) and failures.came_to_login(said))):
        sign_in_memory.learn_refusal(target)
    return cause


def broken_off(target: Target, said: Said) -> bool:
    """True if a silent ssh that is given up was within a login that needs the keychain. That is remembered too.

    Any other silence may be the network's.
    """
    if failures.signed_in(said, target.place) is not None or not keychain.was_asked(said.others):
        return False
    if keychain.sent_password(said.others):
        keychain.refused(target.alias)
    sign_in_memory.learn_refusal(target)
    return True
