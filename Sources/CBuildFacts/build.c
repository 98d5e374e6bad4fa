#include "CBuildFacts.h"

// The package's manifest defines it where `make release` says what is built: Swift has no such definitions with a text.
// Only this file is compiled anew for another commit.
#ifndef CARTSYNC_BUILD
#define CARTSYNC_BUILD "commit unknown: not built by make release"
#endif

const char *cartsync_build(void) { return CARTSYNC_BUILD; }
