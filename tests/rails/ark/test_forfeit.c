/* Vectors: tests/vectors/ark/forfeit.json (bark's lib/src/forfeit.rs). */
#include "rails/ark/forfeit.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/ark_server.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static json_t *v;
static struct vtxo vtxo;
static struct hash32 unlock;
static struct secret user, server;
static struct musig_pubnonce server_nonce;

static void load(void)
{
	v = vectors_load("ark/forfeit.json");
	ck_ok(vtxo_parse(&ra, vec_str(v, "vtxo"), VTXO_FULL, &vtxo, &rerr));
	vec_copy(v, "unlock_hash", unlock.b, 32);
	vec_copy(v, "user_secret_key", user.b, 32);
	vec_copy(v, "server_secret_key", server.b, 32);
	vec_copy(v, "server_pub_nonce", server_nonce.b, MUSIG_PUBNONCE);
}

static const char *hex_of(const void *p, size_t n)
{
	return hex_text(&ra, (struct bytes){ p, n });
}

static struct forfeit made(void)
{
	struct forfeit f;

	ck_ok(forfeit_make(&ra, &vtxo, &unlock, &f, &rerr));
	return f;
}

START_TEST(transaction)
{
	struct forfeit f = made();
	struct txid id = tx_txid(&f.tx);
	struct hash32 of_preimage;
	char txid[TXID_TEXT];

	sha256(vec_hex(v, "unlock_preimage"), &of_preimage);
	ck_assert(hash32_equal(&of_preimage, &unlock));
	txid_text(&id, txid);
	ck_assert_str_eq(txid, vec_str(v, "forfeit_txid"));
	ck_assert_str_eq(hex_text(&ra, tx_bytes(&ra, &f.tx)), vec_str(v, "unsigned_forfeit_tx"));
	ck_assert_str_eq(hex_text(&ra, f.tx.out[0].script), vec_str(v, "forfeit_output_script"));
	ck_assert_str_eq(hex_of(f.cosigned.sighash.b, 32), vec_str(v, "sighash"));
	ck_assert_str_eq(hex_of(f.cosigned.keys.output.b + 1, 32), vec_str(v, "input_output_key"));
	ck_assert_str_eq(hex_of(f.spent.script.p + 2, 32), vec_str(v, "input_output_key"));
}
END_TEST

START_TEST(bundle)
{
	const json_t *fields = json_object_get(v, "bundle_fields");
	struct bytes encoded = vec_hex(v, "bundle"), id = vec_hex(fields, "vtxo_id");
	struct forfeit_bundle b;
	uint8_t again[FORFEIT_BUNDLE_SIZE];

	ck_assert_uint_eq(encoded.n, FORFEIT_BUNDLE_SIZE);
	ck_assert_uint_eq(encoded.p[0], vec_u64(fields, "version"));
	ck_ok(forfeit_bundle_decode(encoded, &b, &rerr));
	ck_assert_mem_eq(b.vtxo.txid.b, id.p, 32);
	ck_assert(outpoint_equal(&b.vtxo, &vtxo.point));
	ck_assert_str_eq(hex_of(b.unlock_hash.b, 32), vec_str(fields, "unlock_hash"));
	ck_assert_str_eq(hex_of(b.half.nonce.b, MUSIG_PUBNONCE), vec_str(fields, "user_nonce"));
	ck_assert_str_eq(hex_of(b.half.part.b, MUSIG_PARTIAL), vec_str(fields, "part_sig"));
	forfeit_bundle_encode(&b, again);
	ck_assert_mem_eq(again, encoded.p, FORFEIT_BUNDLE_SIZE);
}
END_TEST

