"""The reconnect machine: a state and an event give the next state and its actions. Pure and total.

Connecting    a terminal has started        Opened -> Attached; it ends -> Waiting, NeedsPerson, Ended
Attached      a terminal is logged in       heartbeat late, woke, no route -> Doubting; old address gone -> Connecting
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
from enum import Enum, auto
from functools import cache
from typing import NamedTuple

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
            Happened.LINK_REFUSED: _link_refused,
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


LATE_S = 3.0  # without an echo the heartbeat is late
STALE_S = 5.0  # of silence: TCP's own retransmission may take as long again, so a new terminal is faster
GIVE_UP_S = 10.0  # of silence: then a terminal is given up, unless the next one needs you to sign in
STABLE_S = 30.0  # of being up: then all failures are forgotten
BUDGET_S = 15 * 60.0  # without a stable period, while the host answers
_REVIVES_S = 3.0  # for the driver, to tell if a terminal's connection carries again
_GRACE_S = 0.5  # for the terminal's own heartbeat, if the network answers already
_RESTLESS = 3  # terminals that did not last: from this number on there is no hurry
_ATTEMPT_S = 20.0  # for a silent login
_LONGER = 2  # times that it is doubled, because some logins are slow
_ITSELF_S = 30.0  # then ssh itself tries, whatever the knocks find: they may get lost where ssh passes
_KEPT_S = GIVE_UP_S + _ITSELF_S  # a terminal that may carry again; then ssh itself tries, as it would otherwise
_AFTER_ANSWER_S = 2.0  # sshd 9.8 counts a knock as a failed login, and forgets that login after a second


class Phase(Enum):
    """The states of the machine."""

    CONNECTING = auto()
    ATTACHED = auto()
    DOUBTING = auto()
    WAITING = auto()
    NEEDS_PERSON = auto()
    ENDED = auto()


class End(Enum):
    """The reasons of an end."""

    OVER = auto()  # the terminal's own last word: detached, ended, taken over; no failure of the connection
    FAILED = auto()  # for `cause`; trying again would not help
    GIVEN_UP = auto()  # the budget is spent
    LEFT = auto()  # you left while there was no terminal
    STOPPED = auto()  # TERM or HUP


class Happened(Enum):
    """The kinds of events."""

    OPENED = auto()  # the login is done; `person`: the next needs you; `proved`: it asks nobody; `muxed`: over a master
    SIGNING_IN = auto()  # the host has agreed with the silent login on keys: it is no dial any more
    STUCK = auto()  # the shared connection that the terminal uses is silent, before the terminal's login
    ASTRAY = auto()  # the terminal's dial has no answer yet, and another kind of address has answered a knock
    BEAT = auto()  # the heartbeat's echo; `shared`: over the terminal's own connection; `revives`: REVIVE is possible
    FELT = auto()  # the terminal's own connection carries again, after a silence that LATE has told; `revives`, too
    LATE = auto()  # no heartbeat for `seconds`; `revives`, too
    HEARTLESS = auto()  # the link is gone; the terminal may live
    LINK_REFUSED = auto()  # the link's login, which worked before; the terminal's next one would be refused too
    WOKE = auto()  # after `seconds` asleep or stopped
    ROUTE_LOST = auto()
    ROUTE_CHANGED = auto()  # a route exists; `dead`: the terminal's own address is no longer on an interface
    REACHED = auto()  # sshd answered a knock
    CONNECTED = auto()  # a knock was accepted, and waits for a greeting; `stands`: a standby waits for a terminal
    UNREACHED = auto()  # no answer to a knock, for `cause`
    REVIVED = auto()  # the doubted terminal's own connection carries again
    DEAF = auto()  # it does not
    TERMINAL_ENDED = auto()  # for `cause`; `began`: the login was done
    RETRY = auto()  # the key r
    LEAVE = auto()  # the keys d, q, Ctrl-C
    STOP = auto()  # TERM or HUP
    TICK = auto()  # State.due has come


class Event(NamedTuple):
    """An event at `at` seconds of being awake. Happened explains the other fields."""

    what: Happened
    at: float
    cause: Cause = Cause.LOST
    seconds: float = 0.0
    person: bool = False
    proved: bool = True
    muxed: bool = False
    shared: bool = False
    revives: bool = False
    stands: bool = False
    dead: bool = False
    began: bool = False
    jitter: float = 0.5


class Command(Enum):
    """The actions for the driver, at once and in order."""

    END = auto()  # end the terminal, and wait until it has ended
    KNOCK = auto()  # ask whether sshd answers; earlier knocks may still run, and a blind attempt
    ASK = auto()  # send a heartbeat at once
    HOLD = auto()  # stop the terminal; lnode reads the keys from now on
    MUTE = auto()  # let no key through to a terminal that goes on
    RELEASE = auto()  # let the terminal go on, and the keys through
    REVIVE = auto()  # let it go on, and the keys through, and tell REVIVED or DEAF
    REFRESH = auto()  # let tmux redraw over the notice


class Start(NamedTuple):
    """Start a terminal. `creates`: it starts the session if there is none. `asks`: ssh may ask you.

    `fresh`: not over the shared connection, because that is silent.
    """

    creates: bool
    asks: bool
    fresh: bool


Action = Command | Start


class State(NamedTuple):
    """The memory of the machine. `due` is the time of the next TICK, None for never."""

    phase: Phase
    entered: float
    due: float | None = None
    end: End | None = None
    cause: Cause | None = None  # the last failure
    waits: bool = False  # --wait: a missing network at first is not final
    knocks: bool = True  # lnode can knock at the host; False behind a ProxyCommand
    began: bool = False  # a login was done: later terminals create no session
    creates: bool = True  # the terminal that has started may create the session
    asks: bool = True  # it may ask you
    person: bool = False  # you signed in by hand, and the next login needs you again
    proved: bool = True  # a login has succeeded in which nobody could be asked
    refused: bool = False  # the last silent login was refused: the next login needs you
    shared: bool = False  # the heartbeat runs over the terminal's own connection
    muxed: bool = False  # another process, the master, has the terminal's tty
    fresh: bool = False  # a shared connection fell silent: never use it again
    revives: bool = False  # lnode can see if the terminal's own connection carries
    reviving: bool = False  # a doubted terminal goes on, to see if it does
    heart: bool = False  # a heartbeat has been heard since the terminal opened
    route: bool = True
    up_since: float = 0.0
    alive_at: float = 0.0  # last sign of life
    asleep: float = 0.0  # seconds of sleep in this silence
    reached: bool = False  # sshd has answered a knock
    moved: bool = False  # on another network since the last attempt: a dial costs nothing that a knock does not
    through: bool = False  # something came through since the silence began, though perhaps not from the host
    greeted: bool = False  # the last failure was the host's own: it had answered a knock just before
    blind: bool = False  # no knock was answered before this attempt: knocks go on beside it
    itself: float = 0.0  # the time at which ssh itself tries, if it need not ask you
    flaps: int = 0  # terminals that opened and did not last, since the last stable period
    refusals: int = 0  # failures before a login, since the last one
    spent: float = 0.0  # seconds of the budget
    seen: float = 0.0  # the last event's time

    @property
    def stops(self) -> bool:
        """True if lnode may stop the terminal. False if it carries the heartbeat, or if only ssh may end it.

        False also over a master: lnode would have to stop the master.
        """
        return not (self.shared or self.kept or self.muxed)

    @property
    def kept(self) -> bool:
        """True if only ssh may end the terminal, because the next login needs you, or may need you."""
        return self.person or not self.proved

    def may_ride(self, at: float) -> bool:
        """True if a standby may carry the terminal that starts: in a silence it would spoil the standby."""
        return not self.blind and (self.reached or self.through or self.silence(at) < STALE_S)

    @property
    def is_silent(self) -> bool:
        """True while there is no terminal and nothing has answered: data would wait ever longer to be sent again."""
        return self.phase in (Phase.WAITING, Phase.CONNECTING) and not (self.reached or self.through)

    def silence(self, at: float) -> float:
        """Return the seconds without a sign of life, sleep included."""
        return at - self.alive_at + self.asleep

    def kernel_silences(self, at: float) -> tuple[float, ...]:
        """Return the silence by the times of TCP, which stand still in sleep, and go on while lnode is stopped."""
        return (at - self.alive_at, self.silence(at)) if self.asleep else (self.silence(at),)


Step = tuple[State, tuple[Action, ...]]
Handler = Callable[[State, Event], Step]


def first(at: float, *, waits: bool = False, knocks: bool = True) -> State:
    """Return the first state: a terminal has started that may create the session and may ask you."""
    return State(Phase.CONNECTING, at, waits=waits, knocks=knocks, itself=at + _ITSELF_S, alive_at=at, seen=at)


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
    return state._replace(reviving=state.reviving and state.phase is Phase.DOUBTING), actions


def _timed(state: State, at: float) -> State:
    """Count the time since the last event: a stable period forgets all, the rest may cost budget."""
    passed, state = at - state.seen, state._replace(seen=at)
    if state.phase is Phase.ATTACHED and at - state.up_since >= STABLE_S:
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
        due = min(_limit(state), event.at + _knock_pause(event.at - state.entered))
        return state._replace(due=due), _knock(state)
    refusals = max(state.refusals, min(state.refusals + 1, _LONGER)) if state.blind else state.refusals + 1
    return _waiting(state._replace(cause=Cause.TIMED_OUT, refusals=refusals), event, 0.0, Command.END)


def is_overdue(state: State, at: float) -> bool:
    """True if a silent login is under way and has had its time."""
    return state.phase is Phase.CONNECTING and not state.asks and at >= _limit(state)


def _limit(state: State) -> float:
    """Return the time at which a silent login is given up."""
    return state.itself - _ITSELF_S + _ATTEMPT_S * 2.0 ** min(state.refusals, _LONGER)


def _signing_in(state: State, event: Event) -> Step:
    """Let a blind attempt go on that has come through: an agent may be asking you, and a password is sent once."""
    return (state._replace(blind=False, reached=True, due=_limit(state)) if state.blind else state), ()


def _overtaken(state: State, event: Event) -> Step:
    """Start a blind attempt again: its dial fell into the silence, and TCP repeats it ever more rarely."""
    if not state.blind or state.asks:
        return state, ()
    return _started(state._replace(reached=True), event, Command.END)


def _overtaken_by_standby(state: State, event: Event) -> Step:
    """Start a blind attempt again, over the standby. If that is silent, ssh goes on by itself."""
    if not (state.blind and event.stands) or state.asks:
        return state, ()
    return _started(state._replace(through=True), event, Command.END)


def _unreached_beside(state: State, event: Event) -> Step:
    """Leave a host that says no to ssh itself, because each knock may cost as much."""
    if not state.blind or state.asks:
        return state, ()
    state = state._replace(cause=event.cause)
    return (state._replace(due=_limit(state)) if event.cause in _SAYS_NO else state), ()


_SAYS_NO = {Cause.REFUSED, Cause.CLOSED_EARLY, Cause.NO_FORWARD, Cause.LOST}


def _stuck(state: State, event: Event) -> Step:
    return _started(state._replace(fresh=True), event, Command.END)


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
    if event.seconds < STALE_S:
        return state, (Command.ASK,)
    if state.kept and not state.heart:
        return state, ()
    return _doubting(state._replace(alive_at=event.at, asleep=event.seconds), event, Command.ASK)


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
    due = event.at + _knock_pause(0.0)
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
    if event.shared or state.kept or state.silence(event.at) < _stale_s(state):
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
    return state._replace(reviving=True, due=event.at + _REVIVES_S), (Command.REVIVE,)


def _revived(state: State, event: Event) -> Step:
    return (_attached_again(state, event), (Command.REFRESH, Command.ASK)) if state.reviving else (state, ())


def _deaf(state: State, event: Event) -> Step:
    return _replaced(state, event) if state.reviving else (state, ())


def _heartless_in_doubt(state: State, event: Event) -> Step:
    state, _ = _heartless(state, event)
    return _doubted(state, event) if _is_left_to_ssh(state) else (state, ())


def _is_left_to_ssh(state: State) -> bool:
    """True if the host answers, and nothing can say whether a terminal is well that only ssh may end."""
    return state.kept and state.reached and not (state.heart or state.revives)


def _stale_s(state: State) -> float:
    """Return the silence after which a terminal is replaced: longer if terminals do not last, on a slow, full line."""
    return STALE_S if state.flaps < _RESTLESS else GIVE_UP_S


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
    return _replaced(state, event) if state.silence(event.at) >= _stale_s(state) else (state, ())


def _doubted(state: State, event: Event) -> Step:
    """Replace the terminal, give it up, or knock again. One that you signed in to by hand stays until ssh ends it."""
    at = event.at
    if state.reviving:
        return (state, ()) if state.due is None or at < state.due else _replaced(state, event)
    given_up_at = state.entered + (_KEPT_S if _may_revive(state) else GIVE_UP_S) - LATE_S
    if _is_left_to_ssh(state):
        return _attached_again(state, event), (Command.RELEASE, Command.REFRESH)
    if state.reached:
        patience = _GRACE_S if state.shared else 0.0
        stale_at = state.alive_at - state.asleep + _stale_s(state)
        replaced_at = min(max(state.entered + patience, stale_at), given_up_at)
        if not state.kept and at >= replaced_at:
            return _replaced(state, event)
        return state._replace(due=None if state.kept else replaced_at), ()
    if not state.kept and at >= given_up_at:
        waiting, actions = _waiting(
            _off_shared(state._replace(cause=state.cause or Cause.TIMED_OUT)), event, 0.0, Command.END
        )
        return (waiting._replace(itself=at + _ANSWERS_S) if _may_revive(state) else waiting), actions
    return state._replace(due=at + _knock_pause(at - state.entered)), _knock(state)


def _off_shared(state: State) -> State:
    """Remember that the shared connection fell silent: it would delay the next terminal too."""
    return state._replace(fresh=state.fresh or state.shared)


def _unreached_in_doubt(state: State, event: Event) -> Step:
    return (state, ()) if state.reached else (state._replace(cause=event.cause), ())


def _woke_in_doubt(state: State, event: Event) -> Step:
    due = event.at + _knock_pause(0.0)
    state = state._replace(asleep=state.asleep + event.seconds, entered=event.at, due=due)
    state = state._replace(reached=False, through=False)
    if state.reviving:
        return _doubting(state._replace(reviving=False), event, Command.ASK)
    return state, (Command.ASK, *_knock(state))


def _rerouted_in_doubt(state: State, event: Event) -> Step:
    if event.dead and not state.kept:
        return _moved(state, event)
    state = state._replace(due=event.at + _knock_pause(0.0), reached=False, through=False)
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
    itself = state.itself if state.phase is Phase.CONNECTING else at + _ITSELF_S
    state = state._replace(
        phase=Phase.WAITING, entered=since, reached=False, through=False, blind=False,
        itself=max(itself, at + _ANSWERS_S),
    )  # fmt: skip
    return _resting(state, event, pause), actions


def _resting(state: State, event: Event, pause: float) -> State:
    """Set the time of the next TICK: that of the next knock, or that of ssh itself if it comes first."""
    due = event.at + pause
    if not _takes_person(state):
        due = min(due, max(event.at, state.itself))
    return state._replace(due=due if state.route else None)


def _due(state: State, event: Event) -> Step:
    if state.spent > BUDGET_S:
        return _ended(state, event, End.GIVEN_UP)
    if state.due is None or event.at < state.due:
        return state, ()
    if not state.knocks:
        return _tried(state, event)
    if event.at >= state.itself and not _takes_person(state):
        return _started(state, event, blind=True)
    return _resting(state, event, _knock_pause(event.at - state.entered)), _knock(state)


def _knock_pause(waited: float) -> float:
    """Return the seconds between knocks at a silent host. Most likely the knocks get lost, but a ban is silent too.

    Some firewalls drop an address for its third or fourth SYN in a minute, and each SYN starts the minute again
    (iptables' `recent --update`). They forgive an address that knocks less often.
    """
    minute = 60
    if waited < 3 * minute:
        return _KNOCKS_S
    return 2.0 if waited < 10 * minute else 20.0


def _answered(state: State, event: Event) -> Step:
    return _tried(state._replace(reached=True), event)


def _connected(state: State, event: Event) -> Step:
    """Start a terminal before sshd has greeted: on a standby that costs the host nothing, on another network once."""
    if _takes_person(state) or not (event.stands or state.moved):
        return state, ()
    return _tried(state._replace(through=True), event)


def _tried(state: State, event: Event) -> Step:
    """Start a terminal, or wait for you, or give up: the host answers, or the pause is over."""
    if state.spent > BUDGET_S:
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
    if state.spent > BUDGET_S:
        return _ended(state, event, End.GIVEN_UP)
    return _spared(state, event), ()


def _spared(state: State, event: Event, *, reached: bool = False) -> State:
    """Leave a host that refused alone for a while. `reached`: it had answered a knock just before.

    sshd counts a knock as it counts ssh (MaxStartups, a penalty, a ban), so ssh itself is the next to try. If sshd has
    answered a knock, another knock comes first: its answer proves that the host itself lets no connection stay.
    """
    pause = _pause(state, event, reached=reached)
    if event.cause in _COSTLY:
        itself = event.at + pause + (_ANSWERS_S if state.greeted else 0.0)
        by_knock = event.what is Happened.UNREACHED
        state = state._replace(itself=min(itself, state.itself) if by_knock else itself)
    return _resting(state, event, pause)


_COSTLY = {Cause.CLOSED_EARLY, Cause.NO_FORWARD}
_ANSWERS_S = 2.0  # time for the answer to a knock


def _pause(state: State, event: Event, *, reached: bool) -> float:
    """Return the seconds until the next try at a host that refused: by its cause, and up to a third more by chance."""
    if event.cause is Cause.CLOSED_EARLY:
        pause = 15.0 if state.refusals <= 1 else 23.0
    elif event.cause is Cause.NO_FORWARD:  # each is a whole login
        pause = 15.0 * 2.0 ** min(state.refusals - 1, 2)
    else:  # sshd restarts in 1-3 s, a login node in minutes; a host behind a jump host that answers may take days
        brisk = _BRISK_S if event.cause is Cause.REFUSED and not reached else _AFTER_ANSWER_S
        pause = max(brisk, min(2.0 ** min(state.refusals - _BRISK - 1, 5), 30.0))
    return pause * (1 + 0.3 * event.jitter)


_BRISK = 16  # knocks
_BRISK_S = 0.25  # between two of those
_KNOCKS_S = 0.125  # between two knocks at a host that is silent: a return waits so long


def _hurried(state: State, event: Event) -> Step:
    """Knock at once: the laptop is awake again, or on another network."""
    if event.what is Happened.WOKE:
        state = state._replace(asleep=state.asleep + event.seconds)
    state = state._replace(entered=event.at, itself=max(state.itself, event.at + _AFTER_ANSWER_S))
    due = event.at + _knock_pause(0.0) if state.knocks else event.at
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
        return _waiting(state, event, _knock_pause(event.at - state.entered))
    state = state._replace(refusals=state.refusals + 1, greeted=state.reached)
    if state.spent > BUDGET_S:
        return _ended(state, event, End.GIVEN_UP, terminal=False)
    reached, (state, _) = state.reached, _waiting(state, event, 0.0)
    return _spared(state, event, reached=reached), ()


def _flapped(state: State, event: Event, *actions: Action) -> Step:
    """Start the next terminal after one that was up: at once, unless terminals do not last."""
    state = state._replace(flaps=state.flaps + 1)
    if state.spent > BUDGET_S:
        return _ended(state, event, End.GIVEN_UP, terminal=bool(actions))
    pause = 0.0 if state.flaps <= _RESTLESS else min(_AFTER_ANSWER_S * 2.0 ** (state.flaps - _RESTLESS - 1), 30.0)
    if pause or not state.route or _takes_person(state):
        return _waiting(state, event, _AFTER_ANSWER_S if state.reached else pause, *actions)
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
    state, actions = _waiting(state, event, _knock_pause(0.0), Command.END)
    return state, (*actions, *_knock(state))


def _restarted(state: State, event: Event) -> Step:
    return _started(state, event, Command.END)


def _started(state: State, event: Event, *actions: Action, blind: bool = False) -> Step:
    """Start a terminal. A silent login has a deadline; you may take your time to sign in."""
    asks = not state.began or _takes_person(state)
    state = state._replace(
        phase=Phase.CONNECTING, entered=state.entered if blind else event.at, blind=blind,
        asks=asks, creates=not state.began, itself=event.at + _ITSELF_S, moved=False,
    )  # fmt: skip
    beside = blind and state.cause not in _SAYS_NO
    due = None if asks else event.at + _knock_pause(event.at - state.entered) if beside else _limit(state)
    return state._replace(due=due), (*actions, Start(creates=not state.began, asks=asks, fresh=state.fresh))


def _left(state: State, event: Event) -> Step:
    return _ended(state, event, End.LEFT)


def _ended(state: State, event: Event, end: End, *, terminal: bool = True) -> Step:
    alive = terminal and state.phase in (Phase.CONNECTING, Phase.ATTACHED, Phase.DOUBTING)
    state = state._replace(phase=Phase.ENDED, entered=event.at, due=None, end=end, blind=False)
    return state, (Command.END,) if alive else ()
