"""What a repository shows of its framework, and the rule that makes one label of it.

The evidence keeps counts of files by what they import, so that the rule can be changed without asking for the
repository again.

The rule
    A file counts for every framework that it imports. If any file imports one, the files decide: the framework with at
    least ``THRESHOLD`` of the importing files gives the label, otherwise it is ``mixed``. Manifests decide only where
    no file imports any framework. What the table of frameworks does not list says nothing.
    ``import keras`` belongs to TensorFlow if the repository uses Keras before 3: by the release its manifests ask for,
    else by interfaces that only one of the two has, else by its last change before Keras 3 came out. For Keras 3, or
    where nothing tells, it belongs to the one backend that is set, imported or asked for; with none the label is
    ``keras3_unknown``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from analysis.detecting.imports import Unreadable, decode, imported, imported_by_notebook
from analysis.detecting.manifests import is_manifest, packages
from analysis.detecting.table import KERAS, load_table

RULES = 1  # number of the reading rules: raise it when a repository would have to be read again
THRESHOLD = 0.9
KERAS_3 = date(2023, 11, 27)  # its first release on PyPI
PYTORCH, TENSORFLOW, JAX = "pytorch", "tensorflow", "jax"
LABEL_OF = {PYTORCH: "pytorch", TENSORFLOW: "tf", JAX: "jax"}  # the words of the Papers with Code archive
MIXED, KERAS3_UNKNOWN, NONE, UNREADABLE, MISSING = "mixed", "keras3_unknown", "none", "unreadable", "missing"
LABELS = (*LABEL_OF.values(), MIXED, KERAS3_UNKNOWN, NONE, MISSING)

_BACKEND = re.compile(rb"KERAS_BACKEND['\"]\s*(?:\]\s*=|,)\s*['\"]([a-z]{2,12})['\"]")
_BACKENDS = {"tensorflow": TENSORFLOW, "torch": PYTORCH, "jax": JAX}
_RELEASE = re.compile(r"(==|=|~=|\^|<=|<|>=|>|!=)?\s*v?(\d+)")
# Interfaces that went with Keras 3, and that came with it.
_ONLY_BEFORE_3 = (
    "keras.engine", "keras.legacy", "keras.objectives", "keras.utils.np_utils", "keras.utils.generic_utils",
    "keras.utils.training_utils", "keras.utils.vis_utils", "keras.layers.core", "keras.layers.convolutional",
    "keras.layers.normalization", "keras.layers.merge", "keras.layers.recurrent", "keras.layers.wrappers",
    "keras.layers.embeddings", "keras.layers.pooling", "keras.layers.noise", "keras.layers.advanced_activations",
    "keras.layers.local", "keras.layers.cudnn_recurrent", "keras.layers.convolutional_recurrent",
    "keras.backend.tensorflow_backend", "keras.backend.theano_backend", "keras.preprocessing.text",
    "keras.wrappers.scikit_learn", "keras.utils.multi_gpu_model", "keras.utils.data_utils", "keras.utils.layer_utils",
)  # fmt: skip
_ONLY_SINCE_3 = ("keras.ops", "keras.distribution", "keras.tree", "keras.quantizers", "keras.RematScope")
_KERAS_2, _KERAS_3 = "api:2", "api:3"
KINDS = 5_000  # different sets of imports that are told apart


@dataclass(frozen=True)
class Evidence:
    """What one repository shows.

    imports    ``{names of the table that one file imports: files}``
    packages   ``{package of the table that a manifest asks for: what it says of the release}``
    local      names of the table that are the repository's own folders or files
    marks      ``api:2``, ``api:3`` (interfaces of Keras), ``backend:NAME`` (a backend chosen for Keras)
    counts     files: python, notebooks, manifests, vendored, unread (too long, broken), skipped (odd names, links)
    changed    day of the newest file, or None
    commit     commit of the archive, or empty
    partial    why not everything was seen; empty if it was
    """

    imports: Mapping[tuple[str, ...], int]
    packages: Mapping[str, str]
    local: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    changed: date | None = None
    commit: str = ""
    partial: str = ""

    @property
    def composition(self) -> dict[str, int]:
        """Importing files by framework, most first; Keras counted for its backend where that is known."""
        found, keras = self._by_import()
        backend = self._backend(found) if keras else None
        if backend:
            found[backend] += sum(n for frameworks, n in keras.items() if backend not in frameworks)
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def asked_for(self) -> frozenset[str]:
        """Frameworks that the manifests ask for, Keras counted for its backend where that is known."""
        table = load_table()
        found = {table.packages[name] for name in self.packages if name in table.packages}
        if KERAS in found:
            backend = self._backend(Counter(found - {KERAS}))
            found = (found - {KERAS}) | ({backend} if backend else set())
        return frozenset(found)

    def label(self, threshold: float = THRESHOLD) -> str:
        """Return the label of the rule: one of LABELS but ``missing``, or ``unreadable``.

        A repository that was seen in part and showed nothing is ``unreadable``, not ``none``.
        """
        found = self.composition
        if found:
            first, most = next(iter(found.items()))
            return LABEL_OF[first] if most >= threshold * sum(found.values()) else MIXED
        if self._by_import()[1]:
            return KERAS3_UNKNOWN
        if self.asked_for:
            return LABEL_OF[next(iter(self.asked_for))] if len(self.asked_for) == 1 else MIXED
        if any(load_table().packages.get(name) == KERAS for name in self.packages):
            return KERAS3_UNKNOWN
        return UNREADABLE if self.partial else NONE

    def _by_import(self) -> tuple[Counter, Counter]:
        """Return files by framework, and by set of other frameworks the files that import Keras."""
        table = load_table()
        own = self.local - table.core
        found, keras = Counter(), Counter()
        for names, files in self.imports.items():
            frameworks = {table.modules[name] for name in names if name in table.modules and _first(name) not in own}
            for framework in frameworks - {KERAS}:
                found[framework] += files
            if KERAS in frameworks:
                keras[frozenset(frameworks - {KERAS})] += files
        return found, keras

    def _generation(self) -> int | None:
        """Return 2 for any Keras before 3, 3, or None where nothing tells."""
        pinned = _pinned(self.packages.get("keras", ""))
        if pinned or "keras-core" in self.packages:
            return pinned or 3
        if _KERAS_3 in self.marks and _KERAS_2 not in self.marks:
            return 3
        if _KERAS_2 in self.marks or {"backend:theano", "backend:cntk"} & self.marks:
            return 2
        return 2 if self.changed and self.changed < KERAS_3 else None

    def _backend(self, others: Counter) -> str | None:
        """Return the framework that Keras runs on here, or None; ``others`` are the frameworks beside it."""
        generation = self._generation()
        if generation == 2:
            return TENSORFLOW
        chosen = {_BACKENDS[name] for name in _BACKENDS if f"backend:{name}" in self.marks}
        table = load_table()
        asked = {table.packages[name] for name in self.packages if name in table.packages} - {KERAS}
        for candidates in (chosen, {name for name in others if others[name]}, asked):
            if len(candidates) == 1:
                return next(iter(candidates))
            if candidates:
                return TENSORFLOW if TENSORFLOW in candidates and generation is None else None
        return None

    def as_dict(self) -> dict:
        """Return the fields for JSON."""
        return {
            "rules": RULES,
            "imports": [[list(names), files] for names, files in sorted(self.imports.items())],
            "packages": dict(sorted(self.packages.items())),
            "local": sorted(self.local),
            "marks": sorted(self.marks),
            "counts": dict(sorted(self.counts.items())),
            "changed": self.changed.isoformat() if self.changed else None,
            "commit": self.commit,
            "partial": self.partial,
        }

    @classmethod
    def from_dict(cls, fields: Mapping) -> Evidence:
        """Return the evidence of :meth:`as_dict`; raises ValueError if it is none of these rules."""
        try:
            if fields["rules"] != RULES:
                raise ValueError(f"read by rules {fields['rules']}, not {RULES}")
            return cls(
                imports={tuple(names): int(files) for names, files in fields["imports"]},
                packages=dict(fields["packages"]),
                local=frozenset(fields["local"]),
                marks=frozenset(fields["marks"]),
                counts={name: int(count) for name, count in fields["counts"].items()},
                changed=date.fromisoformat(fields["changed"]) if fields["changed"] else None,
                commit=fields["commit"],
                partial=fields["partial"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not the evidence of a repository: {type(error).__name__}") from error


def classify(files: Iterable[tuple[str, bytes]], changed: date | None = None) -> Evidence:
    """Return what files (path within the repository, content) show; ``changed`` is the day of the last change."""
    gatherer = Gatherer()
    for path, content in files:
        gatherer.see(path)
        if gatherer.wants(path):
            gatherer.read(path, content)
    return gatherer.evidence(changed=changed)


class Gatherer:
    """Collects evidence file by file in bounded memory."""

    def __init__(self):
        self._table = load_table()
        self._firsts = {_first(name) for name in self._table.modules}
        self._imports: Counter[tuple[str, ...]] = Counter()
        self._packages: dict[str, str] = {}
        self._local: set[str] = set()
        self._marks: set[str] = set()
        self.counts: Counter[str] = Counter()

    def see(self, path: str) -> None:
        """Note that the repository has a file of this path: its own modules are nobody's framework."""
        if path.endswith(".py"):
            parts = path.removeprefix("src/").split("/")
            name = parts[0] if len(parts) > 1 else parts[0][:-3]
            if name in self._firsts:
                self._local.add(name)

    def wants(self, path: str) -> bool:
        """Return whether the content of a file of this path says something."""
        if not path.endswith((".py", ".ipynb")) and not is_manifest(path):
            return False
        vendored = any(part.lower() in self._table.vendored for part in path.split("/")[:-1])
        self.counts["vendored"] += vendored
        return not vendored

    def read(self, path: str, content: bytes) -> None:
        """Take in one file; what cannot be read is counted as unread, never raised."""
        try:
            if path.endswith(".ipynb"):
                self.counts["notebooks"] += 1
                if self._table.mentioned.search(content):
                    self._take(imported_by_notebook(content), content)
                return
            if is_manifest(path):
                self.counts["manifests"] += 1
                self._ask(packages(path, content))
        except Unreadable:
            self.counts["unread"] += 1
        if path.endswith(".py"):
            self.counts["python"] += 1
            utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
            if utf16 or self._table.mentioned.search(content):
                self._take(imported(content), decode(content).encode("utf-8", "replace") if utf16 else content)

    def _ask(self, found: Mapping[str, str]) -> None:
        for name, release in found.items():
            if name in self._table.packages:
                self._packages[name] = self._packages.get(name) or release

    def _take(self, dotted: Iterable[str], content: bytes) -> None:
        dotted = set(dotted)
        names = {name for name in map(self._table.lookup, dotted) if name}
        # The longer name says more: tensorflow_probability.substrates.jax is not TensorFlow.
        names = {name for name in names if not any(other.startswith(name + ".") for other in names)}
        if names:
            key = tuple(sorted(names))
            self._imports[key if len(self._imports) < KINDS or key in self._imports else key[:1]] += 1
        if any(self._table.modules[name] == KERAS for name in names):
            self._marks |= {_KERAS_2 for name in dotted if _below(name, _ONLY_BEFORE_3)}
            self._marks |= {_KERAS_3 for name in dotted if _below(name, _ONLY_SINCE_3)}
            self._marks |= {_KERAS_3} if "keras_core" in names else set()
        known = (*_BACKENDS, "theano", "cntk")
        found = {match.decode() for match in _BACKEND.findall(content)}
        self._marks |= {f"backend:{name}" for name in known if name in found}

    def evidence(self, *, changed: date | None = None, commit: str = "", partial: str = "") -> Evidence:
        """Return what was collected."""
        return Evidence(
            imports=dict(self._imports),
            packages=dict(self._packages),
            local=frozenset(self._local),
            marks=frozenset(self._marks),
            counts=dict(self.counts),
            changed=changed,
            commit=commit,
            partial=partial,
        )


def _first(name: str) -> str:
    return name.split(".", 1)[0]


def _below(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(module + ".") for module in modules)


def _pinned(release: str) -> int | None:
    """Return 2 or 3 if what a manifest says of Keras allows only that, otherwise None."""
    below, above = None, None
    for sign, digits in _RELEASE.findall(release.split(";", maxsplit=1)[0].replace(",", " ")):
        major = int(digits[:4])
        if sign in ("==", "=", "~=", "^", "<", "<="):
            below = major if sign != "<" else major - 1
        if sign in ("==", "=", "~=", "^", ">", ">="):
            above = major
    if below is not None and below < 3:
        return 2
    return 3 if above is not None and above >= 3 else None
