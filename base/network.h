/* base/network.h - which chain the money is on. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

/* In the order of the choices in conf/options.c. */
enum network { NETWORK_MAINNET = 0, NETWORK_SIGNET, NETWORK_TESTNET4, NETWORK_REGTEST };
#define NETWORK_COUNT 4
extern const char *const network_names[NETWORK_COUNT + 1]; /* ends with NULL */

#endif
