/* gone.c - a library that is not there when the plugin that needs it is loaded. */
__attribute__((visibility("default"))) int gone(void);
int gone(void) { return 0; }
