"""What an ended ssh means for the next one. Whoever has started an ssh asks here why it has not logged in."""

from collections.abc import Sequence

from lnode import causes, credentials, signins, silence, sshargs
from lnode.causes import Cause, Said
from lnode.target import Target


def why_not_in(target: Target, said: Said, argv: Sequence[str], *, silent: bool) -> Cause:
    """Why this ssh ended before it had logged in; with 255, or by a signal.

    A silent one that has come to the host, and not in, is remembered whatever its words were: the next would end the
    same way, and each is a failed login to the site. So it is not repeated before a person has signed in.
    """
    if silent and not sshargs.may_dial(argv):
        return Cause.LOGIN_REFUSED  # it was only let ride, and has found no connection
    cause = causes.cause_of_ssh(said, target.place)
    if silent:
        cause = causes.cause_of_silent(said, target.place, tells=silence.tells(target))
    if credentials.sent_password(said.others):  # the same once more would be the next failed login, or push
        credentials.refused(target.alias)
        cause = Cause.LOGIN_REFUSED if silent else cause
    if silent and (cause is Cause.LOGIN_REFUSED or (causes.wants_person(cause) and causes.came_to_login(said))):
        signins.learn_refusal(target)
    return cause


def broken_off(target: Target, said: Said) -> bool:
    """True if a silent ssh that is given up was within a login that needs the keychain. That is remembered too.

    Any other silence may be the network's.
    """
    if causes.signed_in(said, target.place) is not None or not credentials.was_asked(said.others):
        return False
    if credentials.sent_password(said.others):
        credentials.refused(target.alias)
    signins.learn_refusal(target)
    return True
