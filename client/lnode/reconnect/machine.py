"""The reconnect machine: a state and an event give the next state and its actions. Pure and total.

Connecting    a terminal has started        Opened -> Attached; it ends -> Waiting, NeedsPerson, Ended
Attached      a terminal is logged in       heartbeat late, woke, no route -> Doubting; old address gone, or woke
                                            beside a standby -> Connecting
Doubting      logged in, perhaps dead       heartbeat back, or it carries again -> Attached; only the host answers
                                            -> Connecting; 10 s of silence, or 40 s if it could carry -> Waiting
Waiting       none; knock, then try         the host answers, or 30 s without -> Connecting, or NeedsPerson;
                                            budget spent -> Ended
NeedsPerson   none; only a key helps        r -> Connecting, and ssh may ask you
Ended         for good                      nothing

A request to stop ends the attach in every state, and so does `d` if lnode reads the keys. Time is in seconds of the
laptop being awake, so sleep costs no budget. Events bring the time, and jitter in [0, 1).
"""

from collections.abc import Callable, Mapping
from functools import cache

from lnode.reconnect import pauses
from lnode.reconnect.state import Action, Command, End, Event, Happened, Phase, Start, State
from lnode.ssh.failures import Cause, came_before_session, is_fatal, wants_person


@cache
def _table() -> "Mapping[Phase, Mapping[Happened, Handler]]":
    """Return the function for each state and event. A pair that is not in the table changes nothing."""
    return {
        Phase.CONNECTING: {
            Happened.OPENED: _opened,
            Happened.STUCK: _stuck,
            Happened.ASTRAY: _astray,
            Happened.WOKE: _attempt_interrupted,
            Happened.ROUTE_LOST: _attempt_interrupted,
            Happened.ROUTE_CHANGED: _attempt_interrupted,
            Happened.SIGNING_IN: _signing_in,
            Happened.REACHED: _overtaken,
            Happened.CONNECTED: _overtaken_by_standby,
            Happened.UNREACHED: _unreached_beside,
            Happened.TERMINAL_ENDED: _fell,
            Happened.RETRY: _retried,
            Happened.LEAVE: _left,
            Happened.TICK: _attempt_due,
        },
        Phase.ATTACHED: {
            Happened.BEAT: _beaten,
            Happened.FELT: _felt,
            Happened.LATE: _late,
            Happened.HEARTLESS: _heartless,
            Happened.LINK_REFUSED: _link_refused,
            Happened.WOKE: _woke,
            Happened.ROUTE_LOST: _unrouted,
            Happened.ROUTE_CHANGED: _rerouted,
            Happened.TERMINAL_ENDED: _fell,
        },
        Phase.DOUBTING: {
            Happened.BEAT: _beaten_in_doubt,
            Happened.FELT: _felt_in_doubt,
            Happened.HEARTLESS: _heartless_in_doubt,
            Happened.LINK_REFUSED: _link_refused_in_doubt,
            Happened.WOKE: _woke_in_doubt,
            Happened.ROUTE_CHANGED: _rerouted_in_doubt,
            Happened.REACHED: _reached_in_doubt,
            Happened.CONNECTED: _connected_in_doubt,
            Happened.UNREACHED: _unreached_in_doubt,
            Happened.REVIVED: _revived,
            Happened.DEAF: _deaf,
            Happened.TERMINAL_ENDED: _fell,
            Happened.RETRY: _retried_in_doubt,
            Happened.LEAVE: _left,
            Happened.TICK: _doubted,
        },
        Phase.WAITING: {
            Happened.WOKE: _hurried,
            Happened.ROUTE_LOST: _stranded,
            Happened.ROUTE_CHANGED: _hurried,
            Happened.REACHED: _answered,
            Happened.CONNECTED: _connected,
            Happened.UNREACHED: _unreached,
            Happened.RETRY: _tried_now,
            Happened.LEAVE: _left,
            Happened.TICK: _due,
        },
        Phase.NEEDS_PERSON: {
            Happened.RETRY: _tried_now,
            Happened.LEAVE: _left,
        },
    }


