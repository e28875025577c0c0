/* Ecash under lock: what this wallet's keys, a preimage and signatures of others open, what they do not, and locked ecash
 * made here, with the mint of tests/peers/testmint, which judges every witness.  NUT-10, NUT-11, NUT-14. */
#include <inttypes.h>
#include <string.h>

#include "actions/cashu_lock.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/cashu/lock.h"
#include "rails/cashu/token.h"
#include "rails/cashu/witness.h"
#include "rails/keys/keyring.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define SWAP     "/v1/swap"
#define MANY     40
#define PREIMAGE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct world w;
static const uint64_t notes[] = { 1, 4, 16, 0 };

/* --- locks --- */

enum who { NOBODY = 0, OURS = 1, OURS_TOO, OURS_FAR, OURS_TOO_FAR, ALICE, BOB };
enum when { NEVER = 0, PAST, FUTURE };

/* A lock in short. */
struct plan {
	const char *name;
	enum who keys[3], refund[2];
	unsigned need, refund_need; /* 0: one of those that there are */
	enum when until;
	bool hash, all;
	const char *preimage; /* what the receiver has */
};

static struct secret secret_of(enum who who)
{
	struct secret s = { { [30] = 7, [31] = (uint8_t)who } };

	return s;
}

static struct pubkey key_of(enum who who)
{
	static const uint32_t indices[] = {
		[OURS] = 0, [OURS_TOO] = 1, [OURS_FAR] = LOCK_GAP - 1, [OURS_TOO_FAR] = LOCK_GAP
	};
	struct secret s = secret_of(who);
	struct pubkey ret;
	struct err err;

	if (who < ALICE)
		ck_assert_int_eq(keyring_cashu_lock_key(w.keys, indices[who], &ret, &err), 0);
	else
		ck_assert(secp_seckey_pubkey(&s, &ret));
	return ret;
}

static void keys_set(struct lock_keys *keys, const enum who *who, size_t n, unsigned need)
{
	for (size_t i = 0; i < n && who[i]; i++)
		keys->key[keys->n++] = key_of(who[i]);
	keys->need = need ? need : keys->n > 0;
}

static const char *secret_text(const struct plan *p, uint8_t nonce)
{
	struct lock l = { .kind = p->hash ? LOCK_HTLC : LOCK_P2PK, .sig_all = p->all, .locktime_s = LOCK_FOREVER };
	const uint8_t random[32] = { nonce, 9 };
	uint8_t preimage[32];
	struct err err;
	char *text;

	memset(preimage, 0xaa, sizeof(preimage));
	sha256((struct bytes){ preimage, sizeof(preimage) }, &l.hash);
	keys_set(&l.keys, p->keys, ARRAY_LEN(p->keys), p->need);
	keys_set(&l.refund, p->refund, ARRAY_LEN(p->refund), p->refund_need);
	if (p->until)
		l.locktime_s = clock_now_ms() / 1000 + (p->until == PAST ? -1000 : 1000);
	ck_assert_msg(lock_secret(&w.arena, &l, random, &text, &err) == 0, "%s: %s", p->name, err.msg);
	return text;
}

static const char *params_of(const char *token, const char *preimage)
{
	return preimage ? arena_printf(&w.arena, "{\"token\":\"%s\",\"preimage\":\"%s\"}", token, preimage)
			: arena_printf(&w.arena, "{\"token\":\"%s\"}", token);
}

static const char *token_of(const struct plan *p, const char *witness)
{
	const char *secrets[3];

	for (uint8_t i = 0; i < 3; i++)
		secrets[i] = secret_text(p, i);
	return world_token_of(&w, secrets, notes, witness, DLEQ_GOOD);
}

/* --- what opens --- */

static const struct plan opened[] = {
	{ "our key", .keys = { OURS } },
	{ "a key within the gap", .keys = { OURS_FAR } },
	{ "one of two", .keys = { ALICE, OURS } },
	{ "two of three", .keys = { OURS, ALICE, OURS_TOO }, .need = 2 },
	{ "before the locktime", .keys = { OURS }, .refund = { ALICE }, .until = FUTURE },
	{ "our key also after it", .keys = { OURS }, .refund = { ALICE }, .until = PAST },
	{ "our refund key after it", .keys = { ALICE }, .refund = { OURS }, .until = PAST },
	{ "two refund keys", .keys = { ALICE }, .refund = { OURS, OURS_TOO }, .refund_need = 2, .until = PAST },
	{ "anyone after it", .keys = { ALICE }, .until = PAST },
	{ "a preimage", .hash = true, .preimage = PREIMAGE },
	{ "a preimage and our key", .keys = { OURS }, .hash = true, .preimage = PREIMAGE },
	{ "the refund of a hash", .keys = { ALICE }, .refund = { OURS }, .hash = true, .until = PAST },
	{ "one signature for all", .keys = { OURS }, .all = true },
	{ "two for all", .keys = { OURS, OURS_TOO }, .need = 2, .all = true },
	{ "a preimage and one signature for all", .keys = { OURS }, .hash = true, .all = true, .preimage = PREIMAGE },
};

