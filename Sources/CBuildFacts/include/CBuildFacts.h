#ifndef CARTSYNC_BUILD_FACTS_H
#define CARTSYNC_BUILD_FACTS_H

/// What the program was built from and with, in words. A string for the life of the process.
const char *cartsync_build(void);

#endif
