/* Vectors: tests/vectors/cashu/derived_fees_and_change.json (blank_outputs). */
#include "rails/cashu/melt.h"

#include <string.h>

#include "rails/cashu/cashu_error.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "tests/support/mint_crypto.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define ID      "009a1f293253e41e"
#define INVOICE "lnbc1m1pabc"

static struct currency unit_of(const char *name)
{
	struct currency c;

	ck_assert(currency_parse(name, &c));
	return c;
}

static struct ecash sum_of(uint64_t v, const char *unit)
{
	struct ecash e;

	ck_assert(ecash_make(v, unit_of(unit), &e));
	return e;
}

static struct melt_asked asked_for(uint64_t msat, const char *unit)
{
	return (struct melt_asked){ .invoice = INVOICE, .unit = unit_of(unit), .amount = { msat } };
}

START_TEST(asking_for_a_quote)
{
	struct melt_asked asked = asked_for(100000000, "sat");
	struct net_request req;

	ck_ok(melt_quote_request(&ra, "https://m.example", &asked, &req, &rerr));
	ck_assert_str_eq(req.method, "POST");
	ck_assert_str_eq(req.url, "https://m.example/v1/melt/quote/bolt11");
	ck_assert(!req.changes_state);
	assert_body(&req, "{\"request\":\"" INVOICE "\",\"unit\":\"sat\"}");
	asked.amountless = true;
	ck_ok(melt_quote_request(&ra, "https://m.example", &asked, &req, &rerr));
	assert_body(&req, "{\"request\":\"" INVOICE "\",\"unit\":\"sat\",\"options\":{\"amountless\":"
			  "{\"amount_msat\":100000000}}}");
	asked.amount.v = 0;
	ck_fails(melt_quote_request(&ra, "https://m.example", &asked, &req, &rerr), ERR_RANGE);
	ck_assert_str_eq(rerr.field, "amount");
	asked.amount.v = AMOUNT_MAX + 1;
	ck_fails(melt_quote_request(&ra, "https://m.example", &asked, &req, &rerr), ERR_RANGE);
	melt_quote_check_request(&ra, "https://m.example", "a/b", &req);
	ck_assert_str_eq(req.method, "GET");
	ck_assert_str_eq(req.url, "https://m.example/v1/melt/quote/bolt11/a%2Fb");
}
END_TEST

START_TEST(paying)
{
	struct proof in[2] = {
		{ .amount = 4,
		  .keyset = { .s = ID },
		  .secret = "locked",
		  .c = { { 2, 0xaa } },
		  .witness = "{\"signatures\":[]}",
		  .dleq = { .present = true, .has_r = true, .r = { { 0x77 } } } },
		{ .amount = 1, .keyset = { .s = ID }, .secret = "plain", .c = { { 3, 0xbb } } },
	};
	struct output blank = {
		.amount = 1, .keyset = { .s = ID }, .b = { { 2, 0xcc } }, .r = { { 0x55 } }, .secret = "never sent"
	};
	struct net_request req, again;
	const char *inputs = arena_printf(&ra,
					  "{\"amount\":4,\"id\":\"" ID "\",\"secret\":\"locked\",\"C\":\"02aa%062d\","
					  "\"witness\":\"{\\\"signatures\\\":[]}\"},{\"amount\":1,\"id\":\"" ID
					  "\",\"secret\":\"plain\",\"C\":\"03bb%062d\"}",
					  0, 0);

	ck_ok(melt_request(&ra, "https://m.example", "q-1", in, 2, &blank, 1, &req, &rerr));
	ck_assert_str_eq(req.url, "https://m.example/v1/melt/bolt11");
	ck_assert(req.changes_state);
	ck_assert_int_eq(req.timeout_ms, 120000);
	assert_body(&req, arena_printf(&ra,
				       "{\"quote\":\"q-1\",\"inputs\":[%s],\"outputs\":[{\"amount\":1,\"id\":\"" ID
				       "\",\"B_\":\"02cc%062d\"}],\"prefer_async\":true}",
				       inputs, 0));
	ck_ok(melt_request(&ra, "https://m.example", "q-1", in, 2, &blank, 1, &again, &rerr));
	ck_assert(bytes_equal(req.body, again.body));
	ck_ok(melt_request(&ra, "https://m.example", "q-1", in, 2, NULL, 0, &req, &rerr));
	assert_body(&req, arena_printf(&ra, "{\"quote\":\"q-1\",\"inputs\":[%s],\"prefer_async\":true}", inputs));
}
END_TEST

