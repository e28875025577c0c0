/* Inputs signed per second: a taproot key path from its place in the account to a verified signature.  Against a bare loop of
 * libsecp256k1's signing and verifying with a key that is at hand: the rest is the derivation of the key, which is not kept. */
#include <stdlib.h>
#include <string.h>

#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/sighash.h"
#include "rails/keys/keyring.h"
#include "tests/bench/bench.h"

#define INPUTS 500

static struct work {
	struct keyring *kr;
	struct tx tx;
	struct tx_in in[INPUTS];
	struct tx_out spent[INPUTS], out;
	uint8_t script[34];
} w;

static void prepare(void)
{
	static const uint8_t blind[32] = { 1 };
	struct mnemonic m;
	struct err err;

	if (!secret_init() || !secp_init(blind))
		bench_die("secp_init");
	bench_must(
		mnemonic_parse("legal winner thank year wave sausage worth useful legal winner thank yellow", &m, &err),
		&err);
	w.kr = keyring_new(&m, "", &err);
	if (w.kr == NULL)
		bench_must(-1, &err);
	w.tx = (struct tx){ .version = 2, .in = w.in, .n_in = INPUTS, .out = &w.out, .n_out = 1 };
	w.script[0] = 0x51;
	w.script[1] = 32;
	w.out.script = (struct bytes){ w.script, sizeof(w.script) };
	for (uint32_t i = 0; i < INPUTS; i++) {
		w.in[i].prevout.vout = i;
		w.spent[i] = (struct tx_out){ { 1000 + i }, w.out.script };
	}
}

/* Everything that a transaction of many inputs takes, also what is hashed for all of them. */
static double ours(unsigned unused)
{
	double began = bench_now(), took = 0;
	unsigned n = 0;

	(void)unused;
	while (took < BENCH_SECONDS) {
		struct sighash s;

		sighash_init(&s, &w.tx, w.spent);
		for (uint32_t i = 0; i < INPUTS; i++) {
			struct keyring_path at = { NETWORK_MAINNET, i % 2, i };
			struct hash32 h;
			uint8_t sig[64];
			struct err err;

			bench_must(sighash_key_path(&s, i, SIGHASH_DEFAULT, (struct bytes){ 0 }, &h, &err), &err);
			bench_must(keyring_onchain_sign(w.kr, at, NULL, &h, sig, &err), &err);
		}
		n += INPUTS;
		took = bench_now() - began;
	}
	return n / took;
}

static double bare(unsigned verifying)
{
	double began, took = 0;
	uint8_t key[32] = { 7 }, msg[32] = { 9 }, sig[64];
	secp256k1_xonly_pubkey pub;
	secp256k1_keypair pair;
	unsigned n = 0;

	if (secp256k1_keypair_create(secp_context(), &pair, key) != 1 ||
	    secp256k1_keypair_xonly_pub(secp_context(), &pub, NULL, &pair) != 1)
		bench_die("keypair");
	began = bench_now();
	while (took < BENCH_SECONDS) {
		for (unsigned i = 0; i < INPUTS; i++) {
			msg[0] = (uint8_t)i;
			if (secp256k1_schnorrsig_sign32(secp_context(), sig, msg, &pair, NULL) != 1 ||
			    (verifying && secp256k1_schnorrsig_verify(secp_context(), sig, msg, 32, &pub) != 1))
				bench_die("schnorrsig");
		}
		n += INPUTS;
		took = bench_now() - began;
	}
	return n / took;
}

int main(void)
{
	static const struct bench_case cases[] = {
		{ "libsecp256k1 alone: sign and verify", "inputs/s", bare, 1 },
		{ "libsecp256k1 alone: sign", "inputs/s", bare, 0 },
		{ "ours: derive, tweak, hash, sign, verify", "inputs/s", ours, 0 },
	};

	bench_begin();
	prepare();
	bench_compare("inputs signed", cases, ARRAY_LEN(cases));
	keyring_free(w.kr);
	bench_end();
	return 0;
}
