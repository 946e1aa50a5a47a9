/* page.c - the frame of a page: text that is escaped, head, navigation, sections, and writing it.
 */
#include "page.h"

#include "html_files.h"

#include <string.h>

/* ---- text ----------------------------------------------------------------- */

void page_escape(struct rn_text *t, const char *s)
{
    for (int n; *s; s += n ? n : rn_utf8_hidden(s)) {
        n = rn_utf8_shown(s);
        const char *named = *s == '&'    ? "&amp;"
                            : *s == '<'  ? "&lt;"
                            : *s == '>'  ? "&gt;"
                            : *s == '"'  ? "&quot;"
                            : *s == '\'' ? "&#39;"
                            : !n         ? "\xEF\xBF\xBD"
                                         : NULL;
        if (named)
            rn_text_str(t, named);
        else
            rn_text_put(t, s, (size_t)n);
    }
}

int page_short_bytes(const char *s)
{
    int at = 0;

    for (int n = 0; s[at] && n < PAGE_SHORT; n++)
        at += rn_utf8_shown(s + at) ? rn_utf8_shown(s + at) : rn_utf8_hidden(s + at);
    return at;
}

void page_short(struct rn_text *t, const char *s)
{
    char cut[8 * PAGE_SHORT];
    int n = page_short_bytes(s);

    snprintf(cut, sizeof cut, "%.*s", n, s);
    page_escape(t, cut);
    if (s[n])
        rn_text_str(t, "\xE2\x80\xA6");
}

void page_json(struct rn_text *t, const char *s)
{
    char b[RN_JSON_CHAR];

    rn_text_put(t, "\"", 1);
    for (size_t n; (n = rn_json_char(&s, b));) {
        if (n == 1 && strchr("<>&", b[0]))
            rn_text_add(t, "\\u%04x", (unsigned)b[0]);
        else if (n == 6 && strncmp(b, "\\u00", 4) != 0) /* the script would show it */
            rn_text_str(t, "\xEF\xBF\xBD");
        else
            rn_text_put(t, b, n);
    }
    rn_text_put(t, "\"", 1);
}

void page_href(struct rn_text *t, const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~/";

    if (*path != '/' && *path != '.')
        rn_text_str(t, "./"); /* "javascript:" is the name of a file, too */
    for (; *path; path++) {
        if (strchr(plain, *path))
            rn_text_put(t, path, 1);
        else
            rn_text_add(t, "%%%02X", (unsigned)(unsigned char)*path);
    }
}

void page_base64(struct rn_text *t, const uint8_t *bytes, int64_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char out[4 * 256];

    for (int64_t i = 0; i < n;) {
        int at = 0;
        for (int k = 0; k < 256 && i < n; k++, i += 3) {
            int64_t have = n - i < 3 ? n - i : 3;
            uint32_t v = (uint32_t)bytes[i] << 16;
            v |= have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
            v |= have > 2 ? (uint32_t)bytes[i + 2] : 0;
            out[at++] = digits[v >> 18];
            out[at++] = digits[v >> 12 & 63];
            out[at++] = have > 1 ? digits[v >> 6 & 63] : '=';
            out[at++] = have > 2 ? digits[v & 63] : '=';
        }
        rn_text_put(t, out, (size_t)at);
    }
}

/* ---- sections ------------------------------------------------------------- */

void page_section(struct page *p, const char *anchor, const char *title)
{
    p->before = p->body.n;
    if (p->n_sections < PAGE_SECTIONS) {
        p->sections[p->n_sections].anchor = anchor;
        p->sections[p->n_sections++].title = title;
    }
    emit(&p->body,
         "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n", anchor,
         anchor, anchor, title);
    p->after = p->body.n;
}

void page_section_end(struct page *p)
{
    if (p->body.n > p->after) {
        emit(&p->body, "</section>\n\n");
    } else if (p->body.s) {
        p->body.n = p->before;
        p->body.s[p->body.n] = '\0';
        p->n_sections--;
    }
}

/* ---- the whole ------------------------------------------------------------ */

static void put_head(struct rn_text *t, const struct page *p, const char *title, int refresh,
                     const char *style)
{
    emit(t, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "script-src 'sha256-" PAGE_JS_SHA256 "'");
    if (p->script)
        emit(t, " 'sha256-%r'", p->script_sha256);
    emit(t, "; style-src 'unsafe-inline'; img-src data:; "
            "base-uri 'none'; form-action 'none'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n");
    if (refresh)
        emit(t, "<meta http-equiv=\"refresh\" content=\"%i\">\n", (int64_t)refresh);
    emit(t, "<title>%s</title>\n<style>\n%r%r</style>\n</head>\n<body>\n", title, page_css, style);
}

static void put_navigation(struct rn_text *t, const struct page *p)
{
    if (p->n_sections < 2)
        return;
    emit(t, "<nav aria-label=\"Sections\"><ul>\n");
    for (int i = 0; i < p->n_sections; i++)
        emit(t, "<li><a href=\"#%s\">%s</a></li>\n", p->sections[i].anchor, p->sections[i].title);
    emit(t, "</ul></nav>\n");
}

int page_write(struct page *p, const char *path, const char *title, int refresh, const char *style)
{
    struct rn_text t = {0};

    put_head(&t, p, title, refresh, style);
    emit(&t, "<a class=\"skip\" href=\"#main\">Skip to the contents</a>\n<div class=\"page\">\n");
    put_navigation(&t, p);
    emit(&t, "<main id=\"main\" tabindex=\"-1\">\n");
    if (p->body.n)
        rn_text_put(&t, p->body.s, p->body.n);
    emit(&t, "</main>\n</div>\n<script>%r</script>\n", page_js);
    if (p->script)
        emit(&t, "<script>%r</script>\n", p->script);
    emit(&t, "</body>\n</html>\n");
    int status = p->body.status ? p->body.status : t.status;
    rn_host->free(p->body.s);
    if (!status)
        status = rn_host->write_file(path, t.s, t.n);
    rn_host->free(t.s);
    *p = (struct page){0};
    return status;
}
