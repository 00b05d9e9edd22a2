"""The reconnect machine: each rule as a story, then random walks that look for a way around the rules."""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from full import FULL
from lnode.reconnect.machine import first, is_overdue, step
from lnode.reconnect.pauses import BUDGET_S
from lnode.reconnect.state import Action, Command, End, Event, Happened, Phase, Start, State
from lnode.ssh.failures import Cause, is_fatal, wants_person

SILENT = Start(creates=False, asks=False, fresh=False)
SILENT_FRESH = Start(creates=False, asks=False, fresh=True)
ASKING = Start(creates=False, asks=True, fresh=False)
ASKING_FRESH = Start(creates=False, asks=True, fresh=True)
FIRST_AGAIN = Start(creates=True, asks=True, fresh=False)

TERMINAL = (Phase.CONNECTING, Phase.ATTACHED, Phase.DOUBTING)
HURRY = (Happened.WOKE, Happened.ROUTE_CHANGED, Happened.RETRY)
_ANSWERED = (Happened.REACHED, Happened.CONNECTED, Happened.RETRY, Happened.STUCK, Happened.ASTRAY)
HOUR = 3600.0


class Laptop:
    """A clock, one terminal and a network that do what the machine says, and see that it keeps its promises."""

    def __init__(self, **how: bool) -> None:
        self.state = first(0.0, **how)
        self.at = 0.0
        self.steps = 0
        self.done: list[tuple[float, Action]] = []
        self.terminal = True
        self.held = False
        self.knocking = False  # a terminal that is started drops the knocks under way, and so does an answer
        self.began = False  # some login was done
        self.refused = False  # and none since
        self.person = False  # the last login took one
        self.answered_at = -HOUR  # the last knock that sshd answered, with no attach and no other network since

    @property
    def phase(self) -> Phase:
        return self.state.phase

    def tell(self, what: Happened, /, **facts: Any) -> tuple[Action, ...]:
        """One thing happens now; what is done about it."""
        before, event = self.state, Event(what, self.at, **facts)
        self._happen(event)
        self.state, actions = step(before, event)
        self.steps += 1
        for action in actions:
            self._obey(action, event)
        self.done += [(self.at, action) for action in actions]
        self._see(before, event, actions)
        return actions

    def wait(self, seconds: float) -> list[tuple[float, Action]]:
        """Time passes, the machine is told it when it wants; what is done meanwhile, and when."""
        until, since = self.at + seconds, len(self.done)
        at_once = Counter[float]()
        while self.state.due is not None and self.state.due <= until:
            self.at = max(self.at, self.state.due)
            at_once[self.at] += 1
            assert at_once[self.at] <= 3, "the clock stands still"
            self.tell(Happened.TICK)
        self.at = until
        return self.done[since:]

    def after(self, seconds: float, what: Happened, /, **facts: Any) -> tuple[Action, ...]:
        self.wait(seconds)
        return self.tell(what, **facts)

    def _happen(self, event: Event) -> None:
        if event.what is Happened.OPENED:
            self.began, self.refused, self.person = True, False, event.person
        elif event.what is Happened.TERMINAL_ENDED:
            self.terminal = self.held = False
            self.began |= event.began
            self.refused |= self.began and wants_person(event.cause)
        elif event.what is Happened.LINK_REFUSED:
            self.refused |= self.terminal and self.state.phase in (Phase.ATTACHED, Phase.DOUBTING)
        elif event.what is Happened.REACHED:
            self.knocking, self.answered_at = False, self.at
        elif event.what in HURRY:
            self.answered_at = -HOUR

    def _obey(self, action: Action, event: Event) -> None:
        match action:
            case Start(creates, asks, _):
                assert not self.terminal, "two terminals"
                assert creates is not self.began, "a session created on return"
                assert asks or not (self.refused or self.person), "a silent login where only a person's can work"
                assert not asks or not self.began or event.what in (Happened.RETRY, Happened.STUCK, Happened.ASTRAY), (
                    "a prompt that nobody asked for"
                )
                assert self.state.route or event.what in _ANSWERED
                goes_on = self.state.blind or self.state.hasty
                self.terminal, self.knocking = True, self.knocking and goes_on
            case Command.END:
                assert self.terminal, "no terminal to end"
                self.terminal = self.held = False
            case Command.KNOCK:
                assert self.state.route and self.state.knocks
                assert self.at - self.answered_at >= 2, "sshd is knocked at too often"
                self.knocking = True
            case Command.HOLD | Command.MUTE:
                assert self.terminal and not self.held
                assert (action is Command.HOLD) is self.state.stops, "a heart stopped, or keys let through"
                self.held = True
            case Command.RELEASE | Command.REVIVE:
                assert self.held
                self.held = False
            case _:
                assert self.terminal

    def _see(self, before: State, event: Event, actions: tuple[Action, ...]) -> None:
        state = self.state
        assert self.terminal is (state.phase in TERMINAL)
        assert not self.held or state.phase is Phase.DOUBTING
        assert (state.end is not None) is (state.phase is Phase.ENDED)
        assert state.due is None or state.due >= self.at
        if before.phase is Phase.ENDED:
            assert (state, actions) == (before, ())
        elif event.what is Happened.STOP:
            assert state.end is End.STOPPED
        if state.phase is Phase.ATTACHED:
            self.answered_at = -HOUR
        assert not (state.blind or state.hasty) or state.phase is Phase.CONNECTING
        if state.phase is Phase.WAITING and state.due is not None and not (self.refused or self.person):
            assert state.due <= max(self.at, state.itself), "knocks keep ssh itself away"
            pause = 80 if state.cause is Cause.NO_FORWARD else 32
            assert state.itself <= self.at + pause or state.itself == before.itself
        if state.phase in (Phase.ATTACHED, Phase.NEEDS_PERSON, Phase.ENDED):
            assert state.due is None
        elif state.phase is Phase.WAITING:
            assert (state.due is not None) is state.route, "waiting for nothing, or for what cannot come"
            if before.phase is Phase.WAITING and event.what in (Happened.WOKE, Happened.ROUTE_CHANGED) and state.route:
                assert Command.KNOCK in actions or state.due == self.at, "awake again, and still waiting"
        elif state.phase is Phase.CONNECTING:
            assert (state.due is None) is state.asks, "a silent attempt has an end, a person takes the time it takes"
        else:
            assert state.due is not None or (state.kept and state.reached)
        if not before.route or before.phase is Phase.NEEDS_PERSON:
            assert state.spent in (before.spent, 0.0), "what nobody can hurry costs no budget"


def attached(*, person: bool = False, stable: bool = True, knocks: bool = True, **beat: Any) -> Laptop:
    """Attached for a minute, or just now; `shared` says over which connection its heart beats, if it does."""
    laptop = Laptop(knocks=knocks)
    laptop.tell(Happened.OPENED, person=person)
    laptop.wait(60 if stable else 0)
    if beat:
        laptop.tell(Happened.BEAT, **beat)
    return laptop


def doubting(**how: Any) -> Laptop:
    """Attached, and silent for three seconds."""
    laptop = attached(**({"shared": True} | how))
    laptop.after(3, Happened.LATE, seconds=3.0)
    assert laptop.phase is Phase.DOUBTING
    return laptop


def lost(laptop: Laptop) -> tuple[Action, ...]:
    return laptop.tell(Happened.TERMINAL_ENDED, cause=Cause.LOST, began=True)


def failed(laptop: Laptop, cause: Cause, **facts: Any) -> tuple[Action, ...]:
    """The terminal on its way ends before its login."""
    return laptop.tell(Happened.TERMINAL_ENDED, cause=cause, **facts)


def waiting(*, knocks: bool = True, **how: Any) -> Laptop:
    """Given up after ten seconds of silence, just now."""
    laptop = doubting(knocks=knocks, **how)
    laptop.wait(7 if knocks else 6.9)
    if not knocks:
        laptop.tell(Happened.ROUTE_LOST)
        laptop.wait(0.5)
    assert laptop.phase is Phase.WAITING
    return laptop


def needs_person(**how: Any) -> Laptop:
    """A key that worked does no more."""
    laptop = attached(**how)
    lost(laptop)
    failed(laptop, Cause.LOGIN_REFUSED)
    assert laptop.state.phase is Phase.NEEDS_PERSON
    return laptop


def tries_again(laptop: Laptop) -> Action:
    """Wait until a terminal starts, without an answer to any knock."""
    while laptop.phase is Phase.WAITING:
        assert laptop.state.due is not None
        laptop.wait(laptop.state.due - laptop.at)
    return laptop.done[-1][1]


def hung_up(laptop: Laptop | None = None) -> Laptop:
    """The host has answered a knock, and then closed the connection before the login. No budget is spent yet."""
    laptop = laptop or attached()
    if laptop.phase is Phase.ATTACHED:
        lost(laptop)
    failed(laptop, Cause.TIMED_OUT)
    laptop.wait(3)
    laptop.tell(Happened.REACHED)
    failed(laptop, Cause.CLOSED_EARLY)
    assert (laptop.phase, laptop.state.spent) == (Phase.WAITING, 0)
    return laptop


def knocks_among(done: list[tuple[float, Action]]) -> list[float]:
    """The knocks, also those beside a blind attempt."""
    return [at for at, action in done if action is Command.KNOCK]


def knocks_in(done: list[tuple[float, Action]]) -> list[float]:
    assert {action for _, action in done} <= {Command.KNOCK}
    return [at for at, _ in done]


# --- the first terminal


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.OVER])
def test_the_first_failure_is_final(cause: Cause) -> None:
    laptop = Laptop()
    assert failed(laptop, cause) == ()
    assert (laptop.state.end, laptop.state.cause) == (End.FAILED, cause)


