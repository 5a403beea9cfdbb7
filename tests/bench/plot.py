"""Plots of what `compare` and `scale` measured: python -m tests.bench.plot COMPARE.json SCALE.json FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "article-qa", "font.size": 9, "axes.spines.top": False})
plt.rcParams.update({"axes.spines.right": False, "figure.facecolor": "white"})
INK, OTHER = "#1f5aa6", "#9a9a9a"


def compared(path: Path, out: Path) -> None:
    rows = json.loads(path.read_text(encoding="utf-8"))
    names = ("build s", "p50 ms", "memory MB", "gold@300")
    titles = ("building, s", "searching, p50 ms", "memory, MB", "gold sentence in the\nfirst 300 characters")
    figure, axes = plt.subplots(1, len(names), figsize=(9, 2.2), sharey=True)
    for axis, name, title in zip(axes, names, titles, strict=True):
        values = [row[name] for row in rows.values()]
        bars = axis.barh(list(rows), values, color=[INK] + [OTHER] * (len(rows) - 1))
        axis.bar_label(bars, [f"{value:.3g}" for value in values], padding=2)
        axis.set_title(title, fontsize=9)
        axis.set_xticks([])
        axis.set_xlim(0, max(values) * 1.3)
    axes[0].invert_yaxis()
    _save(figure, out / "compare.svg")


def scaled(path: Path, out: Path) -> None:
    rows = json.loads(path.read_text(encoding="utf-8"))
    sizes = [row["passages"] for row in rows]
    panels = (
        ("a question, ms", ("question p50 ms", "p95 ms", "of it search p50 ms")),
        ("building and opening, s", ("store s", "index s", "open s")),
        ("disk and memory, MB", ("library MB", "chroma MB", "memory MB")),
        ("quality", ("recall@10", "gold@300", "right first", "abstained, left out")),
    )
    figure, axes = plt.subplots(1, len(panels), figsize=(11, 2.8))
    for axis, (title, names) in zip(axes, panels, strict=True):
        for name in names:
            axis.plot(sizes, [row[name] for row in rows], marker="o", markersize=3, label=name)
        axis.set_xscale("log")
        axis.set_yscale("linear" if title in ("quality", "a question, ms") else "log")
        if axis.get_yscale() == "linear":
            axis.set_ylim(0, axis.get_ylim()[1] * (1.4 if "ms" in title else 1))  # with room for the legend
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("passages")
        axis.legend(fontsize=7, frameon=False)
    _save(figure, out / "scale.svg")


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    print(f"{path}, {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    compare, scale, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    compared(compare, out)
    scaled(scale, out)


if __name__ == "__main__":
    main()
