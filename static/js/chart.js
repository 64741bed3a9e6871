// Candles of one symbol with fills, entries, stops and targets; the newest bar follows the ticks.
import { framed, LIBRARY, palette, themed } from "./chart-theme.js";
import { price } from "./format.js";

const WORDED_FILLS = 3;

const seconds = (ms) => Math.floor(ms / 1000);

export class Chart {
  #library;
  #chart;
  #series;
  #markers;
  #lines = [];
  #last = null;
  #timeframe = 60;
  #drawn = "";

  static async create(container) {
    const chart = new Chart();
    chart.#library = await import(LIBRARY);
    chart.#open(container);
    return chart;
  }

  #open(container) {
    const { createChart, CandlestickSeries, createSeriesMarkers, LineStyle } = this.#library;
    this.dashed = LineStyle.Dashed;
    const frame = framed();
    this.#chart = createChart(container, { ...frame, timeScale: { ...frame.timeScale, rightOffset: 6 } });
    this.#series = this.#chart.addSeries(CandlestickSeries, { borderVisible: false });
    this.#markers = createSeriesMarkers(this.#series, []);
    this.paint();
  }

  paint() {
    this.colors = palette();
    const { gain, loss } = this.colors;
    this.#chart.applyOptions(themed(this.colors));
    this.#series.applyOptions({ upColor: gain, downColor: loss, wickUpColor: gain, wickDownColor: loss });
    this.#drawn = "";
  }

  setCandles(candles, timeframe, decimals) {
    this.#timeframe = timeframe;
    const digits = Math.min(8, decimals ?? 2);
    this.#series.applyOptions({ priceFormat: { type: "custom", minMove: 10 ** -digits, formatter: (value) => price(value, digits) } });
    const bars = candles.map(({ open_ms, open, high, low, close }) => ({ time: seconds(open_ms), open: Number(open), high: Number(high), low: Number(low), close: Number(close) }));
    this.#series.setData(bars);
    this.#last = bars.at(-1) ?? null;
    this.#drawn = "";
  }

  fit() {
    this.#chart.timeScale().scrollToRealTime();
  }

  tick(value, atMs) {
    if (!this.#last) return;
    const start = Math.floor(seconds(atMs) / this.#timeframe) * this.#timeframe;
    if (start < this.#last.time) return;
    const bar = start > this.#last.time ? { time: start, open: this.#last.close, high: value, low: value, close: value } : this.#last;
    this.#last = { ...bar, high: Math.max(bar.high, value), low: Math.min(bar.low, value), close: value };
    this.#series.update(this.#last);
  }

  /** Lines of open positions and marks of fills; drawn again only when one of them changed. */
  draw(positions, fills) {
    const drawn = JSON.stringify([positions.map((row) => [row.id, row.version]), fills.map((row) => row.id), this.#timeframe]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#lines.splice(0).forEach((line) => this.#series.removePriceLine(line));
    // Words for one position only: labels of many would hide the bars they are about.
    positions.forEach((position, index) => this.#drawPosition(position, index === 0));
    const isQuiet = fills.length <= WORDED_FILLS;
    this.#markers.setMarkers(fills.map((fill) => this.#marker(fill, isQuiet)).sort((a, b) => a.time - b.time));
  }

  #drawPosition({ side, average_entry_price: entry, stop_price: stop, target_price: target }, isWorded) {
    const { accent, loss, gain } = this.colors;
    const add = (value, tone, title, lineStyle) => value && this.#lines.push(
      this.#series.createPriceLine({ price: Number(value), color: tone, lineWidth: 1, lineStyle, title: isWorded ? title : "", axisLabelVisible: isWorded }),
    );
    add(entry, accent, side, 0);
    add(stop, loss, "stop", this.dashed);
    add(target, gain, "target", this.dashed);
  }

  #marker(fill, isWorded) {
    const isEntry = fill.purpose === "entry" || (fill.side === "buy") === (fill.position_side === "long");
    const isBuy = fill.side === "buy";
    const at = Math.floor(seconds(new Date(fill.executed_at)) / this.#timeframe) * this.#timeframe;
    return {
      time: at, position: isBuy ? "belowBar" : "aboveBar", shape: isBuy ? "arrowUp" : "arrowDown",
      color: isEntry ? this.colors.accent : this.colors.text, text: !isWorded ? "" : isEntry ? fill.position_side : "exit",
    };
  }
}
