#!/usr/bin/env python3
"""style.py finds what it is for: a small tree with one fault a file, and each has to be reported."""
import pathlib
import subprocess
import sys
import tempfile

LONG = "static int f(void)\n{\n" + "    g();\n" * 79 + "    return 0;\n}\n"
FILES = {  # path: (text, what is said; None: nothing)
    "core/base/good.c": ('/* atoi(s) and "strcpy(a, b)" */\n#include "base/good.h"\n#include <stdio.h>\n'
                         "static int f(void) { return snprintf(0, 0, \"printf(\"); }\n", None),
    "core/base/good.h": ("", None),
    "core/cli/help.c": ('static const char *s = "optimizer={type: swirl}";\n', None),
    "core/base/up.c": ('#include "run/run.h"\n', "base/ may not include run/"),
    "core/run/run.h": ('#include "base/good.h"\n#include "run.h"\n', None),
    "core/run/lost.c": ('#include "nowhere.h"\n', "is no header of the core"),
    "core/run/long.c": (LONG, "a function of 83 lines"),
    "core/run/large.c": ("\n" * 601, "601 lines, more than 600"),
    "core/run/copy.c": ("int f(void) { strcpy(a, b); }\n", "strcpy: is not used here"),
    "core/run/shell.c": ("int f(void) { return system(s); }\n", "system: is not used here"),
    "core/run/stop.c": ("int f(void) { exit(1); }\n", "exit: only main"),
    "core/cli/main.c": ("int f(void) { exit(1); }\n", None),
    "core/run/print.c": ("int f(void) { printf(s); }\n", "printf: prints below main"),
    "core/run/heap.c": ("int f(void) { return malloc(3) != 0; }\n", "malloc: memory comes from"),
    "core/run/host.c": ("int f(void) { d->free(p), o.free(p); }\n", None),
    "core/run/name.c": ('const char *s = "swirl";\n', "names a plugin"),
    "core/run/type.c": ('const char *s = "{type: swirl}";\n', "names a plugin"),
    "core/run/word.c": ("int swirl;\n", "the identifier swirl is a plugin's name"),
    "core/include/runner/layer.h": ("", None),
    "plugins/layers/swirl.c": ("#include <runner/layer.h>\n#include <math.h>\n", None),
    "plugins/layers/unix.c": ("#include <unistd.h>\n", "unistd.h: a plugin includes"),
    "plugins/layers/private.c": ('#include "base/good.h"\n', "base/good.h: a plugin includes"),
    "plugins/layers/other.c": ('#include "swirl.h"\n', "swirl.h: a plugin includes"),
    "plugins/layers/swirl.h": ("", None),
    "plugins/devices/fast/fast.c": ('#include "fast.h"\n#include <pthread.h>\n', None),
    "plugins/devices/fast/fast.h": ("", None),
    "tests/unit/t.c": ("int f(void) { exit(system(s)); }\n", None),
}

with tempfile.TemporaryDirectory() as root:
    for name, (text, _) in FILES.items():
        path = pathlib.Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    style = pathlib.Path(__file__).with_name("style.py")
    said = subprocess.run([sys.executable, style, root], capture_output=True, text=True, check=False)
lines = said.stdout.split("\n")[:-1]
wrong = [] if said.returncode == 1 else [f"ended with {said.returncode}: {said.stderr}"]
for name, (_, what) in FILES.items():
    mine = [line for line in lines if line.startswith(name + ":")]
    if what is None and mine:
        wrong.append(f"{name} is good, but: {mine}")
    if what is not None and not (len(mine) == 1 and what in mine[0]):
        wrong.append(f"{name}: expected '{what}', got {mine}")
print("\n".join(wrong) or f"{len(FILES)} files judged as they should be")
sys.exit(bool(wrong))
