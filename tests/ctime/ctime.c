/* Does time, or an address, depend on a secret?  In the manner of libsecp256k1's ctime_tests: what is secret is marked as
 * not initialised, our code runs over it under valgrind, and memcheck complains of every branch and every memory access
 * that such a value decides.  `make ctime` runs this; it wants an exit code of 99 for each process that memcheck
 * complained of.  Exit code 77: not run under valgrind.
 *
 * Where libsecp256k1 or libsodium hand out what is public (a public key, a signature, whether a key is valid, whether a
 * box opened), a wrapper put in by the linker (--wrap, see the Makefile) declares it so.  The libraries themselves are
 * trusted to do what they promise; where one promises nothing, the wrapper does not let a secret through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_musig.h>
#include <secp256k1_recovery.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>

#include "rails/ark/cosign.h"
#include "rails/ark/mailbox.h"
#include "rails/bitcoin/mnemonic_words.h"
#include "rails/cashu/dhke.h"
#include "rails/keys/evm_key.h"
#include "rails/keys/keyring.h"
#include "rails/keys/seed.h"
#include "rpc/auth.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND false
#define VALGRIND_MAKE_MEM_UNDEFINED(p, n)
#define VALGRIND_MAKE_MEM_DEFINED(p, n)
#define VALGRIND_SET_VBITS(p, bits, n)
#define VALGRIND_DISABLE_ERROR_REPORTING
#define VALGRIND_ENABLE_ERROR_REPORTING
#endif

/* valgrind --error-exitcode */
#define MEMCHECK_COMPLAINED 99

static void secret(void *p, size_t n)
{
	(void)p;
	(void)n;
	VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void public(const void *p, size_t n)
{
	(void)p;
	(void)n;
	VALGRIND_MAKE_MEM_DEFINED(p, n);
}

static int answer(int v)
{
	public(&v, sizeof(v));
	return v;
}

/* Of a text each letter is secret, and not that it is one: how long words are shows wherever they are copied.  The five
 * low bits tell small letters from each other. */
static void secret_letters(char *text, size_t n)
{
	static const unsigned char low_bits = 0x1f;

	(void)low_bits;
	public(text, n);
	for (size_t i = 0; i < n; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			VALGRIND_SET_VBITS(&text[i], &low_bits, 1);
}

/* --- what the linker puts between us and the libraries --- */

#define WRAP(ret, name, ...)                                                                                           \
	ret __real_##name(__VA_ARGS__);                                                                                \
	ret __wrap_##name(__VA_ARGS__);                                                                                \
	ret __wrap_##name(__VA_ARGS__)

WRAP(int, secp256k1_ec_seckey_verify, const secp256k1_context *ctx, const unsigned char *key)
{
	return answer(__real_secp256k1_ec_seckey_verify(ctx, key));
}

WRAP(int, secp256k1_ec_seckey_tweak_add, const secp256k1_context *ctx, unsigned char *key, const unsigned char *tweak)
{
	return answer(__real_secp256k1_ec_seckey_tweak_add(ctx, key, tweak));
}

WRAP(int, secp256k1_ec_pubkey_create, const secp256k1_context *ctx, secp256k1_pubkey *ret, const unsigned char *key)
{
	int rc = __real_secp256k1_ec_pubkey_create(ctx, ret, key);

	public(ret, sizeof(*ret));
	return answer(rc);
}

WRAP(int, secp256k1_keypair_create, const secp256k1_context *ctx, secp256k1_keypair *ret, const unsigned char *key)
{
	return answer(__real_secp256k1_keypair_create(ctx, ret, key));
}

/* Which y the key's point has is public, and decides whether the key is negated; what comes out is as secret as before. */
WRAP(int, secp256k1_keypair_xonly_tweak_add, const secp256k1_context *ctx, secp256k1_keypair *pair,
     const unsigned char *tweak)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_secp256k1_keypair_xonly_tweak_add(ctx, pair, tweak);
	VALGRIND_ENABLE_ERROR_REPORTING;
	secret(pair, sizeof(*pair));
	return answer(rc);
}

WRAP(int, secp256k1_keypair_sec, const secp256k1_context *ctx, unsigned char *ret, const secp256k1_keypair *pair)
{
	return answer(__real_secp256k1_keypair_sec(ctx, ret, pair));
}

WRAP(int, secp256k1_ecdh, const secp256k1_context *ctx, unsigned char *ret, const secp256k1_pubkey *point,
     const unsigned char *scalar, secp256k1_ecdh_hash_function hash, void *data)
{
	return answer(__real_secp256k1_ecdh(ctx, ret, point, scalar, hash, data));
}

/* Inside, the nonce's point is public; only a libsecp256k1 that was built for this test says so to memcheck. */
WRAP(int, secp256k1_schnorrsig_sign32, const secp256k1_context *ctx, unsigned char *sig, const unsigned char *msg,
     const secp256k1_keypair *pair, const unsigned char *aux)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_secp256k1_schnorrsig_sign32(ctx, sig, msg, pair, aux);
	VALGRIND_ENABLE_ERROR_REPORTING;
	public(sig, 64);
	return answer(rc);
}

