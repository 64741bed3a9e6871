"""Strict readers of fields and rows. What is missing, empty, NaN, infinite, huge or of another type raises, naming it."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Generic, Never, TypeVar

import msgspec

from cts.domain.errors import PayloadError

Row = dict[str, Any]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
T = TypeVar("T")

_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode
ZERO = Decimal(0)
# Nothing on a venue is this large: a day's turnover stays below 10^13, the supply of a meme coin below 10^16.
HUGE = Decimal(10) ** 20
TINY = -HUGE
_LONG = 2**63
_TEXT_MAX = 256
_UNREADABLE = (KeyError, TypeError, ValueError, InvalidOperation)


class Reader:
    """Readers of one venue's rows. Each first tries the usual spelling, a decimal in a string, then the rarer ones."""

    __slots__ = ("exchange",)

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange

    def decode(self, body: bytes | str) -> Any:
        """JSON with exact decimals in place of floats."""
        try:
            return _DECODE(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise PayloadError("body", exchange=self.exchange, detail="is not JSON") from None

    def refuse(self, field: str, value: object) -> Never:
        shown = repr(str(value)[:40]) if isinstance(value, str | Decimal) else type(value).__name__
        raise PayloadError(field, exchange=self.exchange, detail=f"is missing or unusable ({shown})")

    def positive(self, row: Row, field: str) -> Decimal:
        """A price: above zero."""
        try:
            raw = row[field]
            if type(raw) is str and ZERO < (value := Decimal(raw)) < HUGE:
                return value
        except _UNREADABLE:
            pass
        return self._other(row, field, above=ZERO)

    def unsigned(self, row: Row, field: str) -> Decimal:
        """A quantity: zero or above."""
        try:
            raw = row[field]
            if type(raw) is str and ZERO <= (value := Decimal(raw)) < HUGE:
                return value
        except _UNREADABLE:
            pass
        return self._other(row, field, from_=ZERO)

    def signed(self, row: Row, field: str) -> Decimal:
        """A result, a rate, a fee: any sign."""
        try:
            raw = row[field]
            if type(raw) is str and TINY < (value := Decimal(raw)) < HUGE:
                return value
        except _UNREADABLE:
            pass
        return self._other(row, field)

    def positive_or_none(self, row: Row, field: str) -> Decimal | None:
        """Absent, null and empty are None; so is zero, which venues write where there is no price."""
        try:
            raw = row[field]
            if type(raw) is str and ZERO < (value := Decimal(raw)) < HUGE:
                return value
        except _UNREADABLE:
            pass
        return None if row.get(field) in (None, "") else self._other(row, field, from_=ZERO) or None

    def unsigned_or_none(self, row: Row, field: str) -> Decimal | None:
        try:
            raw = row[field]
            if type(raw) is str and ZERO <= (value := Decimal(raw)) < HUGE:
                return value
        except _UNREADABLE:
            pass
        return None if row.get(field) in (None, "") else self._other(row, field, from_=ZERO)

    def signed_or_none(self, row: Row, field: str) -> Decimal | None:
        try:
            raw = row[field]
            if type(raw) is str and TINY < (value := Decimal(raw)) < HUGE:
                return value
        except _UNREADABLE:
            pass
        return None if row.get(field) in (None, "") else self._other(row, field)

    def _other(self, row: Row, field: str, *, above: Decimal | None = None, from_: Decimal | None = None) -> Decimal:
        """Numbers that came as JSON numbers; everything else raises."""
        value = row.get(field)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            self.refuse(field, value)
        try:
            number = Decimal(value)
        except _UNREADABLE:
            self.refuse(field, value)
        if not number.is_finite() or abs(number) >= HUGE:
            self.refuse(field, value)
        if (above is not None and number <= above) or (from_ is not None and number < from_):
            self.refuse(field, value)
        return number

    def integer(self, row: Row, field: str) -> int:
        """Milliseconds, counts, indexes: whole, from zero up, as number or digits."""
        raw = row.get(field)
        if type(raw) is str and len(raw) < 20 and raw.isascii() and raw.isdigit():
            raw = int(raw)
        if type(raw) is not int or not 0 <= raw < _LONG:
            self.refuse(field, raw)
        return raw

    def integer_or_none(self, row: Row, field: str) -> int | None:
        raw = row.get(field)
        if type(raw) is str and len(raw) == 13 and raw.isascii() and raw.isdigit():
            return int(raw)  # milliseconds of this age
        return None if row.get(field) in (None, "") else self.integer(row, field)

    def text(self, row: Row, field: str) -> str:
        raw = row.get(field)
        if type(raw) is not str or not raw or len(raw) > _TEXT_MAX:
            self.refuse(field, raw)
        return raw

    def text_or_empty(self, row: Row, field: str) -> str:
        """For client ids and reasons, which orders made elsewhere may lack."""
        raw = row.get(field)
        if raw is None:
            return ""
        if type(raw) is not str:
            self.refuse(field, raw)
        return raw[:_TEXT_MAX]

    def identifier(self, row: Row, field: str) -> str:
        """Ids go beyond 2^53 and may come as numbers: always text for us."""
        raw = row.get(field)
        if type(raw) is int and raw > 0:
            return str(raw)
        return self.text(row, field)

    def price_in(self, text: str, field: str) -> Decimal | None:
        """Of a string already read: empty and zero are None."""
        if not text:
            return None
        try:
            value = Decimal(text)
            if ZERO < value < HUGE:
                return value
            if not value:
                return None
        except InvalidOperation:
            pass
        return self.refuse(field, text)

    def signed_in(self, text: str, field: str) -> Decimal | None:
        """Of a string already read: empty is None."""
        if not text:
            return None
        try:
            value = Decimal(text)
            if TINY < value < HUGE:
                return value
        except InvalidOperation:
            pass
        return self.refuse(field, text)

    def flag(self, row: Row, field: str) -> bool:
        raw = row.get(field)
        if raw is not True and raw is not False:
            self.refuse(field, raw)
        return raw

    def choice(self, row: Row, field: str, table: Mapping[Any, T]) -> T:
        """A word of the venue's in ours; one we don't know is refused, not guessed."""
        try:
            return table[row[field]]
        except (KeyError, TypeError):
            self.refuse(field, row.get(field))

    def mapping(self, row: object, field: str) -> Row:
        value = row.get(field) if isinstance(row, dict) else None
        if not isinstance(value, dict):
            self.refuse(field, value)
        return value

    def rows(self, row: object, field: str) -> list[Row]:
        return self.all_rows(row.get(field) if isinstance(row, dict) else None, field)

    def all_rows(self, value: object, field: str) -> list[Row]:
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            self.refuse(field, value)
        return value

    def columns(self, value: object, field: str, *, names: tuple[str, ...]) -> list[Row]:
        """Rows that came as arrays, as rows with names."""
        if not isinstance(value, list) or not all(isinstance(e, list) and len(e) >= len(names) for e in value):
            self.refuse(field, value)
        return [dict(zip(names, entry, strict=False)) for entry in value]


Words = Mapping[str, Mapping[Any, Any]]
_NO_WORDS: Words = {}
_NAMED = re.compile(r"`\$\.(\w+)|field `(\w+)`")
S = TypeVar("S", bound=msgspec.Struct)


class Shape(Generic[S]):
    """Whole rows of one kind at once, from the bytes of the wire or a decoded row: for what comes by the thousand.

    Types are checked on the way; bounds are the caller's, which knows them: see `refuse`.
    """

    __slots__ = ("_decode", "_kind", "_read")

    def __init__(self, read: Reader, kind: type[S]) -> None:
        self._read = read
        self._kind = kind
        # Not strict: whole numbers may come as digits in a string, as Bybit writes its times.
        self._decode = msgspec.json.Decoder(kind, strict=False).decode

    def read(self, source: Row | bytes | msgspec.Raw) -> S:
        try:
            if isinstance(source, dict):
                return msgspec.convert(source, self._kind, strict=False)
            return self._decode(source)
        except msgspec.DecodeError as error:
            return self._sparse(source, error)

    def _sparse(self, source: Row | bytes | msgspec.Raw, error: msgspec.DecodeError) -> S:
        """Null and empty stand for absent: without them the row may be fine."""
        row = source if isinstance(source, dict) else self._read.decode(bytes(source))
        if isinstance(row, dict):
            try:
                return msgspec.convert(
                    {k: v for k, v in row.items() if v is not None and v != ""}, self._kind, strict=False
                )
            except msgspec.ValidationError as still:
                error = still
        found = _NAMED.search(str(error))
        field = (found[1] or found[2]) if found else "body"
        return self._read.refuse(field, row.get(field) if isinstance(row, dict) else row)

    def refuse(
        self,
        row: S,
        *,
        words: Words = _NO_WORDS,
        positive: tuple[str, ...] = (),
        signed: tuple[str, ...] = (),
    ) -> Never:
        """Name what the caller found wrong: a word it doesn't know, or a number out of bounds."""
        fields = msgspec.structs.asdict(row)
        for field, table in words.items():
            if fields[field] not in table:
                self._read.refuse(field, fields[field])
        for field, value in fields.items():
            if isinstance(value, Decimal) and not _is_within(value, positive=field in positive, signed=field in signed):
                self._read.refuse(field, value)
        self._read.refuse("row", "nothing wrong found")


def _is_within(value: Decimal, *, positive: bool, signed: bool) -> bool:
    if not value.is_finite() or abs(value) >= HUGE:
        return False
    return signed or value > 0 or (value == 0 and not positive)
