"""Whether a text defines a name as an abbreviation of something else: "JAX (Joint Attention eXtractor)".

In the manner of A. S. Schwartz and M. A. Hearst, A simple algorithm for identifying abbreviation definitions in
biomedical text (PSB 2003), but stricter: each word of the long form has to give a letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Words that need not give a letter.
_IDLE = frozenset(
    re.findall(r"\w+", "a an and at between by for from in into of on or over plus the to under via with")
)
_WORD = re.compile(r"[A-Za-z][\w'’-]*")
_REACH = 160  # characters before and after a name that are looked at
_LONG = r"([^.;()]{3,120})"
_CALLED = r"(?:abbreviate[ds]?|call(?:s|ed)?|dub(?:bed)?|name[ds]?|term(?:s|ed)?|denote[ds]?|known|shortened|referred)"
_STANDS = r"(?:(?:is\s+)?short\s+for|(?:which\s+)?stands?\s+for|standing\s+for|denot(?:es|ing)|meaning|i\.\s?e\.,?)"
_ENCLOSED = re.compile(rf"(?:\s+[\w-]+){{0,3}}\s*\({_LONG}")
_FOLLOWS = re.compile(rf"(?:,\s+|:\s+|,?\s+{_STANDS}\s+)([^,.;()]{{3,120}})")
_OPENED = re.compile(rf"{_LONG}\s*\(\s*$")
_CLOSED = re.compile(r"\s*[),;]")
_PRECEDES = re.compile(
    rf"([^.;()]{{3,120}}?),?\s+(?:(?:which|that|and|we|is|are|hereafter)\s+){{0,3}}{_CALLED}\s+(?:(?:it|this|as|to|by)\s+){{0,2}}$"
)


def defined(text: str, name: str, own: str = "") -> bool:
    """Return whether ``text`` defines ``name`` as short for words whose letters it is made of.

    own   the beginning of what the name truly stands for, in lower case: that is no other meaning
    """
    return any(
        _expanded(words, name.lower(), spare) and not " ".join(words).startswith(own or "\0")
        for place in re.finditer(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
        for words, spare in _candidates(
            text[max(0, place.start() - _REACH) : place.start()], text[place.end() : place.end() + _REACH], name
        )
    )


def _candidates(before: str, after: str, name: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield words beside the name that may be its long form, and how many of them may be left over.

    After a comma more than a few are left over only where the long form is written with capitals: "JAX, just as
    expected from the theory" is none.
    """
    for pattern, few in ((_ENCLOSED, _REACH), (_FOLLOWS, 3)):
        if match := pattern.match(after):
            words = _words(match[1])
            capitals = sum(word[0].isupper() for word in _WORD.findall(match[1]))
            spare = _REACH if 2 * capitals > len(name) else few
            yield (words[1:] if words and words[0] in _IDLE and words[0][0] != name[0].lower() else words), spare
    if match := (_CLOSED.match(after) and _OPENED.search(before)) or _PRECEDES.search(before):
        words = _words(match[1])
        yield from ((words[at:], 1) for at in range(len(words)))


def _words(long: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(long))


def _expanded(words: tuple[str, ...], letters: str, spare: int) -> bool:
    """Return whether the words give the letters in order, the first word the first one, ``spare`` words left over.

    In the middle of a name of five letters one word need not give any.
    """
    return bool(words) and words[0][0] == letters[0] and _given(words, letters, spare, len(letters) // 5)


def _given(words: tuple[str, ...], letters: str, spare: int, silent: int) -> bool:
    if not letters:
        return len(words) <= spare
    if not words:
        return False
    word, rest = words[0], words[1:]
    if (word in _IDLE or silent) and _given(rest, letters, spare, silent - (word not in _IDLE)):
        return True
    start = 1 if word.startswith("ex") and letters[0] == "x" else 0
    if word[start] != letters[0]:
        return False
    taken, at = 1, start + 1
    while True:
        if _given(rest, letters[taken:], spare, silent):
            return True
        at = word.find(letters[taken], at) + 1 if taken < len(letters) else 0
        if not at:
            return False
        taken += 1
