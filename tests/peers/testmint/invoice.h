/* tests/peers/testmint/invoice.h - a BOLT11 invoice for regtest, whole and signed, that nobody can pay. */
#ifndef TESTS_PEERS_TESTMINT_INVOICE_H
#define TESTS_PEERS_TESTMINT_INVOICE_H

#include "base/arena.h"

/* For sat the amount is what the invoice asks; other units ask for as many satoshi, at no rate in particular.  seed_text:
 * where the node's key comes from.  Payment hash and secret are random. */
char *invoice_make(struct arena *a, const char *seed_text, const char *unit, uint64_t amount, int64_t now_s);

#endif
