"""JSON Schema checks whose messages name file, field and remedy."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from reproductions.errors import SurveyError


def check(value: object, schema: Mapping, where: str) -> None:
    """Validate ``value``; raise one :class:`SurveyError` with every fault as ``file: field: fault; remedy``."""
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: [str(p) for p in error.path])
    if errors:
        raise SurveyError("\n".join(message for error in errors for message in _describe(error, where)))


def _describe(error: ValidationError, where: str) -> list[str]:
    field = ".".join(str(part) for part in error.absolute_path) or "(top level)"
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = [key for key in error.instance if key not in known]
        return [
            f"{where}: {field if field != '(top level)' else ''}{'.' if error.absolute_path else ''}{key}: "
            f"unknown key; {suggest(str(key), known)}"
            for key in unknown
        ]
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [f"{where}: {field}: {', '.join(missing)} missing; add it"]
    if error.validator == "enum":
        choices = [str(choice) for choice in error.validator_value]
        return [f"{where}: {field}: {error.instance!r} is not known; {suggest(str(error.instance), choices)}"]
    if error.validator == "type":
        wanted = error.validator_value
        wanted = " or ".join(wanted) if isinstance(wanted, list) else wanted
        return [f"{where}: {field}: {error.instance!r} is not of type {wanted}; correct the value"]
    return [f"{where}: {field}: {error.message}; correct the value"]


def suggest(word: str, known: list[str]) -> str:
    """Return ``did you mean 'x'?`` or the list of what is allowed."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"allowed: {', '.join(known)}"
