"""What the reconnect machine knows, hears and does: states, kinds of events, actions. It decides nothing."""

from enum import Enum, auto
from typing import NamedTuple

from lnode.reconnect.pauses import STALE_S
from lnode.ssh.failures import Cause


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
    WOKE = auto()  # after `seconds` asleep or stopped; `stands`: a standby waits, and the terminal cannot carry on soon
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
    hasty: bool = False  # this attempt began on a standby as the laptop woke, and nothing has been heard since
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
        return self.person or self.refused or not self.proved

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
