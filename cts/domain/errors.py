"""The five ways a venue can say no, and the errors of our own rules. What to do next follows from the class alone."""

from datetime import datetime


class DomainError(Exception):
    """A rule of ours refused. `code` is stable, `detail` is for people and names the remedy, `field` the input at fault."""

    def __init__(self, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field


class ExchangeError(Exception):
    """Base of everything a venue or the way to it can do wrong. `venue_code` is the venue's own, kept for the story."""

    def __init__(
        self, message: str, *, exchange: str = "", venue_code: str = "", http_status: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exchange = exchange
        self.venue_code = venue_code
        self.http_status = http_status


class AuthFailed(ExchangeError):
    """Key, signature, permission or address refused: stop the connection and alert, never loop."""


class Rejected(ExchangeError):
    """The venue refused this very request for good; the reason is kept. Nothing changed on the venue."""


class OrderNotFound(Rejected):
    """No such order, or one already final. Right after placing this is not evidence."""


class Unsupported(Rejected):
    """The venue has no such verb: said by us, nothing was sent."""


class RateLimited(ExchangeError):
    """Wait as told. `retry_at` is when the venue takes requests again; `is_ban` closes the whole host until then."""

    def __init__(
        self,
        message: str,
        *,
        retry_at: datetime | None = None,
        is_ban: bool = False,
        exchange: str = "",
        venue_code: str = "",
        http_status: int | None = None,
    ) -> None:
        super().__init__(message, exchange=exchange, venue_code=venue_code, http_status=http_status)
        self.retry_at = retry_at
        self.is_ban = is_ban


class Unavailable(ExchangeError):
    """The request had no effect and may be repeated: connection refused, venue down, any failed read."""


class AmbiguousResult(ExchangeError):
    """A write may or may not have happened. Never repeat it; ask by client order id."""


class PayloadError(Unavailable):
    """An answer we could not read. `field` names what was missing or malformed; never a silent zero."""

    def __init__(self, field: str, *, exchange: str = "", detail: str = "") -> None:
        super().__init__(
            f"{exchange or 'venue'}: field {field!r} {detail or 'is missing or malformed'}", exchange=exchange
        )
        self.field = field
