/* faults.h - what is to be found in the plugins of this folder. */
#ifndef FAULTS_H
#define FAULTS_H

#include "verify/finding.h"

static const struct {
    const char *name;
    enum finding want;
} faults[] = {
    /* layers.c */
    {"right", FINE},
    {"sign_flipped", GRADIENT},
    {"scale_missing", GRADIENT},
    {"one_row_short", GRADIENT},
    {"one_element", GRADIENT},
    {"batch_of_one", GRADIENT},
    {"beta_ignored_din", BETA},
    {"beta_ignored_dparam", BETA},
    {"beta_swapped", BETA},
    {"always_adds", NOT_FINITE},
    {"null_ignored", FAILS},
    {"nothing_without_din", SKIP},
    {"one_row_more", OUTSIDE},
    {"one_element_more", OUTSIDE},
    {"last_row_unwritten", NOT_FINITE},
    {"forgets", NOT_FINITE},
    {"flag_missing", NOT_FINITE},
    {"plain_read", NOT_FINITE},
    {"looks_at_scratch", UNSTEADY},
    {"writes_input", CHANGES_INPUT},
    {"writes_parameter", CHANGES_INPUT},
    {"counts_calls", UNSTEADY},
    {"slices_in_order", ORDER},
    {"not_in_place", INPLACE},
    {"no_view", VIEW},
    {"hides_nan", HIDES_NAN},
    {"two_of_a_name", DECLARES},
    {"view_leaves_out", DECLARES},
    /* random.c */
    {"drops", FINE},
    {"redraws", GRADIENT},
    {"never_redraws", DRAWS},
    {"drops_in_evaluation", EVALUATION},
    {"centres", FINE},
    {"counts_in_evaluation", EVALUATION},
    {"mean_starts_anywhere", NOT_FINITE},
    {"remembers", STATE},
    {"adds_two", FINE},
    {"second_din_wrong", GRADIENT},
    {"second_beta_ignored", BETA},
    {"silent", REFUSES},
    /* losses.c */
    {"right_square", FINE},
    {"scale_ignored", GRADIENT},
    {"weight_missing", NOT_FINITE},
    {"weight_too_long", OUTSIDE},
    {"scratch_expected", NOT_FINITE},
    {"weight_of_prediction", WEIGHT},
    {"nan_is_zero", HIDES_NAN},
    /* others.c */
    {"descends", FINE},
    {"climbs", DESCENDS},
    {"always_moves", RATE},
    {"decays_all", DECAY},
    {"first_row_only", ORDER},
    {"goes_down", FINE},
    {"goes_below", RATE},
    {"counts_itself", UNSTEADY},
    {"stops", FINE},
    {"says_nothing", WANTS},
    {"mirrors", FINE},
    {"leaves_a_column", NOT_FINITE},
    {"row_of_the_call", ORDER},
};
enum { FAULTS = sizeof faults / sizeof *faults };

#endif
