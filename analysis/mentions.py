"""Which papers name a framework in their title, abstract or comments.

"Named in the abstract" is not use: few papers name their framework there, and those that do are often about one. The
rule below only says whether a name stands in a text; what it is named for is the question of ``analysis.roles``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import polars

from analysis import abbreviations, surroundings

FIELDS = ("title", "abstract", "comments")
KEPT = ("arxiv_id", "created", "categories", "primary_category")


@dataclass(frozen=True)
class Name:
    """How a framework is written, and with what its name is confused. All but ``own`` are regular expressions.

    certain   says enough by itself
    usual     counts with software beside the name; where the text speaks of what is ``confused``, only if that leaves
              no doubt. The living ones count with a capital as well where nothing is confused
    unusual   counts only with software beside the name, and not where ``confused`` stands in the text
    own       the beginning of what the name stands for. Where a text makes it short for something else, usual and
              unusual names do not count
    never     phrases in which the name is another word: they are taken out of the text first
    confused  what the text speaks of where the name means something else
    """

    certain: str = ""
    usual: str = ""
    unusual: str = ""
    own: str = ""
    never: str = ""
    confused: str = ""


# A name counts where no Latin letter stands beside it: digits and signs may ("tensorflow2.0", "caffe2", "keras-based",
# "fovi-pytorch"). Case is free, of ASCII letters only. A word run together with a name counts for products of the
# framework ("TensorFlowLite", "torchvision", "jaxlib").
#   torch       never by itself: welding torches, Torch7 for Lua; "torch" alone says nothing. "torch.nn" does
#   Py-Torch    PyTorch, for the hyphen leaves no other meaning
#   Tensor Flow seldom TensorFlow: tensors flow in mathematics too
#   Keras       also a Greek horn, a surname, and Indonesian for hard ("perangkat keras" is hardware)
#   Chainer     also what chains: rules of logic, blocks, devices
#   JAX         also mice of the Jackson Laboratory, Java's JAX-RS and an airport; "Jax" is a given name as well
_PRODUCTS = "(?:lite|lightning|serving|hub|js|probability|federated|geometric|onspark)"
_TORCH = "vision|audio|text|script|rec|serve|titan|inductor|dynamo|tune|elastic|bench|run|ao|rl"
# Names below torch: ordinary words are left out, for a full stop may lack its space ("the torch.Then").
_BELOW = (
    "nn|optim|cuda|autograd|compile|utils|distributed|distributions|jit|fx|func|export|amp|hub|no_grad|einsum|fft|linalg"
    r"|sparse|onnx|matmul|[tT]ensor|special|quantization|profiler|vmap|autocast|cdist|b?mm|conv[123]d|randn|arange|topk"
    r"|[a-z]+_[a-z]+|[a-z]+\.[a-z]+|[a-z]+(?=\()"
)
_APART = r"tensor(?:-|\s|-\s)\s{0,4}flow"
_OTHERS = "py-?torch|keras|caffe2?|theano|mxnet|cntk|jax|numpy|scikit-learn"
_PLACES = (
    "rivers?|valleys?|basins?|villages?|islands?|bays?|gorges?|catchments?|deltas?|lakes?|mounts?|peninsulas?|towns?"
    "|municipalit(?:y|ies)|communit(?:y|ies)|district|prefecture|monastery"
)
_PROOFS = r"(?i:theorem|\blemmas?\b|\bproofs?\b|we prove|geodes|counterexample|cohomolog|torsor)"
_MATHEMATICS = rf"{_PROOFS}|(?i:manifold|riemann|ricci|operator|\bspectral|curvature)"
# Persons and bodies that bear a name: the text then speaks of them.
_BEARERS = (
    r"(?:\b(?:Dr|Prof|Professor|Mrs?|Ms)\.?\s+NAME\b|\b[A-Z]\.\s*NAME\b|\bNAME\s+[A-Z]\.|\bNAME\s+v\.\s+[A-Z]"
    r"|\bNAME\s+(?:and|&)\s+(?!Tensor|Theano|Caffe|Keras|Chainer|Torch|Flax|Julia|Matlab|Fortran|Kokkos|Pandas|Stan|Dask|Ray"
    r"|Numba|Lasagne|Horovod|Docker|Spark|Flux|Haiku|Gluon|Triton|Python)[A-Z][a-z]+\b"
    r"|\bNAME\s+et\s+al\b|\bNAME\s*[(,]\s*1[89]\d\d\b|\bNAME,\s+(?:who|herself|himself|wife|daughter|(?:an?|the)\s+(?:\w+\s+)?"
    r"(?:nurse|woman|girl|teacher|priestess|wife|mother|pupil|student|farmer|robot|village|town|island|doctor|poet|saint|sister))\b"
    r"|\bNAME\s+(?:Medical|Inc|Ltd|GmbH|Corp|Instruments|Technologies|Institute|University|Foundation|Prize)\b"
    r"|\bNAME\s+(?:proposed|showed|proved|derived|observed|argued|suggested|conjectured|reported|wrote|discovered"
    r"|founded|supervised|taught|studied|worked|died|lived)\b|\bNAME\s+[A-Z][a-z]+(?:ou|is|as|os|aki|idi)\b"
    r"|\b(?i:introduce|present|propose|describe|called|named)\s+NAME\b(?!-)|(?i:\bsurnames?\b)"
    r"|\bNAME(?:\s+\w+)?\s+(?:programme|trial|cohort|registry|consortium|school|mission|cruise|campaign|questionnaire)s?\b"
    r"|\bNAME-(?!CNN|SSD|FEM|MD)[A-Z]{2,}\s+(?:registry|trial|study|cohort|scale))"
)

NAMES: Mapping[str, Name] = MappingProxyType(
    {
        "pytorch": Name(
            certain=rf"(?i:g?py-?torch{_PRODUCTS}?(?:es)?|\(py\)-?torch|libtorch|torch(?:{_TORCH})|import[ ]torch)"
            r"|(?i:pip install torch|torch==?=?)(?=[\d\s.;,]|$)|P[yY]-\s{1,4}T?orch"
            rf"|torch\.(?:{_BELOW})",
            unusual=r"P[yY]\s{1,4}T?[oO][rR][cC][hH]",
        ),
        "tensorflow": Name(
            certain=rf"Tensor[Ff]low[A-Z][A-Za-z]{{1,30}}|(?i:tensorflow{_PRODUCTS}?s?|tf\.(?:keras|data|function|nn|distribute)|ten-\s*sorflow)"
            rf"|(?i:(?:{_OTHERS})(?:,|\s*/|,?\s+and|,?\s+or|\s+with)\s*(?:google(?:['’]s)?\s+)?{_APART})"
            rf"|(?i:(?:written|implemented|coded|programmed|trained|built)\s+(?:in|with|using|on)\s+{_APART})"
            r"|Tensor[-\s]\s{0,4}Flow(?:-based|(?=\s*\(?(?:[vV]ersion\s*|v\.?\s*)?\d))"
            rf"|(?i:google(?:['’]s)?\s+{_APART}|{_APART}\s+(?:library|framework|package|toolkit|api|lite|serving|backend)\b)",
            unusual=r"T(?i:ensor)(?:-|\s|-\s)\s{0,4}(?i:flow)",
            confused=_MATHEMATICS + r"|(?i:tensor[-\s]+flows?\s+(?:of|equations?|under|along|between|fields?)\b"
            r"|(?:stress|strain|diffusion|metric|curvature|weyl|torsion|energy|momentum|inertia|field)[-\s]+tensor"
            r"|space-?time|elastic|turbulen|viscous|plasma|navier|hydrodynam|cosmolog|relativ|white matter)",
        ),
        "keras": Name(
            certain=r"(?i:tf\.keras|auto-?keras|keras-?(?:tuner|cv|nlp|hub|rl|core|contrib|applications|vis))|keras\.[a-z]+"
            r"|(?:[A-Z]|[A-Z]?[a-z]{2,20})Keras|[a-z0-9]{2,20}-keras(?!-ops)",
            usual="(?i:keras)",
            never=r"(?i:(?:perangkat|(?:be|pe)?kerja|usaha|upaya|disk|cakera|cakram|minuman|tanah|batuan?|bersuara|air|kayu|gula"
            r"|lapisan|jaringan|bahan|teriak|jiwa)[\s-]+keras|keras\s+(?:kepala|hati))|Keras\s+(?:et\s+al|(?:and|&)\s+(?:co-?workers|colleagues|collaborators|others)\b)"
            r"|(?i:keras['’\"]{0,2}\s*\(['‘\"]{0,2}(?:hard|strong|loud|stiff)|\b(?:word|adjective)s?\s+['‘\"]{0,2}keras\b)"
            rf"|(?i:(?:{_PLACES})\s+(?:of\s+)?keras\b|\bkeras\s+(?:{_PLACES})\b)"
            r"|\b(?!TensorFlow|Theano|PyTorch|Python)[A-Z]\w+\s+(?:and|&)\s+Keras\s*\(\d{4}"
            r"|\b[A-Z]\w{2,}(?:nnis|laos|tris|rgios|reas|stas|ndros)\s+Keras\b"
            r"|\bKeras\s+(?:and|&)\s+[A-Z]\w+(?:poulos|idis|iadis|akis|oglou|ellis)\b|(?:\b[A-Z]\.|Dr\.?|Prof\.?|Professor|Mrs?\.?|Ms\.?)[\s~]*Keras|Keras,\s+[A-Z]\.",
            confused=_PROOFS + r"|\b[A-Z]\.[\s~]*Keras\b|(?i:named after|\bindonesian?\b|\bmalay\b|\bbahasa\b)"
            r"|\bKeras (?:and|&) [A-Z]\w+ \((?:1[89]|20)\d\d"
            r"|(?i:\b(?:yang|dengan|untuk|pada|adalah|tidak|dalam|kami|dan|dari|ini|oleh|atau"
            r"|memakai|menggunakan)\b|\b(?:mem|meng|meny|pem|peng|peny)\w{3,}(?:kan|an|i|nya)\b|\bgreek\b|\bhorns?\b"
            r"|antler|byzanti|ancient|etymolog|\bcoins?\b|musical|surname|village|island|monaster|excavat|rhyton)",
        ),
        "jax": Name(
            certain=r"[a-z][a-z0-9]{1,30}-jax|(?!math)[a-z]{2,20}jax|(?:jax|JAX)(?!on)[a-z]{2,12}|jax-(?!labs?|mic|mouse|[rw]s|derived)[a-z]{2,30}|(?i:jaxlib|jax\.(?!org\b)[a-z_]{2,20})|(?!MathJ)[A-Z]?[a-z]{2,20}J(?:ax|AX)(?:[A-Z][A-Za-z]{0,20})?",
            usual=r"JAX(?!\d)",
            own="just after",
            unusual="[jJ]ax",
            never=r"JAX-?(?:RS|WS|RPC|B|P|R|London)\b"
            r"|(?i:jax[®™]?(?:\s+\w+)?\s+(?:mice|mouse|strains?|labs?|laborator\w+)\b)"
            r"|JAX\s+(?i:models?\s+of|clinical|curators?|animals?|substrains?|colon(?:y|ies)|scientists?|CKB|knowledgebase)\b"
            r"|JAX\s+(?:[A-Z]\w+\s+){0,2}(?:Services?|Database|Laborator\w+|Repository|Center|Institute)\b"
            r"|JAX\s*\((?:[Tt]he\s+)?(?:Jackson|Bar Harbor)"
            r"|Jackson[^()]{0,40}\(JAX\)|\b(?i:mice|strains?)\b[^.]{0,60}\bfrom\s+JAX\b|(?i:jax@)|(?i:airport|iata)\s+code\s+JAX|(?i:jax[\s#:,]*(?:stock\s*)?)\d{6}\b"
            r"|(?:Dr|Prof|Mrs?|Ms)\.?\s+Jax\b",
            confused=r"(?i:jacksonville|florida|airport|airline|air traffic|\bflights?\b|\bdepartures?\b|runway"
            r"|\bmice\b|\bmouse\b|murine|jackson lab|bar harbor|inbred|hurricane"
            r"|jaguars|\bteller\b|\bjava\b|enterprise|web services?|\bbeach\b|by the sea|\bcity\b"
            r"|\bnmr\b|scalar coupling)",
        ),
        "mxnet": Name(certain="(?i:mxnet)"),
        "caffe": Name(
            certain=r"(?i:caffe2|caffenets?|caffemodels?)",
            usual="(?i:caffe)",
            own="convolutional architecture",
            never=r"(?i:caff[eè]['’]?[\s-]+(?:au[\s-]lait|latte|nero|mocha|espresso|macchiato|americano|florian|greco|lungo|corretto|bar)\b"
            r"|(?:gran|grand|antico|storico)\s+caff[eè])|\b[A-Z]\.\s*Caffe\b|(?i:\bat\s+(?:the\s+)?)Caffe\s+[A-Z]"
            r"|\b(?i:an?|the|our|its|this|each|every|internet|cyber)\s+caffe\b(?![\s-]+(?:framework|librar|package|tool"
            r"|model|code|impl|format|layer|proto|based|net|deep|version|branch|zoo|file|interface))",
            confused=_PROOFS
            + r"|(?i:conjecture|coffee|espresso|cappuccino|barista|roast|beverage|restaurant|drink|breakfast|literary"
            r"|caffa\b|caf[eé]s?\b|caffè\b|\b(?:il|di|del|della|nella|gli|una)\b)",
        ),
        "theano": Name(
            certain="[a-z0-9]{2,20}-theano",
            usual="(?i:theano)",
            never=r"(?:Dr|Prof|Mrs?|Ms)\.?\s+Theano\b|Theano\s+(?!Keras)[A-Z]\w+(?:ou|is|as|os|aki|idi)\b",
            confused=r"(?i:asteroid|minor planet|\bnuns?\b|monast|byzant|papyr|letters (?:of|to|by|from)"
            "|pythagor|hypatia|antiquity|croton|philosoph|euripid|homer|iliad|trojan"
            "|priestess|ancient|greek)",
        ),
        "chainer": Name(
            certain=r"(?i:chainer(?:rl|cv|mn|ui|[\s-]chemistry))",
            usual="(?i:chainer)",
            never=r"(?i:(?:forward|backward|rule|init|daisy|event|block)[\s-]+chainers?)"
            r"|\b(?i:an?|the|our|its|this|each|every|two)\s+(?:[\w-]{1,20}\s+){0,2}chainer\b(?!\s+(?:framework|librar|package|toolkit))",
            confused=r"(?i:expert system|description logic|theorem prov|blockchain|consensus|daisy|prolog)"
            r"|\b(?i:an?|the|our)\s+(?:[\w-]{1,20}\s+){0,2}chainers?\b",
        ),
    }
)
MENTION_SCHEMA = {**dict.fromkeys(KEPT, polars.String), "framework": polars.String, "field": polars.String}


def normal(text: str) -> str:
    """Return ``text`` as the rule reads it: ligatures and full-width letters as ASCII, invisible signs taken out.

    LaTeX's optional hyphen (``\\-``), soft hyphens and zero-width signs vanish; a command
    that only changes the type face inside a word (``Tensor\\textsc{Flow}``) goes with its braces.
    """
    if not text.isascii() and _A_SIGN.search(text):
        text = text.translate(_SIGNS)
    return _INSIDE.sub("", text) if any(sign in text for sign in "\\{}") else text


def find(text: str) -> list[tuple[str, int, int]]:
    """Return ``(framework, start, end)`` of every mention in ``normal(text)``, in order of place."""
    return sorted(_found(normal(text)), key=lambda mention: mention[1:])


def named(text: str) -> frozenset[str]:
    """Return the frameworks that ``text`` names. This is the rule; everything else here only makes it fast."""
    text = normal(text)
    lower = text.lower()
    return frozenset(
        framework
        for framework, rule in _rules().items()
        if _spelt(framework, lower) and (_stands(_SURE.get(framework, ""), text) or _spans(text, rule))
    )


def scan(source: polars.LazyFrame | Iterable[Path | polars.LazyFrame]) -> polars.DataFrame:
    """Return the mentions in records: one row a paper, framework and field, columns of ``MENTION_SCHEMA``.

    source   records with ``KEPT`` and ``FIELDS``: one lazy frame, or several or parquet files
             (``records.latest_parts``), which are read one after another so that memory does not grow with their number
    returns  sorted by arxiv_id, framework and field; the same as ``named`` on every field of every row
    """
    pieces = [source] if isinstance(source, polars.LazyFrame) else source
    frames = (piece if isinstance(piece, polars.LazyFrame) else polars.scan_parquet(piece) for piece in pieces)
    found = [row for frame in frames for row in _mentions(frame)]
    return polars.DataFrame(found, schema=MENTION_SCHEMA, orient="row").sort("arxiv_id", "framework", "field")


def monthly(hits: polars.DataFrame, denominators: polars.DataFrame) -> polars.DataFrame:
    """Count papers by month and framework: ``month, framework, count, total``.

    hits          mentions of ``scan`` in the papers of the chosen categories; a paper counts once a framework
    denominators  ``month, total``: all papers of the chosen categories (``records.months``, row "(any chosen)")
    returns       every framework in every month of ``denominators``, with 0 where none names it

    raises  ValueError if a mention falls into a month without denominator
    """
    totals = denominators.select("month", polars.col("total").cast(polars.Int64))
    counts = (
        hits.select("arxiv_id", "framework", polars.col("created").str.slice(0, 7).alias("month"))
        .unique()
        .group_by("month", "framework")
        .agg(polars.len().cast(polars.Int64).alias("count"))
    )
    missing = counts.join(totals, on="month", how="anti")["month"].unique().sort().to_list()
    if missing:
        raise ValueError(f"mentions in months without a count of all papers: {', '.join(missing[:5])}")
    frameworks = polars.DataFrame({"framework": list(NAMES)})
    return (
        totals.join(frameworks, how="cross")
        .join(counts, on=["month", "framework"], how="left")
        .select("month", "framework", polars.col("count").fill_null(0), "total")
        .sort("month", "framework")
    )


_BESIDE = 120  # characters
# Usual names that are seldom anything else today: with a capital they count even where no software stands beside them.
_LIVING = {"keras", "jax"}
# Set in the type of code or of names.
_IN_TYPE = r"\\(?:texttt|textsc|tt|sc|textsf)\s*\{?\s*"
_LETTER = "[A-Za-zÀ-ɏ]"
_A_LETTER = re.compile(_LETTER)
_FLOWS = re.compile(r"ten(?:sor|-).{0,60}flow", re.DOTALL)

_SIGNS = {
    **dict.fromkeys((0xAD, 0x2060, 0xFEFF, *range(0x200B, 0x2010))),
    **{0xFF01 + n: chr(0x21 + n) for n in range(94)},
    **dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)),
}
_A_SIGN = re.compile(f"[{''.join(map(re.escape, map(chr, _SIGNS)))}]")
_FACE = r"(?:\}|\{?\\(?:text\w\w|emph|sc|tt|it|bf)\b\s*\{?|\{)+"
_INSIDE = re.compile(rf"\\-|(?<=[Pp][Yy]){_FACE}(?=[Tt])|(?<=[Tt]ensor){_FACE}(?=[Ff])")
# Every text in which ``named`` finds something matches this, whatever ``normal`` does to it: the engine reads all texts
# once for it, the rule itself decides on the few that are left.
_GAP = r"[\t-/:-@\[-`{-~]{0,12}(?:\\[a-z]+)?[\t-/:-@\[-`{-~]{0,12}"
SPELT = (
    *(f"py{_GAP}torch", f"tensor{_GAP}flow", "sorflow", rf"torch(?:\.|=|{_TORCH})", "libtorch"),
    *("(?:import|install) torch", r"tf\.", r"\\-", "keras", "jax", "mxnet", "caffe", "theano", "chainer"),
)
# Spellings that are certain and that no phrase takes back: where one stands alone, no pattern has to be tried.
_SURE = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "mxnet": "MXNet"}
ODD = r"[\x{ad}\x{200b}-\x{200f}\x{2060}\x{feff}\x{fb00}-\x{fb06}\x{ff01}-\x{ff5e}]"


@dataclass(frozen=True)
class _Rule:
    framework: str
    certain: re.Pattern[str] | None
    usual: re.Pattern[str] | None
    unusual: re.Pattern[str] | None
    never: re.Pattern[str] | None
    confused: re.Pattern[str] | None
    own: str


@cache
def _rules() -> dict[str, _Rule]:
    def word(pattern: str) -> re.Pattern[str] | None:
        return re.compile(rf"(?<!{_LETTER})(?:{pattern})(?!{_LETTER})", re.ASCII) if pattern else None

    def phrase(pattern: str) -> re.Pattern[str] | None:
        return re.compile(pattern) if pattern else None

    def certain(framework: str, name: Name) -> str:
        return "|".join(filter(None, (name.certain, f"{_IN_TYPE}(?i:{framework})" if name.usual else "")))

    def confused(framework: str, name: Name) -> re.Pattern[str] | None:
        either = "(?:" + "|".join((framework.upper(), framework.capitalize())) + ")"
        return phrase(f"{name.confused}|{_BEARERS.replace('NAME', either)}") if name.confused else None

    return {
        framework: _Rule(
            framework,
            word(certain(framework, n)),
            word(n.usual),
            word(n.unusual),
            phrase(n.never),
            confused(framework, n),
            n.own,
        )
        for framework, n in NAMES.items()
    }


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    lower = text.lower()
    for framework, rule in _rules().items():
        if _spelt(framework, lower):
            yield from ((framework, *span) for span in _spans(text, rule))


def _spelt(framework: str, lower: str) -> bool:
    """Return whether the letters are there without which no pattern of the framework can match."""
    if framework == "tensorflow":
        return "tf." in lower or ("flow" in lower and _FLOWS.search(lower) is not None)
    return ("torch" if framework == "pytorch" else framework) in lower


def _around(text: str, rule: _Rule) -> Iterator[str]:
    """Yield the surroundings of each place where the framework's letters stand: phrases are shorter than those."""
    lower = text.lower()
    at = lower.find(rule.framework)
    while at >= 0:
        yield text[max(0, at - _BESIDE) : at + len(rule.framework) + _BESIDE]
        at = lower.find(rule.framework, at + 1)


