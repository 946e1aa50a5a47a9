/* made_facts.h - what a run learns from elsewhere than its training, for made_run(): the run
 * before, advice, warnings, files, more layers. */
#ifndef MADE_FACTS_H
#define MADE_FACTS_H

#include <runner/reporter.h>

/* s: in every text; NULL: harmless. Valid until the next call. */
static inline void made_facts(struct rn_report *r, const char *s)
{
    static struct rn_change changes[2];
    static struct rn_previous previous;
    static struct rn_finding findings[24];
    static struct rn_fact facts[3];
    static const char *warnings[2];
    static struct rn_layer_fact layers[12];
    int64_t n = r->n_findings < 20 ? r->n_findings : 20;

    changes[0] = (struct rn_change){s ? s : "optimizer.lr", s ? s : "0.1", s ? s : "0.01"};
    changes[1] = (struct rn_change){s ? s : "train.epochs", NULL, s ? s : "5"};
    previous = (struct rn_previous){.id = s ? s : "20251231-120000-fedcba",
                                    .started = s ? s : "2025-12-31T12:00:00Z",
                                    .status = s ? s : "finished",
                                    .accuracy = 0.84,
                                    .low = 0.79,
                                    .high = 0.88,
                                    .loss = 0.5,
                                    .changes = changes,
                                    .n_changes = 2};
    memcpy(findings, r->findings, (size_t)n * sizeof *findings);
    findings[n++] = (struct rn_finding){.tone = RN_NEUTRAL,
                                        .rule = "longer",
                                        .text = s ? s : "Validation loss still falls.",
                                        .override = s ? s : "train.epochs=10"};
    findings[n++] = (struct rn_finding){
        .tone = RN_NEUTRAL,
        .rule = "overfitting",
        .text = s ? s : "The gap grows: end a run when the validation loss stops falling.",
        .override = s ? s : "+callbacks={type: stops, patience: 3}"};
    facts[0] = (struct rn_fact){s ? s : "optimizer.lr", s ? s : "0.01"};
    facts[1] = (struct rn_fact){s ? s : "epochs.csv", s ? s : "1.2 KiB"};
    facts[2] = (struct rn_fact){s ? s : "predictions.csv", s ? s : ""};
    warnings[0] = s ? s : "The tree has changes that are not committed.";
    warnings[1] = s ? s : "device: fell back to one thread";
    for (int i = 0; i < 12; i++) {
        static char names[12][16];
        snprintf(names[i], sizeof names[i], "layer%d", i);
        layers[i] = r->layers[0];
        layers[i].name = s ? s : names[i];
        layers[i].forward_us = 10 + i;
        layers[i].backward_us = 20 + i;
        layers[i].update_us = i % 3 ? NAN : 5;
    }
    r->previous = &previous;
    r->findings = findings;
    r->n_findings = n;
    r->changed = facts;
    r->n_changed = 1;
    r->files = facts + 1;
    r->n_files = 2;
    r->warnings = warnings;
    r->n_warnings = 2;
    r->layers = layers;
    r->n_layers = 12;
    r->log = s ? s : "12:00:01 epoch 1\n12:00:02 epoch 2\n";
    r->config_input = s ? s : "name: run # as written\n";
}

#endif
