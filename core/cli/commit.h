/* commit.h - which state of the sources this runner was built from. */
#ifndef COMMIT_H
#define COMMIT_H

/* "5c36390", "5c36390-dirty" with changes that were not committed; "": not built from a checkout.
 */
const char *build_commit(void);

#endif
