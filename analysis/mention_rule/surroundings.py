"""What beside a name says that it means software: words close by, and words within reach.

The mark ``\\0`` stands for the name in all patterns, which are read without regard to case.
"""

from __future__ import annotations

import re
from functools import cache

_SOFTWARE = (
    r"python\b|py-?torch|tensorflow|keras\b|theano\b|caffe2?\b|mxnet|\bjax\b|numpy|cuda\b|\bxla\b|\bjit\b|\bapis?\b|librar"
    r"|pustaka|bibliot|librer|framework|toolkit|package|backend|software|autodiff|automatic(?:ally)? differentia"
    r"|differentiable|github|(?<!-)\bcode(?!-)|implement|\b[gt]pus?\b|google(?!\s+(?:earth|scholar|maps))"
    r"|deep[- ]learning|\bandroid\b|raspberry|arduino|opencv|cudnn|alexnet|prototxt|caffemodel|caffenet|gluon|cupy"
    r"|pymc3?|pylearn2?|lasagne|\bflax\.|\boptax|\bequinox\b|define-by-run|\bsymbolic (?:differentiation|gradients?)"
)
_MADE = r"written|wrote|coded|built|ran|runs?|trained|fine-tun\w{1,9}(?: \w{1,30})?|comput\w+|differentiated|compiled"
_THING = (
    r"lines|sampler\w*|simulator"
    r"|(?:conv\w{1,20} |recurrent |neural |deep )?(?:networks?|nets?|models?|gradients?|perceptrons?)"
)
_OF_NAME = (
    rf"|\b(?:{_MADE}|{_THING}) (?:in|with|using|under|through|on top of|by) \0|\b(?:sous|unter) \0"
    r"|\blines of \0|\b(?:based|built|relying|relies) (?:up)?on \0"
    r"|\0[\s-]+(?:networks?|models?|model zoo|fork|branch|sampler|features|activations)\b"
    r"|\0-(?:based|tuner|style|like|ssd|derived|trained|powered|backed|generated|compatible|native)"
    r"|\b(?:us(?:ed?|es|ing)|(?:we|authors) (?:modify|modified|chose|choose|adopt|adopted|patched)) \0"
    r"|\0[\s,(]{1,3}(?:version |release |v\.? ?)?\d+\.\d|\b(?:google|berkeley|bvlc|intel|nvidia|deepmind)['’]s \0"
    r"|\b(?:fork|branch|release|version|variant) of \0|\bbuilds? on \0|\bextends? \0"
)
# What leaves no doubt even where the text speaks of something with which the name is confused: it stands close by.
_FRAMEWORKS = (
    r"(?:pytorch|tensorflow|keras|theano|caffe2?|mxnet|jax|chainer|cntk|numpy|torch7?|flax|onnx|python|matlab|opencv)"
)
_KINDS = (
    r"(?:librar(?:y|ies)|frameworks?|toolkits?|packages?|software|back-?ends?|api|implementations?|code|platforms?"
    r"|models?|programs?|ecosystem|tutorials?|compiler|primitives|transformations?|tools?|scripts?|notebooks?)"
)
_JOINED = r"(?: \([^()]{1,20}\))?(?:,? (?:and|or|versus|vs\.?|to|with|y|e|et|und|dan)\b|,|\s?[/+&])"
_CLOSE = (
    rf"|\b{_FRAMEWORKS}{_JOINED} ?(?:google['’]s )?\0|\0{_JOINED} ?(?:facebook['’]s )?{_FRAMEWORKS}\b"
    rf"|\0(?:['’]s)?,? (?:an? |the )?(?:[\w-]{{1,20}} ){{0,3}}{_KINDS}\b"
    rf"|(?:\b{_KINDS}|pustaka|bibliot\w+|librer\w+)(?:,|(?: \w{{1,12}})? (?:called|named)| such as| like|:)? \(?\0"
    r"|\b(?:implemented|written|coded|built|developed|trained|accelerated|programmed|reali[sz]ed|prototyped|computed"
    r"|differentiated|compiled|ported|simulated|optimi[sz]ed|fitted|executed|created|evaluated|re-?written|re-?implemented"
    r"|paralleli[sz]ed|solved|deployed|expressed|defined|set up|dynamics) (?:in|with|using|on top of) \0"
    r"|\b(?:solver|layer|operator|function|kernel|plug-?in|patch(?:es)?|wrapper)s?(?: types?)? (?:to|for|in|of) \0"
    r"|\0 (?:versions?|ports?|users|developers)\b|\0 (?:in |by )?\(?\d+(?:\.\d+)?\s?\\?%"
    r"|\b(?:ported|converted|exported|rewritten|switched|migrated|moved|translated) (?:from|to|for) \0|\batop \0"
    r"|\b(?:integrat|built|plug|embed|incorporat|insert|load|import)\w*\b[^.]{0,60} into \0"
    r"|\b(?:graphs?|models?|weights?|networks?|nets?|code|scripts?|layers?)(?: \w{1,20}){0,2} (?:from|for) \0"
    r"|\b(?:implemented|trained|written|coded|built|developed)(?: [\w-]{1,20}){1,3} (?:in|with|using|on top of) \0"
    r"|\((?:in|with|using) \0|\0 (?:compiles|differentiates|executes|traces|vectori[sz]es)\b|\bcalls \0"
    r"|\b(?:dilatih|dibangun|ditulis|dikembangkan|menggunakan|memakai)(?: \w{1,20})? (?:dengan |dalam )?\0"
    r"|github\.com/\S*\0|[぀-ヿ一-鿿]\s?\0|\0\s?[぀-ヿ一-鿿]"
)
_PARTICIPLES = (
    rf"|\b(?:{_MADE}|{_THING}) of \0"
    r"|\b(?!land|arriv|serv|liv|born|hous|rais|bas)\w{1,30}ed (?:in|with|using|on top of) \0"
)
_LEARNING = (
    r"|neural|\blayers?\b|machine[- ]learning|\btrain(?:s|ed|ing)?\b|classif|convolution|recurrent|transformer"
    r"|autoencoder|embedding|\bactivations\b|\bcompil\w{1,9} graphs?|\bcomputational? graphs?|hyper-?parameter"
    r"|\b(?:in|with|using|under|via|through|by|of|for|on|mit|unter|avec|sous|con|com|dengan) \0(?!\s+(?:and|&)\s)"
    r"|word2vec|\blstms?\b|\bcnns?\b|onnx|notebook"
)


@cache
def software() -> tuple[re.Pattern[str], ...]:
    """Return three patterns, each wider than the one before.

    close      leaves no doubt even where the text speaks of something with which the name is confused
    sure       leaves no doubt elsewhere: software, or what is done with it
    pointing   says that a usual name means software, where nothing is confused
    """
    sure = _SOFTWARE + _OF_NAME + _PARTICIPLES
    return tuple(re.compile(f"(?i:{words})") for words in (_OF_NAME[1:] + _CLOSE, sure, sure + _LEARNING))


@cache
def prepositions() -> tuple[re.Pattern[str], ...]:
    """Return the patterns of a preposition before the name: one that nobody puts before a person, and any."""
    return re.compile(r"(?i:\b(?:in|using|via) \0)"), re.compile(
        r"(?i:\b(?:in|with|using|via|of|by|for|mit|avec|con) \0)"
    )
