# SPDX-License-Identifier: MIT
"""Makes tables and plots of bench/results/*.json. With --check, which needs Python alone, says what
is not made of them."""

import hashlib
import sys
from pathlib import Path

from .tables import written

ROOT = Path(__file__).parent.parent.parent


def origin(results: Path) -> str:
    """What a plot was made of and by; a comment of the plot has it."""
    digest = hashlib.sha256(results.read_bytes())
    for source in ("plots.py", "tables.py"):
        digest.update(Path(__file__).with_name(source).read_bytes())
    return f"bench/peers/run figures {digest.hexdigest()[:16]}"


def folder_of(results: Path) -> Path:
    return ROOT / "docs" / "figures" / results.stem


def stale_pages() -> dict[Path, str]:
    """Pages whose tables differ from their results, and what they should be."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    new = {page: written(page.read_text(encoding="utf-8"), ROOT) for page in pages}
    return {page: text for page, text in new.items() if text != page.read_text(encoding="utf-8")}


def stale_plots(results: Path) -> list[Path]:
    plots = sorted(folder_of(results).glob("*.svg"))
    stale = [plot for plot in plots if origin(results) not in plot.read_text(encoding="utf-8")]
    return stale if plots else [folder_of(results)]


def main() -> None:
    all_results = sorted((ROOT / "bench" / "results").glob("*.json"))
    if sys.argv[1:] == ["--check"]:
        stale = [
            *stale_pages(),
            *(plot for results in all_results for plot in stale_plots(results)),
        ]
        if stale:
            names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
            sys.exit(f"not what bench/peers/run figures makes of bench/results: {names}")
        return
    from . import plots

    for page, text in stale_pages().items():
        page.write_text(text, encoding="utf-8")
    for results in all_results:
        plots.write(results, folder_of(results), origin(results))


if __name__ == "__main__":
    main()
