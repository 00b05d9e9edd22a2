"""The notes in your home on the cluster, where lnode cannot keep or trust them, in words."""

from lnode.cluster.sessions import Picture


def not_kept(picture: Picture, alias: str) -> str:
    """Return a sentence about a home that is full or read-only, or about notes that lnode does not read; else ""."""
    node = picture.login_node
    if picture.distrusted:
        how, _, path = picture.distrusted[0].partition(" ")
        if how == "foreign":
            return (
                f"~/{path} on {node} belongs to another user or is a link, so lnode does not read it; "
                f"move it away: ssh {alias} ls -la .local/state/lnode"
            )
        return (
            f"other users can write to ~/{path} on {node}, so lnode does not read it; "
            f"fix: ssh {alias} chmod -R go-rwx .local/state/lnode"
        )
    if picture.keeps:
        return ""
    return f"cannot write to your home on {node}, so lnode cannot remember what runs there: lnode {alias} --doctor"
