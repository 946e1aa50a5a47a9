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

bool chain_draws(const struct chain_form *f)
{
    bool draws = false;

    for (int i = 0; i < f->n; i++)
        draws |= f->link[i].kind == RN_OP_MAP && f->link[i].map->uses_u;
    return draws;
}

/* ---- parameters: names end in the number of their link ------------------------------------ */

static void map_parameters(const struct rn_map *map, int i, struct rn_text *out)
{
    for (int k = 0; k < map->n_in; k++)
        rn_text_add(out, ", const float *rn_in%d_%d", k, i);
    for (int k = 0; k < map->n_out; k++)
        rn_text_add(out, ", float *rn_out%d_%d, uint32_t rn_move%d_%d", k, i, k, i);
    for (int k = 0; k < RN_MAP_ARG; k++)
        if (map_names_argument(map, k))
            rn_text_add(out, ", float rn_a%d_%d, uint32_t rn_from%d_%d", k, i, k, i);
    if (map->uses_u)
        rn_text_add(out, ", uint64_t rn_key_%d, uint32_t rn_draw_%d", i, i);
}

static void parameters(const struct chain_form *f, const char *name, struct rn_text *out)
{
    rn_text_add(out,
                "extern \"C\" __global__ void %s(uint32_t *rn_mark, uint32_t rn_tag, "
                "const struct block *rn_b, int64_t rn_n",
                name);
    for (int i = 0; i < f->n; i++) {
        rn_text_add(out, ", int64_t rn_cols_%d", i);
        if (f->way == BESIDE)
            rn_text_add(out, ", uint32_t rn_end_%d, int64_t rn_count_%d", i, i);
        if (f->link[i].kind == RN_OP_MAP)
            map_parameters(f->link[i].map, i, out);
        else
            rn_text_add(out, ", const float *rn_in_%d, float *rn_out_%d", i, i);
        if (f->link[i].kind == RN_OP_REDUCE)
            rn_text_add(out, ", uint32_t rn_move_%d, float rn_beta_%d", i, i);
    }
    rn_text_add(out, ")\n{\n");
}

/* ---- bodies -------------------------------------------------------------------------------- */

static bool needs(const struct link_form *l, const char *name, enum rn_span span)
{
    bool found = names(l->map->body, name);

    for (int k = 0; k < l->map->n_in; k++)
        found |= l->span[k] == span && names_letter(l->map->body, 'x', k);
    return found;
}

static void load(const struct link_form *l, int i, struct rn_text *out)
{
    static const char *const index[] = {
        [RN_EACH] = "rn_i", [RN_PER_COL] = "col", [RN_PER_ROW] = "row", [RN_ONE] = "0"};
    const char *body = l->map->body;

    for (int k = 0; k < l->map->n_in; k++)
        if (names_letter(body, 'x', k))
            rn_text_add(out, "        const float x%d = rn_in%d_%d[%s];\n", k, k, i,
                        index[l->span[k]]);
    for (int k = 0; k < RN_MAP_ARG; k++)
        if (map_names_argument(l->map, k))
            rn_text_add(out,
                        "        const float a%d = rn_from%d_%d ? rn_b->f[rn_from%d_%d] : "
                        "rn_a%d_%d;\n",
                        k, k, i, k, i, k, i);
    if (l->map->uses_u)
        rn_text_add(out,
                    "        const float u = rn_uniform(rn_key_%d, rn_b->u[rn_draw_%d], "
                    "(uint64_t)rn_i);\n",
                    i, i);
    for (int k = 0; k < RN_MAP_OUT; k++)
        if (k < l->map->n_out || names_letter(body, 'y', k))
            rn_text_add(out, "        float y%d = 0;\n", k);
}

/* In a block of its own: rn_i, and row and col where they are needed, are there. */
static void map_body(const struct link_form *l, int i, struct rn_text *out)
{
    load(l, i, out);
    rn_text_add(out, "        {\n            %s\n        }\n", l->map->body);
    for (int k = 0; k < l->map->n_out; k++)
        rn_text_add(out, "        rn_out%d_%d[rn_b->u[rn_move%d_%d] + rn_i] %s y%d;\n", k, i, k, i,
                    l->adds[k] ? "+=" : "=", k);
}

