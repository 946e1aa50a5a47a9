#!/usr/bin/env python3
"""Makes a C header of a page's style sheet and script, and of what a Content-Security-Policy says of
the script: the SHA-256 of its text.

    tools/embed.py OUT.h FILE...    page.css becomes page_css[], page.js page_js[] and PAGE_JS_SHA256
Lines that are comments, empty lines and indentation are left out."""
import base64
import hashlib
import pathlib
import re
import sys


def shortened(text):
    lines = (line.strip() for line in re.sub(r"(?m)^\s*/\*.*?\*/\s*$", "", text, flags=re.S).split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def literal(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(f'    "{line}\\n"' for line in quoted.split("\n"))


def main():
    out, files = sys.argv[1], [pathlib.Path(f) for f in sys.argv[2:]]
    parts = []
    for file in files:
        text, name = shortened(file.read_text(encoding="utf-8")), re.sub(r"\W", "_", file.name)
        if not text.isascii():
            sys.exit(f"{file}: ASCII only, please: write other characters as escapes")
        parts.append(f"static const char {name}[] =\n{literal(text)};\n")
        if file.suffix == ".js":
            if "</" in text:
                sys.exit(f"{file}: '</' would end the script element")
            digest = base64.b64encode(hashlib.sha256((text + "\n").encode()).digest()).decode()
            parts.append(f'#define {name.upper()}_SHA256 "{digest}"\n')
    # C11 promises no more than 4095 characters a literal; compilers take more, and warn
    head = '/* Made by tools/embed.py. */\n#pragma GCC diagnostic ignored "-Woverlength-strings"\n'
    pathlib.Path(out).write_text(head + "".join(parts), encoding="utf-8")


main()
