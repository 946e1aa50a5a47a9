/* source.c - the texts that NVRTC compiles: a map's body in the frame of a kernel, with only what
 * the body names, so that nothing is computed or loaded for nothing. */
#include "cuda.h"

#include <ctype.h>

extern const char *const prelude_lines[], *const random_lines[], *const kernels_lines[];

static void add_lines(struct rn_text *out, const char *const *lines)
{
    for (; *lines; lines++)
        if (strncmp(*lines, "#include", 8) != 0)
            rn_text_str(out, *lines);
}

void prelude_source(bool draws, struct rn_text *out)
{
    add_lines(out, prelude_lines);
    if (draws)
        add_lines(out, random_lines);
}

void kernels_source(struct rn_text *out) { add_lines(out, kernels_lines); }

/* ---- maps ------------------------------------------------------------------------------- */

static bool in_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* Whether the body has the name as a word of its own. */
static bool names(const char *body, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = strstr(body, name); at; at = strstr(at + 1, name))
        if ((at == body || !in_word(at[-1])) && !in_word(at[n]))
            return true;
    return false;
}

static bool names_letter(const char *body, char letter, int k)
{
    return names(body, (char[]){letter, (char)('0' + k), '\0'});
}

bool map_names_argument(const struct rn_map *map, int k) { return names_letter(map->body, 'a', k); }

struct map_form map_form_of(const struct rn_map *map, const struct rn_map_call *c)
{
    struct map_form f = {.map = map, .wide = c->rows * c->cols > INT32_MAX - THREADS};

    for (int k = 0; k < map->n_in; k++)
        f.span[k] = c->span[k];
    for (int k = 0; k < map->n_out; k++)
        f.adds[k] = c->beta[k] != 0;
    return f;
}

static void parameters(const struct map_form *f, const char *name, struct rn_text *out)
{
    rn_text_add(out,
                "extern \"C\" __global__ void %s(uint32_t *rn_mark, uint32_t rn_tag, "
                "const struct block *rn_b, int64_t rn_n, int64_t rn_cols, uint64_t rn_key, "
                "uint32_t rn_draw",
                name);
    for (int k = 0; k < f->map->n_in; k++)
        rn_text_add(out, ", const float *rn_in%d", k);
    for (int k = 0; k < f->map->n_out; k++)
        rn_text_add(out, ", float *rn_out%d, uint32_t rn_move%d", k, k);
    for (int k = 0; k < RN_MAP_ARG; k++)
        if (map_names_argument(f->map, k))
            rn_text_add(out, ", float rn_a%d, uint32_t rn_from%d", k, k);
    rn_text_add(out, ")\n{\n");
}

/* The element's number, and where the body or a span needs them its row and column. */
static void place(const struct map_form *f, struct rn_text *out)
{
    bool row = names(f->map->body, "row"), col = names(f->map->body, "col");
    const char *type = f->wide ? "int64_t" : "int32_t";

    for (int k = 0; k < f->map->n_in; k++) {
        row |= f->span[k] == RN_PER_ROW;
        col |= f->span[k] == RN_PER_COL;
    }
    rn_text_add(out,
                "    const %s rn_i = (%s)blockIdx.x * (%s)blockDim.x + (%s)threadIdx.x;\n"
                "    BEGIN(rn_mark, rn_tag);\n"
                "    if (rn_i >= rn_n)\n        return;\n",
                type, type, type, type);
    if (row || col)
        rn_text_add(out, "    const int64_t row = rn_i / (%s)rn_cols;\n", type);
    if (col)
        rn_text_add(out, "    const int64_t col = rn_i - row * rn_cols;\n");
}

static void values(const struct map_form *f, struct rn_text *out)
{
    static const char *const index[] = {
        [RN_EACH] = "rn_i", [RN_PER_COL] = "col", [RN_PER_ROW] = "row", [RN_ONE] = "0"};
    const char *body = f->map->body;

    for (int k = 0; k < f->map->n_in; k++)
        if (names_letter(body, 'x', k))
            rn_text_add(out, "    const float x%d = rn_in%d[%s];\n", k, k, index[f->span[k]]);
    for (int k = 0; k < RN_MAP_ARG; k++)
        if (map_names_argument(f->map, k))
            rn_text_add(out, "    const float a%d = rn_from%d ? rn_b->f[rn_from%d] : rn_a%d;\n", k,
                        k, k, k);
    if (f->map->uses_u)
        rn_text_add(out,
                    "    const float u = rn_uniform(rn_key, rn_b->u[rn_draw], (uint64_t)rn_i);\n");
    for (int k = 0; k < RN_MAP_OUT; k++)
        if (k < f->map->n_out || names_letter(body, 'y', k))
            rn_text_add(out, "    float y%d = 0;\n", k);
}

void map_source(const struct map_form *f, const char *name, struct rn_text *out)
{
    parameters(f, name, out);
    place(f, out);
    values(f, out);
    rn_text_add(out, "    {\n        %s\n    }\n", f->map->body);
    for (int k = 0; k < f->map->n_out; k++)
        rn_text_add(out, "    rn_out%d[rn_b->u[rn_move%d] + rn_i] %s y%d;\n", k, k,
                    f->adds[k] ? "+=" : "=", k);
    rn_text_add(out, "}\n\n");
}
