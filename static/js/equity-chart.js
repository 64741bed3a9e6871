// Equity over time as a line with its area, in the colors of the theme.
import { framed, LIBRARY, palette, themed } from "./chart-theme.js";
import { money } from "./format.js";

export class EquityChart {
  #chart;
  #series;

  static async create(container) {
    const made = new EquityChart();
    const { createChart, AreaSeries } = await import(LIBRARY);
    made.#chart = createChart(container, { ...framed(), handleScroll: false, handleScale: false });
    made.#series = made.#chart.addSeries(AreaSeries, { lineWidth: 2, priceFormat: { type: "custom", minMove: 0.01, formatter: (value) => money(value) } });
    made.paint();
    return made;
  }

  paint() {
    const colors = palette();
    const { surface, accent } = colors;
    this.#chart.applyOptions(themed(colors));
    const faded = accent.replace("rgb(", "rgba(").replace(")", ", 0.16)");
    this.#series.applyOptions({ lineColor: accent, topColor: faded, bottomColor: surface });
  }

  draw(points) {
    this.#series.setData(points.map(({ minute, equity }) => ({ time: Math.floor(new Date(minute) / 1000), value: Number(equity) })));
    this.#chart.timeScale().fitContent();
  }
}