START_TEST(payments_that_cannot_be_made)
{
	struct proof *in = ARENA_ARRAY(&ra, CASHU_LIST_MAX + 1, struct proof);
	struct output *blanks = ARENA_ARRAY(&ra, MELT_BLANKS_MAX + 1, struct output);
	SCOPED(arena) struct arena small = ARENA_LIMIT(16 * 1024);
	struct net_request req;

	for (size_t i = 0; i <= CASHU_LIST_MAX; i++)
		in[i] = (struct proof){ .amount = 1, .secret = "s" };
	ck_fails(melt_request(&ra, "https://m.example", "q", in, 0, blanks, 1, &req, &rerr), ERR_RANGE);
	ck_fails(melt_request(&ra, "https://m.example", "q", in, CASHU_LIST_MAX + 1, blanks, 1, &req, &rerr),
		 ERR_RANGE);
	ck_fails(melt_request(&ra, "https://m.example", "q", in, 1, blanks, MELT_BLANKS_MAX + 1, &req, &rerr),
		 ERR_RANGE);
	ck_ok(melt_request(&ra, "https://m.example", "q", in, CASHU_LIST_MAX, blanks, MELT_BLANKS_MAX, &req, &rerr));
	/* room for each, not for both */
	ck_fails(melt_request(&small, "https://m.example", "q", in, 20, blanks, 50, &req, &rerr), ERR_RANGE);
	in[0].amount = AMOUNT_MAX + 1;
	ck_fails(melt_request(&ra, "https://m.example", "q", in, 1, blanks, 0, &req, &rerr), ERR_RANGE);
	blanks[0].amount = AMOUNT_MAX + 1;
	ck_fails(melt_request(&ra, "https://m.example", "q", in + 1, 1, blanks, 1, &req, &rerr), ERR_RANGE);
}
END_TEST

#define QUOTE(state, more) "{\"quote\":\"q-1\",\"amount\":100,\"fee_reserve\":2,\"state\":\"" state "\"" more "}"

static const struct {
	const char *name, *body;
	enum quote_state state;
	int64_t expiry_s;
	const char *preimage;
} good[] = {
	{ "least", QUOTE("UNPAID", ""), QUOTE_UNPAID, 0, NULL },
	{ "most",
	  QUOTE("UNPAID", ",\"request\":\"" INVOICE "\",\"unit\":\"sat\",\"method\":\"bolt11\",\"expiry\":1701704757,"
			  "\"payment_preimage\":null,\"change\":null,\"paid\":false"),
	  QUOTE_UNPAID, 1701704757, NULL },
	{ "the invoice in capitals", QUOTE("UNPAID", ",\"request\":\"LNBC1M1PABC\""), QUOTE_UNPAID, 0, NULL },
	{ "an expiry past all counting", QUOTE("UNPAID", ",\"expiry\":9223372036854775807"), QUOTE_UNPAID, 253402300799,
	  NULL },
	{ "pending", QUOTE("PENDING", ""), QUOTE_PENDING, 0, NULL },
	{ "paid", QUOTE("PAID", ",\"payment_preimage\":\"00ff\""), QUOTE_PAID, 0, "00ff" },
	{ "paid, as cdk's test backend has it", QUOTE("PAID", ",\"payment_preimage\":\"\""), QUOTE_PAID, 0, NULL },
	{ "failed", QUOTE("FAILED", ""), QUOTE_UNPAID, 0, NULL },
	{ "unknown", QUOTE("UNKNOWN", ""), QUOTE_UNKNOWN, 0, NULL },
	{ "a state to come", QUOTE("paid", ""), QUOTE_UNKNOWN, 0, NULL },
	{ "issued, which a payment cannot be", QUOTE("ISSUED", ""), QUOTE_UNKNOWN, 0, NULL },
	/* It says that it does not pay, and shows that somebody was paid. */
	{ "unpaid with a preimage", QUOTE("UNPAID", ",\"payment_preimage\":\"00\""), QUOTE_PENDING, 0, "00" },
	{ "failed with a preimage", QUOTE("FAILED", ",\"payment_preimage\":\"00\""), QUOTE_PENDING, 0, "00" },
	{ "failed with none", QUOTE("FAILED", ",\"payment_preimage\":\"\""), QUOTE_UNPAID, 0, NULL },
};

