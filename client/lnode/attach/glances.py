"""The replies of a script that stays beside the terminal (glance.sh, phone.sh)."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from lnode.remote import call
from lnode.remote.reply import Rows, TooLong, parse_reply
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed


async def replies(
    link: Link, line: Callable[[str], str], tell: str = ""
) -> AsyncGenerator[Mapping[str, Sequence[str]]]:
    """Start the line, which is made from a nonce, and yield each reply until the script ends. Raises LinkFailed.

    After the first reply the script is told the text `tell` on its standard input.
    """
    nonce, begun = call.nonce(), list[str]()
    read = Rows(nonce)
    pipe = await link.start(line(nonce))
    try:
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
    except TooLong as why:
        raise LinkFailed(Cause.LOST, f"an answer that is too long: {why}") from None
    finally:
        await pipe.close()
