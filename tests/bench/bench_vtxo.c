/* VTXOs validated per second: every transaction rebuilt, every aggregate of keys, every signature.  Against a bare loop of
 * libsecp256k1 that verifies as many signatures under keys that are at hand. */
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

#define VECTORS   "tests/vectors/ark/vtxo_v2.json"
#define VTXOS_MAX 16
#define STEPS_MAX 64

/* One signature, and what it takes to verify it. */
struct check {
	secp256k1_xonly_pubkey key;
	struct hash32 msg;
	uint8_t sig[64];
};

static struct work {
	struct arena arena;
	struct vtxo vtxos[VTXOS_MAX];
	struct tx anchors[VTXOS_MAX];
	size_t n;
	struct check checks[STEPS_MAX];
	size_t n_checks;
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

static void collect_checks(const struct vtxo *v)
{
	struct exit_chain c;
	struct err err;

	bench_must(exit_chain_make(&w.arena, v, &c, &err), &err);
	for (size_t i = 0; i < c.n; i++) {
		struct check *k = &w.checks[w.n_checks++];

		if (w.n_checks > STEPS_MAX)
			bench_die("too many steps");
		bench_must(exit_tx_sighash(&c.txs[i], &k->msg, &err), &err);
		if (secp256k1_xonly_pubkey_parse(secp_context(), &k->key, c.txs[i].from.key.b) != 1)
			bench_die("key");
		memcpy(k->sig, v->items[i].signature, sizeof(k->sig));
	}
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
		collect_checks(&w.vtxos[i]);
	}
	w.n = i;
}

static double ours(unsigned unused)
{
	double began = bench_now(), took = 0;
	unsigned n = 0;
	struct err err;

	(void)unused;
	while (took < BENCH_SECONDS) {
		for (size_t i = 0; i < w.n; i++)
			bench_must(vtxo_validate(&w.vtxos[i], &w.anchors[i], &err), &err);
		n += (unsigned)w.n;
		took = bench_now() - began;
	}
	return n / took;
}

static double bare(unsigned unused)
{
	double began = bench_now(), took = 0;
	unsigned n = 0;

	(void)unused;
	while (took < BENCH_SECONDS) {
		for (size_t i = 0; i < w.n_checks; i++)
			if (secp256k1_schnorrsig_verify(secp_context(), w.checks[i].sig, w.checks[i].msg.b, 32,
							&w.checks[i].key) != 1)
				bench_die("schnorrsig_verify");
		n += (unsigned)w.n;
		took = bench_now() - began;
	}
	return n / took;
}

int main(void)
{
	static const struct bench_case cases[] = {
		{ "libsecp256k1 alone: as many signatures", "VTXOs/s", bare, 0 },
		{ "ours: rebuild, aggregate, tweak, hash, verify", "VTXOs/s", ours, 0 },
	};

	bench_begin();
	prepare();
	bench_compare("VTXOs validated", cases, ARRAY_LEN(cases));
	arena_done(&w.arena);
	bench_end();
	return 0;
}