START_TEST(answers)
{
	struct melt_asked asked = asked_for(100000, "sat");
	struct net_reply rep = reply_of(200, good[_i].body);
	struct melt_quote q;

	ck_ok(melt_quote_decode(&ra, &rep, &asked, "q-1", &q, &rerr));
	ck_assert_str_eq(q.id, "q-1");
	ck_assert_int_eq(q.state, good[_i].state);
	ck_assert_int_eq(q.expiry_s, good[_i].expiry_s);
	ck_assert_uint_eq(ecash_value(q.amount), 100);
	ck_assert_uint_eq(ecash_value(q.fee_reserve), 2);
	ck_assert((q.preimage == NULL) == (good[_i].preimage == NULL));
	if (q.preimage != NULL)
		ck_assert_str_eq(q.preimage, good[_i].preimage);
	ck_assert(q.n_change == 0 && !q.change_unreadable);
	ck_ok(melt_quote_decode(&ra, &rep, &asked, NULL, &q, &rerr));
}
END_TEST

static const char *const bad[] = {
	"{}",
	"[]",
	"{\"amount\":100,\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"amount\":100,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"amount\":100,\"fee_reserve\":2}",
	"{\"quote\":\"\",\"amount\":100,\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-2\",\"amount\":100,\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q\\u0001\",\"amount\":100,\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"amount\":0,\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"amount\":99,\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"amount\":100.5,\"fee_reserve\":2,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"amount\":100,\"fee_reserve\":-1,\"state\":\"UNPAID\"}",
	"{\"quote\":\"q-1\",\"amount\":100,\"fee_reserve\":2,\"state\":7}",
	QUOTE("UNPAID", ",\"unit\":\"usd\""),
	QUOTE("UNPAID", ",\"request\":\"lnbc1m1pabd\""),
	QUOTE("UNPAID", ",\"request\":7"),
	QUOTE("UNPAID", ",\"expiry\":-1"),
	QUOTE("PAID", ",\"payment_preimage\":7"),
	QUOTE("PAID", ",\"payment_preimage\":\"\\u001b\""),
};

START_TEST(answers_refused)
{
	struct melt_asked asked = asked_for(100000, "sat");
	struct net_reply rep = reply_of(200, bad[_i]);
	struct melt_quote q;

	ck_fails(melt_quote_decode(&ra, &rep, &asked, "q-1", &q, &rerr), ERR_PEER_INVALID);
}
END_TEST

static const struct {
	const char *unit;
	uint64_t msat, amount;
	bool fits;
} charges[] = {
	{ "sat", 100000, 100, true },
	{ "sat", 100999, 100, true }, /* some mints round down what no satoshi covers */
	{ "sat", 101000, 100, false },
	{ "sat", 1, 1, true },
	{ "sat", 1000, 1000000, true }, /* dear, which is for the ceiling to say */
	{ "msat", 100, 100, true },
	{ "msat", 101, 100, false },
	{ "usd", UINT64_C(100000000000), 1, true }, /* whatever a dollar is */
};