@pytest.mark.parametrize("cause", Cause)
def test_wait_tries_again_where_the_network_was_missing(cause: Cause) -> None:
    laptop = Laptop(waits=True)
    assert failed(laptop, cause) == ()
    if is_fatal(cause) or wants_person(cause):
        assert laptop.state.end is (End.OVER if cause is Cause.OVER else End.FAILED)
        return
    tried = [action for _, action in laptop.wait(20) if action is not Command.KNOCK]
    if cause not in (Cause.CLOSED_EARLY, Cause.NO_FORWARD):
        assert tried == []
        tried += laptop.tell(Happened.REACHED)
    assert tried == [FIRST_AGAIN]  # which may ask, and may create: nothing was there yet
    assert laptop.state.due is None


def test_a_first_login_that_was_done_is_never_created_again() -> None:
    laptop = Laptop()
    assert lost(laptop) == (SILENT,)


def test_a_port_that_is_taken_at_first_is_a_failure_though_the_login_was_done() -> None:
    laptop = Laptop()
    laptop.tell(Happened.OPENED)
    assert failed(laptop, Cause.NO_FORWARD) == ()
    assert (laptop.state.end, laptop.state.cause) == (End.FAILED, Cause.NO_FORWARD)


def test_a_port_that_stays_taken_costs_no_login_within_fifteen_seconds() -> None:
    laptop = attached()
    assert lost(laptop) == (SILENT,)
    for _ in range(5):
        laptop.tell(Happened.OPENED)
        assert failed(laptop, Cause.NO_FORWARD) == ()
        assert laptop.wait(14.9) == []
        assert tries_again(laptop) == SILENT


def test_the_first_terminal_takes_the_time_a_person_takes() -> None:
    laptop = Laptop()
    assert laptop.wait(HOUR) == []
    for what in (Happened.WOKE, Happened.ROUTE_LOST, Happened.ROUTE_CHANGED, Happened.RETRY, Happened.TICK):
        assert laptop.tell(what, seconds=60.0, dead=True) == ()
    assert (laptop.phase, laptop.state.spent) == (Phase.CONNECTING, 0.0)


def test_the_first_terminal_has_nothing_behind_it() -> None:
    state = Laptop().state
    assert (state.flaps, state.refusals, state.spent, state.asleep, state.up_since) == (0, 0, 0, 0, 0)
    assert not (state.began or state.person or state.refused or state.fresh or state.reached)


# --- attached


@pytest.mark.parametrize("how", [{}, {"shared": True}, {"person": True}, {"stable": False}])
def test_the_attach_lines_own_word_is_final(how: dict[str, Any]) -> None:
    laptop = attached(**how)
    assert laptop.tell(Happened.TERMINAL_ENDED, cause=Cause.OVER, began=True) == ()
    assert laptop.state.end is End.OVER


def test_a_terminal_that_was_lost_is_replaced_at_once() -> None:
    laptop = attached()
    assert lost(laptop) == (SILENT,)
    assert (laptop.phase, laptop.state.entered, laptop.state.cause) == (Phase.CONNECTING, 60, Cause.LOST)
    assert laptop.after(1, Happened.OPENED) == ()
    assert (laptop.phase, laptop.state.entered, laptop.state.silence(64)) == (Phase.ATTACHED, 61, 3)


def test_without_a_route_a_lost_terminal_is_not_replaced_yet() -> None:
    laptop = attached(person=True)
    laptop.tell(Happened.ROUTE_LOST)
    assert lost(laptop) == ()
    assert (laptop.phase, laptop.wait(HOUR)) == (Phase.WAITING, [])
    laptop = attached(shared=True)
    laptop.tell(Happened.ROUTE_LOST)
    assert lost(laptop) == ()
    assert (laptop.phase, laptop.wait(HOUR)) == (Phase.WAITING, [])


def test_thirty_seconds_of_being_up_forget_all() -> None:
    for up, flaps in ((29.9, 2), (30.0, 1)):
        laptop = attached()
        lost(laptop)
        laptop.after(5, Happened.OPENED)
        laptop.wait(up)
        lost(laptop)
        assert laptop.state.flaps == flaps
        assert (laptop.state.spent > 0) is (flaps == 2)


def test_stability_forgets_failures_and_the_last_cause() -> None:
    laptop = attached()
    lost(laptop)
    failed(laptop, Cause.REFUSED)
    laptop.wait(0.6)
    laptop.tell(Happened.REACHED)
    laptop.tell(Happened.OPENED)
    assert laptop.state.refusals == 0
    laptop.after(30.1, Happened.BEAT)
    assert (laptop.state.cause, laptop.state.flaps, laptop.state.spent) == (None, 0, 0.0)


def test_the_last_echo_is_the_last_sign_of_life() -> None:
    laptop = attached(shared=True)
    laptop.after(2, Happened.BEAT)
    assert (laptop.state.silence(laptop.at), laptop.state.shared) == (0, False)
    laptop.after(4, Happened.LATE, seconds=3.5)
    assert laptop.state.silence(laptop.at) == 3.5


def test_without_a_heartbeat_nobody_can_say_that_a_persons_terminal_lives() -> None:
    """So it is left alone, on waking, without a route and on a new one."""
    laptop = attached(person=True, shared=True)
    laptop.tell(Happened.HEARTLESS)
    for what, done in ((Happened.WOKE, ()), (Happened.ROUTE_LOST, ()), (Happened.ROUTE_CHANGED, (Command.ASK,))):
        assert laptop.tell(what, seconds=60.0, dead=True) == done
        assert laptop.phase is Phase.ATTACHED


def test_a_persons_terminal_with_a_heart_is_doubted_like_any_other() -> None:
    assert attached(person=True, shared=True).tell(Happened.WOKE, seconds=60.0) == (
        Command.MUTE,
        Command.ASK,
        Command.KNOCK,
    )
    laptop = attached(person=True, shared=True)
    laptop.tell(Happened.ROUTE_LOST)
    assert laptop.phase is Phase.DOUBTING


def test_an_echo_in_doubt_is_a_heart() -> None:
    laptop = attached(person=True)
    laptop.after(3, Happened.LATE, seconds=3.0)
    laptop.tell(Happened.BEAT)
    assert laptop.tell(Happened.WOKE, seconds=60.0) == (Command.MUTE, Command.ASK, Command.KNOCK)


def test_a_persons_terminal_without_a_heart_is_not_muted_where_nothing_could_say_that_it_is_back() -> None:
    laptop = attached(person=True)
    assert laptop.after(3, Happened.LATE, seconds=3.0) == ()
    assert laptop.after(3, Happened.LATE, seconds=3.0, revives=True) == (Command.MUTE, Command.KNOCK)
    assert laptop.after(1, Happened.FELT, revives=True) == (Command.RELEASE, Command.REFRESH)


@pytest.mark.parametrize("last", [Happened.HEARTLESS, Happened.REACHED])
def test_a_persons_terminal_whose_link_is_gone_is_left_to_ssh_once_the_host_answers(last: Happened) -> None:
    laptop = attached(person=True, shared=False)
    laptop.after(3, Happened.LATE, seconds=3.0)
    first = Happened.REACHED if last is Happened.HEARTLESS else Happened.HEARTLESS
    assert laptop.tell(first) == ()
    assert laptop.tell(last) == (Command.RELEASE, Command.REFRESH)


def test_a_terminal_after_which_the_next_login_needs_you_is_left_to_ssh() -> None:
    """A certificate that has expired, an agent that is locked: the link could not log in again."""
    laptop = attached(shared=False)
    laptop.tell(Happened.LINK_REFUSED)
    assert laptop.tell(Happened.WOKE, seconds=60.0) == ()
    laptop = doubting(shared=False)
    assert laptop.tell(Happened.LINK_REFUSED) == (Command.RELEASE, Command.MUTE)
    assert laptop.tell(Happened.REACHED) == (Command.RELEASE, Command.REFRESH)
    assert laptop.after(60, Happened.TICK) == ()
    assert laptop.phase is Phase.ATTACHED and laptop.terminal
    laptop = doubting(shared=False)
    laptop.tell(Happened.REACHED)
    assert laptop.tell(Happened.LINK_REFUSED) == (Command.RELEASE, Command.REFRESH)
    assert laptop.phase is Phase.ATTACHED and laptop.terminal


def test_a_link_that_is_refused_without_a_network_hides_no_outage() -> None:
    """An agent that is locked has no key, so nothing was dialled."""
    laptop = attached(shared=False)
    laptop.tell(Happened.ROUTE_LOST)
    laptop.tell(Happened.LINK_REFUSED)
    assert (laptop.phase, laptop.state.route) == (Phase.DOUBTING, False)


@pytest.mark.parametrize("told", [True, False])
def test_a_terminal_is_kept_if_the_link_is_refused_while_it_is_tried(told: bool) -> None:
    laptop = doubting(shared=False, revives=True)
    assert laptop.tell(Happened.REACHED) == (Command.REVIVE,)
    assert laptop.tell(Happened.LINK_REFUSED) == ()
    if told:
        assert laptop.tell(Happened.DEAF) == (Command.REFRESH,)
    else:
        laptop.wait(60)
    assert laptop.phase is Phase.ATTACHED and laptop.terminal
    assert laptop.done[-1][1] is Command.REFRESH


def test_a_sign_of_life_of_the_terminal_is_no_heartbeat_and_no_proof_of_its_login() -> None:
    laptop = Laptop()
    laptop.tell(Happened.OPENED, proved=False)
    for what, facts in ((Happened.LATE, {"seconds": 3.0, "revives": True}), (Happened.FELT, {"revives": True})):
        laptop.after(3, what, **facts)
    assert (laptop.state.heart, laptop.state.proved, laptop.state.kept) == (False, False, True)
    assert laptop.tell(Happened.WOKE, seconds=60.0) == ()


