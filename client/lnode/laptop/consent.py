"""Your consent to a change of files, yours here or on the cluster."""

from lnode.laptop import screen


def agreed(question: str, flag: str, *, yes: bool) -> bool:
    """True if you agree, or have agreed with `--yes`. Otherwise say that nothing was changed; `flag` is the verb's."""
    if yes:
        return True
    if not screen.can_ask():
        screen.say(f"nothing was changed; to change it without being asked: {flag} --yes")
        return False
    if screen.confirm(question):
        return True
    screen.say("nothing was changed")
    return False
