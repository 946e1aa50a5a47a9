/* peak.c - what the processor can do at most, for the arithmetic floor of tests/bench: a product of
 * two square matrices in oneDNN, each thread its own rows. Prints the fastest of some repeats,
 * which other programs disturb least.
 *
 *   peak [THREADS [SIZE [REPEATS]]]      1 2048 8 */
#include <oneapi/dnnl/dnnl.h>

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static float *matrix(int64_t size)
{
    float *m = malloc((size_t)(size * size) * sizeof *m);

    for (int64_t i = 0; m && i < size * size; i++)
        m[i] = (float)(i * 7919 % 1009) / 500 - 1;
    return m;
}

/* Seconds, or < 0 when oneDNN refused. */
static double product(int threads, int64_t n, const float *a, const float *b, float *c)
{
    int bad = 0;
    double begun = omp_get_wtime();

#pragma omp parallel num_threads(threads) reduction(+ : bad)
    {
        omp_set_num_threads(1); /* of those that oneDNN would start in each */
        int64_t first = n * omp_get_thread_num() / omp_get_num_threads();
        int64_t last = n * (omp_get_thread_num() + 1) / omp_get_num_threads();

        bad += dnnl_sgemm('N', 'N', last - first, n, n, 1, a + first * n, n, b, n, 0, c + first * n,
                          n) != dnnl_success;
    }
    return bad ? -1 : omp_get_wtime() - begun;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 1, repeats = argc > 3 ? atoi(argv[3]) : 8;
    int64_t n = argc > 2 ? atoi(argv[2]) : 2048;
    const dnnl_version_t *v = dnnl_version();
    double best = 0;

    if (threads < 1 || n < threads || repeats < 1) {
        fprintf(stderr, "usage: peak [THREADS [SIZE [REPEATS]]]\n");
        return 2;
    }
    float *a = matrix(n), *b = matrix(n), *c = matrix(n);
    int bad = !a || !b || !c;
    for (int i = 0; !bad && i < repeats; i++) {
        double s = product(threads, n, a, b, c);
        bad = s < 0;
        best = i && best < s ? best : s;
    }
    free(a);
    free(b);
    free(c);
    if (bad) {
        fprintf(stderr, "peak: no memory, or oneDNN refused\n");
        return 1;
    }
    printf("%.1f GFLOP/s, %d threads, oneDNN %d.%d.%d\n",
           2e-9 * (double)n * (double)n * (double)n / best, threads, v->major, v->minor, v->patch);
    return 0;
}