def _stands(word: str, text: str) -> bool:
    """Return whether the word stands where it is first found, with no letter beside it."""
    at = text.find(word) if word else -1
    return at >= 0 and not _A_LETTER.search(text[max(at - 1, 0) : at] + text[at + len(word) : at + len(word) + 1])


def _spans(text: str, rule: _Rule) -> list[tuple[int, int]]:
    whole = text
    if rule.never and any(rule.never.search(beside) for beside in _around(text, rule)):
        text = rule.never.sub(lambda phrase: "." * len(phrase.group()), text)
    other = cache(lambda name: not name.islower() and abbreviations.defined(whole, name, rule.own))
    confused = cache(lambda: bool(rule.confused and rule.confused.search(whole)))
    spans = [match.span() for match in rule.certain.finditer(text)] if rule.certain else []
    spans += [
        match.span()
        for match in (rule.usual.finditer(text) if rule.usual else ())
        if _software_is_meant(_beside(text, match), match.group(), rule, confused) and not other(match.group())
    ]
    spans += [
        match.span()
        for match in (rule.unusual.finditer(text) if rule.unusual else ())
        if _unusual_is_meant(_beside(text, match), rule, confused) and not other(match.group())
    ]
    # "tf.keras" is also written "keras": the longest of what overlaps stays.
    spans.sort(key=lambda span: (span[0], -span[1]))
    return [span for k, span in enumerate(spans) if all(span[0] >= end for _, end in spans[:k])]


