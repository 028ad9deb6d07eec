"""The module `words`: what `words.wit` promises, in Python.

Imports stand at the top: they are done while the component is made. An import inside a function would look for files when it is called.
"""

import re
from collections import Counter

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.api import Frequency

# Words that say nothing about a text.
STOP = {"a", "an", "and", "in", "is", "of", "on", "or", "the", "to"}


class Api(exports.Api):
    def top(self, text: str, limit: int) -> list[Frequency]:
        words = [word for word in re.findall(r"\w+", text.lower()) if word not in STOP]
        if not words:
            raise Err("the text has no words")
        counted = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
        return [Frequency(word, times) for word, times in counted[:limit]]
