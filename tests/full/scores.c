/* scores.c - prints what the model of a run says of samples: scores RUN FILE, the file as bytes or
 * floats one behind the other, a line a sample. For comparisons with other programs. */
#include "support/scores.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    int64_t n, width;
    uint64_t bytes;
    void *samples = NULL;
    float *out = NULL;

    json_init();
    int status = argc == 3 ? file_read(argv[2], 1 << 30, &samples, &bytes) : RN_EINVAL;
    if (status >= 0)
        status = scores_of("reports", argv[1], samples, bytes, &out, &n, &width);
    if (status < 0)
        fprintf(stderr, "scores: %s\n", error_text());
    for (int64_t i = 0; status >= 0 && i < n * width; i++)
        printf("%.9g%s", (double)out[i], (i + 1) % width ? " " : "\n");
    mem_free(samples);
    mem_free(out);
    return status < 0;
}