WRAP(int, secp256k1_ecdsa_sign_recoverable, const secp256k1_context *ctx, secp256k1_ecdsa_recoverable_signature *sig,
     const unsigned char *digest, const unsigned char *key, secp256k1_nonce_function nonce, const void *extra)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_secp256k1_ecdsa_sign_recoverable(ctx, sig, digest, key, nonce, extra);
	VALGRIND_ENABLE_ERROR_REPORTING;
	public(sig, sizeof(*sig));
	return answer(rc);
}

/* Public nonces and partial signatures are sent; the secret nonce is as secret as the key. */
WRAP(int, secp256k1_musig_nonce_gen, const secp256k1_context *ctx, secp256k1_musig_secnonce *nonce,
     secp256k1_musig_pubnonce *ret, unsigned char *random, const unsigned char *key, const secp256k1_pubkey *signer,
     const unsigned char *msg, const secp256k1_musig_keyagg_cache *cache, const unsigned char *extra)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_secp256k1_musig_nonce_gen(ctx, nonce, ret, random, key, signer, msg, cache, extra);
	VALGRIND_ENABLE_ERROR_REPORTING;
	public(ret, sizeof(*ret));
	secret(nonce, sizeof(*nonce));
	return answer(rc);
}

WRAP(int, secp256k1_musig_partial_sign, const secp256k1_context *ctx, secp256k1_musig_partial_sig *ret,
     secp256k1_musig_secnonce *nonce, const secp256k1_keypair *pair, const secp256k1_musig_keyagg_cache *cache,
     const secp256k1_musig_session *session)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	public(nonce, sizeof(*nonce));
	rc = __real_secp256k1_musig_partial_sign(ctx, ret, nonce, pair, cache, session);
	VALGRIND_ENABLE_ERROR_REPORTING;
	public(ret, sizeof(*ret));
	return answer(rc);
}

/* Of points nothing but the product with a scalar is made in constant time, and blinded points are published.  What is
 * parsed, added or negated counts as public from there on. */
WRAP(int, secp256k1_ec_pubkey_parse, const secp256k1_context *ctx, secp256k1_pubkey *ret, const unsigned char *in,
     size_t n)
{
	unsigned char copy[65];

	if (n > sizeof(copy))
		return 0;
	memcpy(copy, in, n);
	public(copy, n);
	return __real_secp256k1_ec_pubkey_parse(ctx, ret, copy, n);
}

/* Argon2id reads memory by what it computed in its later half, by design. */
WRAP(int, crypto_pwhash, unsigned char *ret, unsigned long long n, const char *passphrase,
     unsigned long long n_passphrase, const unsigned char *salt, unsigned long long passes, size_t mem, int alg)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_crypto_pwhash(ret, n, passphrase, n_passphrase, salt, passes, mem, alg);
	VALGRIND_ENABLE_ERROR_REPORTING;
	secret(ret, n);
	return answer(rc);
}

WRAP(int, crypto_aead_xchacha20poly1305_ietf_encrypt, unsigned char *box, unsigned long long *n_box,
     const unsigned char *text, unsigned long long n, const unsigned char *ad, unsigned long long n_ad,
     const unsigned char *none, const unsigned char *nonce, const unsigned char *key)
{
	int rc = __real_crypto_aead_xchacha20poly1305_ietf_encrypt(box, n_box, text, n, ad, n_ad, none, nonce, key);

	public(box, n + crypto_aead_xchacha20poly1305_ietf_ABYTES);
	return answer(rc);
}

