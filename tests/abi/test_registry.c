/* test_registry.c - finding and loading plugins, with broken ones as real shared modules: each is
 * refused with a message of its own, and nothing else suffers. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "plugin/describe.h"
#include "support/suite.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[PATH_MAX]; /* the plugin folder of one test */
static struct registry *registry;

static const char *path_of(const char *rel)
{
    static char path[4][PATH_MAX + 64];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, rel);
    return path[turn];
}

/* Copies the module built as name to rel within the folder; cut: only its first half. */
static void put(const char *name, const char *rel, bool cut)
{
    char from[PATH_MAX];
    const char *modules = getenv("RN_ABI_DIR");
    void *data;
    uint64_t bytes;

    ck_assert_msg(modules != NULL, "RN_ABI_DIR is not set: run this by meson test");
    snprintf(from, sizeof from, "%s/%s.so", modules, name);
    ck_assert_msg(!file_read(from, 1 << 24, &data, &bytes), "%s", error_text());
    ck_assert_int_eq(file_write(path_of(rel), data, cut ? bytes / 2 : bytes), RN_OK);
    mem_free(data);
}

static void setup(void)
{
    const char *folder = dir;

    snprintf(dir, sizeof dir, "/tmp/test_registry-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(file_mkdirs(path_of("layers")), RN_OK);
    ck_assert_int_eq(file_mkdirs(path_of("more/layers")), RN_OK);
    unsetenv("RN_PLUGIN_PATH");
    ck_assert_msg(!registry_open(&folder, 1, &registry), "%s", error_text());
}

static void teardown(void)
{
    registry_close(registry);
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

static void said(const char *part)
{
    ck_assert_msg(strstr(error_text(), part) != NULL, "expected: %s\nsaid: %s", part, error_text());
}

static const struct plugin *found(const char *name)
{
    const struct plugin *p = NULL;

    ck_assert_msg(!registry_find(registry, RN_KIND_LAYER, name, &p), "%s", error_text());
    ck_assert_ptr_nonnull(p);
    return p;
}

static void refused(const char *name, const char *why)
{
    const struct plugin *p;

    ck_assert_int_eq(registry_find(registry, RN_KIND_LAYER, name, &p), RN_EPLUGIN);
    ck_assert_ptr_null(p);
    said(why);
}

/* ---- broken files --------------------------------------------------------- */

static const struct {
    const char *name, *why; /* why: behind "<path>: " */
} broken[] = {
    {"other_major", "built for plugin ABI 2; this runner speaks 1: build it again"},
    {"no_symbol", "no plugin: it exports no rn_plugin_query_v1; end its source with RN_PLUGINS"},
    {"major", "is built for plugin ABI 2.0; this runner speaks 1.0: build it again"},
    {"minor", "is built for the newer plugin ABI 1.1; this runner speaks 1.0: update the runner"},
    {"size", "has a descriptor of 40 bytes, shorter than the 88 of ABI 1.0"},
    {"kind", "is of the unknown kind 99"},
    {"no_name", "provides a layer without a name"},
    {"name", "provides a layer named 'Bad-Name'; a name is [a-z][a-z0-9_]*"},
    {"no_summary", "layer 'no_summary': has no summary; say what it is"},
    {"no_version", "layer 'no_version': has no version, as \"1.0.0\""},
    {"no_license", "layer 'no_license': has no license; give its SPDX identifier"},
    {"no_ops", "layer 'no_ops': has no functions: ops is NULL"},
    {"tiny_ops", "layer 'tiny_ops': has functions of 4 bytes"},
    {"short_ops", "layer 'short_ops': has no forward(); every layer needs one"},
    {"no_forward", "layer 'no_forward': has no forward(); every layer needs one"},
    {"stride", "layer 'stride': its options have rows of 8 bytes, at least 56 are needed"},
    {"help", "layer 'help': option 'units' has no help"},
    {"default", "layer 'default': option 'units' has an unusable default: 10 is above the maximum"},
    {"overlap", "layer 'overlap': option 'same' shares its field with option 'units'"},
    {"outside", "layer 'outside': option 'far' lies outside the options struct: offset 16"},
    {"choices", "layer 'choices': option 'units' is a choice of nothing"},
    {"type", "layer 'type': option 'units' has the unknown type 77"},
    {"no_lr", "optimizer 'no_lr': has no option 'lr' of type float, which every optimizer needs"},
    {"other_name", "it provides layer 'else', but its path promises layer 'other_name'; the file "
                   "belongs at layers/else.so"},
    {"other_kind", "it provides loss 'other_kind', but its path promises layer 'other_kind'; the "
                   "file belongs at losses/other_kind.so"},
    {"none", "it provides no plugin; list them in RN_PLUGINS"},
    {"twice", "it provides layer 'twice' twice"},
    {"undefined", "undefined symbol: not_there; link it with -Wl,--no-undefined"},
    {"needs",
     "libnowhere.so: cannot open shared object file: No such file or directory; run `ldd "},
};

START_TEST(broken_file_says_why)
{
    char rel[64], why[PATH_MAX + 256];

    snprintf(rel, sizeof rel, "layers/%s.so", broken[_i].name);
    put(broken[_i].name, rel, false);
    put("good", "layers/good.so", false);
    snprintf(why, sizeof why, "%s: ", path_of(rel));
    refused(broken[_i].name, why);
    said(broken[_i].why);
    refused(broken[_i].name, why); /* the same when asked again */
    said(broken[_i].why);
    ck_assert_str_eq(found("good")->version, "1.2.3");
}
END_TEST

START_TEST(text_is_no_shared_object)
{
    ck_assert_int_eq(file_write(path_of("layers/text.so"), "not a plugin\n", 13), RN_OK);
    refused("text", "/layers/text.so: ");
    said("build it as a shared object for this machine");
}
END_TEST

START_TEST(empty_file_is_no_shared_object)
{
    ck_assert_int_eq(file_write(path_of("layers/empty.so"), "", 0), RN_OK);
    refused("empty", "file too short; build it as a shared object for this machine");
}
END_TEST

START_TEST(cut_file_is_refused)
{
    put("good", "layers/good.so", true);
    refused("good", "/layers/good.so: it is cut short: ");
}
END_TEST

START_TEST(other_machine_is_refused)
{
    void *data;
    uint64_t bytes;

    put("good", "layers/good.so", false);
    ck_assert_int_eq(file_read(path_of("layers/good.so"), 1 << 24, &data, &bytes), RN_OK);
    ((unsigned char *)data)[4] = 1; /* EI_CLASS: 32 bits */
    ck_assert_int_eq(file_write(path_of("layers/good.so"), data, bytes), RN_OK);
    mem_free(data);
    refused("good", "ELFCLASS32; build it as a shared object for this machine");
}
END_TEST

START_TEST(folder_is_no_file)
{
    ck_assert_int_eq(file_mkdirs(path_of("layers/good.so")), RN_OK);
    refused("good", "/layers/good.so: it is not a file that can be read");
}
END_TEST

START_TEST(dangling_link_is_not_there)
{
    ck_assert_int_eq(file_symlink("/nowhere/good.so", path_of("layers/good.so")), RN_OK);
    refused("good", "no layer is called 'good'");
}
END_TEST

START_TEST(file_that_all_may_write_is_refused)
{
    put("good", "layers/good.so", false);
    ck_assert_int_eq(chmod(path_of("layers/good.so"), 0666), 0);
    refused("good",
            "the file can be written by everyone, so anyone could run code here; chmod o-w ");
}
END_TEST

/* but one further up may be sticky, as /tmp is */
START_TEST(folder_that_all_may_write_is_refused)
{
    const char *folder = _i & 1 ? "" : "layers";

    put("good", "layers/good.so", false);
    ck_assert_int_eq(chmod(path_of(folder), _i & 2 ? 01777 : 0777), 0);
    if (_i == 3)
        found("good");
    else
        refused("good", "its folder ");
    if (_i < 3)
        said("can be written by everyone");
    ck_assert_int_eq(chmod(path_of(folder), 0755), 0);
}
END_TEST

START_TEST(link_into_such_a_folder_is_refused)
{
    put("good", "more/good.so", false);
    ck_assert_int_eq(file_symlink("../more/good.so", path_of("layers/good.so")), RN_OK);
    ck_assert_int_eq(chmod(path_of("more"), 0777), 0);
    refused("good", "can be written by everyone");
    said("/more");
}
END_TEST

START_TEST(crash_names_the_file)
{
    int ends[2], status;
    char text[PATH_MAX + 64] = "";
    size_t n = 0;
    ssize_t got;

    put("crash", "layers/crash.so", false);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (!pid) {
        const struct plugin *p;
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        registry_find(registry, RN_KIND_LAYER, "crash", &p);
        _exit(0);
    }
    close(ends[1]);
    while (n < sizeof text - 1 && (got = read(ends[0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status), "it went on");
    ck_assert_msg(!strncmp(text, "runner: this plugin crashed while it was loaded: /tmp/", 53) &&
                      strstr(text, "/layers/crash.so\n"),
                  "said: %s", text);
}
END_TEST

START_TEST(arithmetic_is_put_right_again)
{
#ifdef __x86_64__
    volatile float small = 1e-40f, one = 1;

    put("flush", "layers/flush.so", false);
    found("flush");
    ck_assert(small * one != 0);
#endif
}
END_TEST

/* ---- older and newer ------------------------------------------------------ */

START_TEST(older_plugin_loads)
{
    put("old", "layers/old.so", false);
    const struct plugin *p = found("old");
    ck_assert(p->ops.layer.plan && !p->ops.layer.forward && !p->ops.layer.backward);
    ck_assert(p->options.n == 1 && p->options.rows[0].max == 9 && !p->options.rows[0].alias);
}
END_TEST

START_TEST(plugin_with_more_functions_loads)
{
    put("larger", "layers/larger.so", false);
    ck_assert_ptr_nonnull((void *)(uintptr_t)found("larger")->ops.layer.backward);
}
END_TEST

/* ---- finding -------------------------------------------------------------- */

START_TEST(found_once)
{
    put("good", "layers/good.so", false);
    const struct plugin *p = found("good");
    ck_assert_str_eq(p->name, "good");
    ck_assert_str_eq(p->license, "MIT");
    ck_assert_str_eq(p->path, path_of("layers/good.so"));
    ck_assert_ptr_eq(found("good"), p);
}
END_TEST

START_TEST(not_found_says_where_and_what_else)
{
    put("good", "layers/good.so", false);
    ck_assert_int_eq(registry_add_dir(registry, path_of("more")), RN_OK);
    refused("goood", "no layer is called 'goood' (did you mean 'good'?); looked for "
                     "layers/goood.so in /tmp/");
    said(path_of("more"));
}
END_TEST

START_TEST(name_is_no_path)
{
    put("good", "more/layers/good.so", false);
    refused("../more/layers/good", "'../more/layers/good' is not the name of a layer");
    refused("", "'' is not the name of a layer");
    refused("GOOD", "'GOOD' is not the name of a layer");
}
END_TEST

START_TEST(working_directory_is_not_searched)
{
    put("good", "more/layers/good.so", false);
    put("good", "more/good.so", false);
    ck_assert_int_eq(chdir(path_of("more")), 0);
    setenv("RN_PLUGIN_PATH", ".:", 1);
    struct registry *r;
    const struct plugin *p;
    ck_assert_int_eq(registry_open(NULL, 0, &r), RN_OK);
    ck_assert_int_eq(registry_find(r, RN_KIND_LAYER, "good", &p), RN_EPLUGIN);
    registry_close(r);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(first_folder_wins)
{
    put("good", "layers/good.so", false);
    put("good", "more/layers/good.so", false);
    ck_assert_int_eq(registry_add_dir(registry, path_of("more")), RN_OK);
    ck_assert_str_eq(found("good")->path, path_of("layers/good.so"));
    struct text bad = {0};
    const struct plugin *const *list;
    int n;
    ck_assert_int_eq(registry_all(registry, RN_KIND_LAYER, &list, &n, &bad), RN_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_str_eq(text_str(&bad), "");
}
END_TEST

START_TEST(environment_comes_after_the_command_line)
{
    const char *first = path_of("more");
    struct registry *r;
    const struct plugin *p;

    put("good", "layers/good.so", false);
    put("good", "more/layers/good.so", false);
    put("old", "layers/old.so", false);
    setenv("RN_PLUGIN_PATH", dir, 1);
    ck_assert_int_eq(registry_open(&first, 1, &r), RN_OK);
    ck_assert_int_eq(registry_find(r, RN_KIND_LAYER, "good", &p), RN_OK);
    ck_assert_str_eq(p->path, path_of("more/layers/good.so"));
    ck_assert_int_eq(registry_find(r, RN_KIND_LAYER, "old", &p), RN_OK);
    registry_close(r);
}
END_TEST

START_TEST(folder_has_to_be_there)
{
    ck_assert_int_eq(registry_add_dir(registry, path_of("nowhere")), RN_EINVAL);
    said("/nowhere does not exist");
    ck_assert_int_eq(registry_add_dir(registry, "plugins"), RN_EINVAL);
    said("the plugin folder plugins is no absolute path");
}
END_TEST

START_TEST(link_is_no_second_plugin)
{
    put("good", "layers/good.so", false);
    ck_assert_int_eq(file_symlink("../../layers/good.so", path_of("more/layers/good.so")), RN_OK);
    ck_assert_int_eq(registry_add_dir(registry, path_of("more")), RN_OK);
    const struct plugin *const *list;
    int n;
    ck_assert_int_eq(registry_all(registry, 0, &list, &n, NULL), RN_OK);
    ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(two_files_with_one_plugin_are_refused)
{
    char why[2 * PATH_MAX];

    put("two", "layers/two.so", false);
    put("another", "layers/another.so", false);
    found("two");
    refused("another", "it provides layer 'extra', and so does ");
    snprintf(why, sizeof why, "%s: it provides layer 'extra', and so does %s; remove one of them",
             path_of("layers/another.so"), path_of("layers/two.so"));
    said(why);
}
END_TEST

START_TEST(second_plugin_of_a_file_is_found)
{
    put("two", "layers/two.so", false);
    ck_assert_str_eq(found("extra")->summary, "the second of two");
}
END_TEST

/* ---- lists ---------------------------------------------------------------- */

START_TEST(all_lists_good_and_bad)
{
    struct text bad = {0};
    const struct plugin *const *list;
    const char *const *names;
    int n;

    put("two", "layers/two.so", false);
    put("good", "layers/good.so", false);
    put("no_ops", "layers/no_ops.so", false);
    ck_assert_int_eq(file_write(path_of("layers/notes.txt"), "x", 1), RN_OK);
    ck_assert_int_eq(registry_names(registry, RN_KIND_LAYER, &names, &n), RN_OK);
    ck_assert(n == 3 && !strcmp(names[0], "good") && !strcmp(names[2], "two"));
    ck_assert_int_eq(registry_all(registry, 0, &list, &n, &bad), RN_OK);
    ck_assert_int_eq(n, 3);
    ck_assert_str_eq(list[0]->name, "extra");
    ck_assert_str_eq(list[1]->name, "good");
    ck_assert_str_eq(list[2]->name, "two");
    ck_assert_ptr_nonnull(strstr(text_str(&bad), "no_ops.so: layer 'no_ops': has no functions"));
    ck_assert_ptr_null(registry_default(registry, RN_KIND_LAYER));
    text_free(&bad);
}
END_TEST

START_TEST(kinds_have_names)
{
    ck_assert_str_eq(kind_name(RN_KIND_LOSS), "loss");
    ck_assert_str_eq(kind_folder(RN_KIND_LOSS), "losses");
    ck_assert_uint_eq(kind_by_name("losses"), RN_KIND_LOSS);
    ck_assert_uint_eq(kind_by_name("reporter"), RN_KIND_REPORTER);
    ck_assert_uint_eq(kind_by_name("lossy"), 0);
    ck_assert_ptr_null(kind_name(0));
    ck_assert_ptr_null(kind_name(99));
}
END_TEST

START_TEST(list_in_words)
{
    struct text t = {0}, want = {0};

    put("good", "layers/good.so", false);
    put("no_ops", "layers/no_ops.so", false);
    text_add(&want,
             "layers\n  good  1.2.3  a layer for tests\n\ncannot be used\n"
             "  %s: layer 'no_ops': has no functions: ops is NULL\n",
             path_of("layers/no_ops.so"));
    ck_assert_int_eq(describe_list(registry, RN_KIND_LAYER, false, &t), RN_OK);
    ck_assert_str_eq(text_str(&t), text_str(&want));
    text_free(&t);
    text_free(&want);
}
END_TEST

START_TEST(list_as_json)
{
    struct text t = {0};

    put("good", "layers/good.so", false);
    put("no_ops", "layers/no_ops.so", false);
    put("size", "layers/size.so", false);
    ck_assert_int_eq(describe_list(registry, 0, true, &t), RN_OK);
    cJSON *json = json_parse(text_str(&t));
    ck_assert_ptr_nonnull(json);
    cJSON *good = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "plugins"), 0);
    ck_assert_str_eq(cJSON_GetObjectItem(good, "name")->valuestring, "good");
    ck_assert_str_eq(cJSON_GetObjectItem(good, "kind")->valuestring, "layer");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "unusable")), 2);
    cJSON_Delete(json);
    text_free(&t);
}
END_TEST

START_TEST(plugin_in_words)
{
    struct text t = {0}, want = {0};

    put("good", "layers/good.so", false);
    text_add(&want,
             "layer good 1.2.3: a layer for tests\n\n"
             "  option  type     default  meaning\n"
             "  units   int 1…9  3        how many\n\n"
             "example  - {type: good, units: 3}\n"
             "license  MIT\nfile     %s\n",
             path_of("layers/good.so"));
    ck_assert_msg(!describe_plugin(registry, NULL, "good", false, &t), "%s", error_text());
    ck_assert_str_eq(text_str(&t), text_str(&want));
    text_free(&t);
    ck_assert_int_eq(describe_plugin(registry, "layers", "good", false, &t), RN_OK);
    ck_assert_str_eq(text_str(&t), text_str(&want));
    text_free(&t);
    text_free(&want);
}
END_TEST

START_TEST(plugin_as_json)
{
    struct text t = {0};

    put("good", "layers/good.so", false);
    ck_assert_int_eq(describe_plugin(registry, "layer", "good", true, &t), RN_OK);
    cJSON *json = json_parse(text_str(&t));
    ck_assert_ptr_nonnull(json);
    cJSON *units = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "options"), 0);
    ck_assert_str_eq(cJSON_GetObjectItem(units, "type")->valuestring, "int");
    ck_assert_str_eq(cJSON_GetObjectItem(units, "default")->valuestring, "3");
    ck_assert_int_eq(cJSON_GetObjectItem(units, "max")->valueint, 9);
    ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(units, "required")));
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(json, "doc")));
    cJSON_Delete(json);
    text_free(&t);
}
END_TEST

