/* rails/ark/memo.h - sums of points and verified signatures, remembered: what validating a VTXO takes its time for.
 *
 * VTXOs of one wallet have much in common (the keys of user and server, the upper transactions of a tree, the whole way of
 * what a change output comes from), and the same VTXO is looked at more than once.  A memo keeps results under a SHA-256 of
 * everything that they depend on, so that finding one is as good as computing it again; what it does not know is computed.
 * It has a fixed size and forgets what is old.  Only public values go in.
 *
 * Without a memo (NULL) everything is computed. */
#ifndef RAILS_ARK_MEMO_H
#define RAILS_ARK_MEMO_H

#include "base/arena.h"
#include "base/err.h"
#include "rails/bitcoin/taproot.h"

struct ark_memo_entry {
	struct hash32 question;
	struct pubkey answer;
	bool used;
};
struct ark_memo {
	struct ark_memo_entry *entries;
	size_t n; /* a power of two, at least 2 */
};
#define ARK_MEMO_ROOM(n) ((n) * sizeof(struct ark_memo_entry)) /* bytes of arena */

/* Empty, in the arena and for as long as it. */
struct ark_memo ark_memo_in(struct arena *a, size_t n);

/* musig_keys_make(), the aggregate alone. */
MUST_CHECK int ark_memo_aggregate(struct ark_memo *m, const struct pubkey *keys, size_t n, struct pubkey *ret,
				  struct err *err);
/* secp_xonly_tweak_add(). */
MUST_CHECK bool ark_memo_tweak(struct ark_memo *m, const struct xonly *x, const struct hash32 *tweak,
			       struct tap_output *ret);
/* secp_xonly_verify(). */
bool ark_memo_verify(struct ark_memo *m, const struct xonly *key, const struct hash32 *msg, const uint8_t sig[64]);

#endif