/* What bark's user and the server signed comes to the final signature. */
START_TEST(recorded)
{
	struct forfeit f = made();
	struct forfeit_bundle b;
	struct musig_session s;
	struct musig_partial parts[2];
	uint8_t sig[64];

	ck_ok(forfeit_bundle_decode(vec_hex(v, "bundle"), &b, &rerr));
	vec_copy(v, "server_partial_sig", parts[1].b, MUSIG_PARTIAL);
	parts[0] = b.half.part;
	ck_ok(musig_session_make(&f.cosigned.keys, (struct musig_pubnonce[]){ b.half.nonce, server_nonce }, 2,
				 &f.cosigned.sighash, &s, &rerr));
	ck_assert(musig_partial_verify(&s, &vtxo.policy.user, &b.half.nonce, &b.half.part));
	ck_assert(musig_partial_verify(&s, &vtxo.terms.server, &server_nonce, &parts[1]));
	ck_ok(musig_finish(&s, parts, 2, sig, &rerr));
	ck_assert_str_eq(hex_of(sig, 64), vec_str(v, "final_signature"));
}
END_TEST

/* With a nonce of the server's whose secret we have: the server completes what the user sends. */
START_TEST(signing)
{
	struct forfeit f = made();
	struct musig_nonce *secret;
	struct musig_pubnonce public;
	struct forfeit_bundle b, decoded;
	struct ark_half half;
	uint8_t sig[64], bytes[FORFEIT_BUNDLE_SIZE];
	struct ark_cosigned turned = f.cosigned;

	ck_ok(musig_nonce_new(&server, &f.cosigned.sighash, &secret, &public, &rerr));
	ck_ok(forfeit_sign(&f, &user, &public, &b, &rerr));
	forfeit_bundle_encode(&b, bytes);
	ck_ok(forfeit_bundle_decode((struct bytes){ bytes, sizeof(bytes) }, &decoded, &rerr));
	turned.user = f.cosigned.server;
	turned.server = f.cosigned.user;
	half = decoded.half;
	ck_ok(ark_half_finish(&turned, &server, &secret, &public, &half, sig, &rerr));
	ck_assert_ptr_null(secret);
	ck_assert(secp_schnorr_verify(&f.cosigned.keys.output, &f.cosigned.sighash, sig));

	/* Another time, another nonce. */
	ck_ok(forfeit_sign(&f, &user, &public, &decoded, &rerr));
	ck_assert_mem_ne(decoded.half.nonce.b, b.half.nonce.b, MUSIG_PUBNONCE);
	ck_fails(forfeit_sign(&f, &server, &public, &b, &rerr), ERR_CRYPTO);
	public.b[33] = 7;
	ck_fails(forfeit_sign(&f, &user, &public, &b, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(only_a_users)
{
	struct forfeit f;

	vtxo.policy.kind = ARK_CHECKPOINT;
	ck_fails(forfeit_make(&ra, &vtxo, &unlock, &f, &rerr), ERR_VTXO_POLICY);
}
END_TEST

START_TEST(malformed)
{
	struct bytes good = vec_hex(v, "bundle");
	uint8_t bad[FORFEIT_BUNDLE_SIZE + 1] = { 0 };
	struct forfeit_bundle b;

	memcpy(bad, good.p, good.n);
	ck_fails(forfeit_bundle_decode((struct bytes){ bad, good.n + 1 }, &b, &rerr), ERR_PARSE);
	for (size_t n = 0; n < good.n; n++)
		ck_fails(forfeit_bundle_decode((struct bytes){ bad, n }, &b, &rerr), ERR_PARSE);
	bad[0] = 2;
	ck_fails(forfeit_bundle_decode((struct bytes){ bad, good.n }, &b, &rerr), ERR_PARSE);
	bad[0] = 1;
	bad[69] = 5; /* the nonce's first byte */
	ck_fails(forfeit_bundle_decode((struct bytes){ bad, good.n }, &b, &rerr), ERR_PARSE);
	bad[69] = good.p[69];
	memset(bad + 135, 0xff, MUSIG_PARTIAL);
	ck_fails(forfeit_bundle_decode((struct bytes){ bad, good.n }, &b, &rerr), ERR_PARSE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/ark/forfeit");
	TCase *c = rails_case(s, "forfeit");

	tcase_add_checked_fixture(c, load, NULL);
	tcase_add_test(c, transaction);
	tcase_add_test(c, bundle);
	tcase_add_test(c, recorded);
	tcase_add_test(c, signing);
	tcase_add_test(c, only_a_users);
	tcase_add_test(c, malformed);
	return suite_run(s);
}