def _software_is_meant(beside: str, name: str, rule: _Rule, confused: Callable[[], bool]) -> bool:
    """Return whether a usual name means the software, by what stands beside it and what the text speaks of."""
    close, strong, weak = surroundings.software()
    if close.search(beside):
        return True
    if confused():
        return False
    return bool(strong.search(beside) or weak.search(beside)) or (rule.framework in _LIVING and not name.islower())


def _unusual_is_meant(beside: str, rule: _Rule, confused: Callable[[], bool]) -> bool:
    """Return whether an unusual spelling means the software: it is close by, or beside it where things are done in it.

    A person too is someone with whom or for whom something is done.
    """
    close, sure, _ = surroundings.software()
    inside, along = surroundings.prepositions()
    where = inside if rule.framework in _LIVING else along
    return bool(close.search(beside) or (where.search(beside) and sure.search(beside) and not confused()))


def _beside(text: str, match: re.Match[str]) -> str:
    # The name itself is left out and leaves a mark, also where it stands again: it is no software beside itself.
    before, after = text[max(0, match.start() - _BESIDE) : match.start()], text[match.end() : match.end() + _BESIDE]
    beside = f"{before}\0{after}"
    return re.sub(rf"(?i:\b{re.escape(match.group())}\b)", "\0", beside)


def _mentions(frame: polars.LazyFrame) -> Iterator[tuple[str, ...]]:
    either = f"(?i-u:{'|'.join(SPELT)})|{ODD}"
    candidates = (
        frame.select(*KEPT, *FIELDS)
        .filter(polars.any_horizontal(polars.col(field).str.contains(either) for field in FIELDS))
        .collect(engine="streaming")
    )
    for *kept, title, abstract, comments in candidates.iter_rows():
        for field, text in zip(FIELDS, (title, abstract, comments), strict=True):
            for framework in named(text):
                yield *kept, framework, field
