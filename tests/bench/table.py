"""The table and what stands below it, and the same as one JSON document."""
import math

DASH, SMOKE_NOTE = "-", "smoke: one step of everything; these figures are no measurement"


def number(value, digits=3) -> str:
    """With three significant digits, zeros at the end included."""
    if value is None:
        return DASH
    if not value:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def judged(result) -> str:
    """Each bar and whether it is met."""
    words = []
    for bar in result.row.bars:
        met = result.met(bar)
        word = "" if met is None else " met" if met else " not met"
        words.append(bar.text(result.row.unit) + word
                     + ("*" if met is False and result.impossible(bar) else ""))
    return ", ".join(words) or DASH


def cells(result) -> list:
    row, unit = result.row, result.row.unit
    figure = f"{number(result.figure)} {unit}" if result.ours else DASH
    several = len(result.ours) > 1
    span = f"{number(min(result.ours))} to {number(max(result.ours))}" if several else DASH
    peer = result.peer_figure
    return [row.title, str(row.threads), figure, span,
            f"{number(peer)} {unit} /{result.peer_threads}" if peer is not None else DASH,
            f"{number(result.ratio)} x" if result.ratio else DASH,
            f"{number(result.floor)} {unit}" if result.floor else DASH,
            f"{number(result.above_floor)} x" if result.floor else DASH,
            judged(result)]


def aligned(head, lines, left) -> str:
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) if i in left else c.rjust(w)
                               for i, (c, w) in enumerate(zip(line, widths))).rstrip()
                     for line in [head, ["-" * w for w in widths], *lines])


def main_table(results) -> str:
    head = ["", "thr", "ours", "least to most", "PyTorch /thr", "ratio", "floor", "above", "bar"]
    return aligned(head, [cells(r) for r in results], {0, 8})


def notes(results, document) -> list:
    lines = [f"{r.row.title}: {note}" for r in results for note in r.notes]
    if any("*" in judged(r) for r in results):
        lines.append("* below the arithmetic floor as measured here")
    if document["peak_gflops"]:
        peaks = ", ".join(f"{g:.0f} GFLOP/s on {n}" for n, g in document["peak_gflops"].items())
        lines.append(f"floor: the arithmetic at the peak of {document['machine']['onednn']}: "
                     f"{peaks}")
    return lines


def scaling_table(points) -> str:
    head = ["a step of the series", "at", "time", "MFLOP", "GFLOP/s", "of peak", "operations"]
    lines = [[p["series"], str(p["at"]), f"{number(1e6 * p['step_s'])} us",
              number(1e-6 * p["flop"]), number(p["gflops"]), f"{100 * p['share_of_peak']:.0f} %",
              str(p.get("operations", DASH))] for p in points]
    return aligned(head, lines, {0})


def text(results, document) -> str:
    m = document["machine"]
    parts = [f"{m['cpu']}, {m['cores']} cores, {' '.join(m['flags'])}, load {m['load_start']} to "
             f"{m['load_end']}\nPyTorch: {m['torch'] or 'none'}; commit "
             f"{document['commit'] or 'unknown'}; rounds: {document['rounds']}; medians",
             main_table(results)]
    if document["smoke"]:
        parts.append(SMOKE_NOTE)
    parts.append("\n".join(notes(results, document)))
    if document["scaling"]:
        parts.append(scaling_table(document["scaling"]))
    return "\n\n".join(p for p in parts if p)


def json_row(result) -> dict:
    r = result.row
    return {"key": r.key, "title": r.title, "unit": r.unit, "threads": r.threads, "how": r.how,
            "ours": result.figure, "ours_values": result.ours,
            "peer": result.peer_figure, "peer_threads": result.peer_threads,
            "peer_values": {str(n): values for n, values in result.peer.items()},
            "ratio": result.ratio, "floor": result.floor, "above_floor": result.above_floor,
            "bars": [{"text": b.text(r.unit), "of": b.of, "limit": b.limit, "met": result.met(b),
                      "below_floor": result.impossible(b)} for b in r.bars],
            "notes": result.notes}