/* ---- an element a thread --------------------------------------------------------------------- */

static const char *index_type(const struct chain_form *f)
{
    return f->wide ? "int64_t" : "int32_t";
}

/* The element rn_i of link i. */
static void one_element(const struct chain_form *f, int i, struct rn_text *out)
{
    const struct link_form *l = &f->link[i];
    const bool col = needs(l, "col", RN_PER_COL), row = col || needs(l, "row", RN_PER_ROW);

    if (row)
        rn_text_add(out, "        const int64_t row = rn_i / (%s)rn_cols_%d;\n", index_type(f), i);
    if (col)
        rn_text_add(out, "        const int64_t col = rn_i - row * rn_cols_%d;\n", i);
    map_body(l, i, out);
}

static void by_element(const struct chain_form *f, struct rn_text *out)
{
    const char *type = index_type(f);

    rn_text_add(out,
                "    const %s rn_i = (%s)blockIdx.x * (%s)blockDim.x + (%s)threadIdx.x;\n"
                "    BEGIN(rn_mark, rn_tag);\n"
                "    if (rn_i >= rn_n)\n        return;\n",
                type, type, type, type);
    for (int i = 0; i < f->n; i++) {
        rn_text_add(out, "    {\n");
        one_element(f, i, out);
        rn_text_add(out, "    }\n");
    }
}

/* Each link has some of the blocks, up to rn_end. */
static void beside(const struct chain_form *f, struct rn_text *out)
{
    const char *type = index_type(f);

    rn_text_add(out, "    BEGIN(rn_mark, rn_tag);\n");
    for (int i = 0; i < f->n; i++) {
        rn_text_add(out,
                    "    %sif (blockIdx.x < rn_end_%d) {\n        const %s rn_i = (%s)(blockIdx.x",
                    i ? "else " : "", i, type, type);
        if (i)
            rn_text_add(out, " - rn_end_%d", i - 1);
        rn_text_add(out,
                    ") * (%s)blockDim.x + (%s)threadIdx.x;\n"
                    "        if (rn_i >= rn_count_%d)\n            return;\n",
                    type, type, i);
        one_element(f, i, out);
        rn_text_add(out, "    }\n");
    }
}

/* ---- a row a warp ---------------------------------------------------------------------------- */

static void by_row(const struct chain_form *f, struct rn_text *out)
{
    static const char *const reductions[] = {"REDUCE_SUM", "REDUCE_SUM_SQUARES", "REDUCE_MAX"};

    rn_text_add(out, "    const int64_t row = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / "
                     "WARP;\n"
                     "    BEGIN(rn_mark, rn_tag);\n"
                     "    if (row >= rn_n)\n        return;\n");
    for (int i = 0; i < f->n; i++) {
        if (i)
            rn_text_add(out, "    __syncwarp();\n");
        switch (f->link[i].kind) {
        case RN_OP_MAP:
            rn_text_add(
                out,
                "    ROLLED for (int64_t col = threadIdx.x %% WARP; col < rn_cols_%d; col += WARP)"
                " {\n        const int64_t rn_i = row * rn_cols_%d + col;\n",
                i, i);
            map_body(&f->link[i], i, out);
            rn_text_add(out, "    }\n");
            break;
        case RN_OP_REDUCE:
            rn_text_add(out,
                        "    reduce_row(%s, rn_in_%d + row * rn_cols_%d, rn_cols_%d,\n"
                        "               rn_out_%d + rn_b->u[rn_move_%d] + row, rn_beta_%d);\n",
                        reductions[f->link[i].reduction], i, i, i, i, i, i);
            break;
        default:
            rn_text_add(out,
                        "    argmax_row(rn_in_%d + row * rn_cols_%d, rn_cols_%d, rn_out_%d + row);"
                        "\n",
                        i, i, i, i);
        }
    }
}

void chain_source(const struct chain_form *f, const char *name, struct rn_text *out)
{
    static void (*const ways[WAYS])(const struct chain_form *, struct rn_text *) = {by_element,
                                                                                    by_row, beside};

    parameters(f, name, out);
    ways[f->way](f, out);
    rn_text_add(out, "}\n\n");
}