Step = tuple[State, tuple[Action, ...]]
Handler = Callable[[State, Event], Step]


def first(at: float, *, waits: bool = False, knocks: bool = True) -> State:
    """Return the first state: a terminal has started that may create the session and may ask you."""
    return State(Phase.CONNECTING, at, waits=waits, knocks=knocks, itself=at + pauses.ITSELF_S, alive_at=at, seen=at)


def step(state: State, event: Event) -> Step:
    """Return the state after `event`, and the actions for the driver."""
    if state.phase is Phase.ENDED:
        return state, ()
    if event.what is Happened.STOP:
        return _ended(state, event, End.STOPPED)
    state = _timed(state, event.at)
    if event.what is Happened.ROUTE_LOST:
        state = state._replace(route=False)
    elif event.what is Happened.ROUTE_CHANGED:  # what another network refused says nothing of the host
        state = state._replace(route=True, spent=0.0, refusals=0, moved=True)
    handler = _table()[state.phase].get(event.what)
    if handler is None:
        return state, ()
    state, actions = handler(state, event)
    phase = state.phase
    return state._replace(
        reviving=state.reviving and phase is Phase.DOUBTING, hasty=state.hasty and phase is Phase.CONNECTING
    ), actions


def _timed(state: State, at: float) -> State:
    """Count the time since the last event: a stable period forgets all, the rest may cost budget."""
    passed, state = at - state.seen, state._replace(seen=at)
    if state.phase is Phase.ATTACHED and at - state.up_since >= pauses.STABLE_S:
        return state._replace(flaps=0, spent=0.0, cause=None)
    at_prompt = state.phase is Phase.NEEDS_PERSON or (state.phase is Phase.CONNECTING and state.asks)
    if state.flaps + state.refusals > 0 and _is_hosts(state) and state.route and not at_prompt:
        return state._replace(spent=state.spent + passed)
    return state


def _is_hosts(state: State) -> bool:
    """True if the host itself caused the last failure.

    Anything on the way can refuse a connection, or accept and close it: a firewall, a portal, a ProxyCommand.
    """
    return state.cause in (Cause.LOST, Cause.NO_FORWARD) or (state.cause is Cause.CLOSED_EARLY and state.greeted)


# --- Connecting


def _opened(state: State, event: Event) -> Step:
    at = event.at
    return state._replace(
        phase=Phase.ATTACHED, entered=at, due=None, began=True, person=event.person, proved=event.proved,
        muxed=event.muxed, refused=False, blind=False, route=True,
        heart=False, shared=False, revives=False, up_since=at, alive_at=at, asleep=0.0, reached=False, through=False,
        refusals=0,
    ), ()  # fmt: skip


def _attempt_interrupted(state: State, event: Event) -> Step:
    """Give up a silent login after a change of the network, because the login would only time out."""
    if state.asks:
        return state, ()
    if event.what is Happened.ROUTE_CHANGED and not event.dead:
        return (state._replace(entered=event.at, due=event.at) if state.blind else state), ()
    if event.what is Happened.ROUTE_CHANGED and not state.knocks:
        return _restarted(state, event)
    return _waiting(state._replace(blind=False), event, 0.0, Command.END)


def _attempt_due(state: State, event: Event) -> Step:
    """Give up a silent login at its limit, and knock beside a blind one until then."""
    if state.due is None or event.at < state.due:
        return state, ()
    if not is_overdue(state, event.at):
        due = min(_limit(state), event.at + pauses.between_knocks(event.at - state.entered))
        return state._replace(due=due), _knock(state)
    refusals = max(state.refusals, min(state.refusals + 1, pauses.LONGER)) if state.blind else state.refusals + 1
    return _waiting(state._replace(cause=Cause.TIMED_OUT, refusals=refusals), event, 0.0, Command.END)


