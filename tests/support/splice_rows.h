/* tests/support/splice_rows.h - splices, candidates and payments of numbers, so that equal numbers are equal things. */
#ifndef TESTS_SUPPORT_SPLICE_ROWS_H
#define TESTS_SUPPORT_SPLICE_ROWS_H

#include "store/channel_store.h"
#include "store/funding_store.h"
#include "store/splice_store.h"

struct hash32 splice_hash(unsigned n); /* of a splice, or a channel */
struct txid splice_txid(unsigned n);
struct outpoint splice_at(unsigned n); /* output n of transaction n */
struct pubkey splice_peer(unsigned n);
struct sat splice_sat(uint64_t v);
struct feerate splice_rate_of(uint64_t sat_per_kwu);

/* A splice in of 100,000 sat, of channel n, by the action "splice:<n>", based on splice_at(n). */
struct splice_row splice_row(unsigned n);
/* Candidate n, of round 1: ours, signed, with all figures. */
struct funding_candidate splice_candidate_row(unsigned n);
/* The payment of splice n, pending, by candidate n. */
struct funding_payment splice_payment(unsigned n);
struct channel_row splice_channel(unsigned n);

#endif
