"""Whether a request's prompt lies in part elsewhere: at an address, in a file, at the provider.

What is fetched or kept there becomes tokens that no byte of the request pays for, so its size says
nothing of what it may cost. Looked for in the bytes, in the words of every dialect at once: one
that is found in vain only reserves too much. Names that are written with escapes count as found.

Also told: whether some of what is asked is no text at all, as bytes in base64 or tokens by number.

Hot path where budgets are, or where prompts are looked through: a search over the body.
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


_BYTES = re.compile(
    rb'"(?:'
    # parts of every dialect that say what they are
    rb'type"\s*:\s*"(?:(?:input_|output_)?(?:image|audio|video|file)(?:_url)?"|base64")'
    # parts that their member tells
    rb'|(?:inline|file)_?[dD]ata"\s*:|images"\s*:\s*\['
    rb'|(?:image|audio|video|file)(?:_url|_data)?"\s*:\s*"'
    rb'|(?:input_audio|b64_json)"\s*:|audio"\s*:\s*\{\s*"id"'
    rb")"
    # what lies in an address
    rb"|;base64,"
)
_NUMBERS = re.compile(rb'"(?:prompt|input)"\s*:\s*\[[\s\[]*[0-9]')


def holds_bytes(body: bytes) -> bool:
    """Whether some of it may be pictures, sound or documents: no text that can be looked through.

    Of a word in a text or a tool's member nothing is believed: `"` is escaped there.
    """
    return _BYTES.search(body) is not None


def holds_numbers(body: bytes) -> bool:
    """Whether a prompt may be the numbers of its tokens."""
    return _NUMBERS.search(body) is not None
