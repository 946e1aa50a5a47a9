/* faults.h - what is to be found in the plugins of this folder. */
#ifndef FAULTS_H
#define FAULTS_H

static const struct {
    const char *name;
    const char *want; /* finding_name() of the first */
} faults[] = {
    /* layers.c */
    {"right", "fine"},
    {"sign_flipped", "gradient"},
    {"scale_missing", "gradient"},
    {"one_row_short", "gradient"},
    {"one_element", "gradient"},
    {"batch_of_one", "gradient"},
    {"beta_ignored_din", "beta"},
    {"beta_ignored_dparam", "beta"},
    {"beta_swapped", "beta"},
    {"always_adds", "not finite"},
    {"null_ignored", "fails"},
    {"nothing_without_din", "skip"},
    {"one_row_more", "outside"},
    {"one_element_more", "outside"},
    {"last_row_unwritten", "not finite"},
    {"forgets", "not finite"},
    {"flag_missing", "not finite"},
    {"plain_read", "not finite"},
    {"looks_at_scratch", "unsteady"},
    {"writes_input", "changes input"},
    {"writes_parameter", "changes input"},
    {"counts_calls", "unsteady"},
    {"slices_in_order", "order"},
    {"not_in_place", "in place"},
    {"no_view", "view"},
    {"hides_nan", "hides NaN"},
    {"two_of_a_name", "declares"},
    {"view_leaves_out", "declares"},
    /* random.c */
    {"drops", "fine"},
    {"redraws", "gradient"},
    {"never_redraws", "draws"},
    {"drops_in_evaluation", "evaluation"},
    {"centres", "fine"},
    {"counts_in_evaluation", "evaluation"},
    {"mean_starts_anywhere", "not finite"},
    {"remembers", "state"},
    {"adds_two", "fine"},
    {"second_din_wrong", "gradient"},
    {"second_beta_ignored", "beta"},
    {"silent", "refuses"},
    /* losses.c */
    {"right_square", "fine"},
    {"scale_ignored", "gradient"},
    {"weight_missing", "not finite"},
    {"weight_too_long", "outside"},
    {"scratch_expected", "not finite"},
    {"weight_of_prediction", "weight"},
    {"nan_is_zero", "hides NaN"},
    /* others.c */
    {"descends", "fine"},
    {"climbs", "descends"},
    {"always_moves", "rate"},
    {"decays_all", "decay"},
    {"first_row_only", "order"},
    {"goes_down", "fine"},
    {"goes_below", "rate"},
    {"counts_itself", "unsteady"},
    {"stops", "fine"},
    {"says_nothing", "wants"},
    {"mirrors", "fine"},
    {"leaves_a_column", "not finite"},
    {"row_of_the_call", "order"},
};
enum { FAULTS = sizeof faults / sizeof *faults };

#endif