START_TEST(describing_what_is_not_there)
{
    struct text t = {0};

    put("good", "layers/good.so", false);
    put("no_ops", "layers/no_ops.so", false);
    ck_assert_int_eq(describe_plugin(registry, NULL, "goodd", false, &t), RN_EPLUGIN);
    said("no plugin is called 'goodd' (did you mean 'good'?)");
    ck_assert_int_eq(describe_plugin(registry, NULL, "no_ops", false, &t), RN_EPLUGIN);
    said("layer 'no_ops': has no functions");
    ck_assert_int_eq(describe_plugin(registry, "lair", "good", false, &t), RN_EINVAL);
    said("'lair' is no kind of plugin; there are: device, layer, loss, optimizer, dataset");
    ck_assert_uint_eq(t.n, 0);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

static void add_all(TCase *c, const TTest *const *tests, int n)
{
    tcase_add_checked_fixture(c, setup, teardown);
    for (int i = 0; i < n; i++)
        tcase_add_test(c, tests[i]);
}

int main(void)
{
    const TTest *const files[] = {text_is_no_shared_object,
                                  empty_file_is_no_shared_object,
                                  cut_file_is_refused,
                                  other_machine_is_refused,
                                  folder_is_no_file,
                                  dangling_link_is_not_there,
                                  file_that_all_may_write_is_refused,
                                  link_into_such_a_folder_is_refused,
                                  crash_names_the_file,
                                  arithmetic_is_put_right_again,
                                  older_plugin_loads,
                                  plugin_with_more_functions_loads};
    const TTest *const finding[] = {found_once,
                                    not_found_says_where_and_what_else,
                                    name_is_no_path,
                                    working_directory_is_not_searched,
                                    first_folder_wins,
                                    environment_comes_after_the_command_line,
                                    folder_has_to_be_there,
                                    link_is_no_second_plugin,
                                    two_files_with_one_plugin_are_refused,
                                    second_plugin_of_a_file_is_found};
    const TTest *const lists[] = {all_lists_good_and_bad,
                                  kinds_have_names,
                                  list_in_words,
                                  list_as_json,
                                  plugin_in_words,
                                  plugin_as_json,
                                  describing_what_is_not_there};
    Suite *s = suite_create("registry");
    TCase *a = tcase_create("files"), *b = tcase_create("finding"), *c = tcase_create("lists");

    add_all(a, files, COUNT(files));
    tcase_add_loop_test(a, broken_file_says_why, 0, COUNT(broken));
    tcase_add_loop_test(a, folder_that_all_may_write_is_refused, 0, 4);
    add_all(b, finding, COUNT(finding));
    add_all(c, lists, COUNT(lists));
    suite_add_tcase(s, a);
    suite_add_tcase(s, b);
    suite_add_tcase(s, c);
    return suite_run(s);
}
