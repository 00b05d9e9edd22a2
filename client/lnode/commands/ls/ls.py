"""`lnode HOST --ls` and `lnode --ls`: list the sessions and runs of one host, or of all known hosts.

One remote round trip for each host, all side by side. For a host that does not answer, lnode shows its last picture.
"""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen
from lnode.locate.address import Address
from lnode.locate.survey import Survey


def ls(address: Address, *, as_json: bool = False, watch: bool = False, notify: bool = False) -> ExitCode:
    """Print the sessions of the host: a table, plain columns in a pipe, or JSON. Raises LnodeError."""
    _check(watch=watch, notify=notify, as_json=as_json)
    with Survey(address, with_screens=True) as asked:
        with screen.waiting(f"asking {address.alias} ..."):
            from lnode.commands.ls import printed  # while ssh is on its way

            screen.prepare_table()
            view, trouble = printed.heard(address.target, asked)
        if not watch:
            return printed.of_one(view, trouble, as_json=as_json)  # while ssh ends
    return printed.watch({address.alias: address}, [view], notify=notify)


def without_host(*, as_json: bool = False, watch: bool = False, notify: bool = False) -> ExitCode:
    """Print the sessions of all known hosts. Raises LnodeError."""
    _check(watch=watch, notify=notify, as_json=as_json)
    from lnode.commands.ls import printed

    hosts, troubled = printed.known_hosts()
    if watch:
        return printed.watch(hosts, [*printed.of_hosts(hosts), *troubled], notify=notify)
    return printed.of_all(hosts, troubled, as_json=as_json)


def _check(*, watch: bool, notify: bool, as_json: bool) -> None:
    if watch:
        from lnode.laptop import canvas

        script = "for scripts there is: --ls --json"
        if as_json:
            raise LnodeError(ExitCode.USAGE, "--watch and --json are one at a time", script)
        if not canvas.is_possible():
            raise LnodeError(ExitCode.USAGE, "--watch needs a terminal on which lnode can paint", script)
    elif notify:
        raise LnodeError(ExitCode.USAGE, "--notify of --ls goes with --watch", "as in: lnode --ls --watch --notify")
