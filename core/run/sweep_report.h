/* sweep_report.h - the pages of a sweep, made from the files of its folder. */
#ifndef SWEEP_REPORT_H
#define SWEEP_REPORT_H

#include "plugin/registry.h"

/* summary.json, figures/, and what the reporters make of dir/sweep.json and dir/runs. May be called
 * while the sweep goes on. RN_EDATA: sweep.json is not there or damaged. */
int sweep_report(struct registry *registry, const char *dir);
/* Whether dir is the folder of a sweep. */
bool sweep_is_folder(const char *dir);

#endif