@pytest.mark.parametrize("found", [Happened.REACHED, Happened.CONNECTED])
def test_a_blind_login_that_has_come_through_is_not_begun_again(found: Happened) -> None:
    laptop = waiting()
    assert tries_again(laptop) == SILENT_FRESH
    assert laptop.state.blind
    assert laptop.tell(Happened.SIGNING_IN) == ()
    assert laptop.tell(found, stands=True) == ()
    assert laptop.phase is Phase.CONNECTING
    laptop.tell(Happened.OPENED)
    assert laptop.phase is Phase.ATTACHED


@pytest.mark.parametrize("heart", [True, False])
def test_a_terminal_that_costs_nothing_is_doubted_without_a_heartbeat_too(heart: bool) -> None:
    beat = {"shared": False} if heart else {}
    assert attached(**beat).tell(Happened.WOKE, seconds=60.0) == (Command.HOLD, Command.ASK, Command.KNOCK)
    laptop = attached(**beat)
    assert laptop.tell(Happened.ROUTE_LOST) == (Command.HOLD,)
    assert (laptop.state.cause, laptop.state.silence(laptop.at)) == (Cause.NO_ROUTE, 0)


def test_a_terminal_opens_without_a_heart() -> None:
    laptop = attached(shared=True)
    lost(laptop)
    laptop.tell(Happened.OPENED, person=True)
    assert (laptop.state.heart, laptop.state.shared) == (False, False)
    assert laptop.tell(Happened.WOKE, seconds=60.0) == ()


def test_other_peoples_keys_and_knocks_are_nothing_to_an_attached_terminal() -> None:
    laptop = attached(shared=True)
    before = laptop.state
    for what in (Happened.RETRY, Happened.LEAVE, Happened.REACHED, Happened.UNREACHED, Happened.TICK, Happened.OPENED):
        assert laptop.tell(what) == ()
    assert laptop.state == before


# --- proof of death


@pytest.mark.parametrize(
    ("beat", "start"), [({}, SILENT), ({"shared": False}, SILENT), ({"shared": True}, SILENT_FRESH)]
)
def test_an_address_that_is_gone_is_proof_of_death(beat: dict[str, bool], start: Start) -> None:
    laptop = attached(**beat)
    assert laptop.tell(Happened.ROUTE_CHANGED, dead=True) == (Command.END, Command.KNOCK)
    assert (laptop.state.cause, laptop.state.flaps) == (Cause.LOST, 1)
    assert laptop.after(0.1, Happened.REACHED) == (start,)


def test_behind_a_proxy_a_new_address_is_dialled_from_at_once() -> None:
    laptop = attached(knocks=False)
    assert laptop.tell(Happened.ROUTE_CHANGED, dead=True) == (Command.END, SILENT)
    assert laptop.after(1, Happened.ROUTE_CHANGED, dead=True) == (Command.END, SILENT)


def test_a_new_address_is_knocked_from_until_its_network_carries() -> None:
    laptop = attached(shared=False)
    laptop.tell(Happened.ROUTE_CHANGED, dead=True)
    assert len(knocks_in(laptop.wait(20))) == 160
    assert laptop.tell(Happened.REACHED) == (SILENT,)


def test_another_route_alone_proves_nothing() -> None:
    laptop = attached(shared=True)
    assert laptop.tell(Happened.ROUTE_CHANGED) == (Command.ASK,)
    assert laptop.phase is Phase.ATTACHED


def test_in_doubt_too_death_is_proved_by_the_address() -> None:
    laptop = doubting()
    assert laptop.tell(Happened.ROUTE_CHANGED, dead=True) == (Command.END, Command.KNOCK)
    assert laptop.tell(Happened.REACHED) == (SILENT_FRESH,)
    laptop = doubting(person=True)
    assert laptop.tell(Happened.ROUTE_CHANGED, dead=True) == (Command.ASK, Command.KNOCK)


def test_a_persons_terminal_is_doubted_and_kept_when_its_address_is_gone() -> None:
    laptop = attached(person=True, shared=True)
    laptop.after(1, Happened.BEAT, shared=True)
    assert laptop.after(1, Happened.ROUTE_CHANGED, dead=True) == (Command.MUTE, Command.ASK, Command.KNOCK)
    assert (laptop.phase, laptop.state.silence(laptop.at)) == (Phase.DOUBTING, 0)


def test_a_silent_attempt_dies_with_its_address() -> None:
    laptop = attached()
    lost(laptop)
    assert laptop.tell(Happened.ROUTE_CHANGED) == ()
    assert laptop.after(5, Happened.ROUTE_CHANGED, dead=True) == (Command.END,)
    assert laptop.wait(0) == [(laptop.at, Command.KNOCK)]


# --- doubting


def test_late_is_doubt_and_an_echo_ends_it() -> None:
    laptop = attached(shared=False)
    assert laptop.after(3, Happened.LATE, seconds=3.0) == (Command.HOLD, Command.KNOCK)
    laptop.wait(1.9)
    assert laptop.tell(Happened.BEAT) == (Command.RELEASE, Command.REFRESH)
    assert (laptop.phase, laptop.state.entered, laptop.state.due) == (Phase.ATTACHED, laptop.at, None)
    assert laptop.state.silence(laptop.at) == 0


def test_a_terminal_whose_own_heartbeat_is_late_is_not_stopped() -> None:
    laptop = attached(shared=True)
    assert laptop.after(3, Happened.LATE, seconds=3.0) == (Command.MUTE, Command.KNOCK)
    laptop.wait(6.9)  # over its own connection it is alive, however late
    assert laptop.tell(Happened.BEAT, shared=True) == (
        Command.RELEASE,
        Command.REFRESH,
    )  # over its own connection it is alive, however late
    assert laptop.phase is Phase.ATTACHED


def test_a_heartbeat_that_has_moved_to_its_own_connection_releases_what_was_held() -> None:
    laptop = doubting(shared=False)
    assert laptop.tell(Happened.BEAT, shared=True) == (Command.RELEASE, Command.REFRESH)
    assert laptop.state.shared


def test_an_echo_over_another_connection_says_after_five_seconds_only_that_the_network_is_back() -> None:
    laptop = doubting(shared=False)
    laptop.wait(2)
    assert laptop.tell(Happened.BEAT) == (Command.END, SILENT)
    laptop = doubting(person=True, shared=False)
    laptop.wait(60)
    assert laptop.tell(Happened.BEAT) == (Command.RELEASE, Command.REFRESH)
    assert laptop.state.heart


def test_the_host_is_knocked_at_briskly_while_in_doubt() -> None:
    laptop = doubting()
    start = laptop.at
    assert knocks_in(laptop.wait(6.9)) == [start + 0.125 * n for n in range(1, 56)]


@pytest.mark.parametrize("shared", [True, False])
def test_a_host_that_answers_has_the_terminal_replaced_from_five_seconds_of_silence(shared: bool) -> None:
    laptop = doubting(shared=shared)
    assert laptop.after(0.1, Happened.REACHED) == ()
    assert laptop.wait(1.8) == []
    laptop.tell(Happened.UNREACHED, cause=Cause.TIMED_OUT)  # an earlier knock's
    assert (laptop.wait(0), laptop.state.cause) == ([], None)
    start = SILENT_FRESH if shared else SILENT
    assert [action for _, action in laptop.wait(0.1)] == [Command.END, start]
    assert (laptop.phase, laptop.at, laptop.state.cause) == (Phase.CONNECTING, 65, Cause.LOST)
    assert laptop.state.flaps == 1


def test_a_heartbeat_over_another_connection_could_not_save_it() -> None:
    laptop = attached(shared=False)
    laptop.tell(Happened.WOKE, seconds=8.0)
    assert laptop.after(0.1, Happened.REACHED) == (Command.END, SILENT)


def test_its_own_heartbeat_is_given_half_a_second_more_than_a_knock() -> None:
    laptop = attached(shared=True)
    assert laptop.tell(Happened.WOKE, seconds=8.0) == (Command.MUTE, Command.ASK, Command.KNOCK)
    assert laptop.after(0.1, Happened.REACHED) == ()
    assert laptop.wait(0.39) == []
    assert [at for at, _ in laptop.wait(0.02)] == [60.5, 60.5]


def test_a_host_that_answers_late_in_doubt_has_it_replaced_at_once() -> None:
    laptop = doubting()
    assert laptop.after(4, Happened.REACHED) == (Command.END, SILENT_FRESH)


def test_after_ten_seconds_of_silence_the_terminal_is_given_up() -> None:
    laptop = doubting()
    laptop.wait(6.9)
    assert laptop.phase is Phase.DOUBTING
    assert laptop.wait(0.1) == [(70, Command.END), (70, Command.KNOCK)]
    assert (laptop.phase, laptop.state.entered, laptop.state.cause) == (Phase.WAITING, 70, Cause.TIMED_OUT)
    assert laptop.state.silence(laptop.at) == 10
    assert laptop.tell(Happened.REACHED) == (SILENT_FRESH,)  # what fell silent is never ridden on again
    laptop.tell(Happened.OPENED)
    assert lost(laptop) == (SILENT_FRESH,)


def test_the_reason_for_the_silence_is_kept() -> None:
    laptop = doubting()
    laptop.tell(Happened.UNREACHED, cause=Cause.UNRESOLVED)
    laptop.wait(7)
    assert (laptop.phase, laptop.state.cause) == (Phase.WAITING, Cause.UNRESOLVED)


def test_a_connection_that_fell_silent_is_never_ridden_on_again() -> None:
    laptop = waiting(shared=True)
    laptop.tell(Happened.REACHED)
    laptop.tell(Happened.OPENED)
    laptop.tell(Happened.BEAT, shared=False)
    laptop.tell(Happened.ROUTE_CHANGED, dead=True)
    assert laptop.tell(Happened.REACHED) == (SILENT_FRESH,)


def test_what_did_not_share_its_connection_may_be_followed_by_what_does() -> None:
    laptop = waiting(shared=False)
    assert laptop.tell(Happened.REACHED) == (SILENT,)


