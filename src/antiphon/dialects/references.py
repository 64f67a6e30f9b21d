"""Whether a request's prompt lies in part elsewhere: at an address, in a file, at the provider.

What is fetched or kept there becomes tokens that no byte of the request pays for, so its size says
nothing of what it may cost. Looked for in the bytes, in the words of every dialect at once: one
that is found in vain only reserves too much. Names that are written with escapes count as found.

Hot path where budgets are: a search over the body.
"""

from __future__ import annotations

import re

_ELSEWHERE = re.compile(
    # All begin with a quote, so that the search goes from one quote to the next.
    rb'"(?:'
    # pictures, sound and documents by their address, where it is not the content itself
    rb'(?:url|(?:image|file|video)_url|file(?:Uri|_uri))"\s*:\s*"(?!data:)'
    # files and conversations that the provider keeps, and what it looks for by itself
    rb'|(?:file_id|previous_response_id|conversation|container|cachedContent|cached_content)"\s*:'
    rb'|(?:web_search_options|vector_store_ids|google_?[sS]earch\w*|url_?[cC]ontext)"\s*:'
    rb'|prompt"\s*:\s*\{'
    rb'|type"\s*:\s*"(?:web_search|web_fetch|file_search|code_|computer|mcp|item_reference)'
    rb")"
)
_HIDDEN = re.compile(rb"\\u00(?:[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")
"""A letter that needs no escape: a name could hide behind it."""


def refers(body: bytes) -> bool:
    """Whether some of what is asked may lie elsewhere."""
    return _ELSEWHERE.search(body) is not None or _HIDDEN.search(body) is not None
