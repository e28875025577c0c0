/* Vectors: tests/vectors/onchain/bip174.json, bip371.json (the BIPs' own).  Signing needs keys: rails/keys lends them. */
#include "rails/bitcoin/psbt_sign.h"

#include <string.h>

#include <secp256k1.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/sighash.h"
#include "rails/bitcoin/taproot.h"
#include "rails/keys/keyring.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct bytes none;

static struct psbt psbt_of(const char *text)
{
	struct psbt p;

	ck_ok(psbt_decode_text(&ra, text, &p, &rerr));
	return p;
}

/* Through the wire, as between two programs. */
static struct psbt sent(const struct psbt *p)
{
	char *text;

	ck_ok(psbt_text(&ra, p, &text, &rerr));
	return psbt_of(text);
}

START_TEST(bip371_signed)
{
	json_t *list = json_object_get(vectors_load("onchain/bip371.json"), "valid");
	struct psbt p = psbt_of(vec_str(json_array_get(list, 1), "psbt"));
	struct bytes sig;
	struct tx tx;
	size_t open;

	ck_assert_ptr_nonnull(strstr(vec_str(json_array_get(list, 1), "case"), "and signature"));
	ck_assert(psbt_get(&p.in[0], PSBT_IN_TAP_KEY_SIG, none, &sig));
	ck_ok(psbt_finalise(&ra, &p, &open, &rerr));
	ck_assert_uint_eq(open, 0);
	ck_ok(psbt_extract(&ra, &p, &tx, &rerr));
	ck_assert_uint_eq(tx.in[0].witness.n, 1);
	ck_assert(bytes_equal(tx.in[0].witness.items[0], sig));
	/* Nothing but what is spent and the final witness is left. */
	ck_assert_uint_eq(p.in[0].n, 2);
}
END_TEST

START_TEST(bip371_signed_wrongly)
{
	json_t *list = json_object_get(vectors_load("onchain/bip371.json"), "valid");
	struct psbt p = psbt_of(vec_str(json_array_get(list, 1), "psbt"));
	uint8_t bent[65] = { 0 };
	struct bytes sig;
	size_t open;

	ck_assert(psbt_get(&p.in[0], PSBT_IN_TAP_KEY_SIG, none, &sig));
	memcpy(bent, sig.p, sig.n);
	bent[40] ^= 1;
	ck_ok(psbt_put(&ra, &p.in[0], PSBT_IN_TAP_KEY_SIG, none, (struct bytes){ bent, sig.n }, &rerr));
	ck_fails(psbt_finalise(&ra, &p, &open, &rerr), ERR_CRYPTO);
	/* A type that is written although it is the default; one that does not exist. */
	bent[40] ^= 1;
	bent[64] = SIGHASH_DEFAULT;
	ck_ok(psbt_put(&ra, &p.in[0], PSBT_IN_TAP_KEY_SIG, none, (struct bytes){ bent, 65 }, &rerr));
	ck_fails(psbt_finalise(&ra, &p, &open, &rerr), ERR_CRYPTO);
	bent[64] = 0x55;
	ck_ok(psbt_put(&ra, &p.in[0], PSBT_IN_TAP_KEY_SIG, none, (struct bytes){ bent, 65 }, &rerr));
	ck_fails(psbt_finalise(&ra, &p, &open, &rerr), ERR_CRYPTO);
}
END_TEST

START_TEST(bip174_extracted)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "finalized"));
	struct tx tx;
	size_t open;

	ck_ok(psbt_finalise(&ra, &p, &open, &rerr));
	ck_assert_uint_eq(open, 0);
	ck_ok(psbt_extract(&ra, &p, &tx, &rerr));
	ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &tx)), vec_str(v, "extracted"));
}
END_TEST

