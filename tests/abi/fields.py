"""Lists the structs of the plugin headers and their fields, as calls that layout.c compiles:
python3 fields.py HEADER... > fields.h. So a field that is appended shows up by itself."""
import re
import sys


def declarators(statement):
    """The declared names of one member: "int64_t m, n[4]" gives m and n."""
    function = re.match(r".*?\(\*(\w+)\)\(", statement)
    if function:
        return [function.group(1)]
    return [re.search(r"(\w+)\s*(\[[^]]*\]\s*)*$", d).group(1) for d in statement.split(",")]


for path in sys.argv[1:]:
    text = re.sub(r"/\*.*?\*/", "", open(path, encoding="utf-8").read(), flags=re.S)
    text = re.sub(r"#define(.*\\\n)*.*\n", "\n", text)
    for tag, body in re.findall(r"struct (rn_\w+) \{(.*?)\n\};", text, flags=re.S):
        print(f"S({tag})")
        for statement in filter(None, (" ".join(s.split()) for s in body.split(";"))):
            for name in declarators(statement):
                print(f"F({tag}, {name})")
