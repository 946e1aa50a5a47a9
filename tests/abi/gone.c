/* gone.c - a library that calls itself libnowhere.so, which nobody finds when a plugin is loaded.
 */
__attribute__((visibility("default"))) int gone(void);
int gone(void) { return 0; }
