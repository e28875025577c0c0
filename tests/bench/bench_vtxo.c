/* VTXOs validated per second: every transaction rebuilt, every aggregate of keys, every signature.  Against two bare loops of
 * libsecp256k1: one verifies as many signatures under keys that are at hand; one also adds up and tweaks the keys of each
 * VTXO, which is what shows that nobody else can sign, and takes longer than the signatures. */
#include <stdlib.h>
#include <string.h>

#include <secp256k1_extrakeys.h>
#include <secp256k1_musig.h>
#include <secp256k1_schnorrsig.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/ark/exit_tx.h"
#include "rails/ark/validate.h"
#include "rails/bitcoin/secp.h"
#include "tests/bench/bench.h"

#define VECTORS      "tests/vectors/ark/vtxo_v2.json"
#define VTXOS_MAX    16
#define STEPS_MAX    64
#define KEYS_MAX     16
#define MEMO_ENTRIES 1024

/* One signature, and what it takes to verify it. */
struct check {
	secp256k1_xonly_pubkey key;
	struct hash32 msg;
	uint8_t sig[64];
};

/* The keys of an output, and what is added to their sum. */
struct output {
	secp256k1_pubkey keys[KEYS_MAX];
	const secp256k1_pubkey *list[KEYS_MAX];
	size_t n;
	bool known; /* the same keys stand in this VTXO before */
	secp256k1_xonly_pubkey sum;
	struct hash32 tweak;
};

static struct work {
	struct arena arena;
	struct vtxo vtxos[VTXOS_MAX];
	struct tx anchors[VTXOS_MAX];
	size_t n;
	struct check checks[STEPS_MAX];
	struct output outputs[STEPS_MAX];
	size_t n_checks, n_outputs;
} w = { .arena.limit = 32 * 1024 * 1024 };

static const char *text_of(const json_t *obj, const char *name)
{
	const char *text = json_string_value(json_object_get(obj, name));

	if (text == NULL)
		bench_die(name);
	return text;
}

static json_t *vectors(void)
{
	SCOPED(file) FILE *f = fopen(VECTORS, "rb");
	uint8_t *p = arena_alloc(&w.arena, 256 * 1024);
	struct err err;
	json_t *v;

	if (f == NULL)
		bench_die(VECTORS);
	bench_must(json_parse(&w.arena, (struct bytes){ p, fread(p, 1, 256 * 1024, f) }, JSON_DEPTH_MAX, &v, &err),
		   &err);
	return v;
}

static void add_key(struct output *o, const struct pubkey *key)
{
	struct point p;

	if (o->n == KEYS_MAX || !point_parse(key, &p))
		bench_die("keys");
	o->keys[o->n] = p.p;
	o->list[o->n] = &o->keys[o->n];
	o->n++;
}

/* Of a VTXO whose outputs begin at first. */
static void add_output(size_t first, const struct pubkey *keys, size_t n, const struct pubkey *server,
		       const struct hash32 *tweak)
{
	struct output *o = &w.outputs[w.n_outputs++];

	if (w.n_outputs > STEPS_MAX)
		bench_die("too many outputs");
	for (size_t i = 0; i < n; i++)
		add_key(o, &keys[i]);
	if (server != NULL)
		add_key(o, server);
	for (const struct output *before = &w.outputs[first]; before < o; before++)
		if (before->n == o->n && memcmp(before->keys, o->keys, o->n * sizeof(o->keys[0])) == 0)
			o->known = true;
	if (secp256k1_musig_pubkey_agg(secp_context(), &o->sum, NULL, o->list, o->n) != 1)
		bench_die("aggregate");
	o->tweak = *tweak;
}

static void add_check(const struct exit_tx *e, const struct genesis_item *g)
{
	struct check *k = &w.checks[w.n_checks++];
	struct err err;

	if (w.n_checks > STEPS_MAX)
		bench_die("too many steps");
	bench_must(exit_tx_sighash(e, &k->msg, &err), &err);
	if (secp256k1_xonly_pubkey_parse(secp_context(), &k->key, e->from.key.b) != 1)
		bench_die("key");
	memcpy(k->sig, g->signature, sizeof(k->sig));
}