/* Whether the box opened is told, and libsodium goes by it at once. */
WRAP(int, crypto_aead_xchacha20poly1305_ietf_decrypt, unsigned char *text, unsigned long long *n_text,
     unsigned char *none, const unsigned char *box, unsigned long long n_box, const unsigned char *ad,
     unsigned long long n_ad, const unsigned char *nonce, const unsigned char *key)
{
	int rc;

	VALGRIND_DISABLE_ERROR_REPORTING;
	rc = __real_crypto_aead_xchacha20poly1305_ietf_decrypt(text, n_text, none, box, n_box, ad, n_ad, nonce, key);
	VALGRIND_ENABLE_ERROR_REPORTING;
	if (answer(rc) == 0)
		secret_letters((char *)text, n_box - crypto_aead_xchacha20poly1305_ietf_ABYTES);
	return answer(rc);
}

/* --- our own places where a secret ends in an answer --- */

/* Both sides are secret here whoever calls, also the cookie and the hashes of the keys. */
WRAP(bool, ct_equal, const void *a, const void *b, size_t n)
{
	unsigned char copies[2][128];

	if (n > sizeof(copies[0]))
		abort();
	memcpy(copies[0], a, n);
	memcpy(copies[1], b, n);
	secret(copies, sizeof(copies));
	return answer(__real_ct_equal(copies[0], copies[1], n));
}

WRAP(bool, mnemonic_word_find, const char *word, uint32_t *ret)
{
	return answer(__real_mnemonic_word_find(word, ret));
}

WRAP(void, mnemonic_word_choose, uint32_t number, char *ret)
{
	__real_mnemonic_word_choose(number, ret);
	secret_letters(ret, MNEMONIC_WORD_MAX + 1);
}

/* A key is compared as a hash, and the hash is as secret as what it guards. */
WRAP(int, credential_list, struct view v, struct arena *a, struct credential_row **ret, size_t *n, struct err *err)
{
	int rc = __real_credential_list(v, a, ret, n, err);

	for (size_t i = 0; rc == 0 && i < *n; i++) {
		secret((*ret)[i].salt, sizeof((*ret)[i].salt));
		secret(&(*ret)[i].hash, sizeof((*ret)[i].hash));
	}
	return rc;
}

/* --- what runs over secrets --- */

static struct err failure, *err = &failure;

static void ready(void)
{
	static const uint8_t blinding[32] = { 1 };

	ck_assert(secp_init(blinding));
}

static const char words[] =
	"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

static struct mnemonic secret_words(void)
{
	struct mnemonic m = { 0 };

	memcpy(m.s, words, sizeof(words));
	secret_letters(m.s, sizeof(m.s));
	return m;
}

START_TEST(wallet_words)
{
	static const size_t sizes[] = { 16, 20, 24, 28, 32 };
	struct mnemonic m, again, typed = secret_words();

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint8_t entropy[32];

		memset(entropy, 0xa5, sizeof(entropy));
		secret(entropy, sizeof(entropy));
		OK(mnemonic_from_entropy((struct bytes){ entropy, sizes[i] }, &m, err));
		OK(mnemonic_parse(m.s, &again, err));
	}
	OK(mnemonic_parse(typed.s, &again, err));
	typed.s[0] = 'b'; /* babandon */
	secret_letters(typed.s, sizeof(typed.s));
	FAILS(mnemonic_parse(typed.s, &again, err), ERR_MNEMONIC);
}
END_TEST

