#include "rails/cashu/lock.h"

#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define NONCE "00000000000000000000000000000000000000000000000000000000000000aa"
/* Keys 1, 2, 3 of the curve's order, and the negative of the first. */
#define K1       "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define K1_MINUS "0379BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"
#define K2       "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
#define K3       "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
/* SHA256 of NUT-14's preimage, 31 zeros and a 1. */
#define HASH "ec4916dd28fc4c10d78e287ca5d9cc51ee1ae73cbfde08c6b37324cbfaac8bc5"

#define LOCK(kind, data, tags) "[\"" kind "\",{\"nonce\":\"" NONCE "\",\"data\":\"" data "\"" tags "}]"
#define P2PK(tags)             LOCK("P2PK", K1, ",\"tags\":[" tags "]")
#define HTLC(tags)             LOCK("HTLC", HASH, ",\"tags\":[" tags "]")

static struct pubkey key_of(const char *hex)
{
	struct pubkey k;

	hex_to(hex, k.b, sizeof(k.b));
	return k;
}

static const uint8_t preimage[32] = { [31] = 1 };

static const struct {
	const char *name, *text;
	enum lock_kind kind;
	size_t n_keys, need, n_refund, refund_need;
	int64_t locktime_s;
	bool sig_all;
} locks[] = {
	{ "hex", NONCE, LOCK_NONE, 0, 0, 0, 0, LOCK_FOREVER, false },
	{ "nothing", "", LOCK_NONE, 0, 0, 0, 0, LOCK_FOREVER, false },
	{ "an object", "{\"P2PK\":1}", LOCK_NONE, 0, 0, 0, 0, LOCK_FOREVER, false },
	{ "another kind", LOCK("P2BK", "x", ",\"tags\":[]"), LOCK_OTHER, 0, 0, 0, 0, LOCK_FOREVER, false },
	{ "another kind with tags of ours", LOCK("X", "x", ",\"tags\":[[\"sigflag\",\"?\"]]"), LOCK_OTHER, 0, 0, 0, 0,
	  LOCK_FOREVER, false },
	{ "a key", LOCK("P2PK", K1, ""), LOCK_P2PK, 1, 1, 0, 0, LOCK_FOREVER, false },
	{ "space in front", " \n" LOCK("P2PK", K1, ""), LOCK_P2PK, 1, 1, 0, 0, LOCK_FOREVER, false },
	{ "tags of null", LOCK("P2PK", K1, ",\"tags\":null"), LOCK_P2PK, 1, 1, 0, 0, LOCK_FOREVER, false },
	{ "an unknown tag, twice", P2PK("[\"x\"],[\"x\",\"y\"]"), LOCK_P2PK, 1, 1, 0, 0, LOCK_FOREVER, false },
	{ "a list without more keys", P2PK("[\"pubkeys\"]"), LOCK_P2PK, 1, 1, 0, 0, LOCK_FOREVER, false },
	{ "two of three", P2PK("[\"pubkeys\",\"" K2 "\",\"" K3 "\"],[\"n_sigs\",\"2\"],[\"sigflag\",\"SIG_ALL\"]"),
	  LOCK_P2PK, 3, 2, 0, 0, LOCK_FOREVER, true },
	{ "a key in both ways",
	  P2PK("[\"refund\",\"" K1_MINUS "\"],[\"locktime\",\"21\"],[\"sigflag\",\"SIG_INPUTS\"]"), LOCK_P2PK, 1, 1, 1,
	  1, 21, false },
	{ "refund by two", P2PK("[\"refund\",\"" K2 "\",\"" K3 "\"],[\"n_sigs_refund\",\"2\"],[\"locktime\",\"0\"]"),
	  LOCK_P2PK, 1, 1, 2, 2, 0, false },
	{ "a time that is none", P2PK("[\"locktime\",\"soon\"]"), LOCK_P2PK, 1, 1, 0, 0, LOCK_FOREVER, false },
	{ "a far time", P2PK("[\"locktime\",\"9223372036854775807\"]"), LOCK_P2PK, 1, 1, 0, 0, INT64_MAX, false },
	{ "a hash", LOCK("HTLC", HASH, ""), LOCK_HTLC, 0, 0, 0, 0, LOCK_FOREVER, false },
	{ "a hash and keys", HTLC("[\"pubkeys\",\"" K1 "\",\"" K2 "\"],[\"locktime\",\"5\"],[\"refund\",\"" K3 "\"]"),
	  LOCK_HTLC, 2, 1, 1, 1, 5, false },
};

