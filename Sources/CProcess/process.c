#include "CProcess.h"

// Swift cannot call functions with a variable number of arguments, which prctl is.
#ifdef __linux__
#include <sys/prctl.h>

int cartsync_hide_memory(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
#else
int cartsync_hide_memory(void) { return 0; }
#endif
