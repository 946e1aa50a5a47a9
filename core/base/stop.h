/* stop.h - signals that ask the process to end: the first is noted, a second one kills. */
#ifndef STOP_H
#define STOP_H

void stop_install(void);  /* SIGINT, SIGTERM, SIGUSR1; ignores SIGPIPE and SIGXFSZ */
int stop_requested(void); /* the signal's number, or 0 */

#endif