def test_a_persons_terminal_is_kept_through_silence_until_ssh_ends_it() -> None:
    laptop = doubting(person=True)
    knocked = knocks_in(laptop.wait(20 * 60))
    assert (
        len(knocked) == 8 * 180 + 420 // 2 + 600 // 20
    )  # each eighth of a second, from three minutes each two, then 20
    assert laptop.tell(Happened.REACHED) == ()
    assert laptop.wait(HOUR) == []  # it is not knocked to death: sshd has answered
    assert lost(laptop) == ()
    assert (laptop.phase, laptop.state.cause) == (Phase.WAITING, Cause.LOST)
    laptop.wait(0)
    assert laptop.tell(Happened.REACHED) == ()
    assert laptop.phase is Phase.NEEDS_PERSON


def test_a_persons_terminal_that_ends_as_the_network_returns_costs_no_second_knock() -> None:
    laptop = doubting(person=True)
    laptop.after(60, Happened.REACHED)
    lost(laptop)
    assert (laptop.phase, laptop.state.due) == (Phase.WAITING, laptop.at + 2)


def test_a_persons_terminal_lives_on() -> None:
    laptop = doubting(person=True)
    laptop.wait(60)
    assert laptop.tell(Happened.BEAT, shared=True) == (Command.RELEASE, Command.REFRESH)
    assert laptop.phase is Phase.ATTACHED


def test_what_is_not_proved_to_be_silent_is_kept_through_silence_and_then_tried_once() -> None:
    laptop = Laptop()
    laptop.tell(Happened.OPENED, proved=False)
    laptop.wait(60)
    laptop.tell(Happened.BEAT, shared=True)
    assert Command.MUTE in laptop.after(3, Happened.LATE, seconds=3.0)
    laptop.tell(Happened.REACHED)
    assert all(action is not Command.END for _, action in laptop.wait(60))
    assert laptop.phase is Phase.DOUBTING
    assert lost(laptop) == (SILENT,)
    laptop.tell(Happened.OPENED)
    laptop.tell(Happened.BEAT, shared=True)
    laptop.after(3, Happened.LATE, seconds=3.0)
    laptop.tell(Happened.REACHED)
    assert Command.END in {action for _, action in laptop.wait(8)}


def test_a_heartbeat_of_its_own_connection_proves_a_silent_login() -> None:
    laptop = Laptop()
    laptop.tell(Happened.OPENED, proved=False)
    laptop.tell(Happened.BEAT, shared=False)
    assert not laptop.state.kept


def test_in_doubt_without_a_route_nobody_is_knocked_at() -> None:
    laptop = doubting()
    laptop.tell(Happened.ROUTE_LOST)
    assert laptop.wait(6.9) == []
    assert laptop.wait(0.1) == [(70, Command.END)]
    assert laptop.wait(HOUR) == []


def test_the_terminal_is_asked_when_the_route_is_back() -> None:
    laptop = attached(shared=True)
    laptop.tell(Happened.ROUTE_LOST)
    assert laptop.after(1.9, Happened.ROUTE_CHANGED) == (Command.ASK, Command.KNOCK)
    assert laptop.state.due == laptop.at + 0.125
    assert laptop.after(0.1, Happened.BEAT, shared=True) == (Command.RELEASE, Command.REFRESH)


def test_what_answers_without_the_route_has_another_one() -> None:
    """A ProxyCommand may lead past the default route. The next outage is then no matter of that route."""
    laptop = attached(shared=True)
    laptop.tell(Happened.ROUTE_LOST)
    laptop.tell(Happened.BEAT, shared=True)
    assert laptop.state.route
    lost(laptop)
    assert SILENT in [action for _, action in laptop.wait(60)]


def test_a_terminal_that_has_not_beaten_yet_is_asked_before_it_is_replaced() -> None:
    laptop = attached()
    laptop.tell(Happened.HEARTLESS, revives=True)
    laptop.tell(Happened.WOKE, seconds=60.0)
    assert laptop.tell(Happened.REACHED) == (Command.REVIVE,)


def test_a_new_route_is_knocked_at_though_the_old_one_answered() -> None:
    laptop = doubting()
    laptop.tell(Happened.REACHED)
    assert laptop.tell(Happened.ROUTE_CHANGED) == (Command.ASK, Command.KNOCK)
    laptop.wait(3)
    assert laptop.phase is Phase.DOUBTING  # the new one has not answered


def test_a_host_behind_a_proxy_is_not_knocked_at() -> None:
    laptop = doubting(knocks=False)
    assert laptop.wait(6.9) == []
    assert [action for _, action in laptop.wait(0.1)] == [Command.END, SILENT_FRESH]


def test_r_in_doubt_replaces_the_terminal() -> None:
    laptop = doubting()
    assert laptop.tell(Happened.RETRY) == (Command.END, SILENT_FRESH)
    laptop = doubting(person=True)
    assert laptop.tell(Happened.RETRY) == (Command.END, ASKING_FRESH)
    laptop = flapped(3)
    laptop.after(3, Happened.LATE, seconds=3.0)
    laptop.tell(Happened.RETRY)
    assert laptop.state.flaps == 0


def test_a_terminal_that_ends_in_doubt_is_replaced() -> None:
    assert lost(doubting()) == (SILENT,)
    laptop = doubting()
    laptop.tell(Happened.TERMINAL_ENDED, cause=Cause.OVER, began=True)
    assert laptop.state.end is End.OVER


# --- sleep


def test_a_nap_is_only_a_reason_to_ask() -> None:
    laptop = attached(shared=True)
    assert laptop.tell(Happened.WOKE, seconds=4.9) == (Command.ASK,)
    assert laptop.state.due is None
    assert laptop.tell(Happened.WOKE, seconds=5.0) == (Command.MUTE, Command.ASK, Command.KNOCK)
    assert laptop.phase is Phase.DOUBTING


def test_time_asleep_is_silence() -> None:
    laptop = attached(shared=True)
    laptop.after(2, Happened.WOKE, seconds=600.0)
    laptop.after(1, Happened.WOKE, seconds=60.0)
    assert (laptop.state.asleep, laptop.state.silence(laptop.at)) == (660, 661)
    laptop.tell(Happened.BEAT, shared=True)
    assert laptop.state.silence(laptop.at) == 0


def test_a_new_terminal_has_not_slept() -> None:
    laptop = waiting()
    laptop.tell(Happened.WOKE, seconds=600.0)
    laptop.tell(Happened.REACHED)
    laptop.tell(Happened.OPENED)
    laptop.after(3, Happened.LATE, seconds=3.0)
    assert laptop.state.silence(laptop.at) == 3


def test_after_waking_the_terminal_is_given_its_time_again() -> None:
    laptop = doubting()
    laptop.tell(Happened.REACHED)
    laptop.wait(1.9)
    assert laptop.tell(Happened.WOKE, seconds=60.0) == (Command.ASK, Command.KNOCK)
    assert laptop.state.due == laptop.at + 0.125
    assert len(knocks_in(laptop.wait(6.9))) == 55  # and nothing else
    laptop.wait(0.1)
    assert laptop.phase is Phase.WAITING


def test_waking_ends_a_silent_attempt_and_looks_at_once() -> None:
    laptop = attached()
    lost(laptop)
    assert laptop.after(1, Happened.WOKE, seconds=60.0) == (Command.END,)
    assert laptop.wait(0) == [(61, Command.KNOCK)]


@pytest.mark.parametrize("what", [Happened.WOKE, Happened.ROUTE_CHANGED])
def test_waking_and_a_new_network_cut_a_wait_short(what: Happened) -> None:
    laptop = attached()
    lost(laptop)
    failed(laptop, Cause.CLOSED_EARLY)
    laptop.wait(1)
    assert laptop.tell(what, seconds=60.0) == (Command.KNOCK,)
    assert knocks_in(laptop.wait(1)) == [61 + n / 8 for n in range(1, 9)]
    assert laptop.state.asleep == (60 if what is Happened.WOKE else 0)


@pytest.mark.parametrize("what", [Happened.WOKE, Happened.ROUTE_CHANGED])
def test_after_hours_of_waiting_a_new_network_is_tried_as_briskly_as_ever(what: Happened) -> None:
    laptop = waiting()
    laptop.wait(5 * HOUR)
    laptop.tell(what, seconds=60.0)
    assert 80 <= len(knocks_among(laptop.wait(10))) <= 81


def test_behind_a_proxy_waking_tries_at_once() -> None:
    laptop = attached(knocks=False)
    lost(laptop)
    failed(laptop, Cause.CLOSED_EARLY)
    assert laptop.tell(Happened.WOKE, seconds=60.0) == ()
    assert laptop.wait(0) == [(60, SILENT)]


def test_sleep_costs_no_budget() -> None:
    laptop = attached()
    lost(laptop)
    failed(laptop, Cause.REFUSED)
    laptop.tell(Happened.WOKE, seconds=30 * HOUR)
    laptop.tell(Happened.UNREACHED, cause=Cause.REFUSED)
    assert (laptop.phase, laptop.state.spent) == (Phase.WAITING, 0)


# --- no route


def test_without_a_route_nothing_is_tried_and_no_budget_spent() -> None:
    laptop = attached()
    lost(laptop)
    assert laptop.after(1, Happened.ROUTE_LOST) == (Command.END,)
    spent = laptop.state.spent
    assert laptop.wait(72 * HOUR) == []
    assert laptop.tell(Happened.WOKE, seconds=HOUR) == ()
    assert laptop.tell(Happened.UNREACHED, cause=Cause.REFUSED) == ()  # an old knock's
    assert laptop.state.due is None
    assert laptop.state.spent == spent == 1
    assert laptop.tell(Happened.ROUTE_CHANGED) == (Command.KNOCK,)
    assert laptop.tell(Happened.REACHED) == (SILENT,)


def test_a_route_that_is_lost_while_waiting_ends_the_knocks() -> None:
    laptop = waiting()
    laptop.wait(1)
    assert laptop.tell(Happened.ROUTE_LOST) == ()
    assert (laptop.wait(HOUR), laptop.state.cause) == ([], Cause.NO_ROUTE)


