/* rails/bitcoin/address.h - where to pay: addresses as people write them, and the output scripts they stand for.
 *
 * Bech32 for witness version 0, Bech32m from version 1 on (BIP173, BIP350); Base58Check for the old kinds, which we pay and
 * never give out.  Signet and testnet4 share all prefixes, regtest their Base58 ones: one cannot tell them apart by an
 * address, and each is then taken. */
#ifndef RAILS_BITCOIN_ADDRESS_H
#define RAILS_BITCOIN_ADDRESS_H

#include "base/err.h"
#include "base/network.h"
#include "rails/bitcoin/script.h"

#define ADDRESS_TEXT_MAX 91 /* 90 characters and a NUL */

/* ERR_NETWORK names the network that it is an address of; ERR_ADDRESS says what is wrong with what is none. */
MUST_CHECK int address_parse(const char *text, enum network net, struct spk *ret, struct err *err);
/* False for a script that no address stands for. */
MUST_CHECK bool address_text(struct bytes script, enum network net, char ret[ADDRESS_TEXT_MAX]);

#endif
