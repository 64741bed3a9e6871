"""`manage.py candles_sync`: download candles of the past, and fill the gaps in what is stored."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.exchanges.candles import CandlesProgress, candle_gaps, candles_sync
from apps.exchanges.catalog import instruments_sync
from apps.exchanges.day_files import DAY_MS, Shelf
from apps.exchanges.models import Instrument
from cts.domain.errors import DomainError, ExchangeError
from cts.domain.types import Environment, Market

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def timeframe(text: str) -> int:
    """Seconds of `60`, `1m`, `4h`, `1d`."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    if not number.isdigit() or not int(number):
        raise ArgumentTypeError(f"{text!r} is no timeframe; write 1m, 15m, 4h, 1d or seconds")
    return int(number) * _UNITS[unit]


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day; write it as 2026-01-31") from None


class Command(BaseCommand):
    help = "Fetches candles into the data folder. What is stored is not asked for again; broken off, it goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--exchange", required=True)
        parser.add_argument("--symbol", required=True, nargs="+", help="such as BTC/USDT:USDT")
        parser.add_argument("--timeframe", type=timeframe, default=60, help="such as 1m (the default), 15m, 4h")
        parser.add_argument("--since", type=day, required=True, help="first UTC day, such as 2026-01-31")
        parser.add_argument("--until", type=day, help="last UTC day; now by default")
        parser.add_argument("--environment", choices=[*Environment], default=Environment.LIVE)
        parser.add_argument("--market", choices=[*Market], default=Market.LINEAR)
        parser.add_argument("--json", action="store_true", help="print one JSON line per symbol instead of progress")

    def handle(self, *args: Any, **options: Any) -> None:
        venue = {name: options[name] for name in ("exchange", "environment", "market")}
        since_ms = _midnight_ms(options["since"])
        until_ms = _midnight_ms(options["until"]) + DAY_MS if options["until"] else 2**53
        try:
            if not Instrument.objects.filter(**venue).exists():
                instruments_sync(**venue)
            for symbol in options["symbol"]:
                shelf = Shelf(**venue, symbol=symbol, timeframe_s=options["timeframe"])
                self._sync(shelf, since_ms=since_ms, until_ms=until_ms, is_json=options["json"])
        except (DomainError, ExchangeError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; what was fetched is stored, and the same command goes on from there") from None

    def _sync(self, shelf: Shelf, *, since_ms: int, until_ms: int, is_json: bool) -> None:
        def show(progress: CandlesProgress) -> None:
            if not is_json:
                left = "" if progress.left_s is None else f", {progress.left_s:.0f} s left"
                text = f"\r{shelf.symbol}: {progress.ratio:4.0%} of {progress.days} days, {progress.bars} new{left}   "
                self.stdout.write(text, ending="")
                self.stdout.flush()

        done = candles_sync(shelf, since_ms=since_ms, until_ms=until_ms, on_progress=show)
        first, last = shelf.files().order_by("day").values_list("first_ms", flat=True).first(), _stored_until(shelf)
        gaps = candle_gaps(shelf, since_ms=max(since_ms, first or since_ms), until_ms=last)
        if is_json:
            told = {"symbol": shelf.symbol, "days": done.days, "new": done.bars, "gaps": gaps}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write("" if not gaps else f"; {len(gaps)} gaps the venue could not fill yet")


def _stored_until(shelf: Shelf) -> int:
    last = shelf.files().order_by("-day").values_list("last_ms", flat=True).first()
    return (last or 0) + shelf.timeframe_s * 1000


def _midnight_ms(value: date) -> int:
    return int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000)
