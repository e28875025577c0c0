/* Ecash outputs per second, as the wallet makes and checks them: hash to the curve and blind; then check the mint's DLEQ and
 * unblind.  Against a bare loop of the same calls of libsecp256k1 on the same points: the rest is ours. */
#include <secp256k1_ecdh.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "tests/bench/bench.h"
#include "tests/support/mint_crypto.h"

#define OUTPUTS 250 /* of one request */

static struct work {
	struct arena arena;
	struct mint_keyset mint;
	const char *secrets[OUTPUTS];
	struct secret r[OUTPUTS];
	struct promise promises[OUTPUTS];
} w;

static uint64_t amount_of(unsigned i)
{
	return UINT64_C(1) << (i % 16);
}

static void make_outputs(struct arena *a, struct output outputs[OUTPUTS])
{
	struct err err;

	for (unsigned i = 0; i < OUTPUTS; i++)
		bench_must(output_make(a, &w.mint.pub.id, amount_of(i), w.secrets[i], &w.r[i], OUTPUT_KEEP, i,
				       &outputs[i], &err),
			   &err);
}

static void prepare(void)
{
	struct output *outputs;

	mint_keyset_make(&w.arena, "bench", KEYSET_V2, "sat", 16, 100, 0, &w.mint);
	for (unsigned i = 0; i < OUTPUTS; i++) {
		struct hash32 h;
		char hex[65];

		sha256(bytes_of(arena_printf(&w.arena, "output %u", i)), &h);
		hex_encode(h.b, sizeof(h.b), hex);
		w.secrets[i] = arena_strdup(&w.arena, hex);
		sha256(bytes_of(hex), &h);
		memcpy(w.r[i].b, h.b, sizeof(h.b));
	}
	outputs = ARENA_ARRAY(&w.arena, OUTPUTS, struct output);
	make_outputs(&w.arena, outputs);
	for (unsigned i = 0; i < OUTPUTS; i++)
		if (!mint_sign(&w.mint, amount_of(i), &outputs[i].b, &w.promises[i]))
			bench_die("mint_sign");
}

static double ours(unsigned unused)
{
	double began = bench_now(), took = 0;
	unsigned n = 0;

	(void)unused;
	while (took < BENCH_SECONDS) {
		SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024 * 1024);
		struct output *outputs = ARENA_ARRAY(&a, OUTPUTS, struct output);
		struct proof *proofs;
		struct err err;

		make_outputs(&a, outputs);
		bench_must(promises_check_and_unblind(&a, outputs, OUTPUTS, w.promises, OUTPUTS, &w.mint.pub, 1, true,
						      &proofs, &err),
			   &err);
		n += OUTPUTS;
		took = bench_now() - began;
	}
	return n / took;
}

/* --- bare libsecp256k1 --- */

#define TRIES_MAX 64

/* What hash to curve tries until it finds a point: the hashes are made before the clock runs. */
struct candidates {
	struct pubkey p[TRIES_MAX];
	unsigned n;
};

static void candidates_of(const char *secret, struct candidates *ret)
{
	struct point found;
	uint8_t msg[36] = { 0 };
	struct hash32 h;

	sha256_two(bytes_of("Secp256k1_HashToCurve_Cashu_"), bytes_of(secret), &h);
	memcpy(msg, h.b, 32);
	for (ret->n = 0; ret->n < TRIES_MAX; msg[32]++) {
		struct pubkey *p = &ret->p[ret->n++];

		sha256((struct bytes){ msg, sizeof(msg) }, &h);
		p->b[0] = 0x02;
		memcpy(p->b + 1, h.b, 32);
		if (point_parse(p, &found))
			return;
	}
	bench_die("hash to curve");
}

static secp256k1_pubkey parse(const struct pubkey *from)
{
	secp256k1_pubkey p;

	if (secp256k1_ec_pubkey_parse(secp_context(), &p, from->b, sizeof(from->b)) != 1)
		bench_die("parse");
	return p;
}

static secp256k1_pubkey to_curve(const struct candidates *c)
{
	secp256k1_pubkey p;

	for (unsigned i = 0; i < c->n; i++)
		if (secp256k1_ec_pubkey_parse(secp_context(), &p, c->p[i].b, sizeof(c->p[i].b)) == 1)
			return p;
	bench_die("hash to curve");
}

static secp256k1_pubkey base_times(const struct secret *k)
{
	secp256k1_pubkey p;

	if (secp256k1_ec_pubkey_create(secp_context(), &p, k->b) != 1)
		bench_die("create");
	return p;
}

static secp256k1_pubkey times(const secp256k1_pubkey *p, const struct secret *k)
{
	secp256k1_pubkey product = *p;

	if (secp256k1_ec_pubkey_tweak_mul(secp_context(), &product, k->b) != 1)
		bench_die("tweak_mul");
	return product;
}

