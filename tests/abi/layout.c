/* layout.c - sizes and offsets of every struct that crosses the boundary, as text: for each field
 * its offset and size.
 *   layout          prints them: how core/abi_v1.txt is made
 *   layout FILE     compares: exit status 1 and the first difference
 * A line of the file that changes breaks plugins that exist. */
#include <runner/augmentation.h>
#include <runner/callback.h>
#include <runner/dataset.h>
#include <runner/device.h>
#include <runner/layer.h>
#include <runner/loss.h>
#include <runner/optimizer.h>
#include <runner/reporter.h>
#include <runner/scheduler.h>

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset, size;
} lines[] = {
#define S(tag)    {#tag, SIZE_MAX, sizeof(struct tag)},
#define F(tag, f) {#f, offsetof(struct tag, f), sizeof(((struct tag *)0)->f)},
#include "fields.h"
};

int main(int argc, char **argv)
{
    FILE *golden = argc > 1 ? fopen(argv[1], "r") : NULL;
    char ours[256], theirs[256];

    if (argc > 1 && !golden) {
        perror(argv[1]);
        return 1;
    }
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i].offset == SIZE_MAX)
            snprintf(ours, sizeof ours, "%s %zu\n", lines[i].name, lines[i].size);
        else
            snprintf(ours, sizeof ours, "  %s %zu %zu\n", lines[i].name, lines[i].offset,
                     lines[i].size);
        if (!golden) {
            fputs(ours, stdout);
        } else if (!fgets(theirs, sizeof theirs, golden) || strcmp(ours, theirs)) {
            printf("line %zu of %s differs; now it is\n%s", i + 1, argv[1], ours);
            return 1;
        }
    }
    if (golden && fgets(theirs, sizeof theirs, golden)) {
        printf("%s has more: %s", argv[1], theirs);
        return 1;
    }
    return 0;
}
