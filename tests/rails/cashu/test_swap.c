#include "rails/cashu/swap.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define ID "009a1f293253e41e"

START_TEST(request)
{
	struct proof in[2] = {
		{ .amount = 4,
		  .keyset = { .s = ID },
		  .secret = "[\"P2PK\",{\"nonce\":\"1\"}]",
		  .c = { { 2, 0xaa } },
		  .witness = "{\"signatures\":[\"ab\"]}",
		  .dleq = { .present = true, .has_r = true, .r = { { 0x77 } } } },
		{ .amount = 1, .keyset = { .s = ID }, .secret = "plain", .c = { { 3, 0xbb } } },
	};
	struct output out[1] = {
		{ .amount = 5, .keyset = { .s = ID }, .b = { { 2, 0xcc } }, .r = { { 0x55 } }, .secret = "never sent" }
	};
	struct net_request req, again;

	ck_ok(swap_request(&ra, "https://m.example", in, 2, out, 1, &req, &rerr));
	ck_assert_str_eq(req.method, "POST");
	ck_assert_str_eq(req.url, "https://m.example/v1/swap");
	ck_assert(req.changes_state);
	ck_assert_int_eq(req.timeout_ms, 60000);
	/* Neither the DLEQ of an input nor anything secret of an output. */
	assert_body(&req, arena_printf(&ra,
				       "{\"inputs\":["
				       "{\"amount\":4,\"id\":\"" ID
				       "\",\"secret\":\"[\\\"P2PK\\\",{\\\"nonce\\\":\\\"1\\\"}]\","
				       "\"C\":\"02aa%062d\",\"witness\":\"{\\\"signatures\\\":[\\\"ab\\\"]}\"},"
				       "{\"amount\":1,\"id\":\"" ID "\",\"secret\":\"plain\",\"C\":\"03bb%062d\"}],"
				       "\"outputs\":[{\"amount\":5,\"id\":\"" ID "\",\"B_\":\"02cc%062d\"}]}",
				       0, 0, 0));
	ck_ok(swap_request(&ra, "https://m.example", in, 2, out, 1, &again, &rerr));
	ck_assert(bytes_equal(req.body, again.body));
}
END_TEST

START_TEST(no_request)
{
	struct proof *in = ARENA_ARRAY(&ra, CASHU_LIST_MAX + 1, struct proof);
	struct output *out = ARENA_ARRAY(&ra, CASHU_LIST_MAX + 1, struct output);
	SCOPED(arena) struct arena small = ARENA_LIMIT(32 * 1024);
	char *longest = arena_alloc(&ra, CASHU_SECRET_MAX + 1);
	struct net_request req;

	memset(longest, '"', CASHU_SECRET_MAX);
	for (size_t i = 0; i <= CASHU_LIST_MAX; i++)
		in[i] = (struct proof){ .amount = 1, .secret = longest, .witness = longest };
	ck_fails(swap_request(&ra, "https://m.example", in, 0, out, 1, &req, &rerr), ERR_RANGE);
	ck_fails(swap_request(&ra, "https://m.example", in, 1, out, 0, &req, &rerr), ERR_RANGE);
	ck_fails(swap_request(&ra, "https://m.example", in, CASHU_LIST_MAX + 1, out, 1, &req, &rerr), ERR_RANGE);
	ck_fails(swap_request(&ra, "https://m.example", in, 1, out, CASHU_LIST_MAX + 1, &req, &rerr), ERR_RANGE);
	/* Seven of them in JSON are 29 KB, eight are more than there is room for: an error, not an abort. */
	ck_fails(swap_request(&small, "https://m.example", in, 8, out, 1, &req, &rerr), ERR_RANGE);
	ck_ok(swap_request(&small, "https://m.example", in, 3, out, 1, &req, &rerr));
	/* Inputs and outputs that fit alone, but not together */
	ck_fails(swap_request(&small, "https://m.example", in, 1, out, 140, &req, &rerr), ERR_RANGE);
	ck_ok(swap_request(&ra, "https://m.example", in, CASHU_LIST_MAX, out, CASHU_LIST_MAX, &req, &rerr));
	in[0].amount = AMOUNT_MAX + 1;
	ck_fails(swap_request(&ra, "https://m.example", in, 1, out, 1, &req, &rerr), ERR_RANGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/swap");
	TCase *c = rails_case(s, "swap");

	tcase_add_test(c, request);
	tcase_add_test(c, no_request);
	return suite_run(s);
}