/* Multisig is for others to finish; it stays as it was. */
START_TEST(what_others_finish)
{
	json_t *v = vectors_load("onchain/bip174.json");
	struct psbt p = psbt_of(vec_str(v, "combined"));
	struct tx tx;
	size_t open;
	char *text;

	ck_ok(psbt_finalise(&ra, &p, &open, &rerr));
	ck_assert_uint_eq(open, 2);
	ck_ok(psbt_text(&ra, &p, &text, &rerr));
	ck_assert_str_eq(text, vec_str(v, "combined"));
	ck_fails(psbt_extract(&ra, &p, &tx, &rerr), ERR_PSBT);
}
END_TEST

/* --- a wallet of ours, a foreign key, and an anchor --- */

static struct keyring *kr;
static uint8_t fingerprint[4];
static const struct secret foreign = { { 1, 2, 3, 4, 5 } };

static void ring(void)
{
	char text[KEYRING_FINGERPRINT];
	struct mnemonic m;

	ck_ok(mnemonic_parse("legal winner thank year wave sausage worth useful legal winner thank yellow", &m, &rerr));
	kr = keyring_new(&m, "", &rerr);
	ck_assert_ptr_nonnull(kr);
	keyring_fingerprint(kr, text);
	hex_to(text, fingerprint, sizeof(fingerprint));
}

static struct keyring_path path_at(size_t i)
{
	return (struct keyring_path){ NETWORK_REGTEST, i % 2, (uint32_t)(10 + i) };
}

static struct psbt_origin origin_at(size_t i)
{
	struct psbt_origin o = { .n = KEYRING_PATH_LEN };

	keyring_path_full(path_at(i), o.path);
	memcpy(o.fingerprint, fingerprint, sizeof(fingerprint));
	return o;
}

/* Two inputs of ours, one of the foreign key, an anchor; with root the second of ours is a tree's. */
struct scene {
	struct tx tx;
	struct tx_in in[4];
	struct tx_out out[1], spent[4];
	struct spk scripts[4];
	struct xonly internal[2];
	struct psbt p;
};

static struct scene *scene(const struct hash32 *root)
{
	struct scene *s = ARENA_NEW(&ra, struct scene);
	struct pubkey foreign_key;
	struct tap_output out;

	ring();
	ck_assert(secp_seckey_pubkey(&foreign, &foreign_key));
	s->tx = (struct tx){ .version = 2, .in = s->in, .n_in = 4, .out = s->out, .n_out = 1 };
	for (size_t i = 0; i < 2; i++) {
		ck_ok(keyring_onchain_key(kr, path_at(i), &s->internal[i], &rerr));
		ck_ok(tap_output_make(&s->internal[i], i == 1 ? root : NULL, &out, &rerr));
		s->scripts[i] = spk_p2tr(&out.key);
	}
	s->scripts[2] = spk_p2wpkh(&foreign_key);
	s->scripts[3] = spk_p2a();
	for (uint32_t i = 0; i < 4; i++) {
		s->in[i] = (struct tx_in){ .prevout = { { { 7 } }, i }, .sequence = 0xfffffffd };
		s->spent[i] = (struct tx_out){ { 1000 * (i + 1) }, spk_bytes(&s->scripts[i]) };
	}
	s->out[0] = (struct tx_out){ { 9000 }, spk_bytes(&s->scripts[0]) };
	ck_ok(psbt_create(&ra, &s->tx, &s->p, &rerr));
	for (size_t i = 0; i < 4; i++)
		ck_ok(psbt_put_witness_utxo(&ra, &s->p, i, &s->spent[i], &rerr));
	for (size_t i = 0; i < 2; i++) {
		struct psbt_origin o = origin_at(i);

		ck_ok(psbt_put_tap_key(&ra, &s->p, PSBT_PART_IN, i, &s->internal[i], &o, &rerr));
	}
	if (root != NULL)
		ck_ok(psbt_put(&ra, &s->p.in[1], PSBT_IN_TAP_MERKLE_ROOT, none, (struct bytes){ root->b, 32 }, &rerr));
	return s;
}

