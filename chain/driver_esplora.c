#include "chain/source_internal.h"
const struct driver driver_esplora;