/* Also when the reply is lost, and the same is sent again. */
START_TEST(test_opened)
{
	const struct plan *p = &opened[_i];
	struct action_id id;

	world_open(&w, 100);
	world_fault(&w, "{\"path\":\"" SWAP "\",\"mode\":\"drop_before\"}");
	id = world_start(&w, "cashu_receive", params_of(token_of(p, NULL), p->preimage));
	world_settle(&w, &id, MANY);
	ck_assert_msg(world_row(&w, &id).status == ACTION_DONE, "%s: %s", p->name, world_row(&w, &id).error_msg);
	ck_assert_uint_ge(world_asked(&w, SWAP), 2);
	ck_assert(world_same_bytes(&w, SWAP, 1, 2));
	ck_assert_int_eq(world_total(&w), 20);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* Signatures that others made before: one of two is theirs, the other ours. */
START_TEST(test_signed_along)
{
	const struct plan p = { "ours and hers", .keys = { ALICE, OURS }, .need = 2 };
	static const uint64_t one[] = { 16, 0 };
	struct witness mine = { .n_sigs = 1 };
	struct secret key = secret_of(_i ? BOB : ALICE);
	const char *secret;
	struct action_id id;
	struct hash32 msg;
	struct err err;
	char *text;

	world_open(&w, 0);
	secret = secret_text(&p, 3);
	witness_message(secret, &msg);
	ck_assert(secp_schnorr_sign(&key, &msg, mine.sigs[0]));
	ck_assert_int_eq(witness_text(&w.arena, &mine, &text, &err), 0);
	text = world_token_of(&w, &secret, one, text, DLEQ_GOOD);
	if (_i) {
		world_refused(&w, "cashu_receive", params_of(text, NULL), "proof_locked", "token");
	} else {
		id = world_start(&w, "cashu_receive", params_of(text, NULL));
		world_settle(&w, &id, MANY);
		ck_assert_int_eq(world_total(&w), 16);
		world_check(&w, 0);
	}
	world_close(&w);
}
END_TEST

/* The locktime passes between two copies of the request: they are the same all the same. */
START_TEST(test_time_passes)
{
	const struct plan p = { "for a while", .keys = { OURS }, .refund = { OURS_TOO }, .until = FUTURE };
	struct action_id id;

	world_open(&w, 0);
	world_fault(&w, "{\"path\":\"" SWAP "\",\"mode\":\"drop_before\"}");
	id = world_start(&w, "cashu_receive", params_of(token_of(&p, NULL), NULL));
	world_settle(&w, &id, 0);
	clock_set_for_test(clock_now_ms() + 2000 * 1000);
	world_settle(&w, &id, MANY);
	ck_assert(world_same_bytes(&w, SWAP, 1, 2));
	ck_assert_int_eq(world_total(&w), 21);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* --- what does not --- */

static const struct plan shut[] = {
	{ "not our key", .keys = { ALICE } },
	{ "a key beyond the gap", .keys = { OURS_TOO_FAR } },
	{ "one of two that are needed", .keys = { OURS, ALICE }, .need = 2 },
	{ "our refund key before its time", .keys = { ALICE }, .refund = { OURS }, .until = FUTURE },
	{ "anyone before the time", .keys = { ALICE }, .until = FUTURE },
	{ "not our refund key", .keys = { ALICE }, .refund = { BOB }, .until = PAST },
	{ "no preimage", .keys = { OURS }, .hash = true },
	{ "another preimage", .hash = true,
	  .preimage = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" },
	{ "a preimage without the key", .keys = { ALICE }, .hash = true, .preimage = PREIMAGE },
};

START_TEST(test_shut)
{
	const struct plan *p = &shut[_i];

	world_open(&w, 100);
	world_refused(&w, "cashu_receive", params_of(token_of(p, NULL), p->preimage), "proof_locked", "token");
	ck_assert_uint_eq(world_asked(&w, SWAP), 0);
	world_check(&w, 21);
	world_close(&w);
}
END_TEST

static const struct {
	const char *secret, *kind;
} odd[] = {
	{ "[\"P2PX\",{\"nonce\":\"00\",\"data\":\"00\"}]", "unsupported" },
	{ "[\"P2PK\",{\"nonce\":\"00\",\"data\":\"00\"}]", "bad_lock" },
	{ "[\"P2PK\"]", "bad_lock" },
	{ "[", "bad_lock" },
};

START_TEST(test_odd)
{
	static const uint64_t one[] = { 16, 0 };

	world_open(&w, 100);
	world_refused(&w, "cashu_receive", params_of(world_token_of(&w, &odd[_i].secret, one, NULL, DLEQ_GOOD), NULL),
		      odd[_i].kind, "token");
	world_close(&w);
}
END_TEST

/* --- made here --- */

static const char *hex_of(enum who who)
{
	struct pubkey key = key_of(who);
	char *hex = arena_alloc(&w.arena, 67);

	hex_encode(key.b, sizeof(key.b), hex);
	return hex;
}

static struct action_id send_locked(const char *more)
{
	return world_start(&w, "cashu_send",
			   arena_printf(&w.arena, "{\"amount\":21,\"lock_to\":[\"%s\"]%s}", hex_of(ALICE), more));
}

static struct token token_made(const struct action_id *id)
{
	json_t *shown = world_progress(&w, id);
	struct token t;
	struct err err;

	ck_assert_ptr_nonnull(json_object_get(shown, "token"));
	ck_assert_int_eq(token_decode(&w.arena, bytes_of(json_string_value(json_object_get(shown, "token"))), &t, &err),
			 0);
	return t;
}

static void assert_locked(const struct token *t)
{
	struct pubkey key = key_of(ALICE);

	ck_assert_uint_eq(t->sum, 21);
	for (size_t i = 0; i < t->n; i++) {
		struct lock l;
		struct err err;

		ck_assert_int_eq(lock_parse(t->proofs[i].secret, &l, &err), 0);
		ck_assert_int_eq(l.kind, LOCK_P2PK);
		ck_assert(pubkey_equal(&l.keys.key[0], &key));
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(t->proofs[i].secret, t->proofs[k].secret);
	}
}

static const char *const sent_through[] = {
	"{\"path\":\"/v1/swap\",\"mode\":\"delay\",\"ms\":1}",
	"{\"path\":\"/v1/swap\",\"mode\":\"drop_before\"}",
	"{\"path\":\"/v1/swap\",\"mode\":\"drop_after\"}",
	"{\"path\":\"/v1/swap\",\"mode\":\"garbage\"}",
	"{\"path\":\"/v1/swap\",\"mode\":\"bad_signature\"}",
	"{\"path\":\"/v1/swap\",\"mode\":\"answer\",\"status\":400,\"code\":12002}",
};

START_TEST(test_sent)
{
	struct action_id id;
	struct token t;

	world_open(&w, 100);
	world_issue(&w, 100);
	world_fault(&w, sent_through[_i]);
	id = send_locked("");
	for (int i = 0; i < MANY && !json_object_get(world_progress(&w, &id), "token"); i++)
		world_turn(&w);
	t = token_made(&id);
	assert_locked(&t);
	ck_assert_uint_eq(faults_left(&w.faults), 0);
	ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
	for (size_t i = 0; i < t.n; i++)
		world_spend_proof(&w, &t.proofs[i]);
	world_settle(&w, &id, MANY);
	ck_assert_int_eq(world_row(&w, &id).status, ACTION_DONE);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

/* What nobody took until its time comes back, to a key that was made for it. */
START_TEST(test_back)
{
	struct action_id id;
	const char *why;
	struct token t;

	world_open(&w, 100);
	world_issue(&w, 100);
	id = send_locked(arena_printf(&w.arena, ",\"locktime_s\":%" PRId64, clock_now_ms() / 1000 + 1000));
	world_turn(&w);
	t = token_made(&id);
	assert_locked(&t);
	ck_assert_str_eq(world_cancel(&w, &id), "not_cancellable");
	clock_set_for_test(clock_now_ms() + 1002 * 1000);
	world_fault(&w, "{\"path\":\"" SWAP "\",\"mode\":\"drop_after\"}");
	why = world_cancel(&w, &id);
	ck_assert_msg(why == NULL, "%s", why);
	world_settle(&w, &id, MANY);
	ck_assert_int_eq(world_row(&w, &id).status, ACTION_CANCELLED);
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), 0);
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

START_TEST(test_mint_without_locks)
{
	struct action_id id;

	world_open(&w, 0);
	world_issue(&w, 100);
	world_fault(&w, "{\"path\":\"/v1/info\",\"mode\":\"edit\",\"set\":{\"nuts\":{\"7\":{\"supported\":true}}}}");
	id = world_start(&w, "cashu_mint_sync", arena_printf(&w.arena, "{\"mint\":\"%s\"}", w.url));
	world_settle(&w, &id, MANY);
	world_refused(&w, "cashu_send", arena_printf(&w.arena, "{\"amount\":21,\"lock_to\":[\"%s\"]}", hex_of(ALICE)),
		      "unsupported", "");
	world_refused(&w, "cashu_send", "{\"amount\":21,\"lock_hash\":\"" PREIMAGE "\"}", "unsupported", "");
	world_check(&w, 0);
	world_close(&w);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("cashu_lock");
	TCase *tc = tcase_create("locks");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_opened, 0, ARRAY_LEN(opened));
	tcase_add_loop_test(tc, test_signed_along, 0, 2);
	tcase_add_test(tc, test_time_passes);
	tcase_add_loop_test(tc, test_shut, 0, ARRAY_LEN(shut));
	tcase_add_loop_test(tc, test_odd, 0, ARRAY_LEN(odd));
	tcase_add_loop_test(tc, test_sent, 0, ARRAY_LEN(sent_through));
	tcase_add_test(tc, test_back);
	tcase_add_test(tc, test_mint_without_locks);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