static void sign_ours(struct psbt *p, size_t want)
{
	struct psbt_job *jobs;
	size_t n;

	ck_ok(psbt_jobs(&ra, p, fingerprint, &jobs, &n, &rerr));
	ck_assert_uint_eq(n, want);
	for (size_t i = 0; i < n; i++) {
		struct keyring_path at;
		uint8_t sig[64];

		ck_assert(keyring_path_parse(NETWORK_REGTEST, jobs[i].origin.path, jobs[i].origin.n, &at));
		ck_ok(keyring_onchain_sign(kr, at, jobs[i].has_root ? &jobs[i].root : NULL, &jobs[i].sighash, sig,
					   &rerr));
		ck_ok(psbt_put_key_sig(&ra, p, &jobs[i], sig, &rerr));
	}
}

static void sign_foreign(const struct scene *s, struct psbt *p, size_t input)
{
	secp256k1_ecdsa_signature raw;
	struct spk script_code;
	struct sighash sh;
	struct pubkey key;
	uint8_t hash[20], der[73];
	size_t n = 72;
	struct hash32 h;

	ck_assert(secp_seckey_pubkey(&foreign, &key));
	hash160((struct bytes){ key.b, 33 }, hash);
	script_code = spk_p2pkh(hash);
	sighash_init(&sh, &s->tx, s->spent);
	sighash_v0(&sh, input, spk_bytes(&script_code), SIGHASH_ALL, &h);
	ck_assert_int_eq(secp256k1_ecdsa_sign(secp_context(), &raw, h.b, foreign.b, NULL, NULL), 1);
	ck_assert_int_eq(secp256k1_ecdsa_signature_serialize_der(secp_context(), der, &n, &raw), 1);
	der[n] = SIGHASH_ALL;
	ck_ok(psbt_put(&ra, &p->in[input], PSBT_IN_PARTIAL_SIG, (struct bytes){ key.b, 33 },
		       (struct bytes){ der, n + 1 }, &rerr));
}

static const bool with_root[] = { false, true };

/* Two signers, each with a copy; combined, finished and extracted by a third. */
START_TEST(the_whole_way)
{
	struct hash32 root = { { 5 } };
	struct scene *s = scene(with_root[_i] ? &root : NULL);
	struct psbt ours = sent(&s->p), theirs = sent(&s->p);
	struct sighash sh;
	struct xonly key;
	struct hash32 h;
	struct tx tx;
	struct sat fee;
	size_t open;

	ck_ok(psbt_fee(&ra, &ours, &fee, &rerr));
	ck_assert_uint_eq(fee.v, 1000);
	sign_ours(&ours, 2);
	sign_foreign(s, &theirs, 2);
	ours = sent(&ours);
	sign_ours(&ours, 0); /* signed already */
	theirs = sent(&theirs);
	ck_ok(psbt_combine(&ra, &ours, &theirs, &rerr));
	ck_ok(psbt_finalise(&ra, &ours, &open, &rerr));
	ck_assert_uint_eq(open, 0);
	ours = sent(&ours);
	sign_ours(&ours, 0); /* final already */
	ck_ok(psbt_finalise(&ra, &ours, &open, &rerr));
	ck_ok(psbt_extract(&ra, &ours, &tx, &rerr));
	ck_ok(tx_check(&tx, &rerr));
	ck_assert_uint_eq(tx.in[0].witness.n, 1);
	ck_assert_uint_eq(tx.in[1].witness.n, 1);
	ck_assert_uint_eq(tx.in[2].witness.n, 2);
	ck_assert_uint_eq(tx.in[3].witness.n, 0);
	ck_assert(bytes_equal(tx_bytes(&ra, &s->tx), tx_bytes(&ra, &s->p.tx)));
	sighash_init(&sh, &s->tx, s->spent);
	for (size_t i = 0; i < 2; i++) {
		ck_ok(sighash_key_path(&sh, i, SIGHASH_DEFAULT, none, &h, &rerr));
		memcpy(key.b, s->scripts[i].b + 2, 32);
		ck_assert_uint_eq(tx.in[i].witness.items[0].n, 64);
		ck_assert(secp_xonly_verify(&key, &h, tx.in[i].witness.items[0].p));
	}
	keyring_free(kr);
}
END_TEST

