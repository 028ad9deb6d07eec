"""The module `words`, in Python: what `words.wit` promises."""

# Done while the component is made; `socket` would look for it when it resolves a name.
import encodings.idna
import re
import socket
from collections import Counter

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.api import Frequency


class Api(exports.Api):
    def top(self, text: str, limit: int) -> list[Frequency]:
        words = re.findall(r"\w+", text.lower())
        if not words:
            raise Err("the text has no words")
        print(f"counting {len(words)} words")
        counted = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
        return [Frequency(word, times) for word, times in counted[:limit]]

    def reach(self, host: str) -> str:
        by_name = outcome(lambda: socket.create_connection((host, 80), timeout=1))
        directly = outcome(lambda: socket.socket().connect((host, 80)))
        return f"{by_name}, {directly}"


def outcome(attempt) -> str:
    """The error of `attempt`."""
    try:
        attempt()
    except OSError as error:
        return type(error).__name__
    return "reached"
