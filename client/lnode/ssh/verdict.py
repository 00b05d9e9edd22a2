"""The verdict on an ssh, which decides on the next one: how it has signed in, and why it has ended.

The order is the same for each kind of ssh: the site gave it no shell, it has done its task (OVER), or it had logged in
and was lost (LOST). Else it did not log in, for a cause that its words tell.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from lnode.ssh import arguments, failures, keychain, prompts, sign_in_memory
from lnode.ssh.failures import Cause
from lnode.ssh.login import login_of
from lnode.ssh.login_watch import LoginWatch
from lnode.ssh.said import Said
from lnode.ssh.target import Target


class Ending(NamedTuple):
    """The cause of an ssh's end. `began`: it carried a session, or its login was done."""

    cause: Cause
    began: bool


def has_failed(status: int) -> bool:
    """True if ssh itself failed: with 255, or ended by a signal, which makes `status` negative."""
    return status == arguments.SSH_FAILED or status < 0


def of_ssh(
    target: Target, status: int, said: Said, argv: Sequence[str], *, silent: bool, heard: bool = False
) -> Ending:
    """Return the verdict on the end of an ssh. `silent`: it could not ask you; `heard`: the host has answered."""
    if not heard and (cause := cause_of_no_shell(status, said)):
        return Ending(cause, began=False)
    began = heard or failures.has_begun(said, target.place)
    if not has_failed(status):
        return Ending(Cause.OVER, began)
    return Ending(Cause.LOST if began else why_not_in(target, said, argv, silent=silent), began)


def cause_of_no_shell(status: int, said: Said) -> Cause | None:
    """Return why sshd started no shell after the login, None for any other end (session.c: do_nologin, do_pwchange)."""
    if status == _NO_LOGINS:
        return Cause.SENT_AWAY
    if status == arguments.SSH_FAILED:
        words = "".join(said)
        return next((cause for pattern, cause in _NO_CHANNEL if re.search(pattern, words, re.MULTILINE)), None)
    expired = re.search(r"^WARNING: Your password has expired\.\r?$", said.others, re.MULTILINE)
    return Cause.EXPIRED if status == 1 and expired else None


# clientloop.c (client_status_confirm); channels.c, where the reason is sshd's own, of no forward that failed.
_NO_CHANNEL = (
    (r"^PTY allocation request failed on channel \d+", Cause.NO_TERMINAL),
    (r"^channel \d+: open failed: connect failed: open failed", Cause.NO_SESSION),
)
_NO_LOGINS = 254  # no script of lnode's ends with it


async def of_terminal(target: Target, status: int, said: Said, argv: Sequence[str], *, silent: bool) -> Ending:
    """Return the verdict on an ssh on your tty: as of_ssh, but the escape `~.` is OVER, also if its master lives on.

    TIMED_OUT if ssh itself has given a session up because the host was silent.
    """
    left = has_failed(status) and failures.is_hung_up(said, target.place)
    if cause_of_no_shell(status, said) is None and (left or await _is_let_go(target, status, said)):
        return Ending(Cause.OVER, failures.has_begun(said, target.place))
    ending = of_ssh(target, status, said, argv, silent=silent)
    if ending == (Cause.LOST, True) and failures.fell_silent(said):
        return ending._replace(cause=Cause.TIMED_OUT)
    return ending


async def _is_let_go(target: Target, status: int, said: Said) -> bool:
    if status != arguments.SSH_FAILED or not failures.is_let_go(said):
        return False
    from lnode.ssh.link.rung_master import prove_master

    return bool(await prove_master(target))


def learn_sign_in(
    target: Target, said: Said, watch: LoginWatch | None = None, *, silent: bool = False, asked: bool = False
) -> bool | None:
    """Remember how this ssh has signed in. Return sign_in_memory.takes_person() for the next sign-in.

    `silent`: it could ask nobody; `asked`: it has asked you; `watch` has seen its login. Over a master the way of an
    earlier ssh counts.
    """
    if watch:
        watch.look(said)
        asked = asked or watch.asked
    done = login_of(target, said, silent=silent, asked=asked, quick=watch is not None and watch.quick)
    if done and keychain.sent_password(said.others):
        keychain.end_turn(target.alias)
    return sign_in_memory.learn_login(target, done) if done else sign_in_memory.takes_person(target)


def why_not_in(target: Target, said: Said, argv: Sequence[str], *, silent: bool) -> Cause:
    """Return why this ssh ended before it had logged in, with 255 or by a signal.

    If a silent ssh reached the host and did not log in, lnode remembers the failure, for any words of ssh. The next one
    would end in the same way, and the site counts each as a failed login. So lnode waits until you sign in.
    """
    if silent and not arguments.may_dial(argv):
        return Cause.LOGIN_REFUSED  # it could only share a connection, and found none
    cause = failures.cause_of_ssh(said, target.place)
    if silent:
        cause = failures.cause_of_silent(said, target.place, tells=prompts.tells(target))
    if _refused_password(target, said) and silent:
        cause = Cause.LOGIN_REFUSED
    if silent and (cause is Cause.LOGIN_REFUSED or (failures.wants_person(cause) and failures.came_to_login(said))):
        sign_in_memory.learn_refusal(target)
    return cause


def broken_off(target: Target, said: Said, *, proved: bool = True) -> bool:
    """True if a silent ssh that lnode gave up was in a login that needs the keychain. lnode remembers that too.

    True also in any login if no silent one is `proved`: an agent may have asked you, and must not ask again. The
    network may cause any other silence.
    """
    asks = keychain.was_asked(said.others) or (not proved and failures.came_to_login(said))
    if failures.signed_in(said, target.place) is not None or not asks:
        return False
    _refused_password(target, said)
    sign_in_memory.learn_refusal(target)
    return True


def _refused_password(target: Target, said: Said) -> bool:
    """True if the keychain's password did not work. A repetition would be another failed login, or another push."""
    if not keychain.sent_password(said.others):
        return False
    keychain.refused(target.alias)
    return True