START_TEST(the_mint_charges_what_is_asked)
{
	struct melt_asked asked = asked_for(charges[_i].msat, charges[_i].unit);
	struct net_reply rep = reply_of(
		200, arena_printf(&ra, "{\"quote\":\"q\",\"amount\":%llu,\"fee_reserve\":0,\"state\":\"UNPAID\"}",
				  (unsigned long long)charges[_i].amount));
	struct melt_quote q;

	if (charges[_i].fits)
		ck_ok(melt_quote_decode(&ra, &rep, &asked, NULL, &q, &rerr));
	else
		ck_fails(melt_quote_decode(&ra, &rep, &asked, NULL, &q, &rerr), ERR_PEER_INVALID);
}
END_TEST

static const char *const unreadable[] = {
	"{}",
	"7",
	"[7]",
	"[{\"amount\":0,\"id\":\"" ID "\",\"C_\":\"02\"}]",
};

/* Whatever the change, that the invoice is paid is known. */
START_TEST(change_that_cannot_be_read)
{
	struct melt_asked asked = asked_for(100000, "sat");
	SCOPED(buf) struct buf many = BUF_CAP(64 * 1024);
	struct net_reply rep;
	struct melt_quote q;

	for (size_t i = 0; i < ARRAY_LEN(unreadable); i++) {
		rep = reply_of(200, arena_printf(&ra, QUOTE("PAID", ",\"change\":%s"), unreadable[i]));
		ck_ok(melt_quote_decode(&ra, &rep, &asked, "q-1", &q, &rerr));
		ck_assert(q.state == QUOTE_PAID && q.n_change == 0 && q.change_unreadable);
	}
	for (unsigned i = 0; i <= MELT_BLANKS_MAX; i++)
		buf_printf(&many, "%s{\"amount\":1,\"id\":\"" ID "\",\"C_\":\"02%064d\"}", i > 0 ? "," : "", 0);
	rep = reply_of(200, arena_printf(&ra, QUOTE("PAID", ",\"change\":[%s]"), buf_text(&many)));
	ck_ok(melt_quote_decode(&ra, &rep, &asked, "q-1", &q, &rerr));
	ck_assert(q.state == QUOTE_PAID && q.n_change == 0 && q.change_unreadable);
}
END_TEST