def is_overdue(state: State, at: float) -> bool:
    """True if a silent login is under way and has had its time."""
    return state.phase is Phase.CONNECTING and not state.asks and at >= _limit(state)


def _limit(state: State) -> float:
    """Return the time at which a silent login is given up."""
    return state.itself - pauses.ITSELF_S + pauses.attempt_s(state.refusals)


def _signing_in(state: State, event: Event) -> Step:
    """Let a blind attempt go on that has come through: an agent may be asking you, and a password is sent once."""
    return (state._replace(blind=False, reached=True, due=_limit(state)) if state.blind else state), ()


def _overtaken(state: State, event: Event) -> Step:
    """Start a blind attempt again: its dial fell into the silence, and TCP repeats it ever more rarely."""
    if not state.blind or state.asks:
        return state._replace(hasty=False), ()
    return _started(state._replace(reached=True), event, Command.END)


def _overtaken_by_standby(state: State, event: Event) -> Step:
    """Start a blind attempt again, over the standby. If that is silent, ssh goes on by itself."""
    if not (state.blind and event.stands) or state.asks:
        return state._replace(hasty=False), ()
    return _started(state._replace(through=True), event, Command.END)


def _unreached_beside(state: State, event: Event) -> Step:
    """Leave a host that says no to ssh itself, because each knock may cost as much."""
    if not state.blind or state.asks:
        return state, ()
    state = state._replace(cause=event.cause)
    return (state._replace(due=_limit(state)) if event.cause in _SAYS_NO else state), ()


_SAYS_NO = {Cause.REFUSED, Cause.CLOSED_EARLY, Cause.NO_FORWARD, Cause.LOST}


def _stuck(state: State, event: Event) -> Step:
    """Leave a shared connection that is silent. If nothing else has answered either, it is the network that is."""
    state = state._replace(fresh=True)
    return _waiting(state, event, 0.0, Command.END) if state.hasty else _started(state, event, Command.END)


def _astray(state: State, event: Event) -> Step:
    return _started(state._replace(reached=True), event, Command.END)


def _retried(state: State, event: Event) -> Step:
    return (state, ()) if state.asks else _restarted(state, event)


# --- Attached


def _beaten(state: State, event: Event) -> Step:
    return _heard(state, event)._replace(alive_at=event.at), ()


def _heard(state: State, event: Event) -> State:
    """Remember the heartbeat. Over a connection of its own it proves a login in which nobody was asked."""
    return state._replace(
        heart=True, shared=event.shared, revives=event.revives, proved=state.proved or not event.shared
    )


def _felt(state: State, event: Event) -> Step:
    """Remember a sign of life that is no heartbeat, and no proof of how its login was made."""
    return state._replace(alive_at=event.at, revives=event.revives), ()


def _late(state: State, event: Event) -> Step:
    """Doubt the terminal, unless nothing could say later that it is well and only ssh may end it."""
    if state.kept and not (state.heart or event.revives):
        return state, ()
    state = state._replace(alive_at=event.at - event.seconds, revives=state.revives or event.revives)
    return _doubting(state, event)


def _heartless(state: State, event: Event) -> Step:
    return state._replace(heart=False, revives=state.revives or event.revives), ()


def _link_refused(state: State, event: Event) -> Step:
    return state._replace(heart=False, refused=True), ()


def _woke(state: State, event: Event) -> Step:
    if event.seconds < pauses.STALE_S:
        return state, (Command.ASK,)
    if state.kept and not state.heart:
        return state, ()
    woken = state._replace(alive_at=event.at, asleep=event.seconds)
    if event.stands and state.stops and state.route and not pauses.after_flaps(state.flaps + 1):
        return _replaced_in_haste(woken, event)
    return _doubting(woken, event, Command.ASK)


