"""Measures of a program's text. Comments and docstrings count for nothing.

Tokens are Python's own (:mod:`tokenize`), statements its own (:mod:`ast`); cyclomatic complexity is lizard's.
Halstead's volume is computed here from the tokens: of the tools of the field radon alone offers it for Python, its last
release is of 2023, and it counts arithmetic and comparisons only, of which such programs hold next to none.
"""

from __future__ import annotations

import ast
import io
import keyword
import math
import tokenize
from collections.abc import Iterator, Mapping
from types import MappingProxyType

FRAMEWORKS = ("torch", "tensorflow", "keras")
UNITS = MappingProxyType(
    {
        "logical_lines": "lines",
        "tokens": "tokens",
        "halstead_volume": "bits",
        "cyclomatic_complexity": "paths",
        "framework_names": "names",
        "framework_only_lines": "lines",
    }
)
#: What turns an array into a tensor or back; a line that does only this exists for the framework.
CONVERSIONS = frozenset(
    {
        "torch.as_tensor",
        "torch.from_numpy",
        "torch.tensor",
        "tensorflow.constant",
        "tensorflow.convert_to_tensor",
        "keras.ops.convert_to_numpy",
        "keras.ops.convert_to_tensor",
    }
)
_SILENT = {"COMMENT", "NL", "NEWLINE", "INDENT", "DEDENT", "ENCODING", "ENDMARKER"}
_CONSTANTS = {"True", "False", "None"}


def of(text: str) -> dict[str, float]:
    """Return every measure of a program by name, in the order of :data:`UNITS`; SyntaxError if it is no Python."""
    tree = ast.parse(text)
    found = tokens(text)
    return {
        "logical_lines": logical_lines(tree),
        "tokens": len(found),
        "halstead_volume": halstead_volume(found),
        "cyclomatic_complexity": cyclomatic_complexity(text),
        "framework_names": len(framework_names(tree)),
        "framework_only_lines": framework_only_lines(tree),
    }


def logical_lines(tree: ast.Module) -> int:
    """Return the number of statements; a ``def``, ``if`` or ``with`` is one, and so is each statement inside it."""
    docstrings = set(_docstrings(tree))
    return sum(isinstance(node, ast.stmt) and node not in docstrings for node in ast.walk(tree))


def tokens(text: str) -> list[tuple[str, str]]:
    """Return ``(kind, text)`` of every token that counts: NAME, NUMBER, STRING or OP; an f-string is one STRING."""
    skipped = {(node.lineno, node.col_offset) for node in _docstrings(ast.parse(text))}
    found, depth = [], 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind in ("FSTRING_START", "TSTRING_START"):  # from Python 3.12 on an f-string comes in pieces
            depth += 1
            if depth == 1:
                found.append(("STRING", f"f-string at line {token.start[0]}"))
        elif kind in ("FSTRING_END", "TSTRING_END"):
            depth -= 1
        elif not depth and kind not in _SILENT and token.start not in skipped:
            found.append((kind, token.string))
    return found


def halstead_volume(found: list[tuple[str, str]]) -> float:
    """Return Halstead's volume N log2(n) of the tokens, in bits.

    Operators are keywords and operators, a pair of brackets once; operands are names, numbers, strings and constants.
    Method: M. H. Halstead, Elements of Software Science (1977).
    """
    counted = [(kind, text) for kind, text in found if text not in (")", "]", "}")]
    marked = [("operator" if _is_operator(kind, text) else "operand", text) for kind, text in counted]
    return len(marked) * math.log2(len(set(marked))) if marked else 0.0


def _is_operator(kind: str, text: str) -> bool:
    return kind == "OP" or (kind == "NAME" and keyword.iskeyword(text) and text not in _CONSTANTS)


def cyclomatic_complexity(text: str) -> int:
    """Return the independent paths through the program: one more than the decisions in all its functions (lizard)."""
    import lizard

    functions = lizard.analyze_file.analyze_source_code("program.py", text).function_list
    return 1 + sum(function.cyclomatic_complexity - 1 for function in functions)


# -- names of the framework --------------------------------------------------------------------------------------------
def framework_names(tree: ast.Module) -> set[str]:
    """Return the full names that a program takes from a framework, resolved from its imports.

    ``nn.Linear`` after ``from torch import nn`` is ``torch.nn.Linear``. Methods of objects are not resolved.
    """
    bound = _imports(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = {_resolve(node, bound) for node in ast.walk(tree) if id(node) not in inner}
    return {name for name in names if name}


def _imports(tree: ast.Module) -> dict[str, str]:
    bound = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and not node.level:
            bound |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name: full for name, full in bound.items() if full.partition(".")[0] in FRAMEWORKS}


def _resolve(node: ast.AST, bound: Mapping[str, str]) -> str | None:
    """Return the full name of a chain such as ``nn.utils.clip_grad_norm_`` if its root was imported, else None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in bound:
        return None
    return ".".join([bound[node.id], *reversed(parts)])


# -- lines for the framework alone -------------------------------------------------------------------------------------
def framework_only_lines(tree: ast.Module) -> int:
    """Return the lines that say nothing of the task and stand there because the framework asks for them.

    A line counts if it is

    1. an import of the framework;
    2. a decorator of the framework (``@tf.function``);
    3. a ``with`` over calls of the framework alone (``with torch.no_grad():``, ``with tf.GradientTape() as tape:``);
    4. a statement that only calls a method and hands over nothing (``loss.backward()``, ``optimizer.step()``,
       ``model.eval()``, ``super().__init__()``);
    5. an assignment that only converts (see :data:`CONVERSIONS`): ``x = torch.from_numpy(data["x"])``.
    """
    bound = _imports(tree)
    decorators = sum(
        _called(decorator, bound) is not None
        for node in ast.walk(tree)
        for decorator in getattr(node, "decorator_list", ())
    )
    return decorators + sum(_for_framework(node, bound) for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _for_framework(node: ast.stmt, bound: Mapping[str, str]) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        return all(name.partition(".")[0] in FRAMEWORKS for name in names)
    if isinstance(node, ast.With):
        items = [item.context_expr for item in node.items]
        return all(isinstance(item, ast.Call) and _called(item, bound) is not None for item in items)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        return isinstance(call.func, ast.Attribute) and not call.args and not call.keywords
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        inside = [part for part in ast.walk(node.value) if isinstance(part, ast.Call)]
        return len(inside) == 1 and _called(node.value, bound) in CONVERSIONS
    return False


def _called(node: ast.AST, bound: Mapping[str, str]) -> str | None:
    return _resolve(node.func if isinstance(node, ast.Call) else node, bound)


def _docstrings(tree: ast.Module) -> Iterator[ast.Expr]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr):
            value = node.body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield node.body[0]