START_TEST(types_that_we_sign)
{
	static const struct {
		uint8_t type;
		bool ok;
	} types[] = { { 0, true }, { 1, true }, { 2, false }, { 3, false }, { 0x81, false }, { 0x42, false } };
	struct scene *s = scene(NULL);

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const uint8_t raw[4] = { types[i].type, 0, 0, 0 };
		struct psbt p = sent(&s->p);
		struct psbt_job *jobs;
		struct bytes sig;
		size_t n;

		ck_ok(psbt_put(&ra, &p.in[0], PSBT_IN_SIGHASH_TYPE, none, (struct bytes){ raw, 4 }, &rerr));
		if (!types[i].ok) {
			ck_fails(psbt_jobs(&ra, &p, fingerprint, &jobs, &n, &rerr), ERR_UNSUPPORTED);
			continue;
		}
		sign_ours(&p, 2);
		ck_assert(psbt_get(&p.in[0], PSBT_IN_TAP_KEY_SIG, none, &sig));
		ck_assert_uint_eq(sig.n, types[i].type == 0 ? 64 : 65);
	}
	keyring_free(kr);
}
END_TEST

/* Somebody else's fingerprint; no path; no internal key: nothing for us to do. */
START_TEST(what_is_not_ours)
{
	struct scene *s = scene(NULL);
	struct psbt_origin o = origin_at(0);
	struct psbt p = sent(&s->p);

	o.fingerprint[0] ^= 1;
	ck_ok(psbt_put_tap_key(&ra, &p, PSBT_PART_IN, 0, &s->internal[0], &o, &rerr));
	sign_ours(&p, 1);
	p = sent(&s->p);
	psbt_drop(&p.in[0], PSBT_IN_TAP_BIP32_DERIVATION);
	sign_ours(&p, 1);
	p = sent(&s->p);
	psbt_drop(&p.in[0], PSBT_IN_TAP_INTERNAL_KEY);
	sign_ours(&p, 1);
	keyring_free(kr);
}
END_TEST

START_TEST(lies)
{
	struct scene *s = scene(NULL);
	struct psbt_origin o = origin_at(0), elsewhere = origin_at(1);
	struct tx_out more = s->spent[0];
	struct psbt_job *jobs;
	struct psbt p;
	uint8_t sig[64];
	size_t n, open;

	/* A key that the output does not pay to. */
	p = sent(&s->p);
	ck_ok(psbt_put_tap_key(&ra, &p, PSBT_PART_IN, 0, &s->internal[1], &o, &rerr));
	ck_fails(psbt_jobs(&ra, &p, fingerprint, &jobs, &n, &rerr), ERR_PSBT);
	/* A path to another key: its signature is not taken. */
	p = sent(&s->p);
	ck_ok(psbt_put_tap_key(&ra, &p, PSBT_PART_IN, 0, &s->internal[0], &elsewhere, &rerr));
	ck_ok(psbt_jobs(&ra, &p, fingerprint, &jobs, &n, &rerr));
	ck_ok(keyring_onchain_sign(kr, path_at(1), NULL, &jobs[0].sighash, sig, &rerr));
	ck_fails(psbt_put_key_sig(&ra, &p, &jobs[0], sig, &rerr), ERR_CRYPTO);
	/* What an input spends is not told. */
	p = sent(&s->p);
	psbt_drop(&p.in[3], PSBT_IN_WITNESS_UTXO);
	ck_fails(psbt_jobs(&ra, &p, fingerprint, &jobs, &n, &rerr), ERR_PSBT);
	ck_fails(psbt_finalise(&ra, &p, &open, &rerr), ERR_PSBT);
	/* Another amount: the signature is for that alone. */
	p = sent(&s->p);
	more.value.v++;
	ck_ok(psbt_put_witness_utxo(&ra, &p, 0, &more, &rerr));
	sign_ours(&p, 2);
	ck_ok(psbt_put_witness_utxo(&ra, &p, 0, &s->spent[0], &rerr));
	ck_fails(psbt_finalise(&ra, &p, &open, &rerr), ERR_CRYPTO);
	/* The foreign signature over another input. */
	p = sent(&s->p);
	sign_foreign(s, &p, 1);
	p.in[2] = p.in[1];
	ck_ok(psbt_put_witness_utxo(&ra, &p, 2, &s->spent[2], &rerr));
	ck_fails(psbt_finalise(&ra, &p, &open, &rerr), ERR_CRYPTO);
	keyring_free(kr);
}
END_TEST

