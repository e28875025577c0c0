#include "base/network.h"

#include <stddef.h>

const char *const network_names[NETWORK_COUNT + 1] = { "mainnet", "signet", "testnet4", "regtest", NULL };
