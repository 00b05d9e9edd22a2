"""The outcome of a verb as an exit code; the only place where an error becomes one."""

import errno
from collections.abc import Callable

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import folders, screen
from lnode.text import visible


def explained(work: Callable[[], ExitCode]) -> ExitCode:
    """Do the work. A failure becomes one sentence, one hint and an exit code; never a traceback."""
    try:
        return _told(work)
    except KeyboardInterrupt:  # also one that comes while a failure is told
        return ExitCode.INTERRUPTED


_OF_THE_COMPUTER = (
    errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", 0)
)  # fmt: skip


def _told(work: Callable[[], ExitCode]) -> ExitCode:
    try:
        return work()
    except LnodeError as error:
        screen.show_error(error)
        return error.code
    except BrokenPipeError:  # the reader of our output has closed it
        screen.close_output()
        return ExitCode.FAILED
    except OSError as error:
        found = _of_the_computer(error) if error.errno in _OF_THE_COMPUTER else _bug(error)
    except Exception as error:
        found = _bug(error)
    screen.show_error(found)
    return found.code


def _of_the_computer(error: OSError) -> LnodeError:
    hint = "free some memory, space or files, or end programs, and try again"
    return LnodeError(ExitCode.FAILED, f"this computer cannot do that now: {error.strerror}", hint)


def _bug(error: Exception) -> LnodeError:
    """Write the traceback to a file for you alone. Argument values stay out of it, so that you can send it."""
    import platform
    import traceback
    from importlib.metadata import version

    facts = f"lnode {version('lnode')}, Python {platform.python_version()}, {platform.platform()}"
    rows = (facts, *"".join(traceback.format_exception(error)).splitlines())
    path = f"{folders.state_folder()}/bug-{type(error).__name__}.txt"
    try:
        folders.replace_privately(path, "".join(f"{visible(row)}\n" for row in rows))
    except OSError as unwritable:
        return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"no report could be kept: {unwritable}")
    return LnodeError(ExitCode.BUG, f"this is a bug in lnode: {error}", f"please send the report {path}")
