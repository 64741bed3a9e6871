"""The run as a picture: memory, descriptors, queued tasks, and how long answers and prices took, over time."""

from collections.abc import Sequence
from html import escape

from tests.soak.measure import Sample, Series

WIDTH, HEIGHT, LEFT, TOP, GAP = 960, 150, 64, 28, 56
COLORS = ("#1857c4", "#b3261e", "#0a7a4b", "#8a5a00", "#6a3fb5", "#00798c", "#555555")
Line = tuple[str, Sequence[float], Sequence[float]]


def picture(processes: dict[str, Series], samples: Sequence[Sample]) -> str:
    at = [sample.at_s for sample in samples]
    charts: list[tuple[str, list[Line]]] = [
        ("Memory, MB", [(name, series.at_s, series.memory_mb) for name, series in processes.items()]),
        ("Open descriptors", [(name, series.at_s, series.descriptors) for name, series in processes.items()]),
        ("Tasks queued", [("queued", at, [float(sample.queued) for sample in samples])]),
        (
            "Seconds, 99 of 100",
            [
                ("answer of the API", at, [sample.answer_p99_s for sample in samples]),
                ("age of a price on a page", at, [sample.lag_p99_s for sample in samples]),
            ],
        ),
    ]
    body = "".join(_chart(number, title, lines) for number, (title, lines) in enumerate(charts))
    height = len(charts) * (HEIGHT + GAP) + TOP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{body}</svg>\n'
    )


def _chart(number: int, title: str, lines: list[Line]) -> str:
    top = TOP + number * (HEIGHT + GAP)
    last = max((at[-1] for _, at, _ in lines if at), default=1.0) or 1.0
    most = max((max(values) for _, _, values in lines if values), default=1.0) * 1.1 or 1.0
    width = WIDTH - LEFT - 16
    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{escape(title)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = top + HEIGHT * (1 - share)
        parts.append(f'<path d="M{LEFT} {y:.1f}h{width}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{most * share:.4g}</text>')
    for place, (name, at, values) in enumerate(lines):
        color = COLORS[place % len(COLORS)]
        points = " ".join(
            f"{LEFT + width * x / last:.1f},{top + HEIGHT * (1 - y / most):.1f}"
            for x, y in zip(at, values, strict=True)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        x = LEFT + 150 + place * 130
        parts.append(f'<text x="{x}" y="{top - 8}" fill="{color}">{escape(name)}</text>')
    parts.append(
        f'<text x="{WIDTH - 16}" y="{top + HEIGHT + 16}" text-anchor="end" fill="#555">{last / 60:.1f} minutes</text>'
    )
    return "".join(parts)