/* NUT-08's example: of 10 blanks for a reserve of 1000, four take the 900 that came back. */
START_TEST(change_becomes_proofs)
{
	static const uint64_t amounts[] = { 4, 128, 256, 512 };
	struct melt_asked asked = asked_for(100000000, "sat");
	size_t n_blanks = melt_blank_count(1000);
	struct output blanks[16], *signed_ones;
	SCOPED(buf) struct buf b = BUF_CAP(16 * 1024);
	struct mint_keyset mint;
	struct net_reply rep;
	struct melt_quote q;
	struct proof *proofs;

	mint_keyset_make(&ra, "mint", KEYSET_V2, "sat", 12, 100, 0, &mint);
	ck_assert_uint_eq(n_blanks, 10);
	for (size_t i = 0; i < n_blanks; i++) {
		struct secret r = { .b = { [31] = (uint8_t)(i + 1) } };

		ck_ok(output_make(&ra, &mint.pub.id, 1, arena_printf(&ra, "blank %zu", i), &r, OUTPUT_KEEP, -1,
				  &blanks[i], &rerr));
	}
	for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
		struct promise p;
		char c[67];

		ck_assert(mint_sign(&mint, amounts[i], &blanks[i].b, &p));
		for (size_t j = 0; j < sizeof(p.c.b); j++)
			(void)snprintf(c + 2 * j, 3, "%02x", p.c.b[j]);
		buf_printf(&b, "%s{\"amount\":%llu,\"id\":\"%s\",\"C_\":\"%s\"}", i > 0 ? "," : "",
			   (unsigned long long)amounts[i], mint.pub.id.s, c);
	}
	rep = reply_of(200, arena_printf(&ra,
					 "{\"quote\":\"q\",\"amount\":100000,\"fee_reserve\":1000,\"state\":\"PAID\","
					 "\"change\":[%s]}",
					 buf_text(&b)));
	ck_ok(melt_quote_decode(&ra, &rep, &asked, "q", &q, &rerr));
	ck_assert_uint_eq(q.n_change, 4);
	ck_ok(melt_change_outputs(&ra, blanks, n_blanks, q.change, q.n_change, 1000, &signed_ones, &rerr));
	ck_ok(promises_check_and_unblind(&ra, signed_ones, q.n_change, q.change, q.n_change, &mint.pub, 1, false,
					 &proofs, &rerr));
	for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
		ck_assert_uint_eq(proofs[i].amount, amounts[i]);
		ck_assert_str_eq(proofs[i].secret, blanks[i].secret);
		ck_assert(mint_proof_valid(mint_keyset_secret(&mint, amounts[i]), proofs[i].secret, &proofs[i].c));
	}
	ck_assert_uint_eq(blanks[0].amount, 1);
	/* 900 and not a unit more; four blanks and not one more */
	ck_ok(melt_change_outputs(&ra, blanks, 4, q.change, 4, 900, &signed_ones, &rerr));
	ck_fails(melt_change_outputs(&ra, blanks, 4, q.change, 4, 899, &signed_ones, &rerr), ERR_PEER_INVALID);
	ck_fails(melt_change_outputs(&ra, blanks, 3, q.change, 4, 900, &signed_ones, &rerr), ERR_PEER_INVALID);
	ck_ok(melt_change_outputs(&ra, NULL, 0, NULL, 0, 0, &signed_ones, &rerr));
}
END_TEST

START_TEST(blank_outputs)
{
	json_t *list = json_object_get(vectors_load("cashu/derived_fees_and_change.json"), "blank_outputs"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 12);
	json_array_foreach(list, i, v) ck_assert_uint_eq(melt_blank_count(vec_u64(v, "x")), vec_u64(v, "count"));
	ck_assert_uint_eq(melt_blank_count(UINT64_MAX), MELT_BLANKS_MAX);
	/* Any change fits: as many digits as it may have. */
	for (uint64_t x = 1; x < 5000; x++)
		for (uint64_t change = 1; change <= x; change += 1 + x / 7) {
			size_t digits = 0;

			for (uint64_t left = change; left > 0; left >>= 1)
				digits += left & 1;
			ck_assert_uint_le(digits, melt_blank_count(x));
		}
}
END_TEST

static const struct {
	const char *unit;
	uint64_t msat, amount, reserve, input_fee, need, fee_max;
} costs
	[] = {
		{ "sat", 100000, 100, 2, 1, 103, 3 },
		{ "sat", 100000, 107, 2, 1, 110, 10 }, /* a fee that hides in the amount */
		{ "sat", 99500, 100, 0, 0, 100, 1 },   /* half a satoshi is a whole one */
		{ "sat", 100000, 100, 0, 0, 100, 0 },
		{ "msat", 1500, 1500, 10, 0, 1510, 10 },
		{ "usd", 1, 50, 2, 1, 53, 3 },
	};

