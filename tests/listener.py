"""A listener of this computer, in place of the one that passes messages on to a phone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listener:
    """`posts` are what it got: the path, the token or "", the title, and the text."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str, str, str]] = []
        self.answer = 200
        self.url = ""

    @property
    def texts(self) -> list[str]:
        return [text for *_, text in self.posts]


@contextmanager
def listening() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode().rstrip("\n")
            token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
            heard.posts.append((self.path, token, self.headers["Title"], text))
            self.send_response(heard.answer)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"http://127.0.0.1:{server.server_address[1]}/topic"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield heard
        finally:
            server.shutdown()
            serving.join()
