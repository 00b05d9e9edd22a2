"""A view of a host as the document of `--json`."""

from lnode.cluster.sessions import Entry
from lnode.commands.ls.table import View, idle_s_of, why_of
from lnode.runs.record import Run


def document(view: View) -> dict[str, object]:
    """Return the `--json` document of a host. No version of lnode removes a key. Times are seconds, unknown is null."""
    first = view.pictures[0] if view.pictures else None
    return {
        "host": view.host,
        "login_node": first.login_node if first else None,
        "scheduler": first.scheduler if first else None,
        "tmux": first.tmux if first else None,
        "age_s": view.age_s if view.pictures else None,
        "trouble": view.trouble or None,
        "silent_login_nodes": list(view.silent),
        "sessions": [_session(view, entry) for entry in view.entries],
        "runs": [_run(run) for run in view.runs],
    }


def _run(run: Run) -> dict[str, object]:
    return {
        "name": run.name,
        "state": "unknown" if run.state == "elsewhere" else run.state,
        "node": run.host,
        "started": run.started,
        "ended": run.ended,
        "exit_code": run.code,
        "job": run.job or None,
        "session": run.session or None,
        "command": run.command,
    }


def _session(view: View, entry: Entry) -> dict[str, object]:
    job, session = entry.job, entry.session
    return {
        "name": session.name,
        "kind": entry.kind,
        "state": entry.state.value,
        "node": entry.node,
        "login_node": entry.login_node,
        "created": session.created,
        "active": session.active if session.is_seen else None,
        "idle_s": idle_s_of(entry, view),
        "clients": session.attached if session.is_seen else None,
        "attached_from": list(session.clients),
        "bell": "!" in session.alerts,
        "agent": None
        if entry.agent is None
        else {
            "name": entry.agent.name, "state": entry.agent.state.value, "since": entry.agent.since,
            "question": entry.agent.question or None,
            "choices": [{"key": choice.key, "text": choice.text} for choice in entry.agent.choices],
        },
        "why": why_of(entry, view) or None,
        "starts_in_s": entry.starts_in_s,
        "restarted_at": entry.restarted,
        "kept_until": session.kept_until or None,
        "job": None
        if job is None
        else {
            "id": job.id, "state": job.state, "nodes": job.nodes or None, "reason": job.reason or None,
            "left_s": job.left_s, "submitted": job.submitted,
        },
        "ended": None
        if session.ended is None
        else {"job": session.ended.job or None, "state": session.ended.state or None, "at": session.ended.at},
    }  # fmt: skip