def test_a_persons_r_is_obeyed_without_a_route_too() -> None:
    laptop = waiting()
    laptop.tell(Happened.ROUTE_LOST)
    assert laptop.tell(Happened.RETRY) == (SILENT_FRESH,)


# --- waiting: unreachable


@pytest.mark.parametrize("knocks", [True, False])
def test_a_host_that_is_unreachable_for_three_days_is_never_given_up(knocks: bool) -> None:
    laptop = attached(knocks=knocks)
    lost(laptop)
    failed(laptop, Cause.TIMED_OUT)
    until, pace = laptop.at + 72 * HOUR, Counter[Action]()
    while laptop.at < until:
        for _, action in laptop.wait(10):
            pace[action] += 1
            assert action in (Command.KNOCK, SILENT, Command.END)
        if laptop.phase is Phase.WAITING:
            laptop.tell(Happened.UNREACHED, cause=Cause.TIMED_OUT)
    assert laptop.state.end is None
    assert laptop.state.spent < 2 * 60
    assert pace[Command.KNOCK if knocks else SILENT] > 3000
    assert pace[SILENT] > 3000
    assert SILENT in laptop.tell(Happened.REACHED) or not knocks


def test_the_longer_a_host_is_silent_the_slower_it_is_knocked_at() -> None:
    laptop = waiting()
    for hurried, until, pause in ((0, 180, 0.125), (180, 600, 2), (600, 9000, 20)):
        done = knocks_among(laptop.wait(until - hurried))
        assert min(late - early for early, late in itertools.pairwise(done)) >= min(pause, 2)
        assert 0.8 <= len(done) * pause / (until - hurried) <= 1.2


# --- waiting: the host says no


def refusals(laptop: Laptop, cause: Cause, times: int, **facts: Any) -> list[float]:
    """The host says no to each knock and to ssh itself; the pauses between them."""
    pauses = []
    for _ in range(times):
        assert laptop.state.due is not None
        pauses.append(laptop.state.due - laptop.at)
        laptop.wait(pauses[-1])
        if laptop.phase is Phase.CONNECTING:
            failed(laptop, cause, **facts)
        else:
            laptop.tell(Happened.UNREACHED, cause=cause, **facts)
    return pauses


def test_a_host_that_refuses_is_asked_briskly_then_ever_more_rarely() -> None:
    laptop = attached()
    lost(laptop)
    failed(laptop, Cause.REFUSED, jitter=0.0)
    pauses = refusals(laptop, Cause.REFUSED, 24, jitter=0.0)
    assert pauses[:20] == pytest.approx([0.25] * 15 + [0.5, 1, 2, 4, 8])
    assert max(pauses) <= 30


def test_a_host_that_closes_before_the_login_is_left_alone_for_longer_and_is_not_knocked_at() -> None:
    laptop = attached()
    lost(laptop)
    failed(laptop, Cause.CLOSED_EARLY, jitter=0.0)
    assert refusals(laptop, Cause.CLOSED_EARLY, 5, jitter=0.0) == pytest.approx([15, 23, 23, 23, 23])
    assert knocks_among(laptop.done) == []


@pytest.mark.parametrize("finds", [None, Cause.TIMED_OUT, Cause.NO_ROUTE, Cause.REFUSED, Cause.CLOSED_EARLY])
@pytest.mark.parametrize(("lasts", "ends"), [(20, Cause.TIMED_OUT), (0.1, Cause.REFUSED), (1, Cause.CLOSED_EARLY)])
def test_whatever_the_knocks_find_ssh_itself_tries_every_half_minute(
    finds: Cause | None, lasts: float, ends: Cause
) -> None:
    """As before a host that greets later than any knock waits, or a middlebox that takes each knock for itself."""
    laptop = waiting()
    began, until = [laptop.at], laptop.at + HOUR
    while laptop.at < until:
        laptop.wait(0.125)
        if laptop.phase is Phase.CONNECTING and laptop.state.itself - 30 != began[-1]:
            began.append(laptop.state.itself - 30)
        if laptop.phase is Phase.CONNECTING and laptop.at >= began[-1] + lasts:
            failed(laptop, ends)
        elif finds and laptop.knocking:
            laptop.tell(Happened.UNREACHED, cause=finds)
            laptop.knocking = False
    assert max(late - early for early, late in itertools.pairwise(began)) <= 32.5
    assert laptop.state.spent == 0


def test_a_knock_that_is_answered_ends_an_attempt_that_fell_into_the_silence() -> None:
    laptop = waiting()
    assert tries_again(laptop) == SILENT_FRESH
    assert len(knocks_among(laptop.wait(10))) == 80
    laptop.tell(Happened.UNREACHED, cause=Cause.TIMED_OUT)
    assert laptop.tell(Happened.REACHED) == (Command.END, SILENT_FRESH)
    assert knocks_among(laptop.wait(19)) == []  # sshd has answered
    assert laptop.tell(Happened.REACHED) == ()


def test_a_blind_attempt_is_overdue_at_its_limit_alone() -> None:
    """Its knocks are ticks, too, and a login that answers with the keychain must not be ended by one."""
    laptop = waiting()
    tries_again(laptop)
    for _ in range(159):
        laptop.wait(0.125)
        assert not is_overdue(laptop.state, laptop.at)
    assert is_overdue(laptop.state, laptop.at + 0.125)
    assert not is_overdue(Laptop().state, HOUR)  # you may take your time
    assert not is_overdue(waiting().state, 10 * HOUR)


def test_nobody_knocks_beside_an_attempt_at_a_host_that_says_no() -> None:
    laptop = waiting()
    tries_again(laptop)
    laptop.tell(Happened.UNREACHED, cause=Cause.CLOSED_EARLY)
    assert laptop.wait(19) == []
    assert laptop.phase is Phase.CONNECTING


def test_a_prompt_is_not_ended_by_a_knock() -> None:
    laptop = Laptop(waits=True)
    failed(laptop, Cause.TIMED_OUT)
    assert tries_again(laptop) == FIRST_AGAIN
    assert laptop.tell(Happened.REACHED) == ()
    assert laptop.wait(HOUR) == []


def test_a_host_that_needs_you_is_knocked_at_alone() -> None:
    laptop = attached(person=True)
    lost(laptop)
    laptop.wait(1)
    laptop.tell(Happened.UNREACHED, cause=Cause.TIMED_OUT)
    assert len(knocks_in(laptop.wait(HOUR))) > 100
    assert laptop.phase is Phase.WAITING


@pytest.mark.parametrize(
    ("cause", "pause"),
    [(Cause.REFUSED, 0.25), (Cause.CLOSED_EARLY, 15), (Cause.NO_ROUTE, 2), (Cause.TIMED_OUT, 2), (Cause.LOST, 2)],
)
def test_chance_makes_a_pause_up_to_a_third_longer(cause: Cause, pause: float) -> None:
    pauses = []
    for jitter in (0.0, 0.5, 1.0):
        laptop = attached()
        lost(laptop)
        failed(laptop, cause, jitter=jitter)
        assert laptop.state.due is not None
        pauses.append(laptop.state.due - laptop.at)
    assert pauses == pytest.approx([pause, 1.15 * pause, 1.3 * pause])


@pytest.mark.parametrize("cause", [Cause.LOST, Cause.TIMED_OUT, Cause.NO_ROUTE, Cause.UNRESOLVED, Cause.REFUSED])
def test_a_knock_that_was_answered_is_not_repeated_within_two_seconds(cause: Cause) -> None:
    """As behind a jump host that answers while the host itself is down, where it would go on for days."""
    laptop = attached()
    lost(laptop)
    failed(laptop, Cause.TIMED_OUT, jitter=0.0)
    pauses = []
    for _ in range(21):
        assert laptop.state.due is not None
        laptop.wait(laptop.state.due - laptop.at)
        if laptop.phase is Phase.WAITING:
            assert laptop.tell(Happened.REACHED) == (SILENT,)
        failed(laptop, cause, jitter=0.0)
        assert laptop.state.due is not None
        pauses.append(laptop.state.due - laptop.at)
    assert pauses == pytest.approx([2] * 17 + [4, 8, 16, 30])


def test_a_terminal_that_was_up_has_made_good_for_the_knock() -> None:
    """So that sshd that restarts is seen at once."""
    laptop = waiting()
    laptop.tell(Happened.REACHED)
    laptop.tell(Happened.OPENED)
    lost(laptop)
    failed(laptop, Cause.REFUSED, jitter=0.0)
    assert laptop.state.due == laptop.at + 0.25
    laptop = doubting()
    laptop.tell(Happened.REACHED)
    laptop.tell(Happened.BEAT, shared=True)
    lost(laptop)
    failed(laptop, Cause.REFUSED, jitter=0.0)
    assert laptop.state.due == laptop.at + 0.25


def test_an_answer_is_forgotten_once_the_host_is_waited_for_again() -> None:
    laptop = flapped(3)
    laptop.after(3, Happened.LATE, seconds=3.0)
    laptop.after(1, Happened.REACHED)
    laptop.wait(6)
    assert laptop.phase is Phase.WAITING
    laptop.wait(2)
    laptop.tell(Happened.UNREACHED, cause=Cause.REFUSED, jitter=0.0)
    assert laptop.state.due == laptop.at + 0.25


@pytest.mark.parametrize("cause", [Cause.REFUSED, Cause.CLOSED_EARLY, Cause.UNRESOLVED])
def test_no_number_of_failures_is_too_large(cause: Cause) -> None:
    laptop = attached()
    lost(laptop)
    laptop.state = laptop.state._replace(refusals=100_000)
    failed(laptop, cause)
    laptop.wait(0)
    assert laptop.tell(Happened.RETRY) == (SILENT,)