START_TEST(keys)
{
	static const struct keyset_id ids[] = {
		{ "009a1f293253e41e" }, { "01adc013fa9d85171586660abab27579888611659d357bc86bc09cb26eee8bc035" }
	};
	static const struct hash32 msg = { { 7 } };
	struct mnemonic m = secret_words();
	char passphrase[] = "correct horse", text[KEYRING_SECRET_TEXT], fingerprint[KEYRING_FINGERPRINT];
	struct keyring *kr;
	struct secret r;
	struct pubkey key;
	struct xonly x;
	struct bip32_pub account;
	uint8_t sig[64];

	secret_letters(passphrase, sizeof(passphrase));
	kr = keyring_new(&m, passphrase, err);
	ck_assert(kr != NULL);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		for (uint64_t counter = 0; counter < 2; counter++)
			OK(keyring_cashu_output(kr, &ids[i], counter, text, &r, err));
	OK(keyring_cashu_quote_key(kr, 3, &key, err));
	OK(keyring_cashu_quote_sign(kr, 3, &msg, sig, err));
	OK(keyring_cashu_lock_key(kr, 3, &key, err));
	OK(keyring_cashu_lock_sign(kr, 3, &msg, sig, err));
	OK(keyring_cashu_backup_key(kr, &x, err));
	OK(keyring_cashu_backup_sign(kr, &msg, sig, err));
	OK(keyring_ark_sign(kr, 3, &msg, sig, err));
	for (uint32_t i = 0; i < 4; i++) {
		OK(keyring_onchain_key(kr, (struct keyring_path){ NETWORK_MAINNET, i % 2, i }, &x, err));
		OK(keyring_onchain_sign(kr, (struct keyring_path){ NETWORK_REGTEST, i % 2, i }, NULL, &msg, sig, err));
	}
	keyring_onchain_account(kr, NETWORK_MAINNET, &account);
	keyring_fingerprint(kr, fingerprint);
	public(fingerprint, sizeof(fingerprint));
	ck_assert(strlen(fingerprint) == KEYRING_FINGERPRINT - 1);
	keyring_free(kr);
}
END_TEST

static void sign_with(struct evm_key *k)
{
	static const struct hash32 digest = { { 7 } };
	uint8_t rs[64], xy[64];
	int recid;

	ck_assert(k != NULL);
	evm_key_public(k, xy);
	OK(evm_key_sign(k, &digest, rs, &recid, err));
	evm_key_free(k);
}

START_TEST(evm_keys)
{
	struct mnemonic m = secret_words();
	struct keyring *kr = keyring_new(&m, "", err);
	struct secret s = { { 1 } };

	ck_assert(kr != NULL);
	sign_with(evm_key_derive(kr, EVM_SIGNER, 3, err));
	secret(&s, sizeof(s));
	sign_with(evm_key_from_secret(&s, err));
	keyring_free(kr);
}
END_TEST

START_TEST(ecash)
{
	char text[64];
	struct secret r = { { 0 } }, mint = { { 0 } };
	struct point y, k, blind, c_blind, c;

	memset(text, 'a', sizeof(text));
	r.b[31] = 5;
	mint.b[31] = 9;
	ck_assert(point_base_mul(&mint, &k));
	secret(text, sizeof(text));
	secret(&r, sizeof(r));
	ck_assert(dhke_hash_to_curve((struct bytes){ (const uint8_t *)text, sizeof(text) }, &y));
	ck_assert(dhke_blind(&y, &r, &blind));
	ck_assert(point_mul_public(&blind, &mint, &c_blind));
	ck_assert(dhke_unblind(&c_blind, &r, &k, &c));
}
END_TEST

/* Both ways of signing with a server, and the address that hides a mailbox. */
START_TEST(ark)
{
	struct secret user = { { [31] = 5 } }, server = { { [31] = 9 } };
	struct ark_cosigned c = { .sighash = { { 1 } } }, turned;
	struct musig_nonce *nonce;
	struct musig_pubnonce sent;
	struct ark_half half;
	struct pubkey blinded;
	uint8_t sig[64];

	ck_assert(secp_seckey_pubkey(&user, &c.user) && secp_seckey_pubkey(&server, &c.server));
	OK(ark_pair_keys(&c.user, &c.server, NULL, &c.keys, err));
	secret(&user, sizeof(user));
	secret(&server, sizeof(server));
	turned = c;
	turned.user = c.server;
	turned.server = c.user;
	OK(musig_nonce_new(&user, &c.sighash, &nonce, &sent, err));
	OK(ark_half_sign(&turned, &server, &sent, &half, err));
	OK(ark_half_finish(&c, &user, &nonce, &sent, &half, sig, err));
	OK(ark_mailbox_blind(&c.server, &user, &c.server, &blinded, err));
}
END_TEST

