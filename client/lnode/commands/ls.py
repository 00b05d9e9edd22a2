"""`lnode HOST --ls`: every session with the allocation behind it, in one remote round trip."""

from lnode import screen, sessions
from lnode.ask import Question
from lnode.commands.attach import no_tmux
from lnode.errors import ExitCode
from lnode.sessions import Entry, Picture, State
from lnode.settings import Request
from lnode.target import Target

_STYLES = {
    State.RUNNING: "green", State.WAITING: "yellow", State.ENDING: "red", State.ENDED: "red",
    State.SHELL: "", State.UNKNOWN: "magenta",
}  # fmt: skip
_COLUMNS = ("SESSION", "KIND", "STATE", "NODE", "JOB", "LEFT", "WHY", "ATTACHED")


def ls(target: Target, request: Request, *, as_json: bool) -> ExitCode:
    """Print the sessions of the host: a table, plain columns in a pipe, or JSON."""
    with (
        Question(target, "list", *sessions.list_values(request.tmux)) as question,
        screen.waiting(f"asking {target.alias} ..."),
    ):
        screen.prepare_table()  # while ssh is on its way
        picture = sessions.picture_of(question.reply())
    if not picture.has_tmux:
        raise no_tmux(target.alias)
    if as_json:
        import json

        with screen.output():
            print(json.dumps(_document(target.alias, picture), indent=2))
        return ExitCode.DONE
    if picture.entries:
        with screen.output():
            screen.print_table(_COLUMNS, [_row(entry) for entry in picture.entries])
    else:
        screen.say(f"no sessions on {target.alias} ({picture.login_node}); start one: lnode {target.alias}")
    if picture.scheduler == "silent":
        screen.say("the scheduler does not answer: jobs and time left are unknown")
    return ExitCode.DONE


def _row(entry: Entry) -> list[tuple[str, str]]:
    job = entry.job
    waiting = entry.state is State.WAITING
    return [
        (entry.session.name, "bold"),
        (entry.kind, ""),
        (entry.state.value, _STYLES[entry.state]),
        (entry.node if not waiting else "", ""),
        (job.id if job else "", ""),
        (sessions.left_in_words(job).removesuffix(" left") if job and not waiting else "", ""),
        (job.reason if job and waiting else "", "yellow"),
        ("yes" if entry.session.attached else "", "dim"),
    ]


def _document(alias: str, picture: Picture) -> dict[str, object]:
    """The `--json` document; keys are only ever added. Times are seconds, unknown is null."""
    return {
        "host": alias,
        "login_node": picture.login_node,
        "scheduler": picture.scheduler,
        "sessions": [_entry_document(entry) for entry in picture.entries],
    }


def _entry_document(entry: Entry) -> dict[str, object]:
    job, session = entry.job, entry.session
    return {
        "name": session.name,
        "kind": entry.kind,
        "state": entry.state.value,
        "node": entry.node,
        "created": session.created,
        "active": session.active,
        "clients": session.attached,
        "job": None
        if job is None
        else {
            "id": job.id, "state": job.state, "nodes": job.nodes or None, "reason": job.reason or None,
            "left_s": job.left_s, "submitted": job.submitted,
        },
    }  # fmt: skip