def test_a_silent_host_does_not_put_off_the_next_knock() -> None:
    laptop = waiting()
    due = laptop.state.due
    assert laptop.tell(Happened.UNREACHED, cause=Cause.TIMED_OUT) == ()
    assert (laptop.state.due, laptop.state.refusals, laptop.state.cause) == (due, 0, Cause.TIMED_OUT)


def test_a_host_that_answers_and_hangs_up_is_given_up_after_a_quarter_of_an_hour() -> None:
    laptop = hung_up()
    began = laptop.at
    while laptop.state.end is None:
        laptop.wait(max(0, (laptop.state.due or 0) - laptop.at))
        if laptop.phase is Phase.WAITING:
            laptop.tell(Happened.REACHED)
        failed(laptop, Cause.CLOSED_EARLY)
    assert (laptop.state.end, laptop.state.cause) == (End.GIVEN_UP, Cause.CLOSED_EARLY)
    assert BUDGET_S < laptop.at - began < BUDGET_S + 40


@pytest.mark.parametrize("cause", [Cause.CLOSED_EARLY, Cause.REFUSED])
def test_what_stands_in_the_way_spends_no_budget(cause: Cause) -> None:
    """A portal that accepts and closes each connection, or a firewall that refuses: only a greeting is the host's."""
    laptop = attached()
    lost(laptop)
    failed(laptop, cause)
    refusals(laptop, cause, 500)
    assert (laptop.state.spent, laptop.state.end) == (0, None)
    hung_up(waiting())
    laptop.tell(Happened.UNREACHED, cause=cause)
    spent = laptop.state.spent
    laptop.wait(10)
    assert laptop.state.spent == spent


@pytest.mark.parametrize(
    ("what", "facts"),
    [
        (Happened.REACHED, {}),
        (Happened.UNREACHED, {"cause": Cause.REFUSED}),
        (Happened.TICK, {}),
    ],
)
@pytest.mark.parametrize("over", [True, False])
def test_the_budget_is_fifteen_minutes(what: Happened, facts: dict[str, Any], over: bool) -> None:
    laptop = hung_up()
    laptop.state = laptop.state._replace(due=2 * HOUR, itself=2 * HOUR)
    laptop.after(900.5 if over else 900, what, **facts)
    assert laptop.state.end is (End.GIVEN_UP if over else None)


@pytest.mark.parametrize("over", [True, False])
def test_an_attempt_that_fails_when_the_budget_is_spent_is_the_last(over: bool) -> None:
    laptop = hung_up()
    laptop.state = laptop.state._replace(due=2 * HOUR, itself=2 * HOUR)
    laptop.after(890, Happened.REACHED)
    laptop.wait(10.5 if over else 10)
    assert failed(laptop, Cause.REFUSED) == ()
    assert laptop.state.end is (End.GIVEN_UP if over else None)


@pytest.mark.parametrize("over", [True, False])
def test_a_terminal_that_dies_when_the_budget_is_spent_is_the_last(over: bool) -> None:
    laptop = hung_up()
    laptop.state = laptop.state._replace(due=2 * HOUR, itself=2 * HOUR)
    laptop.after(880, Happened.REACHED)
    laptop.tell(Happened.OPENED)
    laptop.wait(20.5 if over else 20)
    assert lost(laptop) == (() if over else (SILENT,))
    assert laptop.state.end is (End.GIVEN_UP if over else None)


def test_another_network_gives_the_budget_back() -> None:
    laptop = hung_up()
    laptop.state = laptop.state._replace(due=2 * HOUR, itself=2 * HOUR)
    laptop.after(890, Happened.ROUTE_CHANGED)
    assert laptop.state.spent == 0


def test_a_first_host_that_hangs_up_costs_budget_too() -> None:
    laptop = hung_up(Laptop(waits=True))
    laptop.after(10, Happened.UNREACHED, cause=Cause.TIMED_OUT)
    laptop.wait(10)
    assert laptop.state.spent == 10


def test_a_first_terminal_that_is_up_costs_no_budget_for_the_failures_before_it() -> None:
    laptop = hung_up(Laptop(waits=True))
    laptop.after(5, Happened.REACHED)
    laptop.tell(Happened.OPENED)
    laptop.wait(20)
    laptop.tell(Happened.BEAT)
    assert laptop.state.spent == 5


def test_a_person_who_says_r_gives_the_budget_anew() -> None:
    laptop = hung_up()
    laptop.after(10, Happened.TICK)
    assert laptop.state.spent > 0
    assert laptop.tell(Happened.RETRY) == (SILENT,)
    assert laptop.state.spent == 0


# --- connecting again


def test_a_silent_attempt_has_a_deadline_that_doubles_twice() -> None:
    laptop = attached()
    lost(laptop)
    for limit in (20, 40, 80, 80):
        assert laptop.wait(limit - 0.125) == []
        at = laptop.at + 0.125
        assert laptop.wait(0.125) == [(at, Command.END), (at, Command.KNOCK)]
        assert (laptop.phase, laptop.state.cause) == (Phase.WAITING, Cause.TIMED_OUT)
        assert laptop.after(0.125, Happened.REACHED) == (SILENT,)


def test_a_tick_before_its_time_ends_no_attempt() -> None:
    laptop = attached()
    lost(laptop)
    assert laptop.after(19, Happened.TICK) == ()
    assert laptop.phase is Phase.CONNECTING
    laptop = waiting()
    laptop.wait(0.1)
    assert laptop.tell(Happened.TICK) == ()


def test_r_starts_a_silent_attempt_anew() -> None:
    laptop = attached()
    lost(laptop)
    assert laptop.after(15, Happened.RETRY) == (Command.END, SILENT)
    assert laptop.state.due == laptop.at + 20


def test_a_host_key_that_has_changed_ends_it() -> None:
    for cause in (Cause.HOST_KEY_CHANGED, Cause.NO_COMMON_ALGORITHM, Cause.BAD_CONFIG):
        laptop = attached()
        lost(laptop)
        assert failed(laptop, cause) == ()
        assert (laptop.state.end, laptop.state.cause) == (End.FAILED, cause)


def test_a_session_that_is_gone_on_return_ends_it() -> None:
    laptop = attached()
    lost(laptop)
    assert failed(laptop, Cause.OVER, began=True) == ()
    assert laptop.state.end is End.OVER


# --- a person is needed


@pytest.mark.parametrize("cause", [Cause.LOGIN_REFUSED, Cause.HOST_KEY_UNKNOWN])
def test_a_login_that_is_refused_is_not_tried_again_before_a_person_says_so(cause: Cause) -> None:
    laptop = attached()
    assert lost(laptop) == (SILENT,)
    laptop.wait(1)
    assert failed(laptop, cause) == ()
    assert (laptop.phase, laptop.state.cause, laptop.state.entered) == (Phase.NEEDS_PERSON, cause, laptop.at)
    assert laptop.wait(HOUR) == []
    for what in (
        Happened.REACHED,
        Happened.ROUTE_LOST,
        Happened.ROUTE_CHANGED,
        Happened.WOKE,
        Happened.BEAT,
        Happened.TICK,
    ):
        assert laptop.tell(what, seconds=60.0) == ()
    assert laptop.tell(Happened.RETRY) == (ASKING,)
    assert laptop.wait(HOUR) == []
    assert failed(laptop, cause) == ()
    assert laptop.phase is Phase.NEEDS_PERSON


def test_after_a_refusal_every_way_back_leads_to_a_person() -> None:
    laptop = needs_person()
    laptop.tell(Happened.RETRY)
    failed(laptop, Cause.TIMED_OUT)
    laptop.wait(10)
    assert laptop.tell(Happened.REACHED) == ()
    assert laptop.tell(Happened.RETRY) == (ASKING,)
    assert lost(laptop) == ()  # it logged in, but was gone before anybody had said so
    assert laptop.phase is Phase.WAITING


def test_r_while_waiting_asks_where_a_person_is_needed() -> None:
    laptop = needs_person()
    laptop.tell(Happened.RETRY)
    failed(laptop, Cause.TIMED_OUT)
    assert laptop.tell(Happened.RETRY) == (ASKING,)


def test_a_login_that_was_done_makes_the_next_silent_again() -> None:
    laptop = needs_person()
    laptop.tell(Happened.RETRY)
    laptop.tell(Happened.OPENED)
    assert lost(laptop) == (SILENT,)


def test_a_persons_login_is_followed_by_a_persons() -> None:
    laptop = needs_person()
    laptop.tell(Happened.RETRY)
    laptop.tell(Happened.OPENED, person=True)
    assert lost(laptop) == ()
    assert laptop.wait(0) == [(60, Command.KNOCK)]  # told when the host is there
    assert laptop.tell(Happened.REACHED) == ()
    assert laptop.phase is Phase.NEEDS_PERSON


def test_a_person_at_a_proxied_host_is_asked_without_a_knock() -> None:
    laptop = attached(person=True, knocks=False)
    assert lost(laptop) == ()
    assert laptop.wait(0) == []
    assert laptop.phase is Phase.NEEDS_PERSON


def test_a_person_who_is_away_costs_no_budget_and_comes_back_to_a_new_one() -> None:
    laptop = attached(person=True)
    lost(laptop)
    laptop.after(10, Happened.REACHED)
    laptop.after(72 * HOUR, Happened.BEAT)
    assert laptop.state.spent == 10
    laptop.tell(Happened.RETRY)
    assert (laptop.phase, laptop.state.spent) == (Phase.CONNECTING, 0)


# --- terminals that do not last


def flapped(times: int) -> Laptop:
    """The last one is up again."""
    laptop = attached()
    for _ in range(times):
        lost(laptop)
        laptop.wait(2)
        if laptop.phase is Phase.WAITING:
            laptop.tell(Happened.REACHED)
        laptop.tell(Happened.OPENED)
    return laptop


