"""What tells Chinese and Japanese apart where both are written in Han characters alone.

The national standards say it: GB 2312 (simplified), Big5 (traditional), JIS X 0208 (Japanese, its
first level being what is in daily use). Python's codecs hold them, so there is no list to keep.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

_ALL = "".join(map(chr, range(0x4E00, 0xA000)))
_SECOND_LEVEL = 0xD0

_WORDS = (
    "東京都|大阪府|京都府|丁目|番地|株式|御中|御社|弊社|貴社|勉強|駐車|駐輪|書類|本日|手数料"
    "|見積|納品|受付|申込|支払|振込|引落|無料|割引|注文|年末調整|確定申告|手続|取引先|添付"
    "|食堂|切符|時刻表|窓口|建物|眼鏡|携帯|面接|退職|残業|給料|出張|了承|承知|土曜|日曜|月曜"
    "|火曜|水曜|木曜|金曜"
)
"""Usual in Japanese, hardly in Chinese, and of characters that both have."""


class Forms(NamedTuple):
    """Characters and words by which a text without kana shows its language.

    Attributes:
        japanese: Forms that only Japan's standard has: 駅, 気, 図.
        foreign: Forms that Japan's standard does not have: 吗, 这, 們.
        rare: Those, and what Japan's standard keeps for rare words: 你, 會, 麼.
        simpler: Of daily use in Japan, and simplified in China: 会, 国, 学.
        fuller: Of daily use in Japan, and traditional in China: 東, 語, 場.
        words: Japanese words.
    """

    japanese: re.Pattern[str]
    foreign: re.Pattern[str]
    rare: re.Pattern[str]
    simpler: re.Pattern[str]
    fuller: re.Pattern[str]
    words: re.Pattern[str]


@cache
def forms() -> Forms:
    """Made from the standards, at first use; that takes some 30 ms."""
    simplified, traditional, japan = (_of("gb2312"), _of("big5"), _of("euc_jp"))
    daily = {each for each in japan if each.encode("euc_jp")[0] < _SECOND_LEVEL}
    china = simplified | traditional
    return Forms(
        japanese=_any(japan - china),
        foreign=_any(china - japan),
        rare=_any(china - daily),
        simpler=_any((simplified & daily) - traditional),
        fuller=_any((traditional & daily) - simplified),
        words=re.compile(_WORDS),
    )


def _of(codec: str) -> set[str]:
    known = _ALL.encode(codec, "ignore").decode(codec)
    return {each for each in known if len(each.encode(codec)) == 2}  # noqa: PLR2004  JIS X 0212 has 3


def _any(characters: set[str]) -> re.Pattern[str]:
    return re.compile("[" + "".join(sorted(characters)) + "]")
