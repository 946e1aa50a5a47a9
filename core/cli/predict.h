/* predict.h - `runner predict`: what a trained model says of files. */
#ifndef CLI_PREDICT_H
#define CLI_PREDICT_H

#include "args.h"

/* words: a run, and files. What is to be printed goes to out. */
int predict_command(const struct args *a, struct text *out);

#endif
