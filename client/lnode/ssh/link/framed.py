"""The framed reply of a script, over a link."""

from collections.abc import Mapping, Sequence

from lnode.remote.reply import TooLong, parse_reply, rows_of
from lnode.ssh.failures import Cause
from lnode.ssh.link.contract import Link, LinkFailed


async def framed(link: Link, nonce: str, line: str, timeout_s: float) -> Mapping[str, Sequence[str]]:
    """Run the line, and return its reply by sections. Raises LinkFailed."""
    answer = await link.run(line, timeout_s=timeout_s)
    try:
        return parse_reply(nonce, rows_of(nonce, answer.stdout))
    except TooLong as why:
        raise LinkFailed(Cause.LOST, f"an answer that is too long: {why}") from None
