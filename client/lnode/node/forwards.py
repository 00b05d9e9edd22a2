"""Ports of the laptop that lead elsewhere, as `ssh -L` spells them, or shorter."""

import re
from typing import NamedTuple

LAST_PORT = 65535


class Forward(NamedTuple):
    """A port of this laptop that leads to `host`:`to` as the far end sees it; `bind` is an address of this laptop."""

    bind: str
    port: int
    host: str
    to: int

    @property
    def spec(self) -> str:
        """Return the forward in the form of `ssh -L`."""
        return f"{self.bind}:{self.port}:{self.host}:{self.to}"

    @property
    def here(self) -> str:
        """Return the address for a browser on this laptop."""
        return f"{'localhost' if self.bind in ('*', '0.0.0.0') else self.bind}:{self.port}"  # noqa: S104 - as it was asked

    @property
    def there(self) -> str:
        """Return the far end in words."""
        return f"port {self.to}" if self.host == "localhost" else f"{self.host}:{self.to}"


_HOST = r"[A-Za-z0-9*][A-Za-z0-9._-]*|\*|\[[0-9a-fA-F:]+\]"
_SPEC = re.compile(
    rf"(?:(?:(?:(?P<bind>{_HOST}):)?(?P<port>\d{{1,5}}):(?P<host>{_HOST})|(?P<short>\d{{1,5}})):)?(?P<to>\d{{1,5}})"
)


def parse(spec: str) -> Forward | None:
    """Read `8888`, `9999:8888`, `9999:host:8888` or `address:9999:host:8888`; None for anything else."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        return None
    bind, port, host, short, to = match.group("bind", "port", "host", "short", "to")
    forward = Forward(bind or "localhost", int(port or short or to), host or "localhost", int(to))
    return forward if 0 < forward.port <= LAST_PORT and 0 < forward.to <= LAST_PORT else None