static void collect(const struct vtxo *v)
{
	size_t first = w.n_outputs;
	struct ark_taproot own;
	struct exit_chain c;
	struct err err;

	bench_must(exit_chain_make(&w.arena, v, &c, &err), &err);
	for (size_t i = 0; i < c.n; i++) {
		const struct genesis_item *g = &v->items[i];
		bool arkoor = g->kind == GENESIS_ARKOOR;

		add_check(&c.txs[i], g);
		add_output(first, g->keys, g->n_keys, g->kind == GENESIS_COSIGNED ? NULL : &v->terms.server,
			   arkoor ? &g->tweak : &c.txs[i].from.tap.tweak);
	}
	bench_must(ark_policy_taproot(&v->policy, &v->terms, &own, &err), &err);
	add_output(first, &v->policy.user, 1, &v->terms.server, &own.tweak);
}

static void prepare(void)
{
	static const uint8_t blind[32] = { 1 };
	json_t *file, *v;
	struct err err;
	size_t i;

	if (!secret_init() || !secp_init(blind))
		bench_die("secp_init");
	file = vectors();
	json_array_foreach(json_object_get(file, "vtxos"), i, v)
	{
		struct bytes raw;

		if (i == VTXOS_MAX ||
		    !hex_decode_any(&w.arena, text_of(file, text_of(v, "chain_anchor_tx")), 65536, &raw))
			bench_die(VECTORS);
		bench_must(tx_decode(&w.arena, raw, &w.anchors[i], &err), &err);
		bench_must(vtxo_parse(&w.arena, text_of(v, "encoded"), VTXO_FULL, &w.vtxos[i], &err), &err);
		collect(&w.vtxos[i]);
	}
	w.n = i;
}

/* The memo of a wallet that has seen them before, or none. */
static double ours(unsigned again)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(ARK_MEMO_ROOM(MEMO_ENTRIES));
	struct ark_memo memo = ark_memo_in(&a, MEMO_ENTRIES);
	double began = bench_now(), took = 0;
	unsigned n = 0;
	struct err err;

	while (took < BENCH_SECONDS) {
		for (size_t i = 0; i < w.n; i++)
			bench_must(again ? vtxo_validate_by(&memo, &w.vtxos[i], &w.anchors[i], &err)
					 : vtxo_validate(&w.vtxos[i], &w.anchors[i], &err),
				   &err);
		n += (unsigned)w.n;
		took = bench_now() - began;
	}
	return n / took;
}

static void verify_all(void)
{
	for (size_t i = 0; i < w.n_checks; i++)
		if (secp256k1_schnorrsig_verify(secp_context(), w.checks[i].sig, w.checks[i].msg.b, 32,
						&w.checks[i].key) != 1)
			bench_die("schnorrsig_verify");
}

static void rebuild_all(void)
{
	secp256k1_xonly_pubkey sum;
	secp256k1_pubkey tweaked;

	for (size_t i = 0; i < w.n_outputs; i++) {
		const struct output *o = &w.outputs[i];

		sum = o->sum;
		if ((!o->known && secp256k1_musig_pubkey_agg(secp_context(), &sum, NULL, o->list, o->n) != 1) ||
		    secp256k1_xonly_pubkey_tweak_add(secp_context(), &tweaked, &sum, o->tweak.b) != 1)
			bench_die("aggregate");
	}
}

static double bare(unsigned with_keys)
{
	double began = bench_now(), took = 0;
	unsigned n = 0;

	while (took < BENCH_SECONDS) {
		verify_all();
		if (with_keys)
			rebuild_all();
		n += (unsigned)w.n;
		took = bench_now() - began;
	}
	return n / took;
}

int main(void)
{
	static const struct bench_case cases[] = {
		{ "libsecp256k1 alone: as many signatures", "VTXOs/s", bare, 0 },
		{ "libsecp256k1 alone: as many sums of keys, too", "VTXOs/s", bare, 1 },
		{ "ours: each by itself", "VTXOs/s", ours, 0 },
		{ "ours: of a wallet that has seen them before", "VTXOs/s", ours, 1 },
	};

	bench_begin();
	prepare();
	bench_compare("VTXOs validated", cases, ARRAY_LEN(cases));
	arena_done(&w.arena);
	bench_end();
	return 0;
}