START_TEST(read)
{
	struct lock l;

	ck_ok(lock_parse(locks[_i].text, &l, &rerr));
	ck_assert_int_eq(l.kind, locks[_i].kind);
	ck_assert_uint_eq(l.keys.n, locks[_i].n_keys);
	ck_assert_uint_eq(l.keys.need, locks[_i].need);
	ck_assert_uint_eq(l.refund.n, locks[_i].n_refund);
	ck_assert_uint_eq(l.refund.need, locks[_i].refund_need);
	ck_assert_int_eq(l.locktime_s, locks[_i].locktime_s);
	ck_assert(l.sig_all == locks[_i].sig_all);
}
END_TEST

static const struct {
	const char *text, *word;
} unspendable[] = {
	{ "[", "none" },
	{ "[]", "none" },
	{ "[\"P2PK\"]", "none" },
	{ "[1,{}]", "lacks" },
	{ "[\"P2PK\",[]]", "lacks" },
	{ "[\"P2PK\",{\"nonce\":\"1\"}]", "lacks" },
	{ "[\"P2PK\",{\"data\":\"" K1 "\"}]", "lacks" },
	{ "[\"P2PK\",{\"nonce\":1,\"data\":\"" K1 "\"}]", "lacks" },
	{ "[\"P2PK\",{\"nonce\":\"1\",\"data\":\"" K1 "\",\"data\":\"" K2 "\"}]", "none" },
	{ "[\"P2PK\",{\"nonce\":\"1\",\"data\":\"" K1 "\"},1]", "none" },
	{ LOCK("P2PK", "02", ""), "point" },
	{ LOCK("P2PK", "020000000000000000000000000000000000000000000000000000000000000007", ""), "point" },
	{ LOCK("P2PK", K1, ",\"tags\":{}"), "not a list" },
	{ P2PK("[]"), "list of texts" },
	{ P2PK("\"sigflag\""), "list of texts" },
	{ P2PK("[\"locktime\",21]"), "list of texts" },
	{ P2PK("[\"locktime\",\"\"]"), "list of texts" },
	{ P2PK("[\"sigflag\"]"), "one" },
	{ P2PK("[\"sigflag\",\"SIG_ALL\",\"SIG_INPUTS\"]"), "one" },
	{ P2PK("[\"sigflag\",\"sig_all\"]"), "flag" },
	{ P2PK("[\"sigflag\",\"SIG_ALL\"],[\"sigflag\",\"SIG_ALL\"]"), "twice" },
	{ P2PK("[\"pubkeys\",\"" K2 "\"],[\"pubkeys\",\"" K3 "\"]"), "twice" },
	{ P2PK("[\"pubkeys\",\"" K1_MINUS "\"]"), "key twice" },
	{ P2PK("[\"pubkeys\",\"" K2 "\",\"" K2 "\"]"), "key twice" },
	{ P2PK("[\"refund\",\"" K1 "\",\"" K1_MINUS "\"],[\"locktime\",\"1\"]"), "key twice" },
	{ P2PK("[\"pubkeys\",\"02\"]"), "point" },
	{ P2PK("[\"refund\"]"), "without keys" },
	{ P2PK("[\"n_sigs\",\"0\"]"), "more than" },
	{ P2PK("[\"n_sigs\",\"2\"]"), "more than" },
	{ P2PK("[\"n_sigs\",\"one\"]"), "more than" },
	{ P2PK("[\"n_sigs\",\"-1\"]"), "more than" },
	{ P2PK("[\"n_sigs\",\"01\"]"), "more than" },
	{ P2PK("[\"n_sigs_refund\",\"1\"]"), "more than" },
	{ P2PK("[\"n_sigs_refund\",\"2\"],[\"refund\",\"" K2 "\"]"), "more than" },
	{ P2PK("[\"locktime\",\"021\"]"), "differ" },
	{ P2PK("[\"locktime\",\" 21\"]"), "differ" },
	{ P2PK("[\"locktime\",\"21.0\"]"), "differ" },
	{ P2PK("[\"locktime\",\"-1\"]"), "differ" },
	{ P2PK("[\"locktime\",\"9223372036854775808\"]"), "differ" },
	{ LOCK("HTLC", K1, ""), "hash" },
	{ LOCK("HTLC", "", ""), "hash" },
	{ HTLC("[\"n_sigs\",\"1\"]"), "more than" },
};

