/* A secret (first byte even) or a witness (odd) from a stranger.  What is read can be written, and reads as the same. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/cashu/lock.h"
#include "rails/cashu/witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void same_keys(const struct lock_keys *a, const struct lock_keys *b)
{
	must(a->n == b->n && a->need == b->need);
	for (size_t i = 0; i < a->n; i++)
		must(pubkey_equal(&a->key[i], &b->key[i]));
}

static void write_again(struct arena *a, const struct lock *l)
{
	static const uint8_t nonce[32];
	struct lock back;
	struct err err;
	char *text;

	if (lock_secret(a, l, nonce, &text, &err) != 0) {
		must(err.code == ERR_RANGE ||
		     (err.code == ERR_LOCK && l->refund.n > 0 && l->locktime_s == LOCK_FOREVER));
		return;
	}
	must(lock_parse(text, &back, &err) == 0);
	must(back.kind == l->kind && back.sig_all == l->sig_all && back.locktime_s == l->locktime_s);
	must(hash32_equal(&back.hash, &l->hash));
	same_keys(&back.keys, &l->keys);
	same_keys(&back.refund, &l->refund);
}

static void read_secret(struct arena *a, const char *text)
{
	static const uint8_t preimage[32];
	struct lock_way way;
	struct lock l;
	struct err err;

	if (lock_parse(text, &l, &err) != 0) {
		must(err.code == ERR_LOCK);
		(void)lock_conditions_equal(text, text); /* must not stumble */
		return;
	}
	if (l.kind == LOCK_NONE || l.kind == LOCK_OTHER)
		return;
	must(lock_conditions_equal(text, text));
	must(l.keys.need <= l.keys.n && l.refund.need <= l.refund.n);
	/* Whoever has all the keys can spend it, unless a hash is in the way. */
	must(lock_way_find(&l, 0, l.keys.key, l.keys.n, preimage, &way, &err) == 0 || l.kind == LOCK_HTLC);
	if (l.locktime_s != LOCK_FOREVER && l.locktime_s < INT64_MAX)
		must(lock_way_find(&l, l.locktime_s + 1, l.refund.key, l.refund.n, NULL, &way, &err) == 0);
	write_again(a, &l);
}

static void read_witness(struct arena *a, const char *text)
{
	struct witness w, back;
	struct err err;
	char *again;

	if (witness_parse(text, &w, &err) != 0) {
		must(err.code == ERR_LOCK);
		return;
	}
	if (witness_text(a, &w, &again, &err) != 0) {
		must(err.code == ERR_RANGE);
		return;
	}
	must(witness_parse(again, &back, &err) == 0);
	must(back.n_sigs == w.n_sigs && back.has_preimage == w.has_preimage);
	must(memcmp(back.sigs, w.sigs, sizeof(w.sigs)) == 0 && memcmp(back.preimage, w.preimage, 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	SCOPED(arena) struct arena a = ARENA_LIMIT(1024 * 1024);
	const char *text;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (size == 0 || size > 4096)
		return 0;
	text = arena_strndup(&a, (const char *)data + 1, size - 1);
	if ((data[0] & 1) == 0)
		read_secret(&a, text);
	else
		read_witness(&a, text);
	return 0;
}