def _replaced_in_haste(state: State, event: Event) -> Step:
    """Start a terminal on the standby before a knock is answered: that saves a round trip if there is a network.

    If there is none, the standby is spoiled, because TCP repeats ever more rarely what was sent there.
    """
    state = state._replace(cause=Cause.LOST, flaps=state.flaps + 1, through=True)
    return _started(state, event, Command.END, *_knock(state), hasty=True)


def _unrouted(state: State, event: Event) -> Step:
    if state.kept and not state.heart:
        return state, ()
    return _doubting(state._replace(alive_at=event.at, cause=Cause.NO_ROUTE), event)


def _rerouted(state: State, event: Event) -> Step:
    """Replace the terminal if its address is on no interface: its connection is dead. Else ask for a heartbeat."""
    if event.dead and not state.kept:
        return _moved(state, event)
    if event.dead and state.heart:
        return _doubting(state._replace(alive_at=event.at), event, Command.ASK)
    return state, (Command.ASK,)


# --- Doubting


def _doubting(state: State, event: Event, *actions: Action) -> Step:
    due = event.at + pauses.between_knocks(0.0)
    doubting = state._replace(phase=Phase.DOUBTING, entered=event.at, due=due, through=False)
    return doubting, (Command.HOLD if state.stops else Command.MUTE, *actions, *_knock(doubting))


def _knock(state: State) -> tuple[Action, ...]:
    return (Command.KNOCK,) if state.knocks and state.route else ()


def _beaten_in_doubt(state: State, event: Event) -> Step:
    """Keep the terminal if the echo proves it. Over another connection a late echo proves only the network."""
    return _carries(_heard(state, event), event)


def _felt_in_doubt(state: State, event: Event) -> Step:
    return _carries(state._replace(revives=event.revives), event)


def _carries(state: State, event: Event) -> Step:
    state = state._replace(through=True)
    if state.reviving:
        return state, ()
    if event.shared or state.kept or state.silence(event.at) < pauses.stale_s(state.flaps):
        return _attached_again(state, event), (Command.RELEASE, Command.REFRESH)
    return _reviving(state, event) if _may_revive(state) else _replaced(state, event)


def _attached_again(state: State, event: Event) -> State:
    return state._replace(
        phase=Phase.ATTACHED, entered=event.at, due=None, alive_at=event.at, asleep=0.0, reached=False, through=False,
        route=True,
    )  # fmt: skip


def _may_revive(state: State) -> bool:
    return state.revives and state.stops


def _reviving(state: State, event: Event) -> Step:
    """Let the terminal go on before it is replaced: if its connection carries, that saves a handshake."""
    return state._replace(reviving=True, due=event.at + pauses.REVIVES_S), (Command.REVIVE,)


def _revived(state: State, event: Event) -> Step:
    return (_attached_again(state, event), (Command.REFRESH, Command.ASK)) if state.reviving else (state, ())


def _deaf(state: State, event: Event) -> Step:
    return _not_revived(state, event) if state.reviving else (state, ())


def _not_revived(state: State, event: Event) -> Step:
    """Replace the terminal, unless the link was refused meanwhile: it has its keys back, and ssh may end it."""
    return (_attached_again(state, event), (Command.REFRESH,)) if state.kept else _replaced(state, event)


def _heartless_in_doubt(state: State, event: Event) -> Step:
    state, _ = _heartless(state, event)
    return _doubted(state, event) if _is_left_to_ssh(state) else (state, ())


def _link_refused_in_doubt(state: State, event: Event) -> Step:
    """Leave the terminal to ssh once the host answers, because another login needs you; until then let ssh run, muted.

    A link is also refused without a host: an agent that is locked has no key.
    """
    refused, _ = _link_refused(state, event)
    if state.reviving:
        return refused, ()
    if state.reached:
        return _attached_again(refused, event), (Command.RELEASE, Command.REFRESH)
    return refused, (Command.RELEASE, Command.MUTE) if state.stops else ()