START_TEST(what_nobody_can_spend)
{
	struct lock l;

	ck_fails(lock_parse(unspendable[_i].text, &l, &rerr), ERR_LOCK);
	ck_assert_msg(strstr(rerr.msg, unspendable[_i].word) != NULL, "%s", rerr.msg);
	ck_assert_ptr_null(strstr(rerr.msg, NONCE));
}
END_TEST

START_TEST(too_long_or_too_many)
{
	SCOPED(buf) struct buf b = BUF_CAP(4096);
	struct lock l;

	buf_printf(&b, "[\"P2PK\",{\"nonce\":\"%0*d\",\"data\":\"" K1 "\"}]", CASHU_SECRET_MAX, 0);
	ck_fails(lock_parse(buf_text(&b), &l, &rerr), ERR_LOCK);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "longer"));
}
END_TEST

/* --- writing --- */

static struct lock p2pk(void)
{
	return (struct lock){ .kind = LOCK_P2PK,
			      .keys = { .key = { key_of(K1) }, .n = 1, .need = 1 },
			      .locktime_s = LOCK_FOREVER };
}

static void add(struct lock_keys *keys, const char *hex)
{
	keys->key[keys->n++] = key_of(hex);
}

START_TEST(written)
{
	static const uint8_t nonce[32] = { [31] = 0xaa };
	struct lock l = p2pk(), back;
	char *text;

	ck_ok(lock_secret(&ra, &l, nonce, &text, &rerr));
	ck_assert_str_eq(text, LOCK("P2PK", K1, ""));
	add(&l.keys, K2);
	add(&l.keys, K3);
	l.keys.need = 2;
	add(&l.refund, K1);
	add(&l.refund, K2);
	l.refund.need = 2;
	l.locktime_s = 1689418329;
	l.sig_all = true;
	ck_ok(lock_secret(&ra, &l, nonce, &text, &rerr));
	ck_assert_str_eq(
		text, P2PK("[\"pubkeys\",\"" K2 "\",\"" K3 "\"],[\"n_sigs\",\"2\"],[\"locktime\",\"1689418329\"],"
			   "[\"refund\",\"" K1 "\",\"" K2 "\"],[\"n_sigs_refund\",\"2\"],[\"sigflag\",\"SIG_ALL\"]"));
	ck_ok(lock_parse(text, &back, &rerr));
	ck_assert_mem_eq(&back.keys, &l.keys, sizeof(l.keys));
	ck_assert_mem_eq(&back.refund, &l.refund, sizeof(l.refund));
	ck_assert(back.locktime_s == l.locktime_s && back.sig_all);
	/* an HTLC with its own key, and one that the preimage alone opens */
	l = (struct lock){ .kind = LOCK_HTLC, .locktime_s = 0 };
	hex_to(HASH, l.hash.b, 32);
	ck_ok(lock_secret(&ra, &l, nonce, &text, &rerr));
	ck_assert_str_eq(text, HTLC("[\"locktime\",\"0\"]"));
	add(&l.keys, K1);
	l.keys.need = 1;
	ck_ok(lock_secret(&ra, &l, nonce, &text, &rerr));
	ck_assert_str_eq(text, HTLC("[\"pubkeys\",\"" K1 "\"],[\"locktime\",\"0\"]"));
}
END_TEST

START_TEST(not_written)
{
	static const uint8_t nonce[32];
	struct lock l = { .kind = LOCK_NONE, .locktime_s = LOCK_FOREVER };
	char *text;

	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l.kind = LOCK_P2PK;
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l = p2pk();
	l.keys.need = 2;
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l.keys.need = 0;
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l = p2pk();
	add(&l.keys, K1_MINUS);
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l = p2pk();
	l.keys.key[0].b[0] = 7;
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l = p2pk();
	l.locktime_s = -2;
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	l = p2pk();
	add(&l.refund, K2);
	l.refund.need = 1;
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK); /* never theirs */
	l.keys.n = LOCK_KEYS_MAX + 1;
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_LOCK);
	/* fourteen keys are more than a secret holds */
	l = p2pk();
	for (uint8_t i = 2; i <= 15; i++) {
		struct secret k = { .b = { [31] = i } };

		ck_assert(secp_seckey_pubkey(&k, &l.keys.key[l.keys.n++]));
	}
	ck_fails(lock_secret(&ra, &l, nonce, &text, &rerr), ERR_RANGE);
	l.keys.n = 12;
	ck_ok(lock_secret(&ra, &l, nonce, &text, &rerr));
}
END_TEST

