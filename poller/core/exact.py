"""JSON numbers as they are: never rounded to a double in silence."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

_SURE = 16
"""Characters that hold at most fifteen digits, which a double always keeps (but for an exponent)."""


def exact_number(text: str) -> float | Decimal:
    """A JSON number with fraction or exponent: a float when the double is that very number.

    Raises ValueError for an exponent beyond what any number here can have (about 10^18).
    """
    number = float(text)
    if (len(text) <= _SURE and "e" not in text and "E" not in text) or repr(number) == text:
        return number
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"a number with an exponent out of all bounds: {text:.40}") from None
    return number if exact == Decimal(repr(number)) else exact