def _is_left_to_ssh(state: State) -> bool:
    """True if the host answers, and nothing can say whether a terminal is well that only ssh may end."""
    return state.kept and state.reached and not (state.heart or state.revives)


def _reached_in_doubt(state: State, event: Event) -> Step:
    state = state._replace(reached=True)
    if state.reviving:
        return state, ()
    return _reviving(state, event) if _may_revive(state) else _doubted(state, event)


def _connected_in_doubt(state: State, event: Event) -> Step:
    """Try the old terminal, or replace it by one on the standby: no greeting of sshd is waited for."""
    state = state._replace(through=True)
    if state.reviving or state.kept or state.shared or not event.stands:
        return state, ()
    if _may_revive(state):
        return _reviving(state, event)
    return _replaced(state, event) if state.silence(event.at) >= pauses.stale_s(state.flaps) else (state, ())


def _doubted(state: State, event: Event) -> Step:
    """Replace the terminal, give it up, or knock again. One that you signed in to by hand stays until ssh ends it."""
    at = event.at
    if state.reviving:
        return (state, ()) if state.due is None or at < state.due else _not_revived(state, event)
    given_up_at = state.entered + (pauses.KEPT_S if _may_revive(state) else pauses.GIVE_UP_S) - pauses.LATE_S
    if _is_left_to_ssh(state):
        return _attached_again(state, event), (Command.RELEASE, Command.REFRESH)
    if state.reached:
        patience = pauses.GRACE_S if state.shared else 0.0
        stale_at = state.alive_at - state.asleep + pauses.stale_s(state.flaps)
        replaced_at = min(max(state.entered + patience, stale_at), given_up_at)
        if not state.kept and at >= replaced_at:
            return _replaced(state, event)
        return state._replace(due=None if state.kept else replaced_at), ()
    if not state.kept and at >= given_up_at:
        waiting, actions = _waiting(
            _off_shared(state._replace(cause=state.cause or Cause.TIMED_OUT)), event, 0.0, Command.END
        )
        return (waiting._replace(itself=at + pauses.ANSWERS_S) if _may_revive(state) else waiting), actions
    return state._replace(due=at + pauses.between_knocks(at - state.entered)), _knock(state)


def _off_shared(state: State) -> State:
    """Remember that the shared connection fell silent: it would delay the next terminal too."""
    return state._replace(fresh=state.fresh or state.shared)


def _unreached_in_doubt(state: State, event: Event) -> Step:
    return (state, ()) if state.reached else (state._replace(cause=event.cause), ())


def _woke_in_doubt(state: State, event: Event) -> Step:
    due = event.at + pauses.between_knocks(0.0)
    state = state._replace(asleep=state.asleep + event.seconds, entered=event.at, due=due)
    state = state._replace(reached=False, through=False)
    if state.reviving:
        return _doubting(state._replace(reviving=False), event, Command.ASK)
    return state, (Command.ASK, *_knock(state))


def _rerouted_in_doubt(state: State, event: Event) -> Step:
    if event.dead and not state.kept:
        return _moved(state, event)
    state = state._replace(due=event.at + pauses.between_knocks(0.0), reached=False, through=False)
    if state.reviving:
        return _doubting(state._replace(reviving=False), event, Command.ASK)
    return state, (Command.ASK, *_knock(state))


def _retried_in_doubt(state: State, event: Event) -> Step:
    return _started(_off_shared(state._replace(flaps=0, spent=0.0)), event, Command.END)


# --- Waiting


def _waiting(state: State, event: Event, pause: float, *actions: Action) -> Step:
    """Go to Waiting. `pause` is in seconds until the next knock, if there is a route.

    A blind attempt was a part of the waiting, so the knocks keep their pace.
    """
    at = event.at
    since = state.entered if state.blind else at
    itself = state.itself if state.phase is Phase.CONNECTING else at + pauses.ITSELF_S
    state = state._replace(
        phase=Phase.WAITING, entered=since, reached=False, through=False, blind=False,
        itself=max(itself, at + pauses.ANSWERS_S),
    )  # fmt: skip
    return _resting(state, event, pause), actions