/* All that is done with one, in an arena of this size. */
static int all_of_it(size_t limit, const char *text, const char *other)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(limit);
	struct psbt p, q;
	struct psbt_job *jobs;
	struct keyring_path at;
	uint8_t sig[64];
	size_t n, open;
	struct tx tx;
	char *out;

	if (psbt_decode_text(&a, text, &p, &rerr) != 0 || psbt_decode_text(&a, other, &q, &rerr) != 0 ||
	    psbt_combine(&a, &p, &q, &rerr) != 0 || psbt_jobs(&a, &p, fingerprint, &jobs, &n, &rerr) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		ck_assert(keyring_path_parse(NETWORK_REGTEST, jobs[i].origin.path, jobs[i].origin.n, &at));
		ck_assert_int_eq(keyring_onchain_sign(kr, at, NULL, &jobs[i].sighash, sig, &rerr), 0);
		if (psbt_put_key_sig(&a, &p, &jobs[i], sig, &rerr) != 0)
			return -1;
	}
	if (psbt_finalise(&a, &p, &open, &rerr) != 0 || psbt_extract(&a, &p, &tx, &rerr) != 0)
		return -1;
	return psbt_text(&a, &p, &out, &rerr);
}

/* Whoever sends a PSBT chooses its size: whatever the room, it is enough or it is said not to be. */
START_TEST(in_an_arena_of_any_size)
{
	struct scene *s = scene(NULL);
	struct psbt theirs = sent(&s->p);
	char *text, *other;
	size_t limit = 0;

	sign_foreign(s, &theirs, 2);
	ck_ok(psbt_text(&ra, &s->p, &text, &rerr));
	ck_ok(psbt_text(&ra, &theirs, &other, &rerr));
	while (all_of_it(limit, text, other) != 0) {
		ck_assert_msg(rerr.code == ERR_RANGE, "%zu: %s", limit, rerr.msg);
		limit += 64;
		ck_assert_uint_lt(limit, 64 * 1024);
	}
	ck_assert_uint_gt(limit, 4096);
	keyring_free(kr);
}
END_TEST

START_TEST(final_witnesses_that_are_none)
{
	struct scene *s = scene(NULL);
	static const uint8_t cut[] = { 2, 1, 7 }, one[] = { 1, 1, 7 };
	struct tx tx;

	for (size_t i = 0; i < 4; i++)
		ck_ok(psbt_put(&ra, &s->p.in[i], PSBT_IN_FINAL_SCRIPTWITNESS, none, (struct bytes){ one, 3 }, &rerr));
	ck_ok(psbt_extract(&ra, &s->p, &tx, &rerr));
	ck_assert_uint_eq(tx.in[3].witness.items[0].p[0], 7);
	ck_ok(psbt_put(&ra, &s->p.in[3], PSBT_IN_FINAL_SCRIPTWITNESS, none, (struct bytes){ cut, 3 }, &rerr));
	ck_fails(psbt_extract(&ra, &s->p, &tx, &rerr), ERR_PSBT);
	keyring_free(kr);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/psbt_sign");
	TCase *c = rails_case(s, "psbt_sign");

	tcase_add_test(c, bip371_signed);
	tcase_add_test(c, bip371_signed_wrongly);
	tcase_add_test(c, bip174_extracted);
	tcase_add_test(c, what_others_finish);
	tcase_add_loop_test(c, the_whole_way, 0, ARRAY_LEN(with_root));
	tcase_add_test(c, types_that_we_sign);
	tcase_add_test(c, what_is_not_ours);
	tcase_add_test(c, lies);
	tcase_add_test(c, in_an_arena_of_any_size);
	tcase_add_test(c, final_witnesses_that_are_none);
	return suite_run(s);
}
