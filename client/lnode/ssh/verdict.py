"""What an ssh means for the next one: how it has signed in, and why it has ended.

An ssh of any kind is judged here, in one order: it did what it was for (OVER), it had logged in and was lost (LOST), or
it never came in, for a cause that its words tell.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lnode.ssh import arguments, failures, keychain, prompts, sign_in_memory
from lnode.ssh.failures import Cause, Said
from lnode.ssh.target import Target


class Ending(NamedTuple):
    """Why an ssh has ended. `began`: there was a session over it, or its login was done."""

    cause: Cause
    began: bool


def has_failed(status: int) -> bool:
    """True if ssh itself failed: with 255, or ended by a signal, which makes `status` negative."""
    return status == arguments.SSH_FAILED or status < 0


def of_ssh(
    target: Target, status: int, said: Said, argv: Sequence[str], *, silent: bool, heard: bool = False
) -> Ending:
    """What the end of an ssh means. `silent`: it could ask nobody; `heard`: the host has answered over it."""
    began = heard or failures.has_begun(said, target.place)
    if not has_failed(status):
        return Ending(Cause.OVER, began)
    return Ending(Cause.LOST if began else why_not_in(target, said, argv, silent=silent), began)


async def of_terminal(target: Target, status: int, said: Said, argv: Sequence[str], *, silent: bool) -> Ending:
    """As of_ssh, for an ssh on your tty: the escape `~.` ends it for good, alone or over a master that lives on."""
    if failures.is_hung_up(said, target.place) or await _is_let_go(target, status, said):
        return Ending(Cause.OVER, failures.has_begun(said, target.place))
    return of_ssh(target, status, said, argv, silent=silent)


async def _is_let_go(target: Target, status: int, said: Said) -> bool:
    if status != arguments.SSH_FAILED or not failures.is_let_go(said):
        return False
    from lnode.ssh.link.ladder import prove_master

    return bool(await prove_master(target))


def learn_sign_in(target: Target, said: Said) -> bool:
    """Remember how this ssh has signed in. Return True if the next sign-in would take you again.

    Over a master ssh does not say how: then what an earlier one told counts.
    """
    how = failures.signed_in(said, target.place)
    if how is None:
        return sign_in_memory.takes_person(target) or False
    sign_in_memory.learn(target, person=failures.takes_person(how))
    return failures.takes_person(how) and not keychain.is_kept(target)


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
    if _refused_password(target, said) and silent:
        cause = Cause.LOGIN_REFUSED
    if silent and (cause is Cause.LOGIN_REFUSED or (failures.wants_person(cause) and failures.came_to_login(said))):
        sign_in_memory.learn_refusal(target)
    return cause


def broken_off(target: Target, said: Said) -> bool:
    """True if a silent ssh that is given up was within a login that needs the keychain. That is remembered too.

    Any other silence may be the network's.
    """
    if failures.signed_in(said, target.place) is not None or not keychain.was_asked(said.others):
        return False
    _refused_password(target, said)
    sign_in_memory.learn_refusal(target)
    return True


def _refused_password(target: Target, said: Said) -> bool:
    """True if the keychain's password came to nothing: once more, it would be the next failed login, or push."""
    if not keychain.sent_password(said.others):
        return False
    keychain.refused(target.alias)
    return True