START_TEST(what_it_costs)
{
	const char *unit = costs[_i].unit;
	struct melt_asked asked = asked_for(costs[_i].msat, unit);
	struct melt_quote q = { .amount = sum_of(costs[_i].amount, unit),
				.fee_reserve = sum_of(costs[_i].reserve, unit) };
	struct melt_cost c;

	ck_ok(melt_cost(&q, &asked, sum_of(costs[_i].input_fee, unit), &c, &rerr));
	ck_assert_uint_eq(ecash_value(c.need), costs[_i].need);
	ck_assert_uint_eq(ecash_value(c.fee_max), costs[_i].fee_max);
	ck_ok(melt_check_fee(&c, sum_of(costs[_i].fee_max, unit), &rerr));
	if (costs[_i].fee_max > 0) {
		ck_fails(melt_check_fee(&c, sum_of(costs[_i].fee_max - 1, unit), &rerr), ERR_FEE);
		ck_assert_str_eq(rerr.field, "max_fee");
	}
}
END_TEST

START_TEST(costs_that_do_not_add_up)
{
	struct melt_asked asked = asked_for(100000, "sat");
	struct melt_quote q = { .amount = sum_of(100, "sat"), .fee_reserve = sum_of(AMOUNT_MAX - 100, "sat") };
	struct melt_cost c;

	ck_ok(melt_cost(&q, &asked, sum_of(0, "sat"), &c, &rerr));
	ck_fails(melt_cost(&q, &asked, sum_of(1, "sat"), &c, &rerr), ERR_RANGE);
	ck_fails(melt_cost(&q, &asked, sum_of(1, "usd"), &c, &rerr), ERR_UNIT);
	q.amount = sum_of(99, "usd");
	ck_fails(melt_cost(&q, &asked, sum_of(1, "sat"), &c, &rerr), ERR_UNIT);
	q.amount = sum_of(1, "sat");
	q.fee_reserve = sum_of(1, "sat");
	ck_fails(melt_cost(&q, &asked, sum_of(1, "sat"), &c, &rerr), ERR_RANGE);
	ck_fails(melt_check_fee(&(struct melt_cost){ .fee_max = sum_of(1, "sat") }, sum_of(1, "usd"), &rerr), ERR_UNIT);
}
END_TEST

static const struct {
	uint64_t amount;
	uint32_t ppm;
	uint64_t least, ceiling;
} ceilings[] = {
	{ 1000, 5000, 0, 5 },
	{ 1001, 5000, 0, 6 },
	{ 1, 1, 0, 1 },
	{ 0, 1000000, 0, 0 },
	{ 1000, 5000, 10, 10 },
	{ 1000, 0, 3, 3 },
	{ 1000, 1000000, 3, 1000 },
	{ AMOUNT_MAX, 1000000, 0, AMOUNT_MAX },
	{ AMOUNT_MAX, 999999, 0, UINT64_C(9223362813482738953) },
};

START_TEST(ceilings_are_rounded_up)
{
	struct ecash c;

	ck_ok(melt_fee_ceiling(sum_of(ceilings[_i].amount, "sat"), ceilings[_i].ppm, sum_of(ceilings[_i].least, "sat"),
			       &c, &rerr));
	ck_assert_uint_eq(ecash_value(c), ceilings[_i].ceiling);
	ck_fails(melt_fee_ceiling(sum_of(1, "sat"), 1000001, sum_of(0, "sat"), &c, &rerr), ERR_RANGE);
	ck_fails(melt_fee_ceiling(sum_of(1, "sat"), 1, sum_of(0, "usd"), &c, &rerr), ERR_UNIT);
}
END_TEST

START_TEST(proofs_of_payment)
{
	struct hash32 hash;
	char preimage[] = "0000000000000000000000000000000000000000000000000000000000000001";

	hex_to("ec4916dd28fc4c10d78e287ca5d9cc51ee1ae73cbfde08c6b37324cbfaac8bc5", hash.b, 32);
	ck_assert(melt_preimage_proves(preimage, &hash));
	preimage[63] = '2';
	ck_assert(!melt_preimage_proves(preimage, &hash));
	ck_assert(!melt_preimage_proves("01", &hash));
	ck_assert(!melt_preimage_proves("", &hash));
	ck_assert(!melt_preimage_proves(NULL, &hash));
}
END_TEST

