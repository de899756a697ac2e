"""Addresses of repositories, as people write them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

LONGEST = 500
_OWNER = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})"
_NAME = r"[A-Za-z0-9._-]{1,100}"
_GITHUB = re.compile(rf"({_OWNER})/({_NAME})")


def normalised(url: str) -> str | None:
    """Return an address to compare by: ``github.com/owner/name``, or None if it is not one of the web.

    The scheme, ``www.``, a trailing slash, ``.git``, query and fragment go; the host is in lower case, on GitHub and
    GitLab, which ignore case, the path as well.
    """
    if len(url) > LONGEST or not url.isprintable() or any(sign.isspace() for sign in url.strip()):
        return None
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    path = parts.path.rstrip("/").removesuffix(".git").rstrip("/")
    if parts.scheme not in ("http", "https") or "." not in host or not path.strip("/") or "@" in parts.netloc:
        return None
    path = path.lower() if host in ("github.com", "gitlab.com") else path
    return host + path


def github(address: str) -> tuple[str, str] | None:
    """Return owner and name of a normalised address of a whole GitHub repository, or None."""
    match = _GITHUB.fullmatch(address.removeprefix("github.com/")) if address.startswith("github.com/") else None
    return (match[1], match[2]) if match and match[2] not in (".", "..") else None
