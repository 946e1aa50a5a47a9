"""The bugs that are planted in the CUDA device to see whether its tests find them. Each operator is
a mistake that people make in such code, as a rewriting of one place; every place that matches is a
candidate. The list was written before the device and its tests were, and is not fitted to them."""

KERNELS, HOST = "kernels", "host"  # plugins/devices/cuda/*.cu; plugins/devices/cuda/*.c

# name, where, what to find, what to put there
OPERATORS = [
    ("barrier dropped", KERNELS, r"__sync(threads|warp)\(\);", ";"),
    ("bound one too far", KERNELS, r"(?<=[\w\)\]] )<(?= [\w\(])", "<="),
    ("bound one too near", KERNELS, r"(?<=; )(\w+ < [\w\.\->]+)(?=;)", r"\1 - 1"),
    ("loop begins at one", KERNELS, r"(?<=for \()(\w+ \w+) = 0;", r"\1 = 1;"),
    ("bound check missing", KERNELS, r"if \((\w+) (<|>=) (\w+)\)(?= *(return|\n|\{|\w))",
     r"if ((\1 \2 \3) || ('\2' == '<'))"),
    ("index of the wrong kind", KERNELS, r"\bblockIdx\.x\b", "threadIdx.x"),
    ("stride of the wrong kind", KERNELS, r"\bblockDim\.x\b", "gridDim.x"),
    ("partial result not set", KERNELS, r"(\w+) = neutral\(", r"\1 = 0 * neutral("),
    ("sum overwritten", KERNELS, r"\+=", "="),
    ("padding added, not taken", KERNELS, r"- (?=\w+\.?\w*pad)", "+ "),
    ("leading dimensions swapped", HOST, r"\blda\b", "ldb"),
    ("leading dimensions swapped", HOST, r"\bldb\b", "lda"),
    ("wrong leading dimension", HOST, r"\bldc\b", "lda"),
    ("rows for columns", HOST, r"->m\b", "->n"),
    ("columns for rows", HOST, r"->n\b", "->m"),
    ("transposed the other way", HOST, r"->t([ab])\b", r"->t\1 == 0"),
    ("beta left out", HOST, r"->beta\b", "->beta * 0"),
    ("bytes for elements", HOST, r" \* sizeof\(?(\w+|\*\w+)\)?", ""),
    ("half the bytes", HOST, r"\bbytes\b(?=[,\)])", "bytes / 2"),
    ("missing wait", HOST, r"CU\((cu(StreamWaitEvent|StreamSynchronize|EventSynchronize)\([^;]*)\)\)",
     "RN_OK"),
    ("missing record", HOST, r"CU\((cuEventRecord\([^;]*)\)\)", "RN_OK"),
    ("wrong stream", HOST, r"->copy_stream\b", "->stream"),
    ("wrong stream", HOST, r"->stream\b", "->copy_stream"),
    ("host pointer", HOST, r"\(CUdeviceptr\)(\(?)dst", r"(CUdeviceptr)\1src"),
    ("host pointer", HOST, r"\(CUdeviceptr\)(\(?)src", r"(CUdeviceptr)\1dst"),
    ("too few blocks", HOST, r"\+ (\w+) - 1\) / \1", r") / \1"),
    ("wrong offset", HOST, r"(?<=[\w\)\]] )\+ (?=\w+ \* )", "- "),
]
