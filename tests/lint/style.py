#!/usr/bin/env python3
"""Rules of the project that a compiler does not check: lengths of functions and files, directions of
includes, names of plugins in the core, functions that are not used here, and what a plugin exports.

    tests/lint/style.py [ROOT [PLUGIN_FOLDER]]   this tree, and the plugins in build/ if they are there
Prints file:line: what, and ends with 1 when there is anything."""
import pathlib
import re
import subprocess
import sys

FUNCTION_MAX, FILE_MAX = 80, 600
ORDER = ["cli", "bench", "sweep", "run", "report", "train", "model", "experiment", "verify", "plugin", "config",
         "base"]
CALL = r"(?<![\w>.])(%s)\s*\("
UNSAFE = re.compile(CALL % "strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca")
LOOSE = re.compile(CALL % "atoi|atol|atof|system|popen")
STOPS = re.compile(CALL % "exit|_exit|quick_exit|abort|setlocale")
PRINTS = re.compile(CALL % "printf|fprintf|puts|fputs|putchar|fwrite|vprintf|vfprintf|perror")
MEMORY = re.compile(CALL % "malloc|calloc|realloc|free|aligned_alloc|strdup|strndup|asprintf")
MAY_STOP = {"core/cli/main.c", "core/verify/sandbox.c"}  # the latter: a process of its own
MAY_PRINT, MAY_ALLOCATE = {"core/base/log.c"}, {"core/base/mem.c"}
SHOWS_EXAMPLES = {"core/cli/help.c", "core/cli/args.c"}  # the latter: --csv, --html
FORMATS = {"csv"}  # what the core writes, too: only a literal of that name means the plugin
LIBC = set("""assert complex ctype errno fenv float inttypes limits locale math setjmp signal stdalign
    stdarg stdatomic stdbool stddef stdint stdio stdlib string time wchar""".split())
SYSTEM = re.compile(r"(sys|linux)/\w+|dirent|dlfcn|fcntl|langinfo|poll|pthread|sched|strings|unistd")
# What the job of a kind needs besides; layers, losses and optimizers need nothing.
NEEDS = {
    "devices": re.compile(SYSTEM.pattern + r"|\w*intrin|omp|oneapi/dnnl/\w+|cuda\w*|nvrtc|cublas\w*"),
    "datasets": re.compile(SYSTEM.pattern + r"|zlib|png"),
    "reporters": re.compile(SYSTEM.pattern + r"|librsvg/\w+|cairo\w*|png"),
}
# Names of plugins that are words of the core or of C as well, for something else.
WORDS = set("constant linear mse scale shift step tanh".split())
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

faults = []


def fault(path, line, text):
    faults.append(f"{path}:{line}: {text}")


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def parse(text):
    """The text with comments and literals blanked out, lines kept; and the literals by line."""
    literals = []

    def blank(m):
        token = m.group()
        if token[0] == '"':
            literals.append((line_of(text, m.start()), token[1:-1]))
        return token[0] * (token[0] in "\"'") + "\n" * token.count("\n") + token[0] * (token[0] in "\"'")

    return TOKEN.sub(blank, text), literals


def check_lengths(path, text):
    lines = text.split("\n")
    if len(lines) - 1 > FILE_MAX:
        fault(path, 1, f"{len(lines) - 1} lines, more than {FILE_MAX}")
    start = None
    for i, line in enumerate(lines, 1):
        if line == "{":
            start = i - 1
        elif line.startswith("}") and start:
            if i - start + 1 > FUNCTION_MAX:
                fault(path, start, f"a function of {i - start + 1} lines, more than {FUNCTION_MAX}")
            start = None


def check_calls(path, code, core):
    rules = [(UNSAFE, True, "is not used here")]
    if core or path.startswith("plugins/"):
        rules += [
            (LOOSE, True, "is not used here"),
            (STOPS, path not in MAY_STOP, "only main ends the process or changes it"),
            (MEMORY, path not in MAY_ALLOCATE, "memory comes from base/mem.h, or the host's table"),
        ]
    if core:
        rules.append((PRINTS, path not in MAY_PRINT and "/cli/" not in path, "prints below main"))
    for rule, applies, why in rules:
        for m in rule.finditer(code) if applies else ():
            fault(path, line_of(code, m.start()), f"{m.group(1)}: {why}")