def test_from_the_fourth_terminal_that_does_not_last_there_is_no_hurry() -> None:
    laptop = attached()
    for _ in range(3):
        assert lost(laptop) == (SILENT,)
        laptop.tell(Happened.OPENED)
    for pause in (2, 4, 8, 16, 30, 30):
        start = laptop.at
        assert lost(laptop) == ()
        assert laptop.wait(pause - 0.1) == []
        assert laptop.wait(0.1) == [(start + pause, Command.KNOCK if pause < 30 else SILENT)]
        assert laptop.tell(Happened.REACHED) == ((SILENT,) if pause < 30 else (Command.END, SILENT))
        laptop.tell(Happened.OPENED)


def test_a_flapper_is_given_up() -> None:
    laptop = attached()
    while laptop.state.end is None and laptop.at < HOUR:
        laptop.wait(1)
        if laptop.phase is Phase.WAITING:
            laptop.tell(Happened.REACHED)
        elif laptop.phase is Phase.CONNECTING:
            laptop.tell(Happened.OPENED)
        else:
            lost(laptop)
    assert laptop.state.end is End.GIVEN_UP
    assert BUDGET_S < laptop.at - 60 < BUDGET_S + 10


def test_a_slow_line_is_given_ten_seconds() -> None:
    for flaps, seconds in ((2, 5), (3, 10)):
        laptop = flapped(flaps)
        laptop.tell(Happened.BEAT, shared=True)
        laptop.after(3, Happened.LATE, seconds=3.0)
        laptop.tell(Happened.REACHED)
        laptop.wait(seconds - 3.1)
        assert laptop.phase is Phase.DOUBTING
        laptop.wait(0.1)
        assert laptop.phase is (Phase.CONNECTING if flaps == 2 else Phase.WAITING)
        assert laptop.state.flaps == flaps + 1
        laptop = flapped(flaps)
        laptop.after(3, Happened.LATE, seconds=3.0)
        laptop.wait(2.5)
        assert (Command.RELEASE in laptop.tell(Happened.BEAT)) is (flaps == 3)


def test_a_slow_line_that_answers_is_not_doubted_beyond_the_time_of_a_silent_one() -> None:
    laptop = flapped(3)
    laptop.tell(Happened.BEAT, shared=True)
    laptop.tell(Happened.ROUTE_LOST)
    laptop.tell(Happened.ROUTE_CHANGED)
    laptop.tell(Happened.REACHED)
    assert laptop.wait(6.9) == []
    assert [action for _, action in laptop.wait(0.1)] == [Command.END]
    assert (laptop.phase, laptop.state.cause) == (Phase.WAITING, Cause.LOST)


# --- leaving


LAPTOPS: dict[str, Callable[[], Laptop]] = {
    "first": Laptop,
    "attached": attached,
    "doubting": doubting,
    "doubting, held": lambda: doubting(shared=False),
    "doubting, a person's": lambda: doubting(person=True),
    "waiting": waiting,
    "needs a person": needs_person,
}


@pytest.mark.parametrize("name", LAPTOPS)
@pytest.mark.parametrize("what", [Happened.STOP, Happened.LEAVE])
def test_stop_ends_it_and_leave_does_where_the_keys_are_read(name: str, what: Happened) -> None:
    laptop = LAPTOPS[name]()
    before = laptop.phase
    done = laptop.tell(what)
    if (name, what) == ("attached", Happened.LEAVE):
        assert (done, laptop.phase) == ((), Phase.ATTACHED)
        return
    assert done == ((Command.END,) if before in TERMINAL else ())
    assert laptop.state.end is (End.STOPPED if what is Happened.STOP else End.LEFT)
    assert (laptop.state.entered, laptop.state.due) == (laptop.at, None)


@pytest.mark.parametrize("name", LAPTOPS)
@pytest.mark.parametrize("what", Happened)
def test_every_event_has_an_answer_everywhere_and_none_after_the_end(name: str, what: Happened) -> None:
    for cause in Cause:
        for flag in (True, False):
            state = LAPTOPS[name]().state
            event = Event(what, 100.0, cause, 7.0, person=flag, shared=flag, dead=flag, began=flag)
            after, _ = step(state, event)
            assert isinstance(after, State)
            ended, _ = step(state, Event(Happened.STOP, 100.0))
            assert step(ended, event) == (ended, ())


# --- over a master


@pytest.mark.parametrize("began", [False, True])
def test_a_terminal_stuck_on_a_silent_master_is_started_anew_over_another_connection(began: bool) -> None:
    laptop = attached() if began else Laptop()
    if began:
        lost(laptop)
    assert laptop.tell(Happened.STUCK) == (Command.END, Start(creates=not began, asks=not began, fresh=True))
    assert laptop.phase is Phase.CONNECTING


def test_a_dial_without_an_answer_is_started_again_toward_the_address_that_answers() -> None:
    laptop = Laptop()
    assert laptop.tell(Happened.ASTRAY) == (Command.END, FIRST_AGAIN)
    assert laptop.state.reached


def test_a_person_is_asked_again_where_what_they_asked_for_was_stuck() -> None:
    laptop = needs_person()
    laptop.tell(Happened.RETRY)
    assert laptop.tell(Happened.STUCK) == (Command.END, Start(creates=False, asks=True, fresh=True))


def test_the_keys_are_the_masters_to_read_whatever_heart_beats() -> None:
    laptop = Laptop()
    laptop.tell(Happened.OPENED, muxed=True)
    laptop.tell(Happened.BEAT)
    assert laptop.after(3, Happened.LATE, seconds=3.0) == (Command.MUTE, Command.KNOCK)
    assert laptop.tell(Happened.BEAT) == (Command.RELEASE, Command.REFRESH)


# --- a standby, and another network: no greeting is waited for


def test_a_connection_is_enough_if_a_standby_waits() -> None:
    laptop = waiting(shared=False)
    assert laptop.after(1, Happened.CONNECTED) == ()
    assert laptop.tell(Happened.CONNECTED, stands=True) == (SILENT,)
    assert laptop.state.may_ride(laptop.at)
    laptop = doubting(shared=False)
    assert laptop.after(1, Happened.CONNECTED, stands=True) == ()  # the old one may still answer
    assert laptop.after(2, Happened.CONNECTED) == ()
    assert laptop.tell(Happened.CONNECTED, stands=True) == (Command.END, SILENT)


def test_an_old_terminal_that_may_go_on_is_tried_before_the_standby() -> None:
    laptop = doubting(shared=False, revives=True)
    assert laptop.after(4, Happened.CONNECTED, stands=True) == (Command.REVIVE,)
    assert laptop.tell(Happened.CONNECTED, stands=True) == ()
    assert laptop.tell(Happened.DEAF) == (Command.END, SILENT)
    assert laptop.state.may_ride(laptop.at)


def test_a_standby_takes_over_from_an_attempt_that_fell_into_the_silence() -> None:
    laptop = waiting(shared=False)
    assert tries_again(laptop) == SILENT
    assert not laptop.state.may_ride(laptop.at)  # what is sent in a silence delays the standby itself
    assert laptop.after(1, Happened.CONNECTED) == ()
    assert laptop.tell(Happened.CONNECTED, stands=True) == (Command.END, SILENT)
    assert laptop.state.may_ride(laptop.at)
    assert laptop.after(0.125, Happened.STUCK) == (Command.END, SILENT_FRESH)
    assert not laptop.state.blind


@pytest.mark.parametrize("how", [{"person": True}, {"shared": True}])
def test_a_standby_ends_no_terminal_that_ssh_keeps_or_that_hears_its_own_heart(how: dict[str, Any]) -> None:
    laptop = doubting(**({"shared": False} | how))
    assert laptop.after(6, Happened.CONNECTED, stands=True) == ()


def test_on_another_network_ssh_waits_for_no_greeting_once() -> None:
    laptop = attached(shared=False)
    laptop.tell(Happened.ROUTE_CHANGED, dead=True)
    assert laptop.phase is Phase.WAITING
    assert laptop.after(0.1, Happened.CONNECTED) == (SILENT,)
    assert failed(laptop, Cause.CLOSED_EARLY) == ()
    assert laptop.after(0.1, Happened.CONNECTED) == ()
    assert not laptop.state.greeted  # it may have been a portal


def test_nobody_is_signed_in_by_a_connection() -> None:
    laptop = attached(person=True)
    laptop.tell(Happened.ROUTE_LOST)
    lost(laptop)
    laptop.tell(Happened.ROUTE_CHANGED)
    assert laptop.tell(Happened.CONNECTED, stands=True) == ()
    assert laptop.phase is Phase.WAITING


def test_a_terminal_that_was_reset_rides_and_one_in_a_silence_does_not() -> None:
    laptop = attached()
    lost(laptop)
    assert not laptop.state.may_ride(laptop.at)  # nothing was heard for a minute
    laptop = attached(shared=False)
    laptop.wait(1)
    lost(laptop)
    assert laptop.state.may_ride(laptop.at)


def test_a_terminal_that_ssh_has_given_up_in_a_silence_is_followed_by_knocks() -> None:
    laptop = attached()
    assert laptop.after(2, Happened.TERMINAL_ENDED, cause=Cause.TIMED_OUT, began=True) == ()
    assert (laptop.phase, laptop.wait(0.1)[0][1]) == (Phase.WAITING, Command.KNOCK)
    assert laptop.tell(Happened.REACHED) == (SILENT,)
    laptop = attached(knocks=False)  # behind a ProxyCommand
    assert laptop.after(2, Happened.TERMINAL_ENDED, cause=Cause.TIMED_OUT, began=True) == (SILENT,)


HASTY = (Command.END, Command.KNOCK, SILENT)


def test_a_laptop_that_wakes_tries_its_standby_before_a_knock_is_answered() -> None:
    laptop = attached(shared=False, revives=True)
    assert laptop.tell(Happened.WOKE, seconds=60.0, stands=True) == HASTY
    assert laptop.state.may_ride(laptop.at)
    assert laptop.tell(Happened.OPENED) == ()
    assert (laptop.phase, laptop.state.hasty) == (Phase.ATTACHED, False)


