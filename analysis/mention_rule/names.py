"""The names of the frameworks: how each is written, and with what it is confused. ``analysis.mentions`` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


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
TORCH = "vision|audio|text|script|rec|serve|titan|inductor|dynamo|tune|elastic|bench|run|ao|rl"
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
BEARERS = (
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
            certain=rf"(?i:g?py-?torch{_PRODUCTS}?(?:es)?|\(py\)-?torch|libtorch|torch(?:{TORCH})|import[ ]torch)"
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
