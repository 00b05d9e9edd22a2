"""The framed replies of a script, over a link."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

from lnode.remote import call
from lnode.remote.reply import Reply, Rows, TooLong, parse_reply, rows_of
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed


async def framed(link: Link, nonce: str, line: str, timeout_s: float) -> Reply:
    """Run the line, and return its reply by sections. Raises LinkFailed."""
    answer = await link.run(line, timeout_s=timeout_s)
    with _within_bounds():
        return parse_reply(nonce, rows_of(nonce, answer.stdout))


async def replies(link: Link, line: Callable[[str], str], tell: str = "") -> AsyncGenerator[Reply]:
    """Start the line of a script that stays, and yield each of its replies until it ends. Raises LinkFailed.

    The line is made from a nonce. After the first reply the script is told the text `tell` on its standard input.
    """
    nonce, begun = call.nonce(), list[str]()
    read = Rows(nonce)
    pipe = await link.start(line(nonce))
    try:
        with _within_bounds():
            while data := await pipe.read():
                read.feed(data)
                while (row := read.next()) is not None:
                    begun.append(row)
                    if row == f"{nonce} end":
                        if tell:
                            await pipe.write(tell.encode())
                            tell = ""
                        yield parse_reply(nonce, begun)
                        begun.clear()
                        read.renew()
    finally:
        await pipe.close()


@contextmanager
def _within_bounds() -> Iterator[None]:
    try:
        yield
    except TooLong as why:
        raise LinkFailed(Cause.LOST, f"an answer that is too long: {why}") from None