@pytest.mark.parametrize(
    ("how", "seconds"), [({"person": True}, 60.0), ({"muxed": True}, 60.0), ({"shared": True}, 60.0), ({}, 4.0)]
)
def test_it_does_not_where_the_terminal_is_kept_or_was_hardly_away(how: dict[str, bool], seconds: float) -> None:
    laptop = Laptop()
    laptop.tell(Happened.OPENED, **{word: value for word, value in how.items() if word != "shared"})
    laptop.after(60, Happened.BEAT, **({"shared": False, "revives": True} | {"shared": how.get("shared", False)}))
    assert SILENT not in laptop.tell(Happened.WOKE, seconds=seconds, stands=True)


def test_a_standby_that_is_silent_after_sleep_is_left_for_knocks_unless_one_was_answered() -> None:
    laptop = attached(shared=False)
    laptop.tell(Happened.WOKE, seconds=60.0, stands=True)
    assert laptop.after(0.2, Happened.STUCK) == (Command.END,)
    assert [action for _, action in laptop.wait(0.2)] == [Command.KNOCK, Command.KNOCK]
    assert laptop.tell(Happened.REACHED) == (SILENT_FRESH,)
    for answer in (Happened.CONNECTED, Happened.REACHED):  # the standby is dead, and the network is not
        laptop = attached(shared=False)
        laptop.tell(Happened.WOKE, seconds=60.0, stands=True)
        assert laptop.after(0.1, answer) == ()
        assert laptop.after(0.1, Happened.STUCK) == (Command.END, SILENT_FRESH)


def test_a_network_that_goes_after_all_ends_the_haste() -> None:
    laptop = attached(shared=False)
    laptop.tell(Happened.WOKE, seconds=60.0, stands=True)
    assert laptop.tell(Happened.ROUTE_LOST) == (Command.END,)
    assert (laptop.phase, laptop.state.hasty, laptop.state.may_ride(laptop.at)) == (Phase.WAITING, False, False)


# --- random walks

_Move = tuple[Happened, dict[str, Any]]
_NETWORK: list[_Move] = [
    *[(Happened.BEAT, {"shared": shared}) for shared in (True, False)] * 2,
    *[(Happened.LATE, {"seconds": seconds}) for seconds in (3.0, 4.5, 12.0)] * 2,
    (Happened.HEARTLESS, {}),
    (Happened.LINK_REFUSED, {}),
    *[(Happened.WOKE, {"seconds": seconds, "stands": stands}) for seconds in (3.0, 8.0, 3600.0) for stands in (0, 1)],
    *[(Happened.CONNECTED, {"stands": stands}) for stands in (True, False)] * 2,
    *[(Happened.ROUTE_LOST, {})] * 2,
    *[(Happened.ROUTE_CHANGED, {"dead": dead}) for dead in (True, False, False)],
    *[(Happened.REACHED, {})] * 6,
    *[(Happened.UNREACHED, {"cause": cause}) for cause in (Cause.REFUSED, Cause.TIMED_OUT, Cause.CLOSED_EARLY)],
    (Happened.RETRY, {}),
    (Happened.TICK, {}),
]
_TERMINAL: list[_Move] = [
    *[
        (Happened.OPENED, {"person": person, "muxed": muxed})
        for person in (True, False, False, False)
        for muxed in (True, False)
    ]
    * 2,
    *[(Happened.STUCK, {})] * 2,
    (Happened.ASTRAY, {}),
    *[(Happened.BEAT, {"revives": True}), (Happened.REVIVED, {}), (Happened.DEAF, {})] * 2,
    *[(Happened.TERMINAL_ENDED, {"cause": Cause.LOST, "began": True})] * 6,
    *[
        (Happened.TERMINAL_ENDED, {"cause": cause})
        for cause in (Cause.REFUSED, Cause.TIMED_OUT, Cause.CLOSED_EARLY, Cause.LOST, Cause.LOGIN_REFUSED)
    ],
]
_LAST: list[_Move] = [
    (Happened.STOP, {}),
    (Happened.LEAVE, {}),
    *[(Happened.TERMINAL_ENDED, {"cause": cause, "began": True}) for cause in (Cause.OVER, Cause.HOST_KEY_CHANGED)],
]
_PAUSES = (0.0, 0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 7.0, 15.0, 31.0, 400.0)


def walk(laptop: Laptop, moves: list[tuple[_Move, float]]) -> None:
    for (what, facts), seconds in moves:
        laptop.wait(seconds)
        if what is Happened.OPENED and laptop.phase is not Phase.CONNECTING:
            continue
        if what is Happened.TERMINAL_ENDED and not laptop.terminal:
            continue
        if what in (Happened.REACHED, Happened.CONNECTED, Happened.UNREACHED) and not laptop.knocking:
            continue
        laptop.tell(what, **facts)


def doubting_alone(**how: Any) -> Laptop:
    """Attached with a link of its own, on a laptop whose kernel shows the terminal's connection; silent for seconds."""
    laptop = attached(revives=True, **how)
    laptop.after(3, Happened.LATE, seconds=3.0)
    assert laptop.held
    return laptop


@pytest.mark.parametrize("sign", [(Happened.REACHED, {}), (Happened.BEAT, {"revives": True})])
def test_a_terminal_whose_connection_may_carry_again_goes_on_before_it_is_replaced(sign: _Move) -> None:
    laptop = doubting_alone()
    laptop.wait(20)
    assert laptop.phase is Phase.DOUBTING
    assert laptop.tell(sign[0], **sign[1]) == (Command.REVIVE,)
    assert laptop.tell(Happened.BEAT, revives=True) == ()
    assert laptop.wait(0.2) == []
    assert laptop.tell(Happened.REVIVED) == (Command.REFRESH, Command.ASK)
    assert laptop.phase is Phase.ATTACHED
    assert laptop.tell(Happened.DEAF) == ()


def test_a_terminal_whose_connection_does_not_carry_is_replaced_at_once() -> None:
    laptop = doubting_alone()
    laptop.tell(Happened.REACHED)
    assert laptop.tell(Happened.DEAF) == (Command.END, SILENT)


def test_a_terminal_of_which_nothing_is_heard_is_replaced() -> None:
    laptop = doubting_alone()
    laptop.tell(Happened.REACHED)
    assert [action for _, action in laptop.wait(5)] == [Command.END, SILENT]


@pytest.mark.parametrize("what", [Happened.WOKE, Happened.ROUTE_CHANGED])
def test_a_terminal_that_goes_on_is_stopped_again_if_the_network_changes(what: Happened) -> None:
    laptop = doubting_alone()
    laptop.tell(Happened.REACHED)
    assert laptop.tell(what) == (Command.HOLD, Command.ASK, Command.KNOCK)
    assert laptop.tell(Happened.REVIVED) == ()
    assert laptop.tell(Happened.REACHED) == (Command.REVIVE,)


def test_ssh_itself_dials_after_forty_seconds_of_silence_also_if_the_terminal_could_go_on() -> None:
    laptop = doubting_alone()
    laptop.wait(36)
    assert laptop.phase is Phase.DOUBTING
    laptop.wait(4)
    assert laptop.phase is Phase.CONNECTING
    assert SILENT in [action for _, action in laptop.done]


def test_a_terminal_that_a_person_signed_in_to_is_not_tried() -> None:
    laptop = attached(person=True, revives=True)
    laptop.after(3, Happened.LATE, seconds=3.0)
    laptop.wait(20)
    assert laptop.tell(Happened.REACHED) == ()


def test_random_walks_find_no_way_around_the_rules() -> None:
    steps = 0
    moves = st.tuples(st.sampled_from(_NETWORK + _TERMINAL), st.sampled_from(_PAUSES))

    @settings(max_examples=(examples := 1000 if FULL else 80), deadline=None, database=None)
    @given(st.booleans(), st.booleans(), st.lists(moves, min_size=40, max_size=120), st.sampled_from(_LAST))
    def walks(first_fails: bool, knocks: bool, path: list[tuple[_Move, float]], last: _Move) -> None:
        nonlocal steps
        laptop = Laptop(waits=first_fails, knocks=knocks)
        if not first_fails:
            laptop.tell(Happened.OPENED)
        walk(laptop, [*path, (last, 0.0), ((Happened.STOP, {}), 0.0)])
        assert laptop.phase is Phase.ENDED
        for move in _NETWORK:
            walk(laptop, [(move, 1.0)])
        steps += laptop.steps

    walks()
    assert steps >= 40 * examples


def test_half_an_hour_of_flapping_with_a_key_that_is_refused_is_one_failed_login() -> None:
    """Whatever fails and comes back in between; what the network does not let through counts nowhere."""
    flapping = [move for move in _NETWORK if move[0] is not Happened.RETRY]
    flapping += [(Happened.TERMINAL_ENDED, {"cause": Cause.LOST, "began": True})] * 6
    ends = st.sampled_from([Cause.LOGIN_REFUSED, Cause.TIMED_OUT, Cause.CLOSED_EARLY])
    refused = 0

    @settings(max_examples=50, deadline=None, database=None)
    @given(st.lists(st.tuples(st.sampled_from(flapping), st.sampled_from(_PAUSES[3:-1]), ends), min_size=20))
    def flaps(path: list[tuple[_Move, float, Cause]]) -> None:
        nonlocal refused
        laptop = attached()
        refusals = 0
        for move, pause, end in itertools.cycle(path):
            walk(laptop, [(move, pause)])
            if laptop.phase is Phase.CONNECTING:
                failed(laptop, end)
                refusals += end is Cause.LOGIN_REFUSED
            if laptop.at > HOUR / 2 or laptop.phase is Phase.ENDED:
                break
        assert refusals <= 1
        refused += refusals

    flaps()
    assert refused >= 10
