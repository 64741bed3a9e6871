"""Where accounts survive a restart: one SQLite file, written before any answer. Rows are JSON of the domain's structs."""

import sqlite3
from pathlib import Path
from typing import TypeVar

import msgspec

from cts.domain.matching.events import Event, LegChanged, MoneyMoved, OrderUpdated
from cts.domain.matching.state import Account, Entry, Fill, Order

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
    number INTEGER PRIMARY KEY, exchange TEXT NOT NULL, api_key TEXT NOT NULL, api_secret TEXT NOT NULL,
    core BLOB NOT NULL, passphrase TEXT NOT NULL DEFAULT '', UNIQUE (exchange, api_key));
CREATE TABLE IF NOT EXISTS "order" (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fill (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, body BLOB NOT NULL);
"""
CORE = (
    "number", "balance", "position_mode", "margin_mode", "margin_modes", "leverages", "assets", "sequence", "last_id", "legs",
)  # fmt: skip
Row = TypeVar("Row")
_encode = msgspec.json.Encoder().encode


class StoredAccount(msgspec.Struct, frozen=True, kw_only=True):
    exchange: str
    api_key: str
    api_secret: str
    passphrase: str
    account: Account

    def __repr__(self) -> str:
        return f"StoredAccount({self.exchange}, {self.account.number})"


class Store:
    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        if path.suffix != ".sqlite3":
            path = path / "paper.sqlite3"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        columns = {name for _, name, *_ in self._db.execute("PRAGMA table_info(account)")}
        if "passphrase" not in columns:  # a file made before any venue asked for one
            self._db.execute("ALTER TABLE account ADD COLUMN passphrase TEXT NOT NULL DEFAULT ''")

    def close(self) -> None:
        self._db.close()

    def load(self) -> list[StoredAccount]:
        found = []
        rows = self._db.execute(
            "SELECT exchange, api_key, api_secret, passphrase, core FROM account ORDER BY number"
        ).fetchall()
        for exchange, api_key, api_secret, passphrase, core in rows:
            account = msgspec.json.decode(core, type=Account)
            self._fill_in(account)
            found.append(
                StoredAccount(
                    exchange=exchange,
                    api_key=api_key,
                    api_secret=api_secret,
                    passphrase=passphrase,
                    account=account,
                )
            )
        return found

    def _fill_in(self, account: Account) -> None:
        account.fills = self._rows("fill", account.number, Fill)
        account.ledger = self._rows("entry", account.number, Entry)
        for order in self._rows('"order"', account.number, Order):
            (account.open_orders if order.status.is_open else account.closed_orders)[order.id] = order
            account.client_ids[order.request.client_id] = order.id

    def _rows(self, table: str, number: int, kind: type[Row]) -> list[Row]:
        sql = f"SELECT body FROM {table} WHERE number = ? ORDER BY id"  # noqa: S608 - our own table names
        return [msgspec.json.decode(body, type=kind) for (body,) in self._db.execute(sql, (number,))]

    def add(self, *, exchange: str, api_key: str, api_secret: str, passphrase: str, account: Account) -> None:
        self._db.execute(
            "INSERT INTO account (number, exchange, api_key, api_secret, passphrase, core) VALUES (?, ?, ?, ?, ?, ?)",
            (account.number, exchange, api_key, api_secret, passphrase, _core(account)),
        )

    def save(self, account: Account, events: list[Event]) -> None:
        """The account's core and what the events touched, in one transaction."""
        self._db.execute("BEGIN")
        try:
            for event in events:
                self._save(account.number, event)
            self._db.execute("UPDATE account SET core = ? WHERE number = ?", (_core(account), account.number))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _save(self, number: int, event: Event) -> None:
        if isinstance(event, OrderUpdated):
            self._put('"order"', event.order.id, number, event.order)
            if event.fill:
                self._put("fill", event.fill.id, number, event.fill)
        elif isinstance(event, MoneyMoved):
            self._put("entry", event.entry.id, number, event.entry)
        else:
            assert isinstance(event, LegChanged)

    def _put(self, table: str, row_id: int, number: int, row: object) -> None:
        sql = f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)"  # noqa: S608 - our own table names
        self._db.execute(sql, (row_id, number, _encode(row)))

    def note(self, name: str) -> bytes | None:
        found = self._db.execute("SELECT body FROM note WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def set_note(self, name: str, body: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, body))


def _core(account: Account) -> bytes:
    return _encode({name: getattr(account, name) for name in CORE})