def _resting(state: State, event: Event, pause: float) -> State:
    """Set the time of the next TICK: that of the next knock, or that of ssh itself if it comes first."""
    due = event.at + pause
    if not _takes_person(state):
        due = min(due, max(event.at, state.itself))
    return state._replace(due=due if state.route else None)


def _due(state: State, event: Event) -> Step:
    if state.spent > pauses.BUDGET_S:
        return _ended(state, event, End.GIVEN_UP)
    if state.due is None or event.at < state.due:
        return state, ()
    if not state.knocks:
        return _tried(state, event)
    if event.at >= state.itself and not _takes_person(state):
        return _started(state, event, blind=True)
    return _resting(state, event, pauses.between_knocks(event.at - state.entered)), _knock(state)


def _answered(state: State, event: Event) -> Step:
    return _tried(state._replace(reached=True), event)


def _connected(state: State, event: Event) -> Step:
    """Start a terminal before sshd has greeted: on a standby that costs the host nothing, on another network once."""
    if _takes_person(state) or not (event.stands or state.moved):
        return state, ()
    return _tried(state._replace(through=True), event)


def _tried(state: State, event: Event) -> Step:
    """Start a terminal, or wait for you, or give up: the host answers, or the pause is over."""
    if state.spent > pauses.BUDGET_S:
        return _ended(state, event, End.GIVEN_UP)
    if _takes_person(state):
        return _needs_person(state, event)
    return _started(state, event)


def _unreached(state: State, event: Event) -> Step:
    if not state.route:
        return state, ()
    state = state._replace(cause=event.cause, greeted=False)
    if event.cause not in _SAYS_NO:
        return state, ()
    state = state._replace(refusals=state.refusals + 1)
    if state.spent > pauses.BUDGET_S:
        return _ended(state, event, End.GIVEN_UP)
    return _spared(state, event), ()


def _spared(state: State, event: Event, *, reached: bool = False) -> State:
    """Leave a host that refused alone for a while. `reached`: it had answered a knock just before.

    sshd counts a knock as it counts ssh (MaxStartups, a penalty, a ban), so ssh itself is the next to try. If sshd has
    answered a knock, another knock comes first: its answer proves that the host itself lets no connection stay.
    """
    pause = pauses.after_refusal(event.cause, state.refusals, reached=reached, jitter=event.jitter)
    if event.cause in _COSTLY:
        itself = event.at + pause + (pauses.ANSWERS_S if state.greeted else 0.0)
        by_knock = event.what is Happened.UNREACHED
        state = state._replace(itself=min(itself, state.itself) if by_knock else itself)
    return _resting(state, event, pause)


_COSTLY = {Cause.CLOSED_EARLY, Cause.NO_FORWARD}


def _hurried(state: State, event: Event) -> Step:
    """Knock at once: the laptop is awake again, or on another network."""
    if event.what is Happened.WOKE:
        state = state._replace(asleep=state.asleep + event.seconds)
    state = state._replace(entered=event.at, itself=max(state.itself, event.at + pauses.AFTER_ANSWER_S))
    due = event.at + pauses.between_knocks(0.0) if state.knocks else event.at
    return (state._replace(due=due), _knock(state)) if state.route else (state, ())


def _stranded(state: State, event: Event) -> Step:
    return state._replace(due=None, cause=Cause.NO_ROUTE), ()


def _tried_now(state: State, event: Event) -> Step:
    return _started(state._replace(flaps=0, spent=0.0), event)


# --- NeedsPerson


def _needs_person(state: State, event: Event) -> Step:
    return state._replace(phase=Phase.NEEDS_PERSON, entered=event.at, due=None, blind=False), ()


# --- from several states


