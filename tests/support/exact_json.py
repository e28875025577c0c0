"""JSON whose numbers keep their digits.  A number with a point or an exponent comes as a Decimal, never as a float,
and is written as it was written; json alone would make 1e-05 of 0.00001000."""
import decimal
import json
import re


class Number(decimal.Decimal):
    """One with a point or an exponent, which knows how it was written."""

    def __new__(cls, text):
        self = super().__new__(cls, text)
        self.text = text
        return self


def loads(text):
    return json.loads(text, parse_float=Number)


def dumps(value):
    """Without spaces, as nodes write it.  A Decimal that was calculated is written without an exponent."""
    def marked(number):
        return f"\0{number.text if isinstance(number, Number) else format(number, 'f')}\0"
    text = json.dumps(value, separators=(",", ":"), default=marked)
    return re.sub(r'"\\u0000([-+.0-9eE]+)\\u0000"', r"\1", text)