START_TEST(seed_at_rest)
{
	static const struct seed_cost cost = { .passes = 1, .mem_kib = 8 };
	char passphrase[] = "correct horse", wrong[] = "battery staple";
	struct mnemonic m = secret_words(), opened;
	SCOPED(buf) struct buf blob = BUF_CAP(SEED_BLOB_MAX);
	SCOPED(buf) struct buf plain = BUF_CAP(SEED_BLOB_MAX);

	secret_letters(passphrase, sizeof(passphrase));
	secret_letters(wrong, sizeof(wrong));
	OK(seed_seal(&m, passphrase, cost, &blob, err));
	OK(seed_open(buf_bytes(&blob), passphrase, &opened, err));
	FAILS(seed_open(buf_bytes(&blob), wrong, &opened, err), ERR_PASSPHRASE);
	seed_write_plain(&m, &plain);
	OK(seed_open(buf_bytes(&plain), NULL, &opened, err));
}
END_TEST

static int add_key(struct unit *u, void *ctx, struct err *why)
{
	int64_t id;

	return credential_add(u, ctx, &id, why);
}

START_TEST(rpc_keys)
{
	char text[AUTH_SECRET_TEXT + 1], header[128], cookie[256];
	struct credential_row row = { .name = "shop", .scope = RPC_SPEND, .budget_hour_sat = -1, .budget_day_sat = -1 };
	struct rpc_caller caller;
	struct scratch scratch;
	struct auth *auth;

	auth_make_secret(text, row.salt, &row.hash);
	scratch_open(&scratch);
	OK(store_unit_now(scratch.store, add_key, &row, err));
	auth = auth_new(scratch.store);
	snprintf(cookie, sizeof(cookie), "%s/cookie", scratch.dir);
	OK(auth_write_cookie(auth, cookie, (gid_t)-1, err));
	snprintf(header, sizeof(header), "Bearer shop:%s", text);
	OK(auth_header(auth, header, strlen(header), &caller, err));
	header[strlen(header) - 1] = header[strlen(header) - 1] == '0' ? '1' : '0';
	FAILS(auth_header(auth, header, strlen(header), &caller, err), ERR_FORBIDDEN);
	snprintf(header, sizeof(header), "Bearer %s:%s", AUTH_COOKIE_USER, text);
	FAILS(auth_header(auth, header, strlen(header), &caller, err), ERR_FORBIDDEN);
	auth_free(auth);
	scratch_close(&scratch);
}
END_TEST

/* What memcheck must complain of, or all the others prove nothing. */
START_TEST(an_index_that_is_secret)
{
	static const char digits[] = "0123456789abcdef";
	volatile uint8_t key = 7;
	volatile char seen;

	secret((void *)(uintptr_t)&key, sizeof(key));
	seen = digits[key & 15];
	(void)seen;
}
END_TEST

START_TEST(a_branch_on_a_secret)
{
	volatile uint8_t key = 7;
	volatile int seen = 0;

	secret((void *)(uintptr_t)&key, sizeof(key));
	if ((key & 1) != 0)
		seen = 1;
	(void)seen;
}
END_TEST

START_TEST(a_secret_where_time_depends_on_it)
{
	struct secret k = { { 1 } };
	struct point p, product;

	ck_assert(point_base_mul(&k, &p));
	secret(&k, sizeof(k));
	ck_assert(point_mul_public(&p, &k, &product));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ctime");
	TCase *leaks = tcase_create("leaks"), *tight = tcase_create("tight");

	if (!RUNNING_ON_VALGRIND) {
		puts("not run under valgrind, or built without its header");
		return 77;
	}
	/* Memcheck's verdict is the exit code of a process, so each test must be one. */
	if (setenv("CK_FORK", "yes", 1) != 0)
		return EXIT_FAILURE;
	tcase_add_checked_fixture(leaks, ready, NULL);
	tcase_add_exit_test(leaks, an_index_that_is_secret, MEMCHECK_COMPLAINED);
	tcase_add_exit_test(leaks, a_branch_on_a_secret, MEMCHECK_COMPLAINED);
	tcase_add_exit_test(leaks, a_secret_where_time_depends_on_it, MEMCHECK_COMPLAINED);
	suite_add_tcase(s, leaks);
	tcase_add_checked_fixture(tight, ready, NULL);
	tcase_add_test(tight, wallet_words);
	tcase_add_test(tight, keys);
	tcase_add_test(tight, evm_keys);
	tcase_add_test(tight, ecash);
	tcase_add_test(tight, ark);
	tcase_add_test(tight, seed_at_rest);
	tcase_add_test(tight, rpc_keys);
	suite_add_tcase(s, tight);
	return suite_run(s);
}