static secp256k1_pubkey plus(const secp256k1_pubkey *a, secp256k1_pubkey b, bool negate)
{
	const secp256k1_pubkey *const both[2] = { a, &b };
	secp256k1_pubkey sum;

	if ((negate && secp256k1_ec_pubkey_negate(secp_context(), &b) != 1) ||
	    secp256k1_ec_pubkey_combine(secp_context(), &sum, both, 2) != 1)
		bench_die("combine");
	return sum;
}

static void compress(const secp256k1_pubkey *p, struct pubkey *to)
{
	size_t n = sizeof(to->b);

	if (secp256k1_ec_pubkey_serialize(secp_context(), to->b, &n, p, SECP256K1_EC_COMPRESSED) != 1)
		bench_die("serialize");
}

static int keep_xy(unsigned char *to, const unsigned char *x32, const unsigned char *y32, void *unused)
{
	(void)unused;
	to[0] = 0x04;
	memcpy(to + 1, x32, 32);
	memcpy(to + 33, y32, 32);
	return 1;
}

static secp256k1_pubkey times_secret(const secp256k1_pubkey *p, const struct secret *k)
{
	secp256k1_pubkey product;
	uint8_t xy[65];

	if (secp256k1_ecdh(secp_context(), xy, p, k->b, keep_xy, NULL) != 1 ||
	    secp256k1_ec_pubkey_parse(secp_context(), &product, xy, sizeof(xy)) != 1)
		bench_die("ecdh");
	return product;
}

/* B_ = Y + rG. */
static void blind(const struct candidates *c, const struct secret *r, struct pubkey *b33)
{
	secp256k1_pubkey y = to_curve(c), b = plus(&y, base_times(r), false);

	compress(&b, b33);
}

/* R1 = sG - eK, R2 = sB_ - eC_; C = C_ - rK; and the points as bytes, in and out. */
static void check_and_unblind(const struct candidates *c, const struct promise *pr, const struct secret *r,
			      const secp256k1_pubkey *k, const struct pubkey *b33, uint8_t sink[65])
{
	secp256k1_pubkey c_blind = parse(&pr->c), b = parse(b33), y = to_curve(c);
	secp256k1_pubkey sg = base_times(&pr->dleq.s), sb = times(&b, &pr->dleq.s);
	secp256k1_pubkey r1 = plus(&sg, times(k, &pr->dleq.e), true),
			 r2 = plus(&sb, times(&c_blind, &pr->dleq.e), true);
	secp256k1_pubkey unblinded = plus(&c_blind, times_secret(k, r), true);
	const secp256k1_pubkey *const hashed[4] = { &r1, &r2, k, &c_blind };
	struct pubkey out;

	for (int i = 0; i < 4; i++) {
		size_t n = 65;

		secp256k1_ec_pubkey_serialize(secp_context(), sink, &n, hashed[i], SECP256K1_EC_UNCOMPRESSED);
	}
	compress(&unblinded, &out);
	compress(&y, &out);
}

static double bare(unsigned unused)
{
	static struct candidates candidates[OUTPUTS];
	static struct pubkey b33[OUTPUTS];
	secp256k1_pubkey keys[16];
	double began, took = 0;
	uint8_t sink[65];
	unsigned n = 0;

	(void)unused;
	for (unsigned i = 0; i < OUTPUTS; i++)
		candidates_of(w.secrets[i], &candidates[i]);
	for (unsigned i = 0; i < ARRAY_LEN(keys); i++)
		keys[i] = parse(keyset_key(&w.mint.pub, amount_of(i)));
	began = bench_now();
	while (took < BENCH_SECONDS) {
		for (unsigned i = 0; i < OUTPUTS; i++)
			blind(&candidates[i], &w.r[i], &b33[i]);
		for (unsigned i = 0; i < OUTPUTS; i++)
			check_and_unblind(&candidates[i], &w.promises[i], &w.r[i], &keys[i % 16], &b33[i], sink);
		n += OUTPUTS;
		took = bench_now() - began;
	}
	return n / took;
}

int main(void)
{
	static const struct bench_case cases[] = {
		{ "libsecp256k1 alone", "outputs/s", bare, 0 },
		{ "walletd", "outputs/s", ours, 0 },
	};
	static const uint8_t random[32] = { 1 };

	if (!secp_init(random))
		bench_die("secp_init");
	w.arena = ARENA_LIMIT(8 * 1024 * 1024);
	prepare();
	bench_compare("Ecash outputs blinded, DLEQ-verified and unblinded", cases, ARRAY_LEN(cases));
	arena_done(&w.arena);
	return 0;
}