def _fell(state: State, event: Event) -> Step:
    """Choose the next state after a terminal that ended by itself."""
    cause, began = event.cause, state.began or event.began
    if not event.began and came_before_session(cause):
        began = not state.creates
    failed_first = not began and not (state.waits and not wants_person(cause))
    state = state._replace(cause=cause, began=began)
    if is_fatal(cause) or failed_first:  # OVER, too, is final
        return _ended(state, event, End.OVER if cause is Cause.OVER else End.FAILED, terminal=False)
    if wants_person(cause):
        return _needs_person(state._replace(refused=True), event)
    if event.began:
        return _flapped(state, event)
    if state.blind and cause not in _SAYS_NO:
        return _waiting(state, event, pauses.between_knocks(event.at - state.entered))
    state = state._replace(refusals=state.refusals + 1, greeted=state.reached)
    if state.spent > pauses.BUDGET_S:
        return _ended(state, event, End.GIVEN_UP, terminal=False)
    reached, (state, _) = state.reached, _waiting(state, event, 0.0)
    return _spared(state, event, reached=reached), ()


def _flapped(state: State, event: Event, *actions: Action) -> Step:
    """Start the next terminal after one that was up: at once, unless terminals do not last."""
    state = state._replace(flaps=state.flaps + 1)
    if state.spent > pauses.BUDGET_S:
        return _ended(state, event, End.GIVEN_UP, terminal=bool(actions))
    pause = pauses.after_flaps(state.flaps)
    silent = state.cause is Cause.TIMED_OUT and state.knocks and not state.reached  # a dial would fall into the silence
    if pause or silent or not state.route or _takes_person(state):
        return _waiting(state, event, pauses.AFTER_ANSWER_S if state.reached else pause, *actions)
    return _started(state, event, *actions)


def _takes_person(state: State) -> bool:
    return state.person or state.refused


def _replaced(state: State, event: Event) -> Step:
    """End the terminal, which is probably dead, and start another one."""
    return _flapped(_off_shared(state._replace(cause=Cause.LOST)), event, Command.END)


def _moved(state: State, event: Event) -> Step:
    """End the terminal, whose address is gone, and knock from the new one before ssh dials.

    A dial before the new network carries would wait for TCP's next try, and one to a kind of address that leads nowhere
    there would wait for its end. A knock goes to all of them, and is repeated soon.
    """
    if not state.knocks:
        return _replaced(state, event)
    state = _off_shared(state._replace(cause=Cause.LOST, flaps=state.flaps + 1))
    state, actions = _waiting(state, event, pauses.between_knocks(0.0), Command.END)
    return state, (*actions, *_knock(state))


def _restarted(state: State, event: Event) -> Step:
    return _started(state, event, Command.END)


def _started(state: State, event: Event, *actions: Action, blind: bool = False, hasty: bool = False) -> Step:
    """Start a terminal. A silent login has a deadline; you may take your time to sign in."""
    asks = not state.began or _takes_person(state)
    state = state._replace(
        phase=Phase.CONNECTING, entered=state.entered if blind else event.at, blind=blind, hasty=hasty,
        asks=asks, creates=not state.began, itself=event.at + pauses.ITSELF_S, moved=False,
    )  # fmt: skip
    beside = blind and state.cause not in _SAYS_NO
    due = None if asks else event.at + pauses.between_knocks(event.at - state.entered) if beside else _limit(state)
    return state._replace(due=due), (*actions, Start(creates=not state.began, asks=asks, fresh=state.fresh))


def _left(state: State, event: Event) -> Step:
    return _ended(state, event, End.LEFT)


def _ended(state: State, event: Event, end: End, *, terminal: bool = True) -> Step:
    alive = terminal and state.phase in (Phase.CONNECTING, Phase.ATTACHED, Phase.DOUBTING)
    state = state._replace(phase=Phase.ENDED, entered=event.at, due=None, end=end, blind=False)
    return state, (Command.END,) if alive else ()