/* Spec 4.10: what an answer to a payment that was sent once says about its inputs. */
static const struct {
	int code;
	enum cashu_verdict verdict;
} refusals[] = {
	{ 10001, CASHU_DEFINITE },  { 11001, CASHU_AMBIGUOUS }, { 11002, CASHU_WAIT },      { 11003, CASHU_AMBIGUOUS },
	{ 11004, CASHU_WAIT },      { 11005, CASHU_REBUILD },   { 11006, CASHU_DEFINITE },  { 11008, CASHU_AMBIGUOUS },
	{ 11014, CASHU_REBUILD },   { 12001, CASHU_REBUILD },   { 12002, CASHU_REBUILD },   { 12003, CASHU_REBUILD },
	{ 20003, CASHU_DEFINITE },  { 20004, CASHU_AMBIGUOUS }, { 20005, CASHU_WAIT },      { 20006, CASHU_AMBIGUOUS },
	{ 20007, CASHU_DEFINITE },  { 20008, CASHU_DEFINITE },  { 0, CASHU_AMBIGUOUS },     { 10000, CASHU_AMBIGUOUS },
	{ 11000, CASHU_AMBIGUOUS }, { 12000, CASHU_AMBIGUOUS }, { 20000, CASHU_AMBIGUOUS }, { 50000, CASHU_AMBIGUOUS },
};

START_TEST(what_a_refusal_says)
{
	struct melt_asked asked = asked_for(100000, "sat");
	struct net_reply rep = reply_of(400, arena_printf(&ra, "{\"detail\":\"no\",\"code\":%d}", refusals[_i].code));
	struct melt_quote q;

	ck_assert_int_eq(melt_quote_decode(&ra, &rep, &asked, "q", &q, &rerr), -1);
	ck_assert_int_eq(cashu_verdict(&rerr), refusals[_i].verdict);
	/* from a proxy, nothing is definite */
	rep.status = 500;
	ck_assert_int_eq(melt_quote_decode(&ra, &rep, &asked, "q", &q, &rerr), -1);
	ck_assert_int_eq(cashu_verdict(&rerr), CASHU_AMBIGUOUS);
}
END_TEST

START_TEST(no_answer)
{
	struct melt_asked asked = asked_for(100000, "sat");
	struct net_reply rep = { .outcome = NET_UNKNOWN, .detail = "time-out" };
	struct melt_quote q;

	ck_fails(melt_quote_decode(&ra, &rep, &asked, "q", &q, &rerr), ERR_PEER_DOWN);
	rep = reply_of(200, "<html>");
	ck_fails(melt_quote_decode(&ra, &rep, &asked, "q", &q, &rerr), ERR_PEER_INVALID);
	ck_assert_int_eq(cashu_verdict(&rerr), CASHU_AMBIGUOUS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/melt");
	TCase *c = rails_case(s, "melt");

	tcase_add_test(c, asking_for_a_quote);
	tcase_add_test(c, paying);
	tcase_add_test(c, payments_that_cannot_be_made);
	tcase_add_loop_test(c, answers, 0, ARRAY_LEN(good));
	tcase_add_loop_test(c, answers_refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(c, the_mint_charges_what_is_asked, 0, ARRAY_LEN(charges));
	tcase_add_test(c, change_that_cannot_be_read);
	tcase_add_test(c, change_becomes_proofs);
	tcase_add_test(c, blank_outputs);
	tcase_add_loop_test(c, what_it_costs, 0, ARRAY_LEN(costs));
	tcase_add_test(c, costs_that_do_not_add_up);
	tcase_add_loop_test(c, ceilings_are_rounded_up, 0, ARRAY_LEN(ceilings));
	tcase_add_test(c, proofs_of_payment);
	tcase_add_loop_test(c, what_a_refusal_says, 0, ARRAY_LEN(refusals));
	tcase_add_test(c, no_answer);
	return suite_run(s);
}