/* --- who can spend --- */

#define SHARED                                                                                                         \
	P2PK("[\"pubkeys\",\"" K2 "\",\"" K3 "\"],[\"n_sigs\",\"2\"],[\"refund\",\"" K1 "\",\"" K3                     \
	     "\"],[\"locktime\",\"100\"]")
#define SWAP HTLC("[\"pubkeys\",\"" K1 "\"],[\"refund\",\"" K2 "\"],[\"locktime\",\"100\"]")

static const struct {
	const char *name, *secret;
	int64_t now_s;
	const char *ours[4];
	bool knows;
	enum lock_path path; /* 0: ERR_LOCKED */
	size_t signers[3], n_signers;
} ways[] = {
	{ "an ordinary secret", NONCE, 0, { NULL }, false, LOCK_BY_ANYONE, { 0 }, 0 },
	{ "our key", LOCK("P2PK", K1, ""), 0, { K1 }, false, LOCK_BY_KEYS, { 0 }, 1 },
	{ "our key, by x", LOCK("P2PK", K1, ""), 0, { K2, K1_MINUS }, false, LOCK_BY_KEYS, { 1 }, 1 },
	{ "another's key", LOCK("P2PK", K1, ""), 0, { K2, K3 }, false, 0, { 0 }, 0 },
	{ "no key", LOCK("P2PK", K1, ""), INT64_MAX, { NULL }, false, 0, { 0 }, 0 },
	{ "two of three", SHARED, 0, { K3, K1 }, false, LOCK_BY_KEYS, { 0, 1 }, 2 },
	{ "no more than needed", SHARED, 0, { K1, K2, K3 }, false, LOCK_BY_KEYS, { 0, 1 }, 2 },
	{ "one of three", SHARED, 0, { K1 }, false, 0, { 0 }, 0 },
	{ "one key twice", SHARED, 0, { K1, K1_MINUS }, false, 0, { 0 }, 0 },
	{ "on the second", SHARED, 100, { K1 }, false, 0, { 0 }, 0 },
	{ "after it, by refund", SHARED, 101, { K2, K1 }, false, LOCK_BY_KEYS, { 0, 1 }, 2 },
	{ "after it, by refund alone", SHARED, 101, { K1 }, false, LOCK_BY_REFUND, { 0 }, 1 },
	{ "after it, but not by these", SHARED, 101, { K2 }, false, 0, { 0 }, 0 },
	{ "after it, by anyone", P2PK("[\"locktime\",\"100\"]"), 101, { NULL }, false, LOCK_BY_ANYONE, { 0 }, 0 },
	{ "before it, by no one", P2PK("[\"locktime\",\"100\"]"), 100, { NULL }, false, 0, { 0 }, 0 },
	{ "a hash, known", LOCK("HTLC", HASH, ""), 0, { NULL }, true, LOCK_BY_KEYS, { 0 }, 0 },
	{ "a hash, not known", LOCK("HTLC", HASH, ""), 0, { K1 }, false, 0, { 0 }, 0 },
	{ "hash and key", SWAP, 0, { K1 }, true, LOCK_BY_KEYS, { 0 }, 1 },
	{ "hash without the key", SWAP, 0, { K2 }, true, 0, { 0 }, 0 },
	{ "key without the hash", SWAP, 0, { K1 }, false, 0, { 0 }, 0 },
	{ "late, with both", SWAP, 101, { K1 }, true, LOCK_BY_KEYS, { 0 }, 1 },
	{ "late, back to the sender", SWAP, 101, { K2 }, false, LOCK_BY_REFUND, { 0 }, 1 },
	{ "late, and nobody asked", HTLC("[\"locktime\",\"100\"]"), 101, { NULL }, false, LOCK_BY_ANYONE, { 0 }, 0 },
};

