# SPDX-License-Identifier: MIT
"""pages.py OUT: the site's pages: README.md as the first, docs/, the other documents of the root,
and a page for each example. Links to what is no page lead to a copy of it."""

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
EXAMPLES = (".c", ".cpp", ".hpp", ".h", ".txt", ".json", ".py", ".sh")
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)]*)?\)")


def place(source: Path) -> Path:
    """Where a file of the sources is in the site."""
    path = source.relative_to(ROOT)
    if path.name == "README.md" and len(path.parts) == 1:
        return Path("index.md")
    if path.parts[0] == "docs":
        return path.relative_to("docs")
    if path.parts[0] == "examples" and (source.is_dir() or source.suffix in EXAMPLES):
        folder = source if source.is_dir() else source.parent
        return Path("examples", *folder.relative_to(ROOT / "examples").parts[:1]).with_suffix(".md")
    return path if source.suffix == ".md" else Path("files") / path


def page(source: Path, out: Path) -> None:
    def relinked(link: re.Match) -> str:
        target = (source.parent / link[1]).resolve()
        if not target.exists():
            return link[0]
        copy = out / place(target)
        if copy.parts[len(out.parts)] == "files":
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(target, copy)
        relative = os.path.relpath(copy, (out / place(source)).parent)
        return f"]({relative}{link[2] or ''})"

    write(out / place(source), LINK.sub(relinked, source.read_text(encoding="utf-8")))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def example(folder: Path, out: Path) -> None:
    """The sources, as they are built and run by CI."""
    parts = [f"# {folder.name}\n"]
    for source in sorted(folder.rglob("*")):
        if source.suffix in EXAMPLES:
            language = {".txt": "cmake", ".h": "c"}.get(source.suffix, source.suffix[1:])
            code = source.read_text(encoding="utf-8")
            parts.append(f"## {source.relative_to(folder)}\n\n````{language}\n{code}````\n")
    write(out / place(folder), "\n".join(parts))


def main() -> None:
    out = Path(sys.argv[1]).resolve()
    sources = [ROOT / "README.md", *(ROOT / name for name in DOCUMENTS)]
    for source in [*sources, *sorted((ROOT / "docs").glob("*.md"))]:
        page(source, out)
    shutil.copytree(ROOT / "docs" / "figures", out / "figures")
    for folder in sorted((ROOT / "examples").iterdir()):
        if folder.is_dir() and folder.name != "data":
            example(folder, out)


if __name__ == "__main__":
    main()
