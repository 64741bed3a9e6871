// The newest ticker of every symbol on every venue the page watches.
const STALE_AFTER_S = 15;

const keyOf = ({ exchange, environment, market }, symbol) => `${exchange}|${environment}|${market}|${symbol}`;

export class Prices {
  #rows = new Map();

  apply({ exchange, environment, market, rows }) {
    for (const row of rows) {
      const key = keyOf({ exchange, environment, market }, row.symbol);
      const known = this.#rows.get(key);
      if (known && known.at_ms > row.at_ms) continue;
      const moved = known ? Math.sign(Number(row.last) - Number(known.last)) || known.moved : 0;
      this.#rows.set(key, { ...known, ...row, moved, decimals: Math.max(known?.decimals ?? 0, decimals(row.last)) });
    }
  }

  get(venue, symbol) {
    return this.#rows.get(keyOf(venue, symbol));
  }

  symbols(venue) {
    const prefix = keyOf(venue, "");
    return [...this.#rows.entries()].filter(([key]) => key.startsWith(prefix)).map(([, row]) => row);
  }
}

function decimals(value) {
  return String(value).split(".")[1]?.length ?? 0;
}

export function isOld(ticker) {
  return !ticker || Date.now() - ticker.at_ms > STALE_AFTER_S * 1000;
}

/** The one price of a row: what its Price cell shows is what its P&L is counted at. */
export const shownPrice = (ticker) => ticker?.last ?? ticker?.mark;

/** What the open part of a position would earn at the shown price; null while either is unknown. */
export function unrealized(position, ticker) {
  const now = shownPrice(ticker);
  if (!now || !position.average_entry_price || Number(position.quantity) === 0) return null;
  const sign = position.side === "long" ? 1 : -1;
  return sign * (Number(now) - Number(position.average_entry_price)) * Number(position.quantity);
}