def includes(text):
    for m in re.finditer(r'^\s*#\s*include\s*(["<])([^">]+)[">]', text, re.M):
        yield line_of(text, m.start()), m.group(1) == '"', m.group(2)


def check_core_includes(root, path, text):
    folder = path.split("/")[1]
    for line, quoted, name in includes(text):
        if not quoted or folder not in ORDER:
            continue
        other = name.split("/")[0] if "/" in name else folder
        if other not in ORDER or not (root / "core" / other / name.split("/")[-1]).is_file():
            fault(path, line, f'"{name}" is no header of the core: "folder/name.h"')
        elif ORDER.index(other) < ORDER.index(folder):
            fault(path, line, f'"{name}": {folder}/ may not include {other}/')


def check_plugin_includes(root, path, text):
    parts = path.split("/")  # plugins/KIND/x.c, or plugins/KIND/NAME/x.c
    for line, quoted, name in includes(text):
        stem = name.removesuffix(".h")
        needed = NEEDS.get(parts[1])
        if quoted:
            embedded = name == f"{parts[2]}_files.h"  # by tools/embed.py, from files in the folder
            good = len(parts) == 4 and "/" not in name and (
                embedded or (root / path).with_name(name).is_file())
        else:
            good = (name.startswith("runner/") and (root / "core/include" / name).is_file()
                    or stem in LIBC or needed and needed.fullmatch(stem))
        if not good:
            fault(path, line, f"{name}: a plugin includes <runner/*.h>, libc and what its job needs")


def check_names(path, code, literals, names):
    if path in SHOWS_EXAMPLES:
        return
    for line, literal in literals:
        named = literal if literal in names - WORDS else None
        m = re.search(r"type: (\w+)", literal)
        if named or m and m.group(1) in names:
            fault(path, line, f'"{literal}" names a plugin; say it by traits or options')
    for m in re.finditer(r"[A-Za-z_]\w*", code):
        if m.group() in names - WORDS - FORMATS:
            fault(path, line_of(code, m.start()), f"the identifier {m.group()} is a plugin's name")


def plugin_names(root):
    """plugins/KIND/NAME.c or plugins/KIND/NAME/; what plugins/template makes has no name yet."""
    return {p.stem for p in root.glob("plugins/*/*")
            if (p.is_dir() or p.suffix == ".c") and p.parent.name != "template"}


def check_exports(folder):
    for so in sorted(folder.glob("*/*.so")):
        table = subprocess.run(["readelf", "--dyn-syms", "--wide", so],
                               capture_output=True, text=True, check=True).stdout.split("\n")
        symbols = [s.split() for s in table if re.match(r"\s*\d+: ", s)]
        names = [s[7].split("@")[0] for s in symbols
                 if len(s) > 7 and s[4] != "LOCAL" and s[5] in ("DEFAULT", "PROTECTED") and s[6] != "UND"]
        if names != ["rn_plugin_query_v1"]:
            fault(so, 0, f"exports {', '.join(names) or 'nothing'}, not just rn_plugin_query_v1")
        missing = subprocess.run(["ldd", "-r", so], capture_output=True, text=True, check=False)
        for m in re.finditer(r"undefined symbol: (\S+)", missing.stdout + missing.stderr):
            fault(so, 0, f"needs {m.group(1)}, which no library that it is linked with has")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    root = root if root.is_dir() else root.parents[2]
    built = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else root / "build/plugins"
    names = plugin_names(root)
    count = 0
    for folder in ("core", "plugins", "tests"):
        for file in sorted(root.glob(f"{folder}/**/*.[ch]")):
            path, text = file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")
            code, literals = parse(text)
            count += 1
            check_lengths(path, text)
            check_calls(path, code, folder == "core")
            if folder == "plugins":
                check_plugin_includes(root, path, text)
            if folder == "core":
                check_core_includes(root, path, text)
                check_names(path, code, literals, names)
    if not count:
        faults.append(f"{root}: no sources there")
    check_exports(built)
    print("\n".join(faults) if faults else f"{count} files, nothing to say")
    return bool(faults)


sys.exit(main())
