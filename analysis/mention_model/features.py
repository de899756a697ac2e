"""What a mention's surroundings say about its role: cues, position, neighbours and words, as named numbers.

The framework asked about is read as ``FW`` and every other piece of software as ``SW``, so that a sentence about Keras
teaches the same as one about PyTorch; an enumeration ("Caffe, PyTorch and Theano") is read as one ``FW``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from analysis import mentions
from reproductions.files import read_yaml

_SOFTWARE = re.compile(
    r"(?<![\w-])(?:caffe2|cntk|onnx(?:[ -]runtime)?|tvm|tensorrt|horovod|scikit-learn|sklearn|numpy|scipy|matlab|octave"
    r"|autograd|torch7?|dynet|mindspore|paddlepaddle|deep ?learning4j|dl4j|h2o|openvino|spark(?: mllib)?|mllib|julia"
    r"|flux\.jl|opencv|pandas|r|scidb|myria|dask|madlib|weka|mahout|theano|tinygrad|mlx|triton|cupy|taichi|warp|dr\.jit"
    r"|bidmach|libfm|monai|ray|keras|fastai|hugging ?face(?: transformers)?|jupyter|clipper|mnn|ncnn|core ?ml)"
    r"(?![\w-])",
    re.I,
)
_ORDINARY = {"r", "ray", "warp", "spark", "clipper", "torch", "julia"}  # in lower case they are ordinary words
_MARKS = {"FW", "SW"}
_JOINED = r"(?:(?:\s*,|\s*/|\s*\+|\s*&|\s+and|\s+or|\s+as well as)+\s*(?:the\s+)?(?:FW|SW)\b)"
_LIST = re.compile(rf"\b(?:FW|SW)\b{_JOINED}+")
_SENTENCE = re.compile(
    r"(?:(?<=[^\sA-Z.][.!?])|(?<=[A-Z]{2}[.!?])|(?<=[.!?][)\]\"'”’]))\s+"
    r"(?<!e\.g\. )(?<!i\.e\. )(?<!al\. )(?=[A-Z(\[\"“\\]|[a-z]+[A-Z])"
)
_WORD = re.compile(r"FW|SW|[a-z]+(?:-[a-z]+)*|\d+(?:\.\d+)?x?|[.,:;()]")
_URL = re.compile(
    r"(?:https?://|www\.|(?:github|gitlab|bitbucket|huggingface)\.(?:com|io|co)/|(?:FW|SW)\.(?:org|com|io))\S*", re.I
)
_LATEX = re.compile(r"\\cite\S*|\[\d[\d, -]*\]|\\[a-z]+(?=\{)|[{}$]")


def features(title: str, abstract: str, framework: str) -> dict[str, float]:
    """Return what surrounds the mentions of ``framework``: feature name to value, absent where 0.

    title, abstract   raw texts; they may hold anything
    framework         an id of ``mentions.NAMES``; where the texts do not name it, the cues of a sentence are absent
    returns           names with a prefix for their kind (``cue``, ``title``, ``abstract``, ``place``, ``left1``,
                      ``right1``, ``near``, ``word``, ``head``); values between 0 and 1
    """
    lists: list[int] = []
    head, body = masked(title, framework), masked(abstract, framework, lists)
    sentences = [part for part in _SENTENCE.split(body) if part.strip()]
    naming = [k for k, part in enumerate(sentences) if re.search(r"\bFW\b", part)]
    found: dict[str, float] = {}
    for k in naming:
        for name in _sentence_features(sentences[k]):
            found[name] = 1.0
    for name in _sentence_features(head) if "FW" in head and not naming else ():
        found[name] = 1.0
    found |= {f"title:{name}": 1.0 for name, rule in _compiled("title").items() if rule.search(head)}
    found |= {f"abstract:{name}": 1.0 for name, rule in _compiled("abstract").items() if rule.search(body)}
    found |= {f"place:{name}": value for name, value in _place(head, body, sentences, naming).items() if value}
    found |= {"place:listed_with": min(1.0, max(lists, default=0) / 4)} if lists else {}
    found |= {f"head:{word}": 1.0 for word in _words(head) if word not in _MARKS}
    found |= {f"word:{word}": 1.0 for word in _words(body) if word not in _MARKS and len(word) > 2}
    return found


def naming_text(title: str, abstract: str, framework: str) -> str:
    """Return the masked title and the masked sentences that name the framework: what a plain baseline reads."""
    sentences = _SENTENCE.split(masked(abstract, framework))
    return " . ".join([masked(title, framework), *(part for part in sentences if re.search(r"\bFW\b", part))])


def masked(text: str, framework: str, lists: list[int] | None = None) -> str:
    """Return the normal text on one line, ``framework`` as FW, other software as SW, enumerations as one, no addresses.

    An address that names the framework stays as ``codeurl FW``, any other becomes ``codeurl``. To ``lists`` the number
    of other names in each enumeration with FW is appended.
    """
    normal = mentions.normal(text)
    pieces, end = [], 0
    for name, start, stop in sorted(mentions.find(text), key=lambda m: (m[1], m[0] != framework)):
        if start >= end:
            pieces += [normal[end:start], "FW" if name == framework else "SW"]
            end = stop
    line = re.sub(r"\s+", " ", "".join([*pieces, normal[end:]]))
    line = _LATEX.sub("", line)
    line = _URL.sub(lambda url: "codeurl FW" if "FW" in url.group() else "codeurl", line)
    line = _SOFTWARE.sub(lambda name: name.group() if name.group() in _ORDINARY else "SW", line)
    line = re.sub(r"(?<=[A-Za-z0-9_])(?=FW|SW)|(?<=FW|SW)(?=[A-Za-z0-9_])", " ", line)
    line = re.sub(r"\b(FW|SW) ?v?\d[\d.x]*(?=[\s,;)]|\.\s|$)", r"\1", line)
    line = re.sub(r"\s+", " ", line)

    def one(enumeration: re.Match[str]) -> str:
        names = re.findall("FW|SW", enumeration.group())
        if lists is not None and "FW" in names:
            lists.append(len(names) - 1)
        return "FW" if "FW" in names else "SW"

    return _LIST.sub(one, line).strip()


def _sentence_features(sentence: str) -> Iterator[str]:
    yield from (f"cue:{name}" for name, rule in _compiled("sentence").items() if rule.search(sentence))
    words = _words(sentence)
    for at in (k for k, word in enumerate(words) if word == "FW"):
        left, right = words[max(0, at - 3) : at][::-1], words[at + 1 : at + 4]
        for side, near in (("left", left), ("right", right)):
            yield from (f"{side}{k + 1}:{word}" for k, word in enumerate(near[:2]))
            if len(near) > 1:
                yield f"{side}12:{near[0]} {near[1]}"
        yield from (f"near:{word}" for word in words[max(0, at - 8) : at + 9] if word.isalpha() and word != "FW")


def _place(head: str, body: str, sentences: list[str], naming: list[int]) -> dict[str, float]:
    last = len(sentences) - 1
    return {
        "title": float("FW" in head),
        "title_only": float("FW" in head and not naming),
        "first_sentence": float(0 in naming),
        "last_sentence": float(bool(naming) and last in naming),
        "first": (naming[0] / max(1, last)) if naming else 0.0,
        "early": float(bool(naming) and naming[0] <= 0.34 * max(1, last)),
        "late": float(bool(naming) and naming[0] >= 0.66 * max(1, last)),
        "often": min(1.0, max(0, len(naming) - 1) / 3),
        "every": len(naming) / max(1, len(sentences)),
        "only_late": float(bool(naming) and naming[0] >= last - 1),
        "short": float(len(sentences) <= 4),
        "others": min(1.0, len(re.findall(r"\bSW\b", body)) / 4),
    }


def _words(text: str) -> list[str]:
    return _WORD.findall(re.sub(r"\b(?:fw|sw)\b", lambda mark: mark.group().upper(), text.lower()))


@cache
def _compiled(kind: str) -> dict[str, re.Pattern[str]]:
    table = read_yaml(Path(__file__).with_name("cues.yaml"))
    filled = {name: re.sub(r"<(\w+)>", lambda f: table["fragments"][f[1]], rule) for name, rule in table[kind].items()}
    return {name: re.compile(rule, 0 if name == "software_name" else re.I) for name, rule in filled.items()}