START_TEST(ways_to_spend)
{
	struct pubkey ours[4];
	struct lock_way way;
	struct lock l;
	size_t n = 0;

	for (; n < ARRAY_LEN(ours) && ways[_i].ours[n] != NULL; n++)
		ours[n] = key_of(ways[_i].ours[n]);
	ck_ok(lock_parse(ways[_i].secret, &l, &rerr));
	if (ways[_i].path == 0) {
		ck_fails(lock_way_find(&l, ways[_i].now_s, ours, n, ways[_i].knows ? preimage : NULL, &way, &rerr),
			 ERR_LOCKED);
		ck_assert(rerr.hint[0] != '\0');
		return;
	}
	ck_ok(lock_way_find(&l, ways[_i].now_s, ours, n, ways[_i].knows ? preimage : NULL, &way, &rerr));
	ck_assert_int_eq(way.path, ways[_i].path);
	ck_assert(way.preimage == (l.kind == LOCK_HTLC && way.path == LOCK_BY_KEYS));
	ck_assert_uint_eq(way.n_signers, ways[_i].n_signers);
	for (size_t i = 0; i < way.n_signers; i++)
		ck_assert_uint_eq(way.signers[i], ways[_i].signers[i]);
	ck_assert(lock_is_open(&l, ways[_i].now_s) == (way.path == LOCK_BY_ANYONE));
}
END_TEST

START_TEST(no_way)
{
	uint8_t wrong[32] = { 2 };
	struct lock_way way;
	struct lock l;

	ck_ok(lock_parse(LOCK("X", "x", ""), &l, &rerr));
	ck_fails(lock_way_find(&l, INT64_MAX, NULL, 0, preimage, &way, &rerr), ERR_UNSUPPORTED);
	ck_assert(!lock_is_open(&l, INT64_MAX));
	ck_ok(lock_parse(LOCK("HTLC", HASH, ""), &l, &rerr));
	ck_fails(lock_way_find(&l, 0, NULL, 0, wrong, &way, &rerr), ERR_LOCKED);
	ck_ok(lock_parse(P2PK("[\"locktime\",\"100\"]"), &l, &rerr));
	ck_fails(lock_way_find(&l, 40, NULL, 0, NULL, &way, &rerr), ERR_LOCKED);
	ck_assert_str_eq(rerr.msg, "the proof needs 1 signatures of 1 keys, of which 0 are at hand");
	ck_assert_str_eq(rerr.hint, "anyone can spend it after 100 (unix time)");
}
END_TEST

static const struct {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{ "[\"P2PK\",{\"nonce\":\"1\",\"data\":\"x\"}]", "[\"P2PK\", {\"data\":\"x\",\"nonce\":\"2\"}]", true },
	{ P2PK("[\"a\",\"b\"],[\"c\"]"), P2PK("[\"a\",\"b\"],[\"c\"]"), true },
	{ P2PK("[\"a\",\"b\"],[\"c\"]"), P2PK("[\"c\"],[\"a\",\"b\"]"), false },
	{ P2PK("[\"a\",\"b\"]"), P2PK("[\"a\",\"c\"]"), false },
	{ P2PK(""), LOCK("P2PK", K1, ""), false },
	{ LOCK("P2PK", K1, ""), LOCK("HTLC", K1, ""), false },
	{ LOCK("P2PK", K1, ""), LOCK("P2PK", K2, ""), false },
	{ NONCE, NONCE, false },
	{ "[", "[", false },
};

START_TEST(equal_conditions)
{
	ck_assert(lock_conditions_equal(pairs[_i].a, pairs[_i].b) == pairs[_i].equal);
	ck_assert(lock_conditions_equal(pairs[_i].b, pairs[_i].a) == pairs[_i].equal);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/lock");
	TCase *c = rails_case(s, "lock");

	tcase_add_loop_test(c, read, 0, ARRAY_LEN(locks));
	tcase_add_loop_test(c, what_nobody_can_spend, 0, ARRAY_LEN(unspendable));
	tcase_add_test(c, too_long_or_too_many);
	tcase_add_test(c, written);
	tcase_add_test(c, not_written);
	tcase_add_loop_test(c, ways_to_spend, 0, ARRAY_LEN(ways));
	tcase_add_test(c, no_way);
	tcase_add_loop_test(c, equal_conditions, 0, ARRAY_LEN(pairs));
	return suite_run(s);
}
